/**
 * The fields of an IPv4 packet in a message of the kernel's log, as `-j LOG` writes them (dump_ipv4_packet in
 * nf_log_syslog): `SRC=10.0.0.1 DST=10.0.0.2 LEN=60 … PROTO=TCP SPT=40000 DPT=22 … SYN URGP=0 `. Each field ends with a
 * blank.
 */
import { formatLoaded } from './byte-order.js';
import {
  DESTINATION_PORT_AT,
  ICMP_CODE_AT,
  ICMP_ID_AT,
  ICMP_LENGTH,
  ICMP_SEQUENCE_AT,
  ICMP_TYPE_AT,
  IPPROTO_AH,
  IPPROTO_ESP,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPV4_DESTINATION_AT,
  IPV4_DF,
  IPV4_FRAGMENT_AT,
  IPV4_ID_AT,
  IPV4_LENGTH,
  IPV4_MF,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  IPV4_TOS_AT,
  IPV4_TOTAL_LENGTH_AT,
  IPV4_TTL_AT,
  IPV4_VERSION_IHL_AT,
  SOURCE_PORT_AT,
  TCP_ACKNOWLEDGMENT_AT,
  TCP_DATA_OFFSET_AT,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_SEQUENCE_AT,
  TCP_URGENT_AT,
  TCP_WINDOW_AT,
  UDP_LENGTH,
  UDP_LENGTH_AT,
} from './layouts.js';

/** What a message tells besides the usual (XT_LOG_*). */
export const LogFlag = { TCP_SEQUENCE: 1, TCP_OPTIONS: 2, IP_OPTIONS: 4, UID: 8, MAC_DECODE: 32 } as const;

/** The packet in VIEW, from AT up to END. */
interface LoggedBytes {
  readonly view: DataView;
  readonly at: number;
  readonly end: number;
  /** `LogFlag`s. */
  readonly flags: number;
  /** It is the packet that an ICMP error quotes. */
  readonly isQuoted: boolean;
}

/** A part of a message; nothing follows if it is the last. */
interface Part {
  readonly text: string;
  readonly isLast?: boolean;
}

const IPV4_CE = 0x8000;
const TOS_MASK = 0x1e;
const PRECEDENCE_MASK = 0xe0;
const AH_LENGTH = 12;
const AH_SPI_AT = 4;
const ESP_LENGTH = 8;

/**
 * The fields of the packet in VIEW from AT up to END, of which a whole IP header is there. LENGTH is what it has as its
 * total length, FLAGS are `LogFlag`s. TAIL is what follows about the packet, unless the message ends before.
 */
export function logPacketFields(
  view: DataView,
  at: number,
  end: number,
  length: number,
  flags: number,
  tail: string,
): string {
  const { text, isLast } = ipv4Part({ view, at, end, flags, isQuoted: false }, length);
  return isLast ? text : text + tail;
}

function ipv4Part(packet: LoggedBytes, length: number): Part {
  const { view, at, end, flags } = packet;
  const tos = view.getUint8(at + IPV4_TOS_AT);
  const fragment = view.getUint16(at + IPV4_FRAGMENT_AT);
  const offset = fragment & IPV4_OFFSET_MASK;
  const headerLength = (view.getUint8(at + IPV4_VERSION_IHL_AT) & 15) << 2;
  const text =
    `SRC=${address(view, at + IPV4_SOURCE_AT)} DST=${address(view, at + IPV4_DESTINATION_AT)} ` +
    `LEN=${length} TOS=0x${hexByte(tos & TOS_MASK)} PREC=0x${hexByte(tos & PRECEDENCE_MASK)} ` +
    `TTL=${view.getUint8(at + IPV4_TTL_AT)} ID=${view.getUint16(at + IPV4_ID_AT)} ` +
    `${fragment & IPV4_CE ? 'CE ' : ''}${fragment & IPV4_DF ? 'DF ' : ''}${fragment & IPV4_MF ? 'MF ' : ''}` +
    `${offset === 0 ? '' : `FRAG:${offset} `}`;
  let options = '';
  if ((flags & LogFlag.IP_OPTIONS) !== 0 && headerLength > IPV4_LENGTH) {
    if (at + headerLength > end) return { text: `${text}TRUNCATED`, isLast: true };
    options = `OPT (${hexBytes(view, at + IPV4_LENGTH, at + headerLength)}) `;
  }
  const protocol = view.getUint8(at + IPV4_PROTOCOL_AT);
  const part = payloadPart({ ...packet, at: at + headerLength }, protocol, offset !== 0);
  return { ...part, text: text + options + part.text };
}

/** PAYLOAD is what follows the IP header. */
function payloadPart(payload: LoggedBytes, protocol: number, isLaterFragment: boolean): Part {
  switch (protocol) {
    case IPPROTO_TCP:
      return isLaterFragment ? { text: 'PROTO=TCP ' } : tcpPart(payload);
    case IPPROTO_UDP:
      return isLaterFragment ? { text: 'PROTO=UDP ' } : udpPart(payload, 'UDP');
    case IPPROTO_UDPLITE:
      return isLaterFragment ? { text: 'PROTO=UDPLITE ' } : udpPart(payload, 'UDPLITE');
    case IPPROTO_ICMP:
      return { text: `PROTO=ICMP ${isLaterFragment ? '' : icmpText(payload)}` };
    // Of a later fragment of AH, not even the protocol is told.
    case IPPROTO_AH:
      return { text: isLaterFragment ? '' : securityText(payload, 'AH', AH_LENGTH, AH_SPI_AT) };
    case IPPROTO_ESP:
      return { text: isLaterFragment ? 'PROTO=ESP ' : securityText(payload, 'ESP', ESP_LENGTH, 0) };
    default:
      return { text: `PROTO=${protocol} ` };
  }
}

const FLAG_NAMES = ['CWR', 'ECE', 'URG', 'ACK', 'PSH', 'RST', 'SYN', 'FIN'];

function tcpPart({ view, at, end, flags }: LoggedBytes): Part {
  if (at + TCP_LENGTH > end) return { text: `PROTO=TCP ${incomplete(end - at)}`, isLast: true };
  const offsetByte = view.getUint8(at + TCP_DATA_OFFSET_AT);
  const set = view.getUint8(at + TCP_FLAGS_AT);
  const names = FLAG_NAMES.filter((_, i) => (set & (0x80 >> i)) !== 0);
  // The lowest of the four reserved bits is a flag by now (Accurate ECN).
  if ((offsetByte & 1) !== 0) names.unshift('AE');
  const sequence =
    (flags & LogFlag.TCP_SEQUENCE) === 0
      ? ''
      : `SEQ=${view.getUint32(at + TCP_SEQUENCE_AT)} ACK=${view.getUint32(at + TCP_ACKNOWLEDGMENT_AT)} `;
  const text =
    `PROTO=TCP ${ports(view, at)}${sequence}WINDOW=${view.getUint16(at + TCP_WINDOW_AT)} ` +
    `RES=0x${hexByte((offsetByte & 0x0e) << 2).toLowerCase()} ` +
    `${names.map((name) => `${name} `).join('')}URGP=${view.getUint16(at + TCP_URGENT_AT)} `;
  const headerEnd = at + ((offsetByte >> 4) << 2);
  if ((flags & LogFlag.TCP_OPTIONS) === 0 || headerEnd <= at + TCP_LENGTH) return { text };
  if (headerEnd > end) return { text: `${text}OPT (TRUNCATED)`, isLast: true };
  return { text: `${text}OPT (${hexBytes(view, at + TCP_LENGTH, headerEnd)}) ` };
}

function udpPart({ view, at, end }: LoggedBytes, name: string): Part {
  if (at + UDP_LENGTH > end) return { text: `PROTO=${name} ${incomplete(end - at)}`, isLast: true };
  return { text: `PROTO=${name} ${ports(view, at)}LEN=${view.getUint16(at + UDP_LENGTH_AT)} ` };
}

function ports(view: DataView, at: number): string {
  return `SPT=${view.getUint16(at + SOURCE_PORT_AT)} DPT=${view.getUint16(at + DESTINATION_PORT_AT)} `;
}

function securityText({ view, at, end }: LoggedBytes, name: string, length: number, spiAt: number): string {
  const text = `PROTO=${name} `;
  if (at + length > end) return text + incomplete(end - at);
  return `${text}SPI=0x${view.getUint32(at + spiAt).toString(16)} `;
}

const ECHO_REPLY = 0;
const DESTINATION_UNREACHABLE = 3;
const SOURCE_QUENCH = 4;
const REDIRECT = 5;
const ECHO = 8;
const TIME_EXCEEDED = 11;
const PARAMETER_PROBLEM = 12;
const FRAGMENTATION_NEEDED = 4;
const WITH_QUOTE = ICMP_LENGTH + IPV4_LENGTH;
/** The length of a whole message by type, in bytes. */
const ICMP_LENGTHS: ReadonlyMap<number, number> = new Map([
  [ECHO_REPLY, 4],
  [DESTINATION_UNREACHABLE, WITH_QUOTE],
  [SOURCE_QUENCH, WITH_QUOTE],
  [REDIRECT, WITH_QUOTE],
  [ECHO, 4],
  [TIME_EXCEEDED, WITH_QUOTE],
  [PARAMETER_PROBLEM, WITH_QUOTE],
  // Time stamps and address masks, and their replies.
  [13, 20],
  [14, 20],
  [17, 12],
  [18, 12],
]);
const GATEWAY_AT = ICMP_ID_AT;
const NEXT_MTU_AT = ICMP_SEQUENCE_AT;

function icmpText(message: LoggedBytes): string {
  const { view, at, end } = message;
  if (at + ICMP_LENGTH > end) return incomplete(end - at);
  const type = view.getUint8(at + ICMP_TYPE_AT);
  const code = view.getUint8(at + ICMP_CODE_AT);
  const text = `TYPE=${type} CODE=${code} `;
  if (end - at < (ICMP_LENGTHS.get(type) ?? 0)) return text + incomplete(end - at);
  switch (type) {
    case ECHO:
    case ECHO_REPLY:
      return `${text}ID=${view.getUint16(at + ICMP_ID_AT)} SEQ=${view.getUint16(at + ICMP_SEQUENCE_AT)} `;
    case PARAMETER_PROBLEM:
      return `${text}PARAMETER=${view.getUint8(at + GATEWAY_AT)} `;
    case REDIRECT:
      return `${text}GATEWAY=${address(view, at + GATEWAY_AT)} ${quoteText(message)}`;
    case DESTINATION_UNREACHABLE: {
      const mtu = code === FRAGMENTATION_NEEDED ? `MTU=${view.getUint16(at + NEXT_MTU_AT)} ` : '';
      return text + quoteText(message) + mtu;
    }
    case SOURCE_QUENCH:
    case TIME_EXCEEDED:
      return text + quoteText(message);
    default:
      return text;
  }
}

/** The packet that an ICMP error quotes. What that quotes in turn is left out. */
function quoteText({ view, at, end, flags, isQuoted }: LoggedBytes): string {
  if (isQuoted) return '';
  const quote = { view, at: at + ICMP_LENGTH, end, flags, isQuoted: true };
  return `[${ipv4Part(quote, view.getUint16(quote.at + IPV4_TOTAL_LENGTH_AT)).text}] `;
}

/** The kernel's number is unsigned, also where a header ends behind the packet. */
const incomplete = (bytes: number): string => `INCOMPLETE [${bytes >>> 0} bytes] `;
const address = (view: DataView, at: number): string => formatLoaded(view.getInt32(at, true));
const hexByte = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0');

function hexBytes(view: DataView, from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; at++) text += hexByte(view.getUint8(at));
  return text;
}
