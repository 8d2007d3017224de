/**
 * hot: the way of most packets: of a known connection, in order, along a path that the packet before it took.
 *
 * A packet that took the full way and was forwarded leaves its path behind in its connection's record: the rules that it met
 * and what they answered. That holds for the next packet of the same direction, as far as the rules read only what the
 * connection fixes; what else they read is asked of each packet anew (path.ts). So here a packet is decoded, found, tracked,
 * counted and rewritten, and no rule is run and no object made.
 *
 * The full way owns the meaning. Whatever is not plainly ordinary here is left to it, untouched.
 */
import { swap16 } from '../../codecs/address.js';
import { fold, sumWords } from '../../codecs/checksum.js';
import {
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_LENGTH,
  IPV4_TTL_AT,
  TCP_ACK,
  TCP_ACKNOWLEDGMENT_AT,
  TCP_CHECKSUM_AT,
  TCP_DATA_OFFSET_AT,
  TCP_LENGTH,
  TCP_PSH,
  TCP_SEQUENCE_AT,
  UDP_CHECKSUM_AT,
  UDP_LENGTH,
  UDP_LENGTH_AT,
} from '../../codecs/layouts.js';
import type { Clock } from '../clock.js';
import {
  EXPIRES_MS_F64,
  FAST_DELTAS,
  FAST_PATH,
  NAT_MASK,
  ORIGINAL_TUPLE,
  RECORD_F64,
  RECORD_WORDS,
  REPLY_TUPLE,
  STATUS,
  Status,
  TCP_STATE,
} from '../conntrack/record.js';
import type { ConntrackTable } from '../conntrack/table.js';
import type { TcpTracker } from '../conntrack/tcp.js';
import { TcpState } from '../conntrack/tcp-states.js';
import type { UdpTracker } from '../conntrack/udp.js';
import { Hook } from '../hooks.js';
import { CtInfo, ORIGINAL, type Packet, PacketType, REPLY } from '../packet.js';
import type { Trace } from '../rules/trace.js';
import type { LinkHeader } from './link-header.js';
import { PATH_IN_DEV, PATH_MTU, PATH_OUT_DEV, PATH_WORDS, type PathTable, type Question } from './path.js';

/** `forward` says this where the packet is not for the fast way. */
export const NOT_FAST = -1;

/** Version 4, a header of 20 bytes. */
const PLAIN_HEADER = 0x45;
/** In the second word of the IP header, as loaded little-endian: MF, the reserved bit, and the fragment offset. */
const FRAGMENT_BITS = 0xffbf0000 | 0;
/** NOP, NOP, timestamp, 10 (RFC 7323, appendix A), loaded little-endian: the only options that are looked over here. */
const TIMESTAMP_OPTIONS = 0x0a080101;
const TIMESTAMP_HEADER_LENGTH = 32;
/** What one less in TTL adds to the header's little-endian one's complement sum. */
const TTL_DELTA = 0xfffe;
const SETTLED = Status.SEEN_REPLY | Status.ASSURED;

export class FastWay {
  readonly #table: ConntrackTable;
  readonly #paths: PathTable;
  readonly #tcp: TcpTracker;
  readonly #udp: UdpTracker;
  readonly #clock: Clock;
  readonly #packet: Packet;
  readonly #checksums: boolean;

  /** PACKET is the record in which a packet is asked what a path wants to know. */
  constructor(
    table: ConntrackTable,
    paths: PathTable,
    tcp: TcpTracker,
    udp: UdpTracker,
    clock: Clock,
    packet: Packet,
    checksums: boolean,
  ) {
    this.#table = table;
    this.#paths = paths;
    this.#tcp = tcp;
    this.#udp = udp;
    this.#clock = clock;
    this.#packet = packet;
    this.#checksums = checksums;
  }

  /**
   * Forward the packet at AT of VIEW that came in by DEV, of which CAPTURED bytes are there: rewritten in place, tracked and
   * counted, behind the Ethernet header that it leaves with. Gives the path that it takes; NOT_FAST where it is for the full way, and nothing has been done.
   */
  forward(bytes: Uint8Array, view: DataView, at: number, captured: number, dev: number): number {
    if (captured < IPV4_LENGTH + UDP_LENGTH) return NOT_FAST;
    const first = view.getInt32(at, true);
    const second = view.getInt32(at + 4, true);
    const third = view.getInt32(at + 8, true);
    const length = ((first >>> 8) & 0xff00) | (first >>> 24);
    if ((first & 0xff) !== PLAIN_HEADER || length > captured || (second & FRAGMENT_BITS) !== 0) return NOT_FAST;
    if ((third & 0xff) <= 1) return NOT_FAST;
    const source = view.getInt32(at + 12, true);
    const destination = view.getInt32(at + 16, true);
    const addresses = (source & 0xffff) + (source >>> 16) + (destination & 0xffff) + (destination >>> 16);
    const rest = (first & 0xffff) + (first >>> 16) + (second & 0xffff) + (second >>> 16);
    if (fold(addresses + rest + (third & 0xffff) + (third >>> 16)) !== 0xffff) return NOT_FAST;

    const protocol = (third >>> 8) & 0xff;
    const ports = view.getInt32(at + IPV4_LENGTH, true);
    const table = this.#table;
    const reference = table.lookUp(source, destination, ports, protocol);
    if (reference < 0) return NOT_FAST;
    const entry = reference >>> 1;
    const direction = reference & 1;
    const base = entry * RECORD_WORDS;
    const { words } = table;
    const path = words[base + FAST_PATH + direction] - 1;
    if (path < 0) return NOT_FAST;
    const paths = this.#paths;
    const pathAt = path * PATH_WORDS;
    if (paths.words[pathAt + PATH_IN_DEV] !== dev || length > paths.words[pathAt + PATH_MTU]) return NOT_FAST;
    if (table.doubles[entry * RECORD_F64 + EXPIRES_MS_F64] <= this.#clock.nowMs) return NOT_FAST;

    const isTcp = protocol === IPPROTO_TCP;
    const l4 = at + IPV4_LENGTH;
    let sequence = 0;
    let acknowledgment = 0;
    let end = 0;
    let window = 0;
    if (isTcp) {
      if (!isPlainTcp(view, l4, length)) return NOT_FAST;
      const offsetAndWindow = view.getInt32(l4 + TCP_DATA_OFFSET_AT, true);
      sequence = view.getInt32(l4 + TCP_SEQUENCE_AT);
      acknowledgment = view.getInt32(l4 + TCP_ACKNOWLEDGMENT_AT);
      end = (sequence + length - IPV4_LENGTH - ((offsetAndWindow & 0xf0) >>> 2)) | 0;
      window = ((offsetAndWindow >>> 8) & 0xff00) | (offsetAndWindow >>> 24);
    } else if (!isPlainUdp(view, l4, length)) {
      return NOT_FAST;
    }
    if (this.#checksums && !isChecksumRight(view, l4, length, protocol, addresses)) return NOT_FAST;
    const questions = paths.questions[path];
    if (questions !== null) {
      // Some count how often they are asked: nothing but the answers may stand in the way then.
      if (isTcp && !this.#tcp.isOrdinaryAck(entry, direction, sequence, acknowledgment, end)) return NOT_FAST;
      const outDev = paths.words[pathAt + PATH_OUT_DEV];
      if (!this.#answersAgree(questions, bytes, view, at, length, dev, outDev, entry, direction)) return NOT_FAST;
    }

    if (!isTcp) {
      this.#udp.followStream(entry, direction, length, this.#clock);
    } else if (!this.#tcp.followAck(entry, direction, sequence, acknowledgment, end, window, length, this.#clock)) {
      return NOT_FAST;
    }
    paths.counts[path * 2] += 1;
    paths.counts[path * 2 + 1] += length;
    rewrite(view, at, words, base, direction, third, isTcp);
    paths.links[path].writeBefore(view, at);
    return path;
  }

  /**
   * PACKET was forwarded along the full way, which TRACE tells of, and left behind the Ethernet header LINK: let the next one
   * of its direction follow it.
   */
  learn(packet: Packet, trace: Trace, mtu: number, link: LinkHeader): void {
    const { ct, direction, protocol } = packet;
    if (ct < 0 || packet.ctinfo !== CtInfo.ESTABLISHED || !this.#table.isHashed(ct)) return;
    const { words } = this.#table;
    const base = ct * RECORD_WORDS;
    const at = base + FAST_PATH + direction;
    if (words[at] !== 0) {
      if (words[at] < 0) words[at] = 0;
      return;
    }
    if ((words[base + STATUS] & SETTLED) !== SETTLED) return;
    if (packet.isCut || packet.fragmentMaxSize > 0 || packet.headerLength !== IPV4_LENGTH) return;
    if (protocol !== IPPROTO_UDP && (protocol !== IPPROTO_TCP || words[base + TCP_STATE] !== TcpState.ESTABLISHED))
      return;
    const path = this.#paths.intern(trace, packet.inDev, packet.outDev, mtu, link);
    if (path < 0) return;
    words[at] = path + 1;
    words[base + FAST_DELTAS + direction] = checksumDeltas(words, base, direction);
  }

  /** Whether the packet answers what its path wants to know as the one before it did. */
  #answersAgree(
    questions: readonly Question[],
    bytes: Uint8Array,
    view: DataView,
    at: number,
    length: number,
    dev: number,
    outDev: number,
    entry: number,
    direction: number,
  ): boolean {
    const packet = this.#packet;
    packet.bytes = bytes;
    packet.view = view;
    packet.at = at;
    packet.length = length;
    packet.available = length;
    packet.headerLength = IPV4_LENGTH;
    packet.reload();
    packet.nowMs = this.#clock.nowMs;
    packet.type = PacketType.HOST;
    packet.inDev = dev;
    packet.outDev = -1;
    packet.ct = entry;
    packet.direction = direction === ORIGINAL ? ORIGINAL : REPLY;
    packet.ctinfo = CtInfo.ESTABLISHED;
    packet.hook = Hook.PREROUTING;
    packet.hotdrop = false;
    let isForwarded = false;
    let agree = true;
    for (let i = 0; i < questions.length && agree; i++) {
      const question = questions[i];
      if (question.isForwarded && !isForwarded) {
        isForwarded = true;
        this.#showForwarded(packet, outDev);
      }
      agree = question.ask(packet) === question.answer && !packet.hotdrop;
    }
    if (isForwarded) view.setUint8(at + IPV4_TTL_AT, view.getUint8(at + IPV4_TTL_AT) + 1);
    return agree;
  }

  /** Let PACKET look as it does behind the routing decision; its TTL in the bytes too. */
  #showForwarded(packet: Packet, outDev: number): void {
    const { words } = this.#table;
    const { view, at } = packet;
    const base = packet.ct * RECORD_WORDS;
    packet.hook = Hook.FORWARD;
    packet.outDev = outDev;
    view.setUint8(at + IPV4_TTL_AT, view.getUint8(at + IPV4_TTL_AT) - 1);
    const other = base + (packet.direction === ORIGINAL ? REPLY_TUPLE : ORIGINAL_TUPLE);
    packet.destination = words[other];
    packet.dport = swap16(words[other + 2] & 0xffff);
  }
}

/** ACK, with or without PSH; no options but a timestamp. */
function isPlainTcp(view: DataView, l4: number, length: number): boolean {
  if (length < IPV4_LENGTH + TCP_LENGTH) return false;
  const offsetAndFlags = view.getUint16(l4 + TCP_DATA_OFFSET_AT, true);
  if (((offsetAndFlags >>> 8) & ~TCP_PSH) !== TCP_ACK) return false;
  const headerLength = (offsetAndFlags & 0xf0) >>> 2;
  if (headerLength === TCP_LENGTH) return true;
  return (
    headerLength === TIMESTAMP_HEADER_LENGTH &&
    length >= IPV4_LENGTH + TIMESTAMP_HEADER_LENGTH &&
    view.getInt32(l4 + TCP_LENGTH, true) === TIMESTAMP_OPTIONS
  );
}

function isPlainUdp(view: DataView, l4: number, length: number): boolean {
  const announced = view.getUint16(l4 + UDP_LENGTH_AT);
  return announced >= UDP_LENGTH && announced <= length - IPV4_LENGTH;
}

/** The layer-4 checksum, over words as they load; ADDRESSES is the sum of both addresses so. UDP may have none. */
function isChecksumRight(view: DataView, l4: number, length: number, protocol: number, addresses: number): boolean {
  if (protocol === IPPROTO_UDP && view.getUint16(l4 + UDP_CHECKSUM_AT) === 0) return true;
  const l4Length = length - IPV4_LENGTH;
  const pseudoHeader = addresses + (protocol << 8) + ((l4Length & 0xff) << 8) + (l4Length >>> 8);
  return fold(pseudoHeader + sumWords(view, l4, l4Length)) === 0xffff;
}

/** One less in TTL, and both ends as the connection's other direction has them; checksums follow (RFC 1624). */
function rewrite(
  view: DataView,
  at: number,
  words: Int32Array,
  base: number,
  direction: number,
  third: number,
  isTcp: boolean,
): void {
  let headerDelta = TTL_DELTA;
  if ((words[base + STATUS] & NAT_MASK) !== 0) {
    const other = base + (direction === ORIGINAL ? REPLY_TUPLE : ORIGINAL_TUPLE);
    const ports = words[other + 2];
    const deltas = words[base + FAST_DELTAS + direction];
    headerDelta += deltas >>> 16;
    view.setInt32(at + 12, words[other + 1], true);
    view.setInt32(at + 16, words[other], true);
    view.setInt32(at + IPV4_LENGTH, (ports >>> 16) | (ports << 16), true);
    const checksumAt = at + IPV4_LENGTH + (isTcp ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT);
    const checksum = view.getUint16(checksumAt, true);
    if (isTcp || checksum !== 0) {
      const updated = ~fold((~checksum & 0xffff) + (deltas & 0xffff)) & 0xffff;
      view.setUint16(checksumAt, updated === 0 && !isTcp ? 0xffff : updated, true);
    }
  }
  const checksum = ~fold((~(third >>> 16) & 0xffff) + headerDelta) & 0xffff;
  view.setInt32(at + 8, ((third - 1) & 0xffff) | (checksum << 16), true);
}

/** FAST_DELTAS of a direction: what its translation adds to the sums of the IP header and of layer 4. */
function checksumDeltas(words: Int32Array, base: number, direction: number): number {
  const own = base + (direction === ORIGINAL ? ORIGINAL_TUPLE : REPLY_TUPLE);
  const other = base + (direction === ORIGINAL ? REPLY_TUPLE : ORIGINAL_TUPLE);
  const addresses = difference(words[own], words[other + 1]) + difference(words[own + 1], words[other]);
  const ports = difference(words[own + 2], words[other + 2]);
  return (fold(addresses) << 16) | fold(addresses + ports);
}

/** The one's complement sum of the halves of NEW less those of OLD. */
function difference(oldWord: number, newWord: number): number {
  return (~oldWord & 0xffff) + (~oldWord >>> 16) + (newWord & 0xffff) + (newWord >>> 16);
}
