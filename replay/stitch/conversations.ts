/**
 * hot: which captured packets their senders would have sent, although packets before them were dropped.
 *
 * The capture shows what happened on the host where it was taken. Where the emulated host drops a packet that the other
 * one had passed, its receiver never saw it, so what it sent because of it would not have happened:
 *
 * - Without its opener (SYN, INIT) a connection does not begin. Only another opener is sent: one that was sent again
 *   because nothing came back, or that of a new connection. After an answer that rejects it (RST, ICMP error), the
 *   opener is not sent again.
 * - Without an answer (SYN/ACK) the opener's side sends nothing but openers; and until something of it arrives after
 *   the answer, the other side sends nothing but answers.
 * - Afterwards, nobody acknowledges data that did not arrive. Whoever was told by a RST sends no more.
 * - Queries and datagrams are sent whether or not they are answered; nobody answers what did not arrive.
 *
 * Only conversations that a packet was dropped of are remembered here (RecentTuples), by their tuples as captured.
 */
import { IPPROTO_ICMP } from '../../codecs/layouts.js';
import type { KeyedHash } from '../../core/keyed-hash.js';
import { swapPorts } from '../../core/protocols/ports.js';
import { type CapturedPacket, Kind } from './captured-packet.js';
import { RecentTuples } from './recent-tuples.js';

/** What became of a packet. REFUSED: it was dropped, and its sender got a RST; REJECTED: an ICMP error. */
export const Fate = { ARRIVED: 0, DROPPED: 1, REJECTED: 2, REFUSED: 3 } as const;
export type Fate = (typeof Fate)[keyof typeof Fate];

/** What conntrack knew of the packet's connection when the packet was sent. */
export const Known = {
  NOTHING: 0,
  /** An opener has arrived, and no answer. */
  OPENED: 1,
  /** An answer has arrived, and the packet is the first one from the opener after it. */
  ANSWERED: 2,
  /** Both sides know of the connection. */
  ESTABLISHED: 3,
  /** The connection is over or about to be. */
  CLOSING: 4,
} as const;
export type Known = (typeof Known)[keyof typeof Known];

/** How far a conversation has come. It may be remembered although nothing is missing. */
const Phase = { WHOLE: 0, UNOPENED: 1, OPENED: 2, ANSWERED: 3 } as const;

// The words of a conversation.
const STATE = 0;
const OPENER_SEQUENCE = 1;
/** By direction: where the first data begins that did not arrive. */
const MISSING = 2;
const WORDS = 4;

// The bits of STATE. Direction 0 is that of packets from the lower address.
const PHASE_MASK = 3;
const OPENER_DIRECTION = 1 << 2;
/** The opener was answered by a RST or an ICMP error. */
const IS_REFUSED = 1 << 3;
const IS_COUNTED = 1 << 4;
const HAS_MISSING = 1 << 5;
const IS_CLOSED = 1 << 7;
/** Packets of the answering side were captured as that side sent them, so those that the opener saw are copies. */
const IS_SEEN_BEHIND = 1 << 9;
const OPENER_SHIFT = 2;

export class Conversations {
  /** How many packets were not sent, and of how many conversations. */
  packets = 0;
  connections = 0;
  /** Whether answers to datagrams or queries were among them. */
  suppressesDatagrams = false;
  readonly #recent: RecentTuples;

  // The key found last, and the direction of the packet in it.
  #low = 0;
  #high = 0;
  #ports = 0;
  #kind = 0;
  #direction = 0;

  constructor(hash?: KeyedHash, remembered?: number) {
    this.#recent = new RecentTuples(WORDS, remembered, hash);
  }

  /** Whether every packet so far arrived. */
  get areWhole(): boolean {
    return this.#recent.isEmpty;
  }

  /** Whether its sender would have sent PACKET. If not, it is counted. */
  isSent(packet: CapturedPacket): boolean {
    const at = this.#find(packet);
    if (at < 0 || this.#mayBeSent(packet, at)) return true;
    this.#noteNotSent(packet, at);
    return false;
  }

  /** Whether PACKET refuses what the emulated host has refused itself. */
  isRefusedAlready(packet: CapturedPacket): boolean {
    if (packet.kind !== Kind.RESET) return false;
    const at = this.#find(packet);
    return at >= 0 && this.#isRefused(at) && !this.#isFromOpener(this.#recent.words[at + STATE]);
  }

  /** The same for an ICMP error about the packet that QUOTED says. */
  isErrorRefusedAlready(quoted: CapturedPacket): boolean {
    const at = this.#find(quoted);
    return at >= 0 && this.#isRefused(at);
  }

  #isRefused(at: number): boolean {
    const state = this.#recent.words[at + STATE];
    return (state & PHASE_MASK) === Phase.UNOPENED && (state & IS_REFUSED) !== 0;
  }

  #noteNotSent(packet: CapturedPacket, at: number): void {
    this.packets++;
    if (packet.kind >= Kind.QUERY) this.suppressesDatagrams = true;
    this.#noteMissing(packet, at);
    this.#count(packet, at);
  }

  /** Whether an ICMP error about the packet that QUOTED says would have been sent. If not, it is counted. */
  isErrorSent(quoted: CapturedPacket): boolean {
    const at = this.#find(quoted);
    if (at < 0 || (this.#recent.words[at + STATE] & PHASE_MASK) !== Phase.UNOPENED) return true;
    this.packets++;
    this.#count(quoted, at);
    return false;
  }

  /** Notes what became of PACKET. KNOWN: what conntrack knew of its connection before. */
  settle(packet: CapturedPacket, fate: Fate, known: Known): void {
    switch (packet.kind) {
      case Kind.OPENER:
        if (fate === Fate.ARRIVED) this.#openerArrived(packet);
        else if (known === Known.NOTHING || known === Known.CLOSING) this.#openerDropped(packet, fate);
        break;
      case Kind.ANSWER:
        if (fate === Fate.ARRIVED) this.#advance(packet, Phase.OPENED, Phase.ANSWERED, false);
        else if (known <= Known.OPENED) this.#answerDropped(packet);
        break;
      case Kind.LATER:
        if (fate === Fate.ARRIVED) this.#laterArrived(packet);
        else this.#laterDropped(packet, fate, known);
        break;
      case Kind.QUERY:
      case Kind.DATAGRAM:
        if (fate === Fate.ARRIVED) this.#advance(packet, Phase.UNOPENED, Phase.WHOLE, true);
        else if (packet.kind === Kind.QUERY || known === Known.NOTHING) this.#datagramDropped(packet, fate);
        break;
    }
  }

  /** Notes that PACKET arrived, of a conversation that conntrack does not follow. */
  noteUntracked(packet: CapturedPacket): void {
    if (packet.kind === Kind.DATAGRAM) this.#insert(packet);
  }

  /** Notes that the side which does not send PACKETs like this one was captured behind the NAT. */
  noteSeenBehind(packet: CapturedPacket): void {
    const at = this.#insert(packet);
    this.#recent.words[at + STATE] |= IS_SEEN_BEHIND;
  }

  /** See `noteSeenBehind`. */
  isSeenBehind(packet: CapturedPacket): boolean {
    const at = this.#find(packet);
    return at >= 0 && (this.#recent.words[at + STATE] & IS_SEEN_BEHIND) !== 0;
  }

  #mayBeSent(packet: CapturedPacket, at: number): boolean {
    const { words } = this.#recent;
    const state = words[at + STATE];
    const phase = state & PHASE_MASK;
    const { kind } = packet;
    if (kind === Kind.OPENER) return (state & IS_REFUSED) === 0 || words[at + OPENER_SEQUENCE] !== packet.sequence;
    const isFromOpener = this.#isFromOpener(state);
    if (kind >= Kind.QUERY) return phase !== Phase.UNOPENED || isFromOpener;
    if ((state & (IS_CLOSED << this.#direction)) !== 0) return false;
    switch (phase) {
      case Phase.UNOPENED:
        return false;
      case Phase.OPENED:
        return !isFromOpener && kind !== Kind.LATER;
      case Phase.ANSWERED:
        if (!isFromOpener) return kind !== Kind.LATER;
    }
    const other = 1 - this.#direction;
    if (!packet.hasAcknowledgment || (state & (HAS_MISSING << other)) === 0) return true;
    return ((packet.acknowledgment - words[at + MISSING + other]) | 0) <= 0;
  }

  #openerArrived(packet: CapturedPacket): void {
    const at = this.#find(packet);
    if (at < 0) return;
    const { words } = this.#recent;
    const state = words[at + STATE];
    const phase = state & PHASE_MASK;
    const isAgain = words[at + OPENER_SEQUENCE] === packet.sequence && this.#isFromOpener(state);
    if (isAgain && phase !== Phase.UNOPENED) return;
    const opened = phase === Phase.WHOLE ? Phase.WHOLE : Phase.OPENED;
    this.#open(packet, at, opened);
  }

  #openerDropped(packet: CapturedPacket, fate: Fate): void {
    const at = this.#insert(packet);
    this.#open(packet, at, Phase.UNOPENED);
    if (fate !== Fate.DROPPED) this.#recent.words[at + STATE] |= IS_REFUSED;
  }

  /** Starts the conversation at AT anew with PACKET, its opener. */
  #open(packet: CapturedPacket, at: number, phase: number): void {
    const { words } = this.#recent;
    const isCounted = words[at + STATE] & IS_COUNTED && words[at + OPENER_SEQUENCE] === packet.sequence;
    words[at + STATE] = phase | (this.#direction << OPENER_SHIFT) | (isCounted ? IS_COUNTED : 0);
    words[at + OPENER_SEQUENCE] = packet.sequence;
  }

  #answerDropped(packet: CapturedPacket): void {
    const at = this.#insert(packet);
    const { words } = this.#recent;
    if ((words[at + STATE] & PHASE_MASK) !== Phase.WHOLE) return;
    words[at + STATE] = Phase.OPENED | ((1 - this.#direction) << OPENER_SHIFT) | (words[at + STATE] & IS_COUNTED);
    words[at + OPENER_SEQUENCE] = (packet.acknowledgment - 1) | 0;
  }

  #laterArrived(packet: CapturedPacket): void {
    const at = this.#find(packet);
    if (at < 0) return;
    const { words } = this.#recent;
    const state = words[at + STATE];
    if ((state & PHASE_MASK) === Phase.ANSWERED && this.#isFromOpener(state)) words[at + STATE] = state & ~PHASE_MASK;
    if ((state & (HAS_MISSING << this.#direction)) === 0) return;
    const missing = words[at + MISSING + this.#direction];
    // Sent again. What else is missing after it is not known here, so all of it counts as sent again.
    if (((packet.sequence - missing) | 0) <= 0 && ((packet.end - missing) | 0) > 0)
      words[at + STATE] &= ~(HAS_MISSING << this.#direction);
  }

  #laterDropped(packet: CapturedPacket, fate: Fate, known: Known): void {
    const isHandshake = known === Known.ANSWERED;
    if (!isHandshake && packet.end === packet.sequence && fate !== Fate.REFUSED) return;
    const wasAbsent = this.#find(packet) < 0;
    const at = this.#insert(packet);
    const { words } = this.#recent;
    if (wasAbsent && isHandshake) words[at + STATE] = Phase.ANSWERED | (this.#direction << OPENER_SHIFT);
    if (fate === Fate.REFUSED) words[at + STATE] |= IS_CLOSED << this.#direction;
    this.#noteMissing(packet, at);
  }

  /** Notes that the data of PACKET did not arrive. */
  #noteMissing(packet: CapturedPacket, at: number): void {
    if (packet.kind !== Kind.LATER || packet.end === packet.sequence) return;
    const { words } = this.#recent;
    const flag = HAS_MISSING << this.#direction;
    const missing = at + MISSING + this.#direction;
    if ((words[at + STATE] & flag) !== 0 && ((packet.sequence - words[missing]) | 0) >= 0) return;
    words[at + STATE] |= flag;
    words[missing] = packet.sequence;
  }

  #datagramDropped(packet: CapturedPacket, fate: Fate): void {
    if (this.#find(packet) >= 0) return;
    const at = this.#insert(packet);
    const refused = fate === Fate.DROPPED ? 0 : IS_REFUSED;
    this.#recent.words[at + STATE] = Phase.UNOPENED | (this.#direction << OPENER_SHIFT) | refused;
  }

  /** Moves the conversation of PACKET from one phase to another if PACKET is from the opener, or else if it is not. */
  #advance(packet: CapturedPacket, from: number, to: number, isFromOpener: boolean): void {
    const at = this.#find(packet);
    if (at < 0) return;
    const { words } = this.#recent;
    const state = words[at + STATE];
    if ((state & PHASE_MASK) !== from || this.#isFromOpener(state) !== isFromOpener) return;
    words[at + STATE] = (state & ~PHASE_MASK) | to;
  }

  #isFromOpener(state: number): boolean {
    return (state & OPENER_DIRECTION) >> OPENER_SHIFT === this.#direction;
  }

  /** Counts the conversation at AT, once. The queries of one ID count as one. */
  #count(packet: CapturedPacket, at: number): void {
    let counted = at;
    if (packet.tuple.protocol === IPPROTO_ICMP) {
      counted = this.#recent.insert(this.#low, this.#high, packet.conversationPorts & 0xffff, -1);
    }
    const { words } = this.#recent;
    if ((words[counted + STATE] & IS_COUNTED) !== 0) return;
    words[counted + STATE] |= IS_COUNTED;
    this.connections++;
  }

  #find(packet: CapturedPacket): number {
    this.#setKey(packet);
    return this.#recent.find(this.#low, this.#high, this.#ports, this.#kind);
  }

  #insert(packet: CapturedPacket): number {
    this.#setKey(packet);
    return this.#recent.insert(this.#low, this.#high, this.#ports, this.#kind);
  }

  #setKey({ tuple, conversationPorts: ports }: CapturedPacket): void {
    const { source, destination, protocol } = tuple;
    const swapped = protocol === IPPROTO_ICMP ? ports : swapPorts(ports);
    const isSwapped = source > destination || (source === destination && ports > swapped);
    this.#low = isSwapped ? destination : source;
    this.#high = isSwapped ? source : destination;
    this.#ports = isSwapped ? swapped : ports;
    this.#kind = protocol + 1;
    this.#direction = isSwapped ? 1 : 0;
  }
}
