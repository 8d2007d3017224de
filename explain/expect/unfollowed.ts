/** Packets in frames that are not followed: IPv6, and what is behind a tag of a VLAN, a label of MPLS or PPPoE. */
import { addressFromBytes } from '../../codecs/address.js';
import {
  ETHERTYPE_8021AD,
  ETHERTYPE_8021Q,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MPLS,
  ETHERTYPE_MPLS_MULTICAST,
  ETHERTYPE_PPPOE_SESSION,
  ETHERTYPE_QINQ_OLD,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  PORTS_LENGTH,
  TCP_FLAGS_AT,
  VLAN_TAG_LENGTH,
  VLAN_TYPE_AT,
} from '../../codecs/layouts.js';
import { readSentencePacket } from '../../codecs/sentence/read-packet.js';
import { hasPorts, type Sentence, type SentencePacket } from '../../codecs/sentence/sentence.js';
import type { IpLocation, LinkBytes } from '../../core/link/locate-ip.js';
import { PppHeader, readPppoe } from '../../core/link/locate-ppp.js';
import type { Problem } from './claim-result.js';

/** Why frames are not followed though they have a packet, by the reasons of summaries. */
const REASONS: Readonly<Record<string, string>> = {
  ipv6: 'IPv6',
  vlan: 'behind the tag of a VLAN',
  mpls: 'behind a label of MPLS',
  pppoe: 'in a PPPoE session',
  vrf: 'in a VRF',
  'bridge-port': 'on the port of a bridge',
  'bond-port': 'on the port of a bond',
  macvlan: 'for a macvlan',
  macvtap: 'for a macvtap',
  ipvlan: 'for an ipvlan',
};

/** Why a frame is not followed that is skipped for REASON; undefined: it is not for the host, or has no packet. */
export function unfollowedWords(reason: string): string | undefined {
  return REASONS[reason] === undefined ? undefined : `${REASONS[reason]}, which is not followed`;
}

/** That it is not known what becomes of a packet that SENTENCE describes, in WHERE, skipped for REASON. */
export function unfollowedProblem({ ends }: Sentence, where: string, reason: string): Problem {
  const isAnyVersion = [ends?.source, ends?.destination].every((end) => end?.host === undefined);
  const hint = reason === 'ipv6' && isAnyVersion ? '; 0.0.0.0/0 in place of * stands for IPv4 alone' : '';
  const found = `${where} is ${unfollowedWords(reason) ?? `skipped: ${reason}`}${hint}`;
  return { member: 'uncertain', expected: 'to be certain what becomes of it', found };
}

const LABEL_BYTES = 4;
/** The bottom of the stack, in the third byte of a label (RFC 3032, section 2.1). */
const LAST_LABEL = 1;
const ppp = new PppHeader();

/** The packet in FRAME, for which LOCATION says why it is skipped; undefined: there is none, or none can be read. */
export function readUnfollowed({ view }: LinkBytes, location: IpLocation): SentencePacket | undefined {
  let { at, captured, etherType } = location;
  const cut = (length: number): void => {
    at += length;
    captured -= length;
  };
  for (;;) {
    switch (etherType) {
      case ETHERTYPE_8021Q:
      case ETHERTYPE_8021AD:
      case ETHERTYPE_QINQ_OLD:
        if (captured < VLAN_TAG_LENGTH) return undefined;
        etherType = view.getUint16(at + VLAN_TYPE_AT);
        cut(VLAN_TAG_LENGTH);
        break;
      case ETHERTYPE_MPLS:
      case ETHERTYPE_MPLS_MULTICAST: {
        let isLast = false;
        while (!isLast && captured > LABEL_BYTES) {
          isLast = (view.getUint8(at + 2) & LAST_LABEL) !== 0;
          cut(LABEL_BYTES);
        }
        if (!isLast) return undefined;
        etherType = view.getUint8(at) >> 4 === 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
        break;
      }
      case ETHERTYPE_PPPOE_SESSION:
        if (!readPppoe(view, at, captured, ppp)) return undefined;
        etherType = ppp.etherType;
        cut(ppp.length);
        break;
      case ETHERTYPE_IPV4:
        return readSentencePacket(bytesOf(view, at, captured));
      case ETHERTYPE_IPV6:
        return readIpv6Packet(bytesOf(view, at, captured));
      default:
        return undefined;
    }
  }
}

function bytesOf(view: DataView, at: number, captured: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, Math.max(captured, 0));
}

/** RFC 8200, section 3. */
const IPV6_LENGTH = 40;
/** Extension headers of which the length is in the second byte, in units of 8 bytes without the first 8. */
const EXTENSIONS: readonly number[] = [0, 43, 60];
const FRAGMENT = 44;
const FRAGMENT_OFFSET_MASK = 0xfff8;

function readIpv6Packet(bytes: Uint8Array): SentencePacket | undefined {
  if (bytes.length < IPV6_LENGTH || bytes[0] >> 4 !== 6) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let protocol = bytes[6];
  let at = IPV6_LENGTH;
  let isFirst = true;
  while ((EXTENSIONS.includes(protocol) || protocol === FRAGMENT) && at + 8 <= bytes.length) {
    if (protocol === FRAGMENT) isFirst &&= (view.getUint16(at + 2) & FRAGMENT_OFFSET_MASK) === 0;
    const length = protocol === FRAGMENT ? 8 : (bytes[at + 1] + 1) * 8;
    protocol = bytes[at];
    at += length;
  }
  const has = (length: number): boolean => isFirst && bytes.length >= at + length;
  return {
    protocol,
    source: String(addressFromBytes(bytes.subarray(8, 24))),
    destination: String(addressFromBytes(bytes.subarray(24, IPV6_LENGTH))),
    ...(hasPorts(protocol) && has(PORTS_LENGTH) ? { sport: view.getUint16(at), dport: view.getUint16(at + 2) } : {}),
    ...(protocol === IPPROTO_TCP && has(TCP_FLAGS_AT + 1) ? { flags: bytes[at + TCP_FLAGS_AT] } : {}),
    ...(protocol === IPPROTO_ICMPV6 && has(2) ? { icmp: { type: bytes[at], code: bytes[at + 1] } } : {}),
    lengthBytes: IPV6_LENGTH + view.getUint16(4),
    ttl: bytes[7],
  };
}
