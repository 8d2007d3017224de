/** hot: NAT at the four nat hooks: binds new connections and translates every packet of a bound one. */

import { internetChecksum, isIcmpChecksumRight, sumBytes, updateChecksum } from '../../codecs/checksum.js';
import { ICMP_CHECKSUM_AT, ICMP_LENGTH, IPPROTO_ICMP, IPV4_LENGTH } from '../../codecs/layouts.js';
import { translatedTuple } from '../conntrack/conntrack.js';
import {
  CONNECTION,
  NAT_MASK,
  ORIGINAL_TUPLE,
  PROTOCOL,
  RECORD_WORDS,
  REPLY_TUPLE,
  STATUS,
  Status,
  TUPLE_DESTINATION,
  TUPLE_PORTS,
  TUPLE_SOURCE,
} from '../conntrack/record.js';
import type { ConntrackTable } from '../conntrack/table.js';
import { invertPorts, Tuple } from '../conntrack/tuple.js';
import { because } from '../drop.js';
import { Hook, Verdict } from '../hooks.js';
import { CtInfo, ORIGINAL, type Packet, REPLY } from '../packet.js';
import type { L4Protocol } from '../protocols/protocol.js';
import { protocolOf } from '../protocols/registry.js';
import type { Random } from '../random.js';
import type { Reason } from '../reasons.js';
import { mangle } from './mangle.js';
import { Manip, type NatRange } from './range.js';
import { portOf, UniqueTuple } from './unique-tuple.js';

const MASQUERADE_DEV = CONNECTION.word.masqueradeDev;
const ICMP_REDIRECT = 5;
const NAT_DONE = Status.SRC_NAT_DONE | Status.DST_NAT_DONE;

/** Runs the nat table's chain at the packet's hook (the rules for a new connection). */
export type NatChains = (packet: Packet) => Verdict;

/** Whether a rule has queued PACKET, which then went on. */
const wasQueued = ({ queueFate }: Packet): boolean => queueFate === 'passed';

const NULL_RANGE: NatRange = { random: false, randomFully: false, persistent: false };

export class Nat {
  #table: ConntrackTable;
  #unique: UniqueTuple;
  #tuple = new Tuple();

  constructor(table: ConntrackTable, random: Random) {
    this.#table = table;
    this.#unique = new UniqueTuple(table, random);
  }

  /** How many ports were drawn at random. */
  get drawnPorts(): number {
    return this.#unique.drawn;
  }

  /**
   * NAT at PREROUTING, INPUT, OUTPUT and POSTROUTING (nf_nat_inet_fn). The first packet of a connection traverses
   * CHAINS. Every packet is translated according to its connection's binding.
   */
  atHook(packet: Packet, chains: NatChains): Verdict {
    if (packet.ct < 0) return Verdict.ACCEPT;
    const manip = manipOf(packet.hook);
    if (packet.ctinfo === CtInfo.RELATED && packet.protocol === IPPROTO_ICMP) {
      return this.#translateIcmpError(packet, manip) ? Verdict.ACCEPT : dropFor(packet, 'nat-icmp-error');
    }
    const base = packet.ct * RECORD_WORDS;
    const done = manip === Manip.SRC ? Status.SRC_NAT_DONE : Status.DST_NAT_DONE;
    if (packet.ctinfo !== CtInfo.ESTABLISHED && (this.#table.words[base + STATUS] & done) === 0) {
      packet.queueFate = '';
      const verdict = chains(packet);
      // A queued packet comes back behind this entry: it is neither bound nor translated.
      if (verdict !== Verdict.ACCEPT || wasQueued(packet)) return verdict;
      if ((this.#table.words[base + STATUS] & done) === 0) this.#bindNull(packet, manip);
    } else if (this.#hasEgressChanged(packet, base)) {
      this.#table.unhash(packet.ct);
      return dropFor(packet, 'nat-other-interface');
    }
    return this.#translate(packet, manip);
  }

  /** Binds the packet's connection at the MANIP end to a free tuple in RANGE (nf_nat_setup_info). */
  bind(packet: Packet, range: NatRange, manip: Manip): Verdict {
    const table = this.#table;
    const base = packet.ct * RECORD_WORDS;
    const { words } = table;
    if (packet.ct < 0 || (words[base + STATUS] & Status.CONFIRMED) !== 0) return Verdict.ACCEPT;
    const done = manip === Manip.SRC ? Status.SRC_NAT_DONE : Status.DST_NAT_DONE;
    if ((words[base + STATUS] & done) !== 0) return Verdict.DROP;
    const tuple = this.#tuple;
    translatedTuple(table, packet.ct, words[base + PROTOCOL] & 0xff, tuple);
    const { source, destination, ports } = tuple;
    this.#unique.choose(tuple, range, manip, packet.ct, packet.nowMs);
    if (tuple.source !== source || tuple.destination !== destination || tuple.ports !== ports) {
      words[base + REPLY_TUPLE + TUPLE_SOURCE] = tuple.destination;
      words[base + REPLY_TUPLE + TUPLE_DESTINATION] = tuple.source;
      words[base + REPLY_TUPLE + TUPLE_PORTS] = invertPorts(tuple.ports, tuple.protocol);
      words[base + STATUS] |= manip === Manip.SRC ? Status.SRC_NAT : Status.DST_NAT;
    }
    if (manip === Manip.SRC) table.linkSource(packet.ct);
    words[base + STATUS] |= done;
    return Verdict.ACCEPT;
  }

  /** Limits the binding of the packet's connection to the interface by which the packet leaves now. */
  bindToDevice(packet: Packet): void {
    this.#table.words[packet.ct * RECORD_WORDS + MASQUERADE_DEV] = packet.outDev + 1;
  }

  /** Adds a null binding: the tuple stays the same unless it clashes (nf_nat_alloc_null_binding). */
  #bindNull(packet: Packet, manip: Manip): void {
    this.bind(packet, NULL_RANGE, manip);
  }

  /** Whether packets of a masqueraded connection are now routed out of another interface (nf_nat_oif_changed). */
  #hasEgressChanged(packet: Packet, base: number): boolean {
    if (packet.hook !== Hook.POSTROUTING || packet.direction !== ORIGINAL) return false;
    const dev = this.#table.words[base + MASQUERADE_DEV];
    return dev !== 0 && dev !== packet.outDev + 1;
  }

  /** Rewrites one end of the packet according to the other direction's tuple (nf_nat_packet). */
  #translate(packet: Packet, manip: Manip): Verdict {
    const { words } = this.#table;
    const base = packet.ct * RECORD_WORDS;
    if (!isTranslated(words[base + STATUS], manip, packet.direction)) return Verdict.ACCEPT;
    const other = base + (packet.direction === ORIGINAL ? REPLY_TUPLE : ORIGINAL_TUPLE);
    const address = words[other + (manip === Manip.SRC ? TUPLE_DESTINATION : TUPLE_SOURCE)];
    const ports = invertPorts(words[other + TUPLE_PORTS], packet.protocol);
    const protocol = protocolOf(packet.protocol);
    const port = portOf(ports, portEnd(protocol, manip));
    if (!mangle(packet.view, packet.at, packet.available, manip, address, port)) return dropFor(packet, 'nat-header');
    if (packet.fragmentMaxSize !== 0) noteRewritten(packet, protocol.mangledBytes);
    packet.reload();
    return Verdict.ACCEPT;
  }

  /**
   * Translates an ICMP error about a NATed connection: the quoted packet becomes what its sender sent, and the address
   * of the error itself at the MANIP end changes accordingly (nf_nat_icmp_reply_translation). Returns false if the
   * error must be dropped.
   */
  #translateIcmpError(packet: Packet, manip: Manip): boolean {
    const { view, l4 } = packet;
    const { words } = this.#table;
    const base = packet.ct * RECORD_WORDS;
    const status = words[base + STATUS];
    if (packet.l4Available < ICMP_LENGTH + IPV4_LENGTH) return false;
    if (!packet.isCut && !isIcmpChecksumRight(view, l4, packet.l4Length)) return false;
    if (view.getUint8(l4) === ICMP_REDIRECT) {
      if ((status & NAT_DONE) !== NAT_DONE || (status & NAT_MASK) !== 0) return false;
    }
    if (!isTranslated(status, manip, packet.direction)) return true;
    const other = base + (packet.direction === ORIGINAL ? REPLY_TUPLE : ORIGINAL_TUPLE);
    const quoteAt = l4 + ICMP_LENGTH;
    const quoted = packet.l4Available - ICMP_LENGTH;
    const inner = manip === Manip.SRC ? Manip.DST : Manip.SRC;
    const ports = words[other + TUPLE_PORTS];
    const innerProtocol = protocolOf(words[base + PROTOCOL] & 0xff);
    const innerEnd = portEnd(innerProtocol, inner);
    const innerAddress = words[other + (inner === Manip.SRC ? TUPLE_SOURCE : TUPLE_DESTINATION)];
    const sumBefore = sumBytes(view, quoteAt, quoted);
    if (!mangle(view, quoteAt, quoted, inner, innerAddress, portOf(ports, innerEnd))) return false;
    const checksumAt = l4 + ICMP_CHECKSUM_AT;
    if (packet.isCut) {
      const checksum = updateChecksum(view.getUint16(checksumAt), sumBefore, sumBytes(view, quoteAt, quoted));
      view.setUint16(checksumAt, checksum);
    } else {
      view.setUint16(checksumAt, 0);
      view.setUint16(checksumAt, internetChecksum(view, l4, packet.l4Length));
    }
    if (packet.fragmentMaxSize !== 0) {
      const innerHeader = (view.getUint8(quoteAt) & 15) << 2;
      noteRewritten(packet, ICMP_LENGTH + innerHeader + innerProtocol.mangledBytes);
    }
    const outerAddress = words[other + (manip === Manip.SRC ? TUPLE_DESTINATION : TUPLE_SOURCE)];
    mangle(view, packet.at, packet.available, manip, outerAddress, 0);
    packet.reload();
    return true;
  }
}

function dropFor(packet: Packet, reason: Reason): Verdict {
  packet.dropCause = because(reason);
  return Verdict.DROP;
}

/**
 * Records that the first LENGTH bytes after the IP header of a reassembled packet were rewritten, if it has that many.
 */
function noteRewritten(packet: Packet, length: number): void {
  if (length > packet.rewrittenLength && length <= packet.l4Length) packet.rewrittenLength = length;
}

/** The end of a ports word that holds the port for MANIP. */
function portEnd(protocol: L4Protocol, manip: Manip): Manip {
  return protocol.portSpace?.isShared === true ? Manip.SRC : manip;
}

/** The end that NAT rewrites at HOOK (HOOK2MANIP). */
function manipOf(hook: Hook): Manip {
  return hook === Hook.POSTROUTING || hook === Hook.INPUT ? Manip.SRC : Manip.DST;
}

/** Whether packets in this direction are rewritten at the MANIP end. */
function isTranslated(status: number, manip: Manip, direction: number): boolean {
  const bit = manip === Manip.SRC ? Status.SRC_NAT : Status.DST_NAT;
  const wanted = direction === REPLY ? bit ^ NAT_MASK : bit;
  return (status & wanted) !== 0;
}
