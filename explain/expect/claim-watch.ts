/** Hears of the packets of a replay that may matter to a claim, and judges them. All others take the fast path. */
import type { CaptureRecord } from '../../codecs/capture.js';
import type { Claim, NeverClaim, PacketClaim } from '../../codecs/expectation/expectation.js';
import { IPV4_LENGTH } from '../../codecs/layouts.js';
import { readSentencePacket } from '../../codecs/sentence/read-packet.js';
import type { SentencePacket } from '../../codecs/sentence/sentence.js';
import { counted } from '../../codecs/text.js';
import type { TableName } from '../../core/hooks.js';
import type { IpStack } from '../../core/ip-stack.js';
import type { Frame } from '../../core/link/frame.js';
import { IpLocation, isSessionPacket, locateIp } from '../../core/link/locate-ip.js';
import type { Ruleset, SavedCounters } from '../../core/rules/model.js';
import type { Names } from '../../replay/names.js';
import type { FramePlace } from '../../replay/packet-watch.js';
import type { WatchedRun } from '../../replay/replay.js';
import { fragmentOf } from '../capture/fragment-key.js';
import { StoryWatch } from '../capture/story-watch.js';
import { Assumptions } from '../story/assumptions.js';
import type { Story } from '../story/story.js';
import { uncertainWords } from '../story/story-text.js';
import type { Offender } from './claim-result.js';
import { ConnectionClaims } from './connection-claims.js';
import { FrameFilter, OWN } from './frame-filter.js';
import { HeldFragments } from './held-fragments.js';
import { judgeCounters } from './judge-counters.js';
import type { NearMisses } from './near-misses.js';
import { judgePacket, type MetPacket, mayFit } from './packet-claims.js';
import { enteredOf, isCompleted } from './packet-views.js';
import type { Tally } from './tally.js';
import { readUnfollowed, unfollowedProblem, unfollowedWords } from './unfollowed.js';
import { placeOfDecider } from './words.js';

/** How much of a packet is kept: all that a sentence can ask for. */
const HEADER_BYTES = 80;
const MILLISECONDS_PER_SECOND = 1000;

/** A claim about single packets. */
interface FilteredClaim {
  readonly claim: PacketClaim | NeverClaim;
  readonly filter: FrameFilter;
  readonly tally: Tally;
  /** Not of `never`, which need not meet a packet. */
  readonly near: NearMisses | undefined;
}

export class ClaimWatch extends StoryWatch {
  readonly #run: WatchedRun;
  readonly #names: Names;
  readonly #packetClaims: readonly FilteredClaim[];
  readonly #nearClaims: readonly FilteredClaim[];
  readonly #connections: ConnectionClaims;
  readonly #tallies: ReadonlyMap<Claim, Tally>;
  readonly #location = new IpLocation();
  #assumptions!: Assumptions;
  /** The beginning of the packet in the current frame. */
  #captured: Uint8Array | undefined;
  /** The packet in it, if the frame is not followed. */
  #unfollowed: SentencePacket | undefined;
  #fragment = '';
  readonly #held: HeldFragments;

  /** Judges those of the claims of TALLIES that are about captured packets. */
  constructor(run: WatchedRun, names: Names, tallies: ReadonlyMap<Claim, Tally>) {
    super();
    this.#run = run;
    this.#names = names;
    this.#tallies = tallies;
    const { interfaceNames, sysctls } = run.setting.host;
    const timeoutMs = sysctls.global('net.ipv4.ipfrag_time') * MILLISECONDS_PER_SECOND;
    this.#held = new HeldFragments(timeoutMs, (met) => this.#judgeHeld(met));
    const filtered = [...tallies].flatMap(([claim, tally]) => {
      if (claim.kind === 'counters' || claim.kind === 'send' || claim.sentence === undefined) return [];
      const near = claim.kind === 'never' ? undefined : tally.near(claim.sentence);
      return [{ claim, tally, near, filter: new FrameFilter(claim.sentence, interfaceNames) }];
    });
    this.#nearClaims = filtered.filter(({ near }) => near !== undefined);
    this.#packetClaims = filtered.filter(({ claim }) => claim.kind !== 'connection');
    this.#connections = new ConnectionClaims(filtered.filter(isAboutConnections));
  }

  override begin(emulator: IpStack): void {
    super.begin(emulator);
    this.#connections.begin(emulator);
    const { setting } = this.#run;
    this.#assumptions = new Assumptions(setting, setting.host, emulator);
  }

  wants(_place: FramePlace, frame: Frame, _isShown: boolean, isOwn: boolean): boolean {
    this.#captured = undefined;
    this.#unfollowed = undefined;
    this.#fragment = '';
    const location = this.#location;
    if (!locateIp(frame, location) && !isSessionPacket(location)) return this.#wantsUnfollowed(frame);
    if (location.captured < IPV4_LENGTH) return false;
    const { at, captured } = location;
    // Asked first, as it wants to hear of each packet.
    const isOfConnection = this.#connections.wants(frame, isOwn);
    const dev = isOwn ? OWN : frame.dev;
    this.#noteNear(frame, dev);
    if (!isOfConnection && !this.#packetClaims.some(({ filter }) => filter.takes(frame.view, at, captured, dev)))
      return false;
    this.#captured = frame.bytes.slice(at, at + Math.min(captured, HEADER_BYTES));
    this.#fragment = fragmentOf(frame, at);
    this.#assumptions.start();
    return true;
  }

  /** FRAME has no packet that the host follows. */
  #wantsUnfollowed(frame: Frame): boolean {
    const packet = readUnfollowed(frame, this.#location);
    if (packet === undefined) return false;
    this.#unfollowed = packet;
    for (const { claim, near } of this.#nearClaims)
      if (claim.kind === 'connection') near?.outside(packet, this.#location.skip ?? '');
    return this.#packetClaims.length > 0;
  }

  /** Notes the packet in FRAME for claims that it fits but for where it comes from. */
  #noteNear({ view, bytes, dev: index }: Frame, dev: number): void {
    const { at, captured } = this.#location;
    for (const { filter, near } of this.#nearClaims) {
      if (near === undefined || !near.wantsPlaces || !filter.asksPlace) continue;
      if (filter.takes(view, at, captured, dev) || !filter.takesAnywhere(view, at, captured, dev)) continue;
      const packet = readSentencePacket(bytes.subarray(at, at + captured));
      const name = dev === OWN ? undefined : this.#run.setting.host.interfaceNames[index];
      if (packet !== undefined) near.elsewhere(packet, name);
    }
  }

  missed(place: FramePlace, reason: string, record?: CaptureRecord): void {
    const location = this.#location;
    if (record === undefined) return;
    const isIpv4 = locateIp(record, location);
    const { at, captured, isOutgoing } = location;
    const packet = isIpv4
      ? readSentencePacket(record.bytes.subarray(at, at + captured))
      : readUnfollowed(record, location);
    if (packet === undefined) return;
    for (const { near } of this.#nearClaims) near?.outside(packet, reason);
    if (unfollowedWords(reason) === undefined) return;
    for (const { claim, tally } of this.#packetClaims) {
      // Nobody knows where it would have come in.
      if (claim.kind !== 'never' || (isOutgoing && claim.sentence.input !== undefined)) continue;
      const sentence = { ...claim.sentence, input: undefined, isLocal: false };
      if (!mayFit(sentence, packet)) continue;
      const where = this.#run.names.nameOf(place);
      tally.add([unfollowedProblem(sentence, where, reason)], () => undefined);
    }
  }

  told(story: Story | undefined, place: FramePlace): void {
    const captured = this.#captured;
    const unfollowed = this.#unfollowed;
    if (story === undefined || (captured === undefined && unfollowed === undefined)) return;
    const entered = enteredOf(story, () => unfollowed ?? readSentencePacket(captured!));
    if (entered === undefined) return;
    const met: MetPacket = {
      story,
      entered,
      context: { names: this.#names, ruleset: this.emulator.ruleset },
      offender: () => this.#offender(story, place),
    };
    this.#held.passTime(this.emulator.nowMs);
    if (this.#fragment !== '' && story.verdict === 'held') {
      const offender = met.offender();
      this.#held.hold(this.#fragment, { ...met, offender: () => offender }, this.emulator.nowMs);
      return;
    }
    if (isCompleted(story)) this.#held.complete(this.#fragment);
    else if (story.decider.kind === 'host') this.#held.dropped(this.#fragment, story.decider.reason);
    this.#judge(met);
    if (unfollowed === undefined) this.#connections.take(met, this.#run.names.nameOf(place, story.inDev ?? 'local'));
  }

  #judgeHeld(met: MetPacket): void {
    this.#judge(met);
    for (const { claim, near } of this.#nearClaims) if (claim.kind === 'connection') near?.held(met.entered);
  }

  #judge(met: MetPacket): void {
    for (const { claim, tally } of this.#packetClaims) judgePacket(claim, tally, met);
  }

  #offender(story: Story, place: FramePlace): Offender {
    const decidedBy = placeOfDecider(story);
    return {
      story,
      ruleset: this.emulator.ruleset,
      where: this.#run.names.nameOf(place, story.inDev ?? 'local'),
      ...(decidedBy === undefined ? {} : { decidedBy }),
      assumed: this.#assumptions.of(story),
      chosen: [],
    };
  }

  /** RULESET is in force where the captures end, and has counted COUNTERS. */
  counted(ruleset: Ruleset, counters: ReadonlyMap<TableName, SavedCounters>): void {
    const { packets, causes } = this.emulator.uncertain;
    const doubt =
      packets === 0
        ? undefined
        : `${counted(packets, 'packet is', 'packets are')} uncertain: ${uncertainWords(causes[0].cause)}`;
    for (const [claim, tally] of this.#tallies)
      if (claim.kind === 'counters') judgeCounters(claim, tally, ruleset, counters, doubt);
  }

  close(): void {
    this.#held.close();
    this.#connections.finish();
  }
}

function isAboutConnections<T extends { readonly claim: Claim }>(one: T): one is T & { readonly claim: PacketClaim } {
  return one.claim.kind === 'connection';
}
