/** Hears of all packets of a replay and gathers what a report tells of them. */
import type { CaptureRecord } from '../../codecs/capture.js';
import type { EmulatorOutput } from '../../core/emulator.js';
import type { Observer, PacketFields } from '../../core/events.js';
import type { TableName } from '../../core/hooks.js';
import type { IpStack } from '../../core/ip-stack.js';
import type { Frame } from '../../core/link/frame.js';
import { OUTCOME_NAMES } from '../../core/outcome.js';
import type { Ruleset, SavedCounters } from '../../core/rules/model.js';
import type { ReplacedRules } from '../../replay/changes/changed-rules.js';
import type { FramePlace, PacketWatch } from '../../replay/packet-watch.js';
import type { WatchedRun } from '../../replay/replay.js';
import type { ChangeSummary } from '../../replay/summary.js';
import type { Time } from '../../replay/time.js';
import { ReportConnections } from './connections.js';
import { courseOf } from './course.js';
import { FirstPackets } from './first-packets.js';
import type { HostPicture } from './format/host-picture.js';
import { type PacketsIndex, type Traversal, VERDICTS } from './format/model.js';
import { hostPicture } from './host-picture.js';
import { PacketEvents } from './packet-events.js';
import { HeaderCutter, PacketFrames } from './packet-frames.js';
import { type ChosenPackets, PacketStore } from './packet-store.js';
import { PacketValues, SharedValues } from './packet-values.js';
import type { RulePictureList } from './rule-pictures.js';
import { ReportRules } from './rules.js';
import type { SeenPacket } from './seen-packet.js';
import { Timeline } from './timeline.js';
import { TraversalKeys } from './traversal-keys.js';
import { outDevOf, traversalOf } from './traversal-of.js';
import { Traversals } from './traversals.js';
import { Tuples } from './tuples.js';

const NS_PER_S = 1_000_000_000;
const VERDICT_OF_OUTCOME = Object.entries(OUTCOME_NAMES).map(([, name]) => VERDICTS.indexOf(name));
const SKIPPED = VERDICTS.indexOf('skipped');
/** Why frames do not enter the host that nobody asked for. */
const NOT_SELECTED = 'not-selected';
const NO_DETAILS: readonly string[] = [];

export interface CollectorOptions {
  /** How many bytes the packets may take in all, compressed. Default: as many as they are. */
  readonly room?: number;
  /** `--show` was given. */
  readonly hasChoice?: boolean;
}

export class Collector implements PacketWatch {
  readonly isDone = false;
  readonly run: WatchedRun;
  readonly tuples = new Tuples();
  readonly traversals = new Traversals();
  readonly connections: ReportConnections;
  readonly timeline: Timeline;
  readonly rules: ReportRules;
  readonly store: PacketStore;
  /** The time of the first frame. */
  start: { readonly sec: number; readonly nsec: number } | undefined;
  durationNs = 0;
  readonly output: Pick<EmulatorOutput, 'egress' | 'local' | 'dropped'>;
  readonly observer: Observer;
  #emulator!: IpStack;
  readonly #events = new PacketEvents();
  readonly #frames = new PacketFrames();
  readonly #values = new PacketValues(new SharedValues());
  readonly #keys: TraversalKeys;
  readonly #first = new FirstPackets();
  readonly #cutter = new HeaderCutter();
  readonly #counts = VERDICTS.map(() => ({ packets: 0, bytes: 0 }));
  #frameLength = 0;
  #isShown = true;
  #hostBefore: HostPicture | undefined;
  /** The packet that was dealt with last. */
  readonly seen: SeenPacket = {
    ...{ timeNs: 0, length: 0, inDev: -1, outDev: -1, tuple: -1, after: -1, flags: -1, verdict: 0, traversal: 0 },
    tracked: undefined,
  };

  constructor(run: WatchedRun, { room = Number.POSITIVE_INFINITY, hasChoice = false }: CollectorOptions = {}) {
    const rules = new ReportRules(run);
    const timeline = new Timeline((rule) => rules.book.ofRule(rule));
    const [events, frames] = [this.#events, this.#frames];
    this.run = run;
    this.timeline = timeline;
    this.rules = rules;
    this.connections = new ReportConnections(this.tuples);
    this.store = new PacketStore(room, hasChoice);
    this.#keys = new TraversalKeys(rules.book, this.#values);
    this.observer = (event) => {
      timeline.hear(event);
      events.hear(event);
      frames.hear(event);
    };
    this.output = {
      egress: (dev, bytes, at, available, length) =>
        frames.egress(this.#emulator.host, { dev, bytes, at, available, length }),
      local: (bytes, at, available, length) => frames.local(bytes, at, available, length),
      dropped: () => {},
    };
  }

  begin(emulator: IpStack): void {
    this.#emulator = emulator;
    this.#hostBefore = this.#pictureOf(undefined);
    this.connections.begin(emulator);
    this.timeline.begin(emulator);
  }

  wants(_place: FramePlace, frame: Frame, isShown: boolean, isOwn: boolean): boolean {
    this.#setTime(frame.tsSec, frame.tsNsec);
    this.rules.book.meet();
    this.#isShown = isShown;
    this.#frameLength = frame.wirelen;
    this.#events.clear();
    this.#frames.arrive(frame, isOwn ? -1 : frame.dev);
    this.connections.enter(frame);
    return true;
  }

  finished(place: FramePlace): void {
    const { host, outcome } = this.#emulator;
    const seen = this.seen;
    const { packet, end, inDev, tracked } = this.#events;
    const after = end?.packet;
    seen.length = packet?.lengthBytes ?? this.#frameLength;
    seen.inDev = inDev === undefined ? -1 : host.knownIndex(inDev);
    seen.outDev = outDevOf(end?.kind === 'left' ? end : undefined, host);
    seen.tuple = this.#tupleOf(packet, this.#frames.icmpIdBefore);
    seen.after = this.#tupleOf(after, this.#frames.icmpIdAfter);
    seen.flags = packet?.tcp?.flags ?? -1;
    seen.verdict = VERDICT_OF_OUTCOME[outcome];
    seen.tracked = tracked;
    this.#values.use(packet, after);
    seen.traversal = this.#traversal();
    this.#add(place, this.#values.details);
  }

  #tupleOf(packet: PacketFields | undefined, icmpId: number): number {
    return packet === undefined ? -1 : this.tuples.numberOf(packet, icmpId);
  }

  /** The number of the traversal of the packet that has been dealt with. */
  #traversal(): number {
    const { all, count } = this.#events;
    const keys = this.#keys;
    const node = keys.follow(all, count);
    if (!keys.hasDetails && node.end >= 0) return node.end;
    const story = this.#events.story();
    const context = { rules: this.rules.book, host: this.#emulator.host, values: this.#values };
    const traversal = story === undefined ? skippedTraversal('') : traversalOf(story, context);
    const number = this.traversals.numberOf(traversal);
    if (!keys.hasDetails) node.end = number;
    return number;
  }

  /** The frame at PLACE did not enter the host. */
  missed(place: FramePlace, reason: string, record?: CaptureRecord): void {
    if (reason === NOT_SELECTED) return;
    const seen = this.seen;
    // Captures of one interface are called by its name.
    const inDev = Math.max(-1, this.#emulator.host.knownIndex(this.run.names.inputOf(place).name));
    if (record === undefined) this.#frames.arriveWithoutBytes();
    else {
      this.#setTime(record.tsSec, record.tsNsec);
      this.#frames.arrive(record, inDev);
    }
    this.#isShown = true;
    seen.length = record?.wirelen ?? 0;
    Object.assign(seen, { inDev, outDev: -1, tuple: -1, after: -1, flags: -1, verdict: SKIPPED });
    seen.tracked = undefined;
    seen.traversal = this.traversals.numberOf(skippedTraversal(reason, inDev));
    this.#add(place, NO_DETAILS);
  }

  changed(change: ChangeSummary, at: Time | undefined): void {
    const timeNs = at === undefined ? this.seen.timeNs : this.#timeOf(at.sec, at.nsec);
    this.timeline.changed(timeNs, change);
  }

  rulesReplaced(replaced: ReplacedRules): void {
    this.rules.replaced(replaced);
  }

  /** The rules of the section of that name. */
  rulesNow(): RulePictureList {
    const { start = { sec: 0, nsec: 0 }, durationNs, rules } = this;
    rules.book.meet();
    const asked = this.traversals.asked(rules.book.rules.length);
    return rules.section(this.#emulator, { start, durationNs, asked });
  }

  /** In nanoseconds from the first packet. */
  #timeOf(sec: number, nsec: number): number {
    const { start } = this;
    return start === undefined ? 0 : (sec - start.sec) * NS_PER_S + nsec - start.nsec;
  }

  #setTime(sec: number, nsec: number): void {
    this.start ??= { sec, nsec };
    this.seen.timeNs = this.#timeOf(sec, nsec);
    this.timeline.arrives(this.seen.timeNs);
    this.durationNs = Math.max(this.durationNs, this.seen.timeNs);
  }

  #add({ input, number }: FramePlace, details: readonly string[]): void {
    const seen = this.seen;
    const { timeNs, length, inDev, outDev, tuple, after, flags, verdict, traversal } = seen;
    this.traversals.count(traversal, length);
    this.#counts[verdict].packets++;
    this.#counts[verdict].bytes += length;
    const { connection, direction } = this.connections.settle(seen);
    this.timeline.count(timeNs, verdict, length);
    const { store } = this;
    const { whole } = this.#frames;
    const ends = [connection, direction, inDev, outDev, tuple, after];
    const row = [input, number, timeNs, length, ...ends, traversal, flags, -1];
    const headers = store.wantsHeaders && whole !== undefined ? this.#cutter.headersOf(whole) : undefined;
    const isFirst = this.#first.isFirst(seen, connection);
    store.add({ row, details, whole, headers, isFirst }, this.#isShown);
  }

  counted(_ruleset: Ruleset, counters: ReadonlyMap<TableName, SavedCounters>): void {
    this.rules.counted(counters);
  }

  /** The host as it is now, with what it had before. */
  get host(): HostPicture {
    return this.#pictureOf(this.#hostBefore);
  }

  #pictureOf(before: HostPicture | undefined): HostPicture {
    const { backend, life, names } = this.run.setting;
    return hostPicture(this.#emulator.host, names, { backend, docker: life.docker, before });
  }

  /** How many packets there were, and what of them is in the report if that has CHOSEN. */
  packetsIndex({ listed, withBytes, kept, leftOutBy }: ChosenPackets): PacketsIndex {
    const verdicts = Object.fromEntries(VERDICTS.map((name, i) => [name, this.#counts[i]]));
    const read = this.#counts.reduce((sum, { packets }) => sum + packets, 0);
    return {
      ...{ read, verdicts: verdicts as PacketsIndex['verdicts'], listed, leftOut: read - listed },
      ...(leftOutBy === undefined || read === listed ? {} : { leftOutBy }),
      withoutBytes: listed - withBytes,
      ...(kept === 'headers' ? { hasHeadersOnly: true } : {}),
    };
  }
}

/** What is told of frames on IN_DEV that did not enter the host, for REASON. */
function skippedTraversal(reason: string, inDev = -1): Traversal {
  const decider = { kind: 'host', words: reason, reason } as const;
  const traversal = { verdict: 'skipped', decider, inDev, stages: [], related: [], uncertain: [] } as const;
  return { ...traversal, course: courseOf(traversal, undefined) };
}
