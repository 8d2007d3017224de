/** Compares what the emulated host sends with what the captured host sent, packet by packet. */
import { IPPROTO_TCP, TCP_ACK, TCP_FLAGS_AT, TCP_LENGTH, TCP_SYN } from '../../codecs/layouts.js';
import { Tuple } from '../../core/conntrack/tuple.js';
import type { DropCause } from '../../core/drop.js';
import type { PacketEvent } from '../../core/events.js';
import { Outcome } from '../../core/outcome.js';
import type { Chain, Rule } from '../../core/rules/model.js';
import { type CapturedFrame, millisecondsBetween, PACKET_AT } from './captured-frame.js';
import { identityOf, isSamePacket, type PacketBytes } from './packet-identity.js';
import { SegmentCover } from './segment-cover.js';

/** The rule or policy that decided about a packet, by table. */
export interface DecidedBy {
  nat?: Rule;
  mangle?: Rule;
  filter?: Rule | Chain;
}

/** A frame that entered the emulated host, and what became of it. */
export interface Cause {
  readonly input: number;
  readonly number: number;
  readonly tsSec: number;
  readonly tsNsec: number;
  /** Where it arrived. The host's own: where it was captured as it left. */
  readonly dev: number;
  readonly isOwn: boolean;
  readonly identity: string;
  /** It belongs to a connection that was open before the capture began. */
  readonly isOpenBefore: boolean;
  /** It, or an earlier packet of its connection, was left out by the user's selection. */
  readonly isLeftOut: boolean;
  outcome: Outcome;
  /** What becomes of it is uncertain: a rule that cannot be followed may have decided. */
  isUncertain: boolean;
  dropCause: DropCause | null;
  readonly decidedBy: DecidedBy;
  readonly emitted: Emitted[];
}

/** A packet that the emulated host sent. */
export interface Emitted extends PacketBytes {
  readonly dev: number;
  readonly identity: string;
  readonly cause: Cause;
  isMatched: boolean;
}

/** A packet of which only one of the two hosts knows, or that they sent differently. */
export interface EgressDifference {
  readonly kind: 'missing' | 'extra' | 'different';
  /** Undefined: the captured host did not send it. */
  readonly captured?: CapturedFrame;
  /** Undefined: the emulated host did not send it. */
  readonly emitted?: Emitted;
  readonly cause?: Cause;
}

export interface EgressCounts {
  matched: number;
  /** Of `matched`: packets of the host itself, which were sent as they had been captured. */
  ownMatched: number;
  missing: number;
  extra: number;
  different: number;
}

/** Why departures or packets of the emulated host were not judged. */
export interface EgressUnjudged {
  /** Their connections were open before the capture began. */
  openBefore: number;
  /** They came from packets that the user's selection left out, or of connections that it left packets out of. */
  leftOut: number;
  /** They came from packets of which it is not certain what becomes of them. */
  uncertain: number;
  /** Departures of which the arrival was not captured. */
  noArrival: number;
  /** Sent by the emulated host just before the capture ended. */
  atEnd: number;
  /** Sent by the emulated host on an interface that the capture does not have. */
  notCaptured: number;
}

/** How much later than its cause a packet may leave: queues of a slow link hold packets for seconds. */
const WINDOW_MS = 5000;
/** What was caused so shortly before the end of the capture may have left after it. */
const END_MS = 20;
/** How many differences of each kind are kept. */
const MAX_KEPT = 100;

export class EgressComparison {
  readonly counts: EgressCounts = { matched: 0, ownMatched: 0, missing: 0, extra: 0, different: 0 };
  readonly unjudged: EgressUnjudged = {
    openBefore: 0,
    leftOut: 0,
    uncertain: 0,
    noArrival: 0,
    atEnd: 0,
    notCaptured: 0,
  };
  readonly differences: EgressDifference[] = [];
  /** What the departure came from that was matched last, if that is known. */
  lastCause: Cause | undefined;
  /** TCP connections that the captured host let begin, and the emulated host did not. */
  readonly refused = new Set<string>();

  readonly #learn: (emitted: Emitted, captured: PacketBytes) => boolean;
  readonly #hasCaptured: (dev: number) => boolean;
  /** What the emulated host sent and the capture has not yet shown, by identity, and in the order of time. */
  readonly #pending = new Map<string, Emitted[]>();
  readonly #queue: Emitted[] = [];
  #queueAt = 0;
  readonly #tuple = new Tuple();
  readonly #cover = new SegmentCover();
  /** Departures whose cause is still to come, in the order of time. */
  #waiting: { frame: CapturedFrame; identity: string }[] = [];

  /**
   * @param learn adopts what only the captured host knows (a port that its kernel drew) from a packet that differs from
   *   what was emitted; returns whether that explains the difference
   * @param hasCaptured whether the capture shows what leaves by an interface
   */
  constructor(learn: (emitted: Emitted, captured: PacketBytes) => boolean, hasCaptured: (dev: number) => boolean) {
    this.#learn = learn;
    this.#hasCaptured = hasCaptured;
  }

  /** The emulated host sends the packet at AT of BYTES by DEV because of CAUSE. */
  emit(dev: number, packet: PacketBytes, cause: Cause): void {
    const start = packet.view.byteOffset + packet.at;
    const view = new DataView(packet.view.buffer.slice(start, start + packet.available));
    const { available, length } = packet;
    const copy = { view, at: 0, available, length };
    const emitted: Emitted = { ...copy, dev, identity: identityOf(copy), cause, isMatched: false };
    cause.emitted.push(emitted);
    const early = this.#waiting.findIndex(
      ({ frame, identity }) =>
        identity === emitted.identity && frame.dev === dev && isSamePacket(packetOf(frame), emitted),
    );
    if (early >= 0) {
      this.#waiting.splice(early, 1);
      this.#match(emitted);
      return;
    }
    const same = this.#pending.get(emitted.identity);
    if (same === undefined) this.#pending.set(emitted.identity, [emitted]);
    else same.push(emitted);
    this.#queue.push(emitted);
    this.#cover.add(emitted);
  }

  /** Whether the emulated host has sent the departure FRAME. */
  match(frame: CapturedFrame, identity: string): boolean {
    const packet = packetOf(frame);
    const found = this.#pending
      .get(identity)
      ?.find((emitted) => emitted.dev === frame.dev && isSamePacket(packet, emitted));
    if (found !== undefined) {
      this.#match(found);
      return true;
    }
    const segments = this.#cover.take(frame.dev, packet);
    if (segments === undefined) return false;
    this.lastCause = segments.done[0]?.cause;
    for (const segment of segments.done) this.#forget(segment);
    this.#countMatch(segments.isOwn);
    return true;
  }

  #match(emitted: Emitted): void {
    this.lastCause = emitted.cause;
    this.#countMatch(emitted.cause.isOwn);
    this.#forget(emitted);
  }

  #countMatch(isOwn: boolean): void {
    this.counts.matched++;
    if (isOwn) this.counts.ownMatched++;
  }

  #forget(emitted: Emitted): void {
    emitted.isMatched = true;
    this.#cover.remove(emitted);
    const same = this.#pending.get(emitted.identity);
    if (same === undefined) return;
    const at = same.indexOf(emitted);
    if (at >= 0) same.splice(at, 1);
    if (same.length === 0) this.#pending.delete(emitted.identity);
  }

  /** The departure FRAME, which was not matched, is not the host's own. CAUSE: what it came from, if that is known. */
  unmatched(frame: CapturedFrame, identity: string, cause: Cause | undefined): void {
    const emitted =
      cause?.emitted.find((other) => !other.isMatched && other.identity === identity) ??
      this.#pending.get(identity)?.[0];
    if (emitted !== undefined) this.#differ(frame, emitted);
    else if (cause === undefined) this.#waiting.push({ frame, identity });
    else this.#judge({ kind: 'missing', captured: frame, cause }, cause);
  }

  #differ(frame: CapturedFrame, emitted: Emitted): void {
    if (emitted.dev === frame.dev && this.#learn(emitted, packetOf(frame))) {
      this.#match(emitted);
      return;
    }
    this.#forget(emitted);
    this.#judge({ kind: 'different', captured: frame, emitted, cause: emitted.cause }, emitted.cause);
  }

  /** CAUSE has been replayed: departures that waited for it are decided. */
  settle(cause: Cause): void {
    if (this.#waiting.length === 0) return;
    const [own, others] = [
      this.#waiting.filter(({ identity }) => identity === cause.identity),
      this.#waiting.filter(({ identity }) => identity !== cause.identity),
    ];
    this.#waiting = others;
    for (const { frame, identity } of own) this.unmatched(frame, identity, cause);
  }

  /** Decides about what is too old at the time of NOW. */
  advance(now: CapturedFrame): void {
    while (this.#waiting.length > 0 && millisecondsBetween(this.#waiting[0].frame, now) > WINDOW_MS) {
      this.#waiting.shift();
      this.unjudged.noArrival++;
    }
    const queue = this.#queue;
    while (this.#queueAt < queue.length) {
      const oldest = queue[this.#queueAt];
      if (!oldest.isMatched && millisecondsBetween(oldest.cause, now) <= WINDOW_MS) break;
      this.#queueAt++;
      if (!oldest.isMatched) this.#extra(oldest);
    }
    if (this.#queueAt > 1024 && this.#queueAt * 2 > queue.length) {
      queue.splice(0, this.#queueAt);
      this.#queueAt = 0;
    }
  }

  #extra(emitted: Emitted): void {
    this.#forget(emitted);
    if (!this.#hasCaptured(emitted.dev)) this.unjudged.notCaptured++;
    else this.#judge({ kind: 'extra', emitted, cause: emitted.cause }, emitted.cause);
  }

  /** The captures have ended; LAST is their last frame. */
  finish(last: CapturedFrame | undefined): void {
    this.unjudged.noArrival += this.#waiting.length;
    this.#waiting = [];
    for (const emitted of this.#queue.slice(this.#queueAt)) {
      if (emitted.isMatched) continue;
      if (last !== undefined && millisecondsBetween(emitted.cause, last) < END_MS && this.#hasCaptured(emitted.dev))
        this.unjudged.atEnd++;
      else this.#extra(emitted);
    }
  }

  /** Counts DIFFERENCE, which CAUSE has led to, unless that could not be replayed as it was. */
  #judge(difference: EgressDifference, cause: Cause): void {
    if (cause.isLeftOut) this.unjudged.leftOut++;
    else if (cause.isOpenBefore) this.unjudged.openBefore++;
    else if (cause.isUncertain) this.unjudged.uncertain++;
    else this.#add(difference);
  }

  /** Whether the captures show that the captured host passed on what CAUSE led to here, or may have. */
  isPassedOn({ emitted }: Cause): boolean {
    return emitted.length > 0 && emitted.every(({ dev, isMatched }) => isMatched || !this.#hasCaptured(dev));
  }

  #add(difference: EgressDifference): void {
    this.counts[difference.kind]++;
    const { captured, cause } = difference;
    const isRefused = cause?.outcome === Outcome.DROPPED || cause?.outcome === Outcome.REJECTED;
    if (isRefused && captured !== undefined) this.#noteOpening(packetOf(captured));
    if (this.counts[difference.kind] <= MAX_KEPT) this.differences.push(difference);
  }

  /** Notes PACKET, which only the captured host sent, if it opens a TCP connection. */
  #noteOpening({ view, at, available }: PacketBytes): void {
    const tuple = this.#tuple;
    const l4 = at + ((view.getUint8(at) & 15) << 2);
    if (!tuple.read(view, at, available) || tuple.protocol !== IPPROTO_TCP || l4 + TCP_LENGTH > at + available) return;
    if ((view.getUint8(l4 + TCP_FLAGS_AT) & (TCP_SYN | TCP_ACK)) !== TCP_SYN) return;
    this.refused.add(`${tuple.source} ${tuple.destination} ${tuple.ports}`);
  }
}

/** The packet of FRAME. */
export function packetOf({ view, captured, onWire }: CapturedFrame): PacketBytes {
  return { view, at: PACKET_AT, available: captured, length: onWire };
}

/** FRAME as a cause of which nothing has become yet. */
export function causeOf(
  { input, number, tsSec, tsNsec, dev }: CapturedFrame,
  identity: string,
  kind: Pick<Cause, 'isOwn' | 'isOpenBefore' | 'isLeftOut'>,
): Cause {
  const nothing = { outcome: Outcome.DROPPED, isUncertain: false, dropCause: null, decidedBy: {}, emitted: [] };
  return { ...{ input, number, tsSec, tsNsec, dev, identity }, ...kind, ...nothing };
}

/** Keeps the last rule that matched in the tables of DECIDED. */
export function noteDecision(decided: DecidedBy, event: PacketEvent): void {
  if (event.kind === 'policy' && event.table === 'filter') decided.filter = event.chain;
  if (event.kind !== 'rule' || !event.isMatched) return;
  const { table, rule } = event;
  if (table === 'filter') decided.filter = rule;
  else if (table === 'mangle') decided.mangle = rule;
  else if (table === 'nat' && rule.target.kind === 'extension') decided.nat = rule;
}
