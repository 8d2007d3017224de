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

import type { CaptureReader, CaptureRecord } from '../../codecs/capture.js';
import type { HostText } from '../../codecs/host/texts.js';
import { IPV4_LENGTH, IPV4_SOURCE_AT } from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import type { Tuple } from '../../core/conntrack/tuple.js';
import type { Observer } from '../../core/events.js';
import { AddressType } from '../../core/host/address-type.js';
import type { Host } from '../../core/host/host.js';
import type { IpStack } from '../../core/ip-stack.js';
import { Frame } from '../../core/link/frame.js';
import { IpLocation, locateIp } from '../../core/link/locate-ip.js';
import { Outcome } from '../../core/outcome.js';
import { PacketType } from '../../core/packet.js';
import type { Ruleset } from '../../core/rules/model.js';
import type { FramePlace } from '../packet-watch.js';
import { BridgePorts } from './bridge-ports.js';
import { CaptureLinks, sourceMacOf, unseenOf } from './capture-links.js';
import { type CapturedFrame, copyFrame, copyLink, millisecondsBetween, PACKET_AT, sourceOf } from './captured-frame.js';
import { learnPort, readdress, takeBackError, type Untranslated, untranslate } from './connection-lookup.js';
import { type Cause, causeOf, EgressComparison, noteDecision, packetOf } from './egress-comparison.js';
import { findEither, LeftOut } from './left-out.js';
import { LookAhead, type Waiting } from './look-ahead.js';
import { LoopbackCopies } from './loopback-copies.js';
import { OpenBefore } from './open-before.js';
import { identityOf, type PacketBytes, quotedBy, quotedPacket } from './packet-identity.js';
import { RecentArrivals } from './recent-arrivals.js';
import { NatUndo } from './undo-nat.js';

/** By how much frames of a capture may be out of the order of time, unless the clock was set. */
const CLOCK_MS = 5000;

/** What became of an arrival if its answer is the host's own; or it is not known, since it was left out. */
const REACHED: readonly Outcome[] = [Outcome.DELIVERED, Outcome.HELD, Outcome.SKIPPED];

/** What a replay does for captures of the host itself. */
export interface CaptureSink {
  readonly emulator: IpStack;
  /**
   * Replays FRAME, which is at PLACE: it arrived, or the host itself sends it (IS_OWN), from one of its addresses
   * (IS_SOURCED).
   */
  inject(frame: Frame, place: FramePlace, isOwn: boolean, isSourced: boolean): void;
  /** RECORD: what was captured, if the frame has no IPv4 packet; valid only during the call. */
  skip(reason: string, place: FramePlace, record?: CaptureRecord): void;
  /** The frame at PLACE left the host because of the one at CAUSE, if that is known. */
  departed(place: FramePlace, cause: FramePlace | undefined): void;
  /** FRAME is the next one, whatever it is. */
  beforeFrame(frame: CapturedFrame): void;
  /** The host may change before one of the next frames. */
  readonly isToChange: boolean;
}

/** The packet QUOTED, which FRAME holds, as a frame of its own. */
function quotedFrame(frame: CapturedFrame, { at, available, length }: PacketBytes): CapturedFrame {
  const bytes = new Uint8Array(PACKET_AT + available);
  bytes.set(frame.bytes.subarray(0, PACKET_AT));
  bytes.set(frame.bytes.subarray(at, at + available), PACKET_AT);
  return { ...frame, bytes, view: new DataView(bytes.buffer), captured: available, onWire: length };
}

/** The host that captures were taken on. */
export interface HostCaptureOptions {
  readonly ruleset: Ruleset;
  readonly host: Host;
  /** As in `Setting`. */
  readonly moreSets?: readonly HostText[];
}

type TakenPlace = Pick<CapturedFrame, 'input' | 'number' | 'order' | 'isSelected'>;

export class HostCapture {
  readonly links: CaptureLinks;
  readonly comparison: EgressComparison;
  /** Departures: all that were captured, and those that were taken as sent by the host itself. */
  departures = 0;
  own = 0;
  /** Of the host's own packets: those that open a connection, so that what NAT did to them is unknown. */
  ownOpening = 0;
  /** Of these: those from addresses that the rules may have given to what was forwarded. */
  ownOrForwarded = 0;
  /** Packets of the host's own that only the ICMP errors about them show. */
  ownRejected = 0;
  /** Ports that the kernel drew for NAT. */
  learnedPorts = 0;

  #host: Host;
  readonly #sink: CaptureSink;
  readonly #location = new IpLocation();
  readonly #frame = new Frame();
  readonly #ahead = new LookAhead();
  readonly #arrivals = new RecentArrivals();
  /** What the host itself has sent. */
  readonly #sent = new RecentArrivals();
  readonly #ports = new BridgePorts(
    (frame, bridge) => this.#noteBridged(frame, bridge),
    (frame) => this.#skip(frame, 'bridge-port'),
  );
  /** Frames that were seen on ports only, by bridge. */
  readonly bridged = new Map<number, number>();
  readonly natUndo: NatUndo;
  readonly openBefore = new OpenBefore();
  readonly #leftOut = new LeftOut();
  readonly #loopback = new LoopbackCopies();
  readonly #seenDevs = new Set<number>();
  /** The latest frame of each capture. */
  readonly #latest = new Map<number, CapturedFrame>();
  setBack: { number: number; seconds: number } | undefined;
  #showsAll = false;
  #cause: Cause | undefined;
  #last: CapturedFrame | undefined;

  constructor({ ruleset, host, moreSets = [] }: HostCaptureOptions, sink: CaptureSink) {
    this.#host = host;
    this.#sink = sink;
    this.natUndo = new NatUndo(ruleset, host, moreSets);
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
   * Takes the frame of RECORD, which stands at PLACE. NAMED: the interface that the user gave for it; -1: none.
   */
  take(record: CaptureReader, named: number, place: TakenPlace): void {
    const location = this.#location;
    const skip = this.#skipOf(record);
    if (skip !== '') {
      this.#skip(place, skip, location.skip === null ? undefined : record);
      return;
    }
    const frame = this.#frameOf(record, named, place);
    if (frame === undefined) return;
    if (record.linktype === Linktype.LINUX_SLL2 || record.linktype === Linktype.LINUX_SLL) this.#showsAll = true;
    this.#checkClock(frame);
    const identity = identityOf(packetOf(frame));
    if (record.interfaceName !== '') this.#ahead.sort();
    this.#ahead.add({ frame, identity }, this.#process);
  }

  /** From now on, packets meet the rules of RULESET. */
  useRules(ruleset: Ruleset): void {
    this.natUndo.useRules(ruleset);
  }

  /** Notes the first time that the clock of the host was set back. */
  #checkClock(frame: CapturedFrame): void {
    const latest = this.#latest.get(frame.input);
    const lateMs = latest === undefined ? 0 : millisecondsBetween(frame, latest);
    if (lateMs <= 0) this.#latest.set(frame.input, frame);
    else if (lateMs > CLOCK_MS) this.setBack ??= { number: frame.number, seconds: lateMs / 1000 };
  }

  /** Finds the packet of RECORD. Returns why it is skipped, or ''. */
  #skipOf(record: CaptureReader): string {
    const location = this.#location;
    if (!locateIp(record, location)) return location.skip ?? 'not-ip';
    return location.captured < IPV4_LENGTH ? 'link-too-short' : '';
  }

  /** The frame of RECORD; undefined if it is skipped, as it is not known where it was captured. */
  #frameOf(record: CaptureReader, named: number, place: TakenPlace): CapturedFrame | undefined {
    const location = this.#location;
    const isToChange = this.#sink.isToChange;
    const point = isToChange ? this.links.peek(record, location, named) : this.links.locate(record, location, named);
    if (typeof point !== 'string') {
      const frame = copyFrame(record, location, point, sourceMacOf(record), place);
      return isToChange ? { ...frame, link: copyLink(record, location, named) } : frame;
    }
    if (!isToChange) {
      this.#skip(place, point);
      return undefined;
    }
    const { isOutgoing: isDeparture, packetType } = location;
    const frame = copyFrame(record, location, { dev: -1, isDeparture, packetType }, sourceMacOf(record), place);
    return { ...frame, link: copyLink(record, location, named) };
  }

  /** FRAME where the host as it is now has it; undefined if it is skipped. */
  #placed(frame: CapturedFrame): CapturedFrame | undefined {
    if (frame.link === undefined) return frame;
    const { record, location, named } = frame.link;
    const point = this.links.locate(record, location, named);
    if (typeof point !== 'string') return { ...frame, ...point };
    this.#skip(frame, point);
    return undefined;
  }

  /** The host has changed: HOST is what it is now. */
  useHost(host: Host): void {
    this.#host = host;
    this.links.useHost(host);
    this.natUndo.useHost(host);
  }

  #noteBridged(frame: CapturedFrame, bridge: number): void {
    if (frame.isSelected) this.bridged.set(bridge, (this.bridged.get(bridge) ?? 0) + 1);
    this.#skip(frame, 'bridged');
  }

  /** What the user's selection has left out is counted there. */
  #skip(frame: FramePlace & Pick<CapturedFrame, 'isSelected'>, reason: string, record?: CaptureRecord): void {
    if (frame.isSelected) this.#sink.skip(reason, frame, record);
  }

  #countDeparture(frame: CapturedFrame, cause?: Cause): void {
    if (frame.isSelected) this.departures++;
    this.#sink.departed(frame, cause);
  }

  /**
   * The captures PATHS have ended.
   * @throws {ReplayOptionsError} if they were taken on another host
   */
  finish(paths: readonly string[]): void {
    this.links.refuseOthers(paths);
    this.#ahead.finish(this.#process);
    this.#ports.advance(undefined);
    this.comparison.finish(this.#last);
  }

  readonly #process = ({ frame: taken, identity }: Waiting): void => {
    this.#sink.beforeFrame(taken);
    this.#ports.advance(taken);
    const frame = this.#placed(taken);
    if (frame === undefined) return;
    const bridge = this.links.masterOf(frame.dev);
    if (bridge >= 0) {
      this.#seenDevs.add(bridge);
      this.#ports.onPort(frame, identity, bridge);
      return;
    }
    const isEither = frame.isGuessed === true && this.links.hasPorts(frame.dev);
    const followed = isEither ? this.#ports.onEither(frame, identity) : this.#ports.onBridge(frame, identity);
    if (followed !== undefined) this.#follow(followed, identity);
  };

  #follow(frame: CapturedFrame, identity: string): void {
    this.#last = frame;
    this.#seenDevs.add(frame.dev);
    const isOpenBefore = this.openBefore.has(packetOf(frame), this.#isTracked);
    this.comparison.advance(frame);
    this.#arrivals.advance(frame);
    this.#sent.advance(frame);
    if (frame.dev === this.#host.loopback) this.#overLoopback(frame, identity);
    else if (frame.isDeparture) this.#depart(frame, identity);
    else this.#arrive(frame, identity, isOpenBefore);
  }

  readonly #isTracked = (tuple: Tuple): boolean => {
    const { connections, nowMs } = this.#sink.emulator;
    return findEither(tuple, connections, nowMs) >= 0;
  };

  #arrive(frame: CapturedFrame, identity: string, isOpenBefore: boolean): void {
    const kind = { isOwn: false, isOpenBefore };
    const cause = frame.isSelected ? this.#replay(frame, identity, kind) : this.#leaveOut(frame, identity, kind);
    this.#arrivals.add(cause, packetOf(frame));
    this.comparison.settle(cause);
  }

  #overLoopback(frame: CapturedFrame, identity: string): void {
    if (this.#loopback.isCopy(frame, identity)) this.#skip(frame, 'loopback-copy');
    else if (this.#loopback.takeAnswer(identity)) this.#countDeparture(frame);
    else if (!frame.isSelected) this.#leaveOut(frame, identity, { isOwn: true, isOpenBefore: false });
    else if (!this.#sendQuoted(frame, identity)) this.#send(frame, identity);
  }

  /**
   * What the host's rules rejected in OUTPUT leaves by no interface, but the ICMP error about it comes back over lo.
   * If FRAME is such an error, sends the packet that it quotes, in place of FRAME.
   */
  #sendQuoted(frame: CapturedFrame, identity: string): boolean {
    const quoted = quotedPacket(packetOf(frame));
    if (quoted === undefined) return false;
    const own = identityOf(quoted);
    const source = quoted.view.getInt32(quoted.at + IPV4_SOURCE_AT, true);
    if (this.#sent.find(own) !== undefined || !this.#isOwnAddress(source)) return false;
    this.ownRejected++;
    const cause = this.#send(quotedFrame(frame, quoted), own);
    if (!this.#loopback.takeAnswer(identity)) this.comparison.unmatched(frame, identity, cause);
    return true;
  }

  #depart(frame: CapturedFrame, identity: string): void {
    if (this.comparison.match(frame, identity)) {
      this.#countDeparture(frame, this.comparison.lastCause);
      return;
    }
    const { connections, nowMs } = this.#sink.emulator;
    const before = untranslate(connections, nowMs, packetOf(frame));
    const cause = this.#arrivals.find(identity) ?? (before === undefined ? this.#answeredBy(frame) : undefined);
    const source = before?.source ?? sourceOf(frame);
    const isOther = cause !== undefined || this.#ahead.hasArrival(identity) || this.#isPassedOnError(frame);
    if (isOther || !this.#isOwnAddress(source)) {
      this.#countDeparture(frame, cause);
      if (cause?.isLeftOut) this.#noteLeftOut(frame);
      this.comparison.unmatched(frame, identity, cause);
      return;
    }
    if (!frame.isSelected) {
      this.#leaveOut(frame, identity, { isOwn: true, isOpenBefore: false });
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
    if (quoted !== undefined && this.#isPassedOnError(frame)) return undefined;
    if (cause === undefined || REACHED.includes(cause.outcome)) return undefined;
    // A connection of others that the host answers for is a matter of REJECT and the like.
    return quoted !== undefined || cause.outcome !== Outcome.FORWARDED ? cause : undefined;
  }

  /**
   * Whether FRAME is an ICMP error of another host about a packet that this one has passed on: it arrived by an
   * interface that was not captured.
   */
  #isPassedOnError(frame: CapturedFrame): boolean {
    const quoted = quotedBy(packetOf(frame));
    const cause = quoted === undefined ? undefined : this.#arrivals.find(quoted);
    if (cause === undefined || cause.outcome !== Outcome.FORWARDED) return false;
    return !this.#isOwnAddress(sourceOf(frame)) || this.comparison.isPassedOn(cause);
  }

  #isOwnAddress(address: number): boolean {
    return this.#host.addressType(address, -1) === AddressType.LOCAL;
  }

  /** Sends FRAME from the host itself. */
  #send(frame: CapturedFrame, identity: string): Cause {
    this.own++;
    const cause = this.#replay(frame, identity, { isOwn: true, isOpenBefore: false });
    this.#sent.add(cause, packetOf(frame));
    return cause;
  }

  #noteLeftOut(frame: CapturedFrame): void {
    const { connections, nowMs } = this.#sink.emulator;
    this.#leftOut.add(packetOf(frame), connections, nowMs);
  }

  /** FRAME is not replayed, but it is known what it is. */
  #leaveOut(frame: CapturedFrame, identity: string, kind: Pick<Cause, 'isOwn' | 'isOpenBefore'>): Cause {
    this.#noteLeftOut(frame);
    return { ...causeOf(frame, identity, { ...kind, isLeftOut: true }), outcome: Outcome.SKIPPED };
  }

  #replay(captured: CapturedFrame, identity: string, kind: Pick<Cause, 'isOwn' | 'isOpenBefore'>): Cause {
    const { isOwn } = kind;
    const { tsSec, tsNsec, dev, onWire, packetType } = captured;
    const { emulator } = this.#sink;
    const isLeftOut = this.#leftOut.has(packetOf(captured), emulator.connections, emulator.nowMs);
    const cause = causeOf(captured, identity, { ...kind, isLeftOut });
    const frame = this.#frame;
    // The emulated host rewrites what it gets.
    const bytes = captured.bytes.slice();
    const view = new DataView(bytes.buffer);
    const packet = { view, at: PACKET_AT, available: captured.captured, length: onWire };
    const before = isOwn ? this.#beforeNat(packet, captured) : undefined;
    if (before?.isSame === false) readdress(packet, before);
    if (isOwn) takeBackError(emulator.connections, emulator.nowMs, packet);
    const hasLinkHeader = this.#host.interfaces[dev].linkLength > 0;
    if (hasLinkHeader) frame.setBytes(bytes, PACKET_AT + onWire);
    else frame.setBytes(bytes.subarray(PACKET_AT), onWire);
    frame.linktype = hasLinkHeader ? Linktype.ETHERNET : Linktype.RAW;
    frame.packetType = isOwn ? PacketType.HOST : packetType;
    frame.dev = dev;
    frame.tsSec = tsSec;
    frame.tsNsec = tsNsec;
    this.#cause = cause;
    this.#sink.inject(frame, captured, isOwn, this.#isOwnAddress(view.getInt32(PACKET_AT + IPV4_SOURCE_AT, true)));
    this.#cause = undefined;
    cause.outcome = emulator.outcome;
    cause.isUncertain = emulator.outcome !== Outcome.SKIPPED && emulator.uncertain.isCurrent;
    cause.dropCause = emulator.dropCause;
    return cause;
  }

  /** Interfaces that the host routes by and of which no frame was captured. */
  unseen(): string[] {
    return unseenOf(this.#host, this.#seenDevs, this.#showsAll);
  }

  /** How PACKET of the host itself, captured as FRAME, was addressed before NAT; undefined: nothing is known. */
  #beforeNat(packet: PacketBytes, frame: CapturedFrame): Untranslated | undefined {
    const { connections, nowMs } = this.#sink.emulator;
    const known = untranslate(connections, nowMs, packet);
    if (known !== undefined) return known;
    const undone = this.natUndo.undo(packet, frame, this.#ahead.receiverOfAnswer(frame));
    if (undone === undefined && this.natUndo.hasRules) {
      this.ownOpening++;
      if (this.natUndo.translatesSources && frame.dev !== this.#host.loopback && quotedBy(packet) === undefined)
        this.ownOrForwarded++;
    }
    return undone;
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
}
