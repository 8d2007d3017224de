/** `-j TCPMSS`: lowers the maximum segment size that a TCP SYN announces, or adds one (xt_TCPMSS; RFC 9293, 3.7.1). */
import { sumBytes } from '../../codecs/checksum.js';
import {
  IPPROTO_TCP,
  IPV4_CHECKSUM_AT,
  IPV4_LENGTH,
  IPV4_TOTAL_LENGTH_AT,
  TCP_DATA_OFFSET_AT,
  TCP_LENGTH,
  TCP_SYN,
} from '../../codecs/layouts.js';
import { Hook, Verdict } from '../hooks.js';
import { refuseProtocol } from '../matches/protocol-need.js';
import { type Packet, tcpHeaderLength } from '../packet.js';
import { noteMss } from '../protocols/segment-size.js';
import type { RuleContext } from '../rules/context.js';
import type { RuleSite, TargetExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';
import type { UncertainCause } from '../uncertainty.js';
import { noteRewritten, setWord, updateTcpChecksum } from './header-change.js';
import { DEFAULT_MSS, TCP_MSS_LENGTH, TCP_OPTION_MSS, tcpOptionLength } from './tcp-options.js';

const HEADERS_LENGTH = IPV4_LENGTH + TCP_LENGTH;
const MAX_MSS = { ipv4: 0xffff - 20, ipv6: 0xffff - 40 };
/** Of any route, also that of lo (IP_MAX_MTU). */
const MAX_MTU = 0xffff;
/** The longest TCP header to which the option can be added. */
const FULL_HEADER = 60;
/** Hooks where a packet has a route. */
const CLAMP_HOOKS = (1 << Hook.FORWARD) | (1 << Hook.OUTPUT) | (1 << Hook.POSTROUTING);
const NOT_CAPTURED: UncertainCause = { reason: '`-j TCPMSS` asks for options that were not captured', scope: 'packet' };
/** Free bytes before a packet that has grown, for a link-layer header. */
const HEADROOM = 64;

interface TcpmssParams {
  /** Undefined: as the MTU of the path permits. */
  readonly mss: number | undefined;
}

export const tcpmss: TargetExtension<TcpmssParams> = {
  name: 'TCPMSS',
  terminates: false,
  mayDrop: true,
  options: [
    { name: '--set-mss', words: 1, expected: 'an MSS, 0–65515' },
    { name: '--clamp-mss-to-pmtu', words: 0 },
  ],

  listed: listedAs([/TCPMSS set (\d+)/, '--set-mss $1'], [/TCPMSS clamp to PMTU/, '--clamp-mss-to-pmtu']),

  parse({ word, all, family }) {
    if (all.length === 0) throw new RuleFault(word, 'TCPMSS without an option', '--set-mss or --clamp-mss-to-pmtu');
    let params: TcpmssParams = { mss: undefined };
    // Of both, iptables takes the last one.
    for (const { name, values } of all) {
      if (name === '--clamp-mss-to-pmtu') params = { mss: undefined };
      else {
        const mss = parseNumber(values[0].text, MAX_MSS[family]);
        if (mss === undefined) {
          throw new RuleFault(values[0], `bad MSS "${values[0].text}"`, `an MSS, 0–${MAX_MSS[family]}`);
        }
        params = { mss };
      }
    }
    return params;
  },

  refuse({ mss }, site) {
    if (mss === undefined && (site.hooks & ~CLAMP_HOOKS) !== 0) {
      return '--clamp-mss-to-pmtu can only be reached from FORWARD, OUTPUT and POSTROUTING';
    }
    const refusal = refuseProtocol('TCPMSS', IPPROTO_TCP, site);
    // nf_tables compares flags itself, where the target cannot see it.
    return (
      refusal ??
      (site.isNft || matchesSyn(site) ? undefined : 'TCPMSS needs a match of SYN: --tcp-flags SYN,RST SYN, or --syn')
    );
  },

  save: ({ mss }) => (mss === undefined ? ' --clamp-mss-to-pmtu' : ` --set-mss ${mss}`),

  apply({ mss }, packet, context) {
    if (packet.fragmentOffset !== 0) return Verdict.CONTINUE;
    if (packet.l4Available < TCP_LENGTH) return Verdict.DROP;
    const headerLength = tcpHeaderLength(packet);
    if (headerLength < TCP_LENGTH || headerLength > packet.l4Length) return Verdict.DROP;
    noteRewritten(packet, packet.l4Length);
    const most = mss ?? clampedMss(packet, context);
    if (most <= 0 && mss === undefined) return Verdict.DROP;
    const at = findMss(packet, Math.min(headerLength, packet.l4Available));
    if (at < 0 && headerLength > packet.l4Available) context.uncertain(packet, NOT_CAPTURED);
    if (at >= 0 ? !lowerMss(packet, at, most) : !mayGrow(packet, headerLength)) return Verdict.CONTINUE;
    const left = at < 0 ? Math.min(most, DEFAULT_MSS) : most;
    if (at < 0) addMss(packet, left);
    noteMss(context.conntrack, packet.ct, packet.direction, left);
    return Verdict.CONTINUE;
  },

  effect: () => 'packet',
};

/** Whether a match of the rule demands SYN, whatever else it demands (find_syn_match). */
function matchesSyn({ matches }: RuleSite): boolean {
  return matches.some(({ extension, params }) => {
    if (extension.name !== 'tcp') return false;
    const { flags } = params as { readonly flags?: { readonly set: number; readonly negated: boolean } };
    return flags !== undefined && !flags.negated && (flags.set & TCP_SYN) !== 0;
  });
}

/** What fits into the MTU of the packet's route, and of the route to its source. */
function clampedMss(packet: Packet, context: RuleContext): number {
  return Math.min(packet.routeMtu, context.mtuTowards(packet.source), MAX_MTU) - HEADERS_LENGTH;
}

/** The position of the MSS option of PACKET; -1 if there is none. */
function findMss({ bytes, l4 }: Packet, headerLength: number): number {
  const last = l4 + headerLength - TCP_MSS_LENGTH;
  for (let at = l4 + TCP_LENGTH; at <= last; at += tcpOptionLength(bytes, at)) {
    if (bytes[at] === TCP_OPTION_MSS && bytes[at + 1] === TCP_MSS_LENGTH) return at;
  }
  return -1;
}

/** An option that pushed data back might make PACKET too long. If the header is cut, the option may be in the rest. */
function mayGrow(packet: Packet, headerLength: number): boolean {
  return packet.l4Length === headerLength && headerLength < FULL_HEADER && !packet.isCut;
}

/**
 * The MSS is never raised. The kernel updates the checksum as if the option were at an even offset, so where it is not,
 * the packet leaves with a wrong one. Returns whether it was lowered.
 */
function lowerMss(packet: Packet, at: number, most: number): boolean {
  const { view } = packet;
  const old = view.getUint16(at + 2);
  if (old <= most) return false;
  view.setUint16(at + 2, most);
  updateTcpChecksum(packet, old, most);
  return true;
}

/** Adds the option MSS to PACKET, which has no data, before its other options. */
function addMss(packet: Packet, mss: number): void {
  const { headerLength, at, length } = packet;
  const bytes = new Uint8Array(HEADROOM + length + TCP_MSS_LENGTH);
  const view = new DataView(bytes.buffer);
  const optionsAt = headerLength + TCP_LENGTH;
  bytes.set(packet.bytes.subarray(at, at + optionsAt), HEADROOM);
  bytes.set([TCP_OPTION_MSS, TCP_MSS_LENGTH, mss >> 8, mss & 0xff], HEADROOM + optionsAt);
  bytes.set(packet.bytes.subarray(at + optionsAt, at + length), HEADROOM + optionsAt + TCP_MSS_LENGTH);
  packet.bytes = bytes;
  packet.view = view;
  packet.at = HEADROOM;
  packet.length = length + TCP_MSS_LENGTH;
  packet.available = packet.length;
  packet.reload();
  const { l4 } = packet;
  updateTcpChecksum(packet, length - headerLength, packet.l4Length, true);
  updateTcpChecksum(packet, 0, sumBytes(view, l4 + TCP_LENGTH, TCP_MSS_LENGTH));
  const offsetAt = l4 + TCP_DATA_OFFSET_AT;
  const old = view.getUint16(offsetAt);
  view.setUint16(offsetAt, old + ((TCP_MSS_LENGTH / 4) << 12));
  updateTcpChecksum(packet, old, view.getUint16(offsetAt));
  setWord(view, HEADROOM + IPV4_TOTAL_LENGTH_AT, HEADROOM + IPV4_CHECKSUM_AT, packet.length);
}
