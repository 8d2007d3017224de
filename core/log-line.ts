/** The messages of `-j LOG` and `-j TRACE` as the kernel writes them, from the prefix on (nf_log_ip_packet). */
import { LogFlag, logPacketFields } from '../codecs/kernel-log.js';
import { encodeText } from '../codecs/text.js';
import { asMac } from './field-formats.js';
import { Hook } from './hooks.js';
import type { Host } from './host/host.js';
import type { Interface } from './host/interfaces.js';
import { type Packet, PacketType } from './packet.js';

const ETHERTYPE_IPV4_TEXT = '0800';
const NO_MAC = '00:00:00:00:00:00';
const BACKSLASH = 0x5c;
const MAC_LENGTH = 6;
/** Printable ASCII without the backslash. */
const PLAIN = /^[ -[\]-~]*$/;

/**
 * The message about PACKET, which is at a rule of its hook, on a host with these INTERFACES and FACTS. FLAGS are
 * `LogFlag`s.
 */
export function logLine(
  packet: Packet,
  prefix: string,
  flags: number,
  { interfaces, facts }: Pick<Host, 'interfaces' | 'facts'>,
): string {
  const { view, at, available, length, inDev, outDev, mark } = packet;
  const input = interfaces[inDev];
  const output = interfaces[outDev];
  const head = `${prefix}IN=${input?.name ?? ''} OUT=${output?.name ?? ''} `;
  const port = interfaces[facts.knownBridgePort(packet)];
  const physical = port === undefined ? '' : `PHYSIN=${port.name} `;
  const mac = input === undefined ? '' : macText(packet, input, output, flags);
  const owner = (flags & LogFlag.UID) === 0 ? undefined : facts.ownerOf(packet, 'ids');
  const ids = owner?.hasFile === true ? `UID=${owner.uid} GID=${owner.gid} ` : '';
  const tail = mark === 0 ? ids : `${ids}MARK=0x${(mark >>> 0).toString(16)} `;
  return asKernelText(head + physical + mac + logPacketFields(view, at, at + available, length, flags, tail));
}

/**
 * The link header of PACKET, with which it arrived on INPUT, if the interface that the packet is at (skb->dev) has one:
 * that is its output in POSTROUTING (dump_mac_header).
 */
function macText(packet: Packet, input: Interface, output: Interface | undefined, flags: number): string {
  const at = packet.hook === Hook.POSTROUTING && output !== undefined ? output : input;
  const isEthernet = packet.sourceMacHigh >= 0;
  const isDecoded = (flags & LogFlag.MAC_DECODE) !== 0 && !at.isLoopback && at.linkLength > 0;
  if (isDecoded && isEthernet) {
    return `MACSRC=${asMac(packet.sourceMac)} MACDST=${destinationMac(packet, input)} MACPROTO=${ETHERTYPE_IPV4_TEXT} `;
  }
  if (isDecoded) return '';
  if (at.linkLength === 0) return 'MAC= ';
  if (input.isLoopback) return `MAC=${NO_MAC}:${NO_MAC}:08:00 `;
  return isEthernet ? `MAC=${destinationMac(packet, input)}:${asMac(packet.sourceMac)}:08:00 ` : 'MAC= ';
}

/** A unicast frame was addressed to the interface, whatever the capture has. */
function destinationMac(packet: Packet, input: Interface): string {
  return packet.type === PacketType.HOST ? hexBytes(input.mac, 0, MAC_LENGTH) : asMac(packet.destinationMac);
}

const hexBytes = (bytes: Uint8Array, from: number, to: number): string =>
  Array.from(bytes.subarray(from, to), (byte) => byte.toString(16).padStart(2, '0')).join(':');

/** TEXT as /dev/kmsg shows it: what is not printable ASCII, and the backslash, is escaped byte by byte. */
export function asKernelText(text: string): string {
  if (PLAIN.test(text)) return text;
  return Array.from(encodeText(text), (byte) =>
    byte < 0x20 || byte > 0x7e || byte === BACKSLASH
      ? `\\x${byte.toString(16).padStart(2, '0')}`
      : String.fromCharCode(byte),
  ).join('');
}
