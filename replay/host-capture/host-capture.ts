/**
 * Replays captures that were taken on the host itself. What arrived enters at its interface; what the host itself sent
 * is found among its departures and enters at OUTPUT; the other departures are what the run is compared with.
 *
 * A departure is the host's own unless
 * - the emulated host has just sent it (an answer to an arrival, or what became of one), or
 * - it is what became of an arrival: the same packet but for what forwarding and NAT change, or
 * - its connection is one between others.
 *
 * Captures of several interfaces may have a departure before the arrival that caused it, so a departure also waits for
 * the arrivals of the next moment.
 */
import type { CaptureReader } from '../../codecs/capture.js';
import { IPV4_LENGTH, IPV4_SOURCE_AT } from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import type { Tuple } from '../../core/conntrack/tuple.js';
import type { Observer, PacketEvent } from '../../core/events.js';
import { AddressType } from '../../core/host/address-type.js';
import type { Host } from '../../core/host/host.js';
import type { IpStack } from '../../core/ip-stack.js';
import { Frame } from '../../core/link/frame.js';
import { IpLocation, locateIp } from '../../core/link/locate-ip.js';
import { Outcome } from '../../core/outcome.js';
import { PacketType } from '../../core/packet.js';
import { CaptureLinks, sourceMacOf } from './capture-links.js';
import { type CapturedFrame, type CapturePoint, copyFrame, millisecondsBetween, PACKET_AT } from './captured-frame.js';
import { learnPort, readdress, untranslate } from './connection-lookup.js';
import { type Cause, type DecidedBy, EgressComparison, packetOf } from './egress-comparison.js';
import { LoopbackCopies } from './loopback-copies.js';
import { OpenBefore } from './open-before.js';
import { identityOf, quotedBy } from './packet-identity.js';
import { RecentArrivals } from './recent-arrivals.js';

/** How much earlier than the arrival that caused it a departure may stand in the captures. */
const LOOK_AHEAD_MS = 2;
const LOOK_AHEAD_FRAMES = 512;

/** What a replay does for captures of the host itself. */
export interface CaptureSink {
  readonly emulator: IpStack;
  /** Replays FRAME, which arrived, or which the host itself sends (IS_OWN). */
  inject(frame: Frame, isOwn: boolean): void;
  skip(reason: string): void;
}

interface Ahead {
  readonly frame: CapturedFrame;
  readonly identity: string;
}

/** Keeps the last rule that matched in the tables of DECIDED. */
function noteDecision(decided: DecidedBy, event: PacketEvent): void {
  if (event.kind === 'policy' && event.table === 'filter') decided.filter = event.chain;
  if (event.kind !== 'rule' || !event.isMatched) return;
  const { table, rule } = event;
  if (table === 'filter') decided.filter = rule;
  else if (table === 'mangle') decided.mangle = rule;
  else if (table === 'nat' && rule.target !== undefined) decided.nat = rule;
}

export class HostCapture {
  readonly links: CaptureLinks;
  readonly comparison: EgressComparison;
  /** Departures: all that were captured, and those that were taken as sent by the host itself. */
  departures = 0;
  own = 0;
  /** Of the host's own packets: those that open a connection, so that what NAT did to them is unknown. */
  ownOpening = 0;
  /** Ports that the kernel drew for NAT. */
  learnedPorts = 0;

  readonly #host: Host;
  readonly #sink: CaptureSink;
  readonly #location = new IpLocation();
  readonly #frame = new Frame();
  readonly #ahead: Ahead[] = [];
  /** Arrivals among `#ahead`, by identity. */
  readonly #aheadArrivals = new Map<string, number>();
  readonly #arrivals = new RecentArrivals();
  readonly #openBefore = new OpenBefore();
  readonly #loopback = new LoopbackCopies();
  readonly #seenDevs = new Set<number>();
  #showsAll = false;
  #cause: Cause | undefined;
  #last: CapturedFrame | undefined;

  constructor(host: Host, sink: CaptureSink) {
    this.#host = host;
    this.#sink = sink;
    this.links = new CaptureLinks(host);
    this.comparison = new EgressComparison(
      (emitted, captured) => {
        const isLearned = learnPort(sink.emulator.connections, sink.emulator.nowMs, emitted, captured);
        if (isLearned) this.learnedPorts++;
        return isLearned;
      },
      (dev) => this.#showsAll || this.#seenDevs.has(dev),
    );
  }

  /**
   * Takes the frame of RECORD, which has that NUMBER, from 1, in the capture INPUT. NAMED: the interface that the user
   * gave for it; -1: none.
   */
  take(record: CaptureReader, input: number, named: number, number: number): void {
    const location = this.#location;
    const point = this.#pointOf(record, named);
    if (typeof point === 'string') {
      this.#sink.skip(point);
      return;
    }
    if (record.linktype === Linktype.LINUX_SLL2 || record.linktype === Linktype.LINUX_SLL) this.#showsAll = true;
    const frame = copyFrame(record, location, point, sourceMacOf(record), { input, number });
    this.#look({ frame, identity: identityOf(packetOf(frame)) });
  }

  /** Where the packet of RECORD was captured, or why it is skipped. */
  #pointOf(record: CaptureReader, named: number): CapturePoint | string {
    const location = this.#location;
    if (!locateIp(record, location)) return location.skip ?? 'not-ip';
    return location.captured < IPV4_LENGTH ? 'link-too-short' : this.links.locate(record, location, named);
  }

  #look(next: Ahead): void {
    const ahead = this.#ahead;
    ahead.push(next);
    if (!next.frame.isDeparture) this.#countAhead(next.identity, 1);
    while (ahead.length > LOOK_AHEAD_FRAMES || millisecondsBetween(ahead[0].frame, next.frame) > LOOK_AHEAD_MS) {
      this.#process(ahead.shift() as Ahead);
    }
  }

  #countAhead(identity: string, change: number): void {
    const count = (this.#aheadArrivals.get(identity) ?? 0) + change;
    if (count === 0) this.#aheadArrivals.delete(identity);
    else this.#aheadArrivals.set(identity, count);
  }

  /**
   * The captures PATHS have ended.
   * @throws {ReplayOptionsError} if they were taken on another host
   */
  finish(paths: readonly string[]): void {
    this.links.refuseOthers(paths);
    for (const next of this.#ahead.splice(0)) this.#process(next);
    this.comparison.finish(this.#last);
  }

  #process({ frame, identity }: Ahead): void {
    this.#last = frame;
    this.#seenDevs.add(frame.dev);
    const isOpenBefore = this.#openBefore.has(packetOf(frame), this.#isTracked);
    this.comparison.advance(frame);
    this.#arrivals.advance(frame);
    if (!frame.isDeparture) this.#countAhead(identity, -1);
    if (frame.dev === this.#host.loopback) this.#overLoopback(frame, identity);
    else if (frame.isDeparture) this.#depart(frame, identity);
    else this.#arrive(frame, identity, isOpenBefore);
  }

  readonly #isTracked = ({ source, destination, ports, protocol }: Tuple): boolean => {
    const { connections, nowMs } = this.#sink.emulator;
    return connections.peek(source, destination, ports, protocol, nowMs) >= 0;
  };

  #arrive(frame: CapturedFrame, identity: string, isOpenBefore: boolean): void {
    const cause = this.#replay(frame, identity, { isOwn: false, isOpenBefore });
    this.#arrivals.add(cause, packetOf(frame));
    this.comparison.settle(cause);
  }

  #overLoopback(frame: CapturedFrame, identity: string): void {
    if (this.#loopback.isCopy(frame, identity)) this.#sink.skip('loopback-copy');
    else if (this.#loopback.takeAnswer(identity)) this.departures++;
    else this.#send(frame, identity);
  }

  #depart(frame: CapturedFrame, identity: string): void {
    if (this.comparison.match(frame, identity)) {
      this.departures++;
      return;
    }
    const cause = this.#arrivals.find(identity) ?? this.#answeredBy(frame);
    if (cause !== undefined || this.#aheadArrivals.has(identity) || !this.#isFromHost(frame)) {
      this.departures++;
      this.comparison.unmatched(frame, identity, cause);
      return;
    }
    const own = this.#send(frame, identity);
    if (own.outcome === Outcome.HELD || this.comparison.match(frame, identity)) return;
    this.comparison.unmatched(frame, identity, own);
  }

  /** The arrival that FRAME answers although, for the emulated host, it reached no socket. */
  #answeredBy(frame: CapturedFrame): Cause | undefined {
    const packet = packetOf(frame);
    const quoted = quotedBy(packet);
    const cause = quoted === undefined ? this.#arrivals.answeredBy(packet) : this.#arrivals.find(quoted);
    if (cause === undefined || cause.outcome === Outcome.DELIVERED || cause.outcome === Outcome.HELD) return undefined;
    // A connection of others that the host answers for is a matter of REJECT and the like.
    return quoted !== undefined || cause.outcome !== Outcome.FORWARDED ? cause : undefined;
  }

  #isFromHost({ view, captured }: CapturedFrame): boolean {
    const { connections, nowMs } = this.#sink.emulator;
    const before = untranslate(connections, nowMs, { view, at: PACKET_AT, available: captured });
    const source = before?.source ?? view.getInt32(PACKET_AT + IPV4_SOURCE_AT, true);
    return this.#host.addressType(source, -1) === AddressType.LOCAL;
  }

  /** Sends FRAME from the host itself. */
  #send(frame: CapturedFrame, identity: string): Cause {
    this.own++;
    return this.#replay(frame, identity, { isOwn: true, isOpenBefore: false });
  }

  #replay(captured: CapturedFrame, identity: string, kind: Pick<Cause, 'isOwn' | 'isOpenBefore'>): Cause {
    const { isOwn } = kind;
    const { input, number, tsSec, tsNsec, dev, onWire, packetType } = captured;
    const { emulator } = this.#sink;
    const cause: Cause = {
      ...{ input, number, tsSec, tsNsec, dev, identity },
      ...kind,
      outcome: Outcome.DROPPED,
      dropCause: null,
      decidedBy: {},
      emitted: [],
    };
    const frame = this.#frame;
    // The emulated host rewrites what it gets.
    const bytes = captured.bytes.slice();
    const view = new DataView(bytes.buffer);
    const packet = { view, at: PACKET_AT, available: captured.captured, length: onWire };
    const before = isOwn ? untranslate(emulator.connections, emulator.nowMs, packet) : undefined;
    if (before?.isSame === false) readdress(packet, before);
    else if (isOwn && before === undefined) this.ownOpening++;
    frame.setBytes(bytes, PACKET_AT + onWire);
    frame.linktype = Linktype.ETHERNET;
    frame.packetType = isOwn ? PacketType.HOST : packetType;
    frame.dev = dev;
    frame.tsSec = tsSec;
    frame.tsNsec = tsNsec;
    this.#cause = cause;
    this.#sink.inject(frame, isOwn);
    this.#cause = undefined;
    cause.outcome = emulator.outcome;
    cause.dropCause = emulator.dropCause;
    return cause;
  }

  /** The emulated host sends the packet at AT by DEV. */
  emitted(dev: number, bytes: Uint8Array, at: number, available: number, length: number): void {
    if (this.#cause === undefined) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.comparison.emit(dev, { view, at, available, length }, this.#cause);
  }

  /** A packet has come back over lo: the one that was sent, or an answer to it. */
  cameBack(bytes: Uint8Array, at: number, available: number, length: number): void {
    if (this.#cause?.isOwn !== true) return;
    const identity = identityOf({
      view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
      at,
      available,
      length,
    });
    if (identity !== this.#cause.identity) this.#loopback.answered(identity);
  }

  /** An observer that notes which rules decide about a packet, and passes the events on to OTHER. */
  observing(other?: Observer): Observer {
    return (event) => {
      other?.(event);
      const cause = this.#cause;
      if (cause !== undefined && event.depth === 0) noteDecision(cause.decidedBy, event);
    };
  }

  /** What was assumed because a capture does not show it, a line each. */
  assumed(): string[] {
    const { ownOpening, learnedPorts, links } = this;
    const { count: openBefore } = this.#openBefore;
    return [
      ...(ownOpening > 0
        ? [`${ownOpening} first packets of the host itself, captured after NAT: sent as they left`]
        : []),
      ...(openBefore > 0 ? [`${openBefore} connections open before the capture began: not translated`] : []),
      ...(learnedPorts > 0 ? [`${learnedPorts} source ports of NAT: those in the capture`] : []),
      ...(links.guessed > 0 ? [`the interfaces of ${links.guessed} frames: by address and route`] : []),
    ];
  }

  /** What of the captures was not followed. */
  warnings(): string[] {
    return [...this.links.unknown].map(
      ([what, frames]) => `${frames} frames of ${what}, which the host does not have, were skipped`,
    );
  }
}
