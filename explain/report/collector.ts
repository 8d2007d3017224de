/** Hears of all packets of a replay and gathers what a report tells of them. */
import type { CaptureRecord } from '../../codecs/capture.js';
import type { TableName } from '../../core/hooks.js';
import type { IpStack } from '../../core/ip-stack.js';
import type { Frame } from '../../core/link/frame.js';
import { OUTCOME_NAMES } from '../../core/outcome.js';
import type { Ruleset, SavedCounters } from '../../core/rules/model.js';
import type { ReplacedRules } from '../../replay/changes/changed-rules.js';
import type { FramePlace } from '../../replay/packet-watch.js';
import type { WatchedRun } from '../../replay/replay.js';
import type { ChangeSummary } from '../../replay/summary.js';
import type { Time } from '../../replay/time.js';
import { StoryWatch } from '../capture/story-watch.js';
import type { Story } from '../story/story.js';
import { ReportConnections } from './connections.js';
import {
  type HostPicture,
  PACKET_COLUMNS,
  PACKET_ROWS,
  type PacketsIndex,
  type Traversal,
  VERDICTS,
} from './format/model.js';
import { hostPicture } from './host-picture.js';
import type { RulePictureList } from './rule-pictures.js';
import { ReportRules } from './rules.js';
import { RowChunks } from './sections.js';
import type { SeenPacket } from './seen-packet.js';
import { Timeline } from './timeline.js';
import { outDevOf, packetAfter, traversalOf } from './traversal-of.js';
import { Traversals } from './traversals.js';
import { Tuples } from './tuples.js';

const NS_PER_S = 1_000_000_000;
const SKIPPED = VERDICTS.indexOf('skipped');
/** Why frames do not enter the host that nobody asked for. */
const NOT_SELECTED = 'not-selected';
/** Details of a chunk. */
export const DETAIL_ROWS = 4096;

export class Collector extends StoryWatch {
  readonly tuples = new Tuples();
  readonly traversals = new Traversals();
  readonly connections = new ReportConnections(this.tuples);
  readonly timeline: Timeline;
  readonly rules: ReportRules;
  readonly packets = new RowChunks(PACKET_COLUMNS, PACKET_ROWS);
  readonly details: (readonly string[])[] = [];
  readonly run: WatchedRun;
  /** The time of the first frame. */
  start: { readonly sec: number; readonly nsec: number } | undefined;
  durationNs = 0;
  readonly #counts = VERDICTS.map(() => ({ packets: 0, bytes: 0 }));
  readonly #detailNumbers = new Map<string, number>();
  readonly #skipped = new Map<string, Traversal>();
  #frameLength = 0;
  #hostBefore: HostPicture | undefined;
  readonly #packet: SeenPacket = {
    ...{ timeNs: 0, length: 0, inDev: -1, outDev: -1, tuple: -1, after: -1, flags: -1, verdict: 0, traversal: 0 },
    ...{ traversed: skippedTraversal(''), tracked: undefined },
  };

  constructor(run: WatchedRun) {
    const rules = new ReportRules(run);
    const timeline = new Timeline((rule) => rules.book.ofRule(rule));
    super(timeline.hear);
    this.run = run;
    this.timeline = timeline;
    this.rules = rules;
  }

  override begin(emulator: IpStack): void {
    super.begin(emulator);
    this.#hostBefore = this.#pictureOf(undefined);
    this.connections.begin(emulator);
    this.timeline.begin(emulator);
  }

  wants(_place: FramePlace, frame: Frame): boolean {
    this.#setTime(frame.tsSec, frame.tsNsec);
    this.rules.book.meet();
    this.#frameLength = frame.wirelen;
    this.connections.enter(frame);
    return true;
  }

  told(story: Story | undefined, place: FramePlace): void {
    if (story === undefined) return;
    const { host, outcome } = this.emulator;
    const packet = this.#packet;
    const after = packetAfter(story);
    const { traversal, details } = traversalOf(story, { rules: this.rules.book, host });
    packet.length = story.packet?.lengthBytes ?? this.#frameLength;
    packet.inDev = story.inDev === undefined ? -1 : host.knownIndex(story.inDev);
    packet.outDev = outDevOf(story, host);
    packet.tuple = story.packet === undefined ? -1 : this.tuples.numberOf(story.packet);
    packet.after = after === undefined ? -1 : this.tuples.numberOf(after);
    packet.flags = story.packet?.tcp?.flags ?? -1;
    packet.verdict = VERDICTS.indexOf(OUTCOME_NAMES[outcome]);
    packet.tracked = story.tracked;
    this.#add(place, traversal, details);
  }

  /** The frame at PLACE did not enter the host. */
  missed(place: FramePlace, reason: string, record?: CaptureRecord): void {
    if (reason === NOT_SELECTED) return;
    const packet = this.#packet;
    if (record !== undefined) this.#setTime(record.tsSec, record.tsNsec);
    packet.length = record?.wirelen ?? 0;
    Object.assign(packet, { inDev: -1, outDev: -1, tuple: -1, after: -1, flags: -1, verdict: SKIPPED });
    packet.tracked = undefined;
    let traversal = this.#skipped.get(reason);
    if (traversal === undefined) {
      traversal = skippedTraversal(reason);
      this.#skipped.set(reason, traversal);
    }
    this.#add(place, traversal, []);
  }

  changed(change: ChangeSummary, at: Time | undefined): void {
    const timeNs = at === undefined ? this.#packet.timeNs : this.#timeOf(at.sec, at.nsec);
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
    return rules.section(this.emulator, { start, durationNs, asked });
  }

  /** In nanoseconds from the first packet. */
  #timeOf(sec: number, nsec: number): number {
    const { start } = this;
    return start === undefined ? 0 : (sec - start.sec) * NS_PER_S + nsec - start.nsec;
  }

  #setTime(sec: number, nsec: number): void {
    this.start ??= { sec, nsec };
    this.#packet.timeNs = this.#timeOf(sec, nsec);
    this.timeline.arrives(this.#packet.timeNs);
    this.durationNs = Math.max(this.durationNs, this.#packet.timeNs);
  }

  #add({ input, number }: FramePlace, traversal: Traversal, details: readonly string[]): void {
    const packet = this.#packet;
    packet.traversal = this.traversals.numberOf(traversal);
    packet.traversed = this.traversals.all[packet.traversal];
    const { timeNs, length, inDev, outDev, tuple, after, flags, verdict } = packet;
    this.traversals.count(packet.traversal, length);
    this.#counts[verdict].packets++;
    this.#counts[verdict].bytes += length;
    const { connection, direction } = this.connections.settle(packet);
    this.timeline.count(timeNs, verdict, length);
    const detail = this.#numberOfDetails(details);
    this.packets.add([
      ...[input, number, timeNs, length, inDev, outDev, tuple, after, packet.traversal],
      ...[connection, direction, flags, detail],
    ]);
  }

  #numberOfDetails(details: readonly string[]): number {
    if (details.length === 0) return -1;
    const key = details.join('\n');
    const known = this.#detailNumbers.get(key);
    if (known !== undefined) return known;
    const number = this.details.push(details) - 1;
    this.#detailNumbers.set(key, number);
    return number;
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
    return hostPicture(this.emulator.host, names, { backend, docker: life.docker, before });
  }

  get packetsIndex(): PacketsIndex {
    const verdicts = Object.fromEntries(VERDICTS.map((name, i) => [name, this.#counts[i]]));
    return {
      read: this.#counts.reduce((sum, { packets }) => sum + packets, 0),
      verdicts: verdicts as PacketsIndex['verdicts'],
      ...{ listed: this.packets.rows, leftOut: 0, withoutBytes: this.packets.rows },
    };
  }
}

/** What is told of frames that did not enter the host, for REASON. */
function skippedTraversal(reason: string): Traversal {
  const decider = { kind: 'host', words: reason, reason } as const;
  return { verdict: 'skipped', decider, inDev: -1, stages: [], related: [], uncertain: [] };
}
