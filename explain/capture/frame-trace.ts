/** What became of one frame of a capture. Up to it, the replay is as fast as any. */
import type { Traversal } from '../../core/flow/traversal.js';
import { TraversalRecorder } from '../../core/flow/traversal-recorder.js';
import type { HookEntry } from '../../core/hooks.js';
import type { IpStack } from '../../core/ip-stack.js';
import { ReplayOptionsError } from '../../replay/errors.js';
import type { FramePlace } from '../../replay/packet-watch.js';
import { type ReplayOptions, replay, type WatchedRun } from '../../replay/replay.js';
import type { Setting } from '../../replay/setting.js';
import type { Summary } from '../../replay/summary.js';
import { answerTo } from '../fate/answer.js';
import { FATE_OF_ALL, FATE_OF_PROTOCOL } from '../fate/fate.js';
import { Assumptions } from '../story/assumptions.js';
import { isAccepted, type Story } from '../story/story.js';
import { StoryWatch } from './story-watch.js';

export interface FrameTrace {
  /** `eth0:4`. */
  readonly name: string;
  readonly story: Story;
  readonly assumed: readonly string[];
  readonly setting: Setting;
  readonly summary: Summary;
  /** With `FrameQuestions`. */
  readonly traversals?: FrameTraversals;
  readonly answer?: Story;
}

/** What is asked of a frame besides its story. */
export interface FrameQuestions {
  /** Which others traverse the host like it. */
  readonly isFollowed?: boolean;
  /** What becomes of the answer to it, if it gets through. */
  readonly isAnswered?: boolean;
}

/** How a packet traverses the host: with which others, and with which others of its protocol. */
export interface FrameTraversals {
  readonly all: Traversal | undefined;
  readonly ofProtocol: Traversal | undefined;
}

/**
 * The story of the frame that TEXT names, the value of --packet, in a replay with OPTIONS.
 * @throws {ReplayOptionsError} if there is no such frame, or it does not enter the host
 * @throws as `replay`
 */
export function traceFrame(options: ReplayOptions, text: string, questions: FrameQuestions = {}): FrameTrace {
  let watch: FrameWatch | undefined;
  const summary = replay({
    ...options,
    watch: (run) => {
      watch = new FrameWatch(run, run.names.parse(text, '--packet'), questions);
      return watch;
    },
  });
  if (watch === undefined) throw new Error('nothing was replayed');
  return watch.result(summary, `--packet ${text}`);
}

class FrameWatch extends StoryWatch {
  readonly only: FramePlace;
  readonly #run: WatchedRun;
  readonly #questions: FrameQuestions;
  readonly #recorders: readonly TraversalRecorder[];
  readonly hookEntries: readonly HookEntry[];
  #answer: Story | undefined;
  #story: Story | undefined;
  #assumptions: Assumptions | undefined;
  #assumed: readonly string[] = [];
  /** Why there is no story. */
  #reason: string | undefined;

  constructor(run: WatchedRun, only: FramePlace, questions: FrameQuestions) {
    const { ruleset, host } = run.setting;
    const interests = questions.isFollowed ? [FATE_OF_ALL, FATE_OF_PROTOCOL] : [];
    const recorders = interests.map((interest) => new TraversalRecorder(ruleset, host, interest));
    super((event) => {
      for (const recorder of recorders) recorder.hear(event);
    });
    this.#run = run;
    this.only = only;
    this.#questions = questions;
    this.#recorders = recorders;
    this.hookEntries = recorders.flatMap(({ entries }) => entries);
  }

  override get isDone(): boolean {
    return this.#story !== undefined || this.#reason !== undefined;
  }

  override begin(emulator: IpStack): void {
    super.begin(emulator);
    for (const recorder of this.#recorders) recorder.follow(emulator);
    const { setting } = this.#run;
    this.#assumptions = new Assumptions(setting, setting.host, emulator);
  }

  wants(place: FramePlace): boolean {
    if (!this.#isIt(place)) return false;
    this.#assumptions?.start();
    return true;
  }

  told(story: Story | undefined, place: FramePlace): void {
    if (story === undefined || !this.#isIt(place)) return;
    this.#story = story;
    this.#assumed = this.#assumptions?.of(story) ?? [];
    if (!this.#questions.isAnswered || !isAccepted(story)) return;
    const { host } = this.#run.setting;
    const answer = answerTo({ story, sent: [], delivered: [] }, host);
    if (answer !== undefined) this.#answer = this.answered(answer, host);
  }

  missed(place: FramePlace, reason: string): void {
    if (this.#isIt(place)) this.#reason = `it does not enter the host: ${MISSED[reason] ?? reason}`;
  }

  departed(place: FramePlace, cause: FramePlace | undefined): void {
    if (!this.#isIt(place)) return;
    const of =
      cause === undefined
        ? ''
        : `, and is what became of another frame: --packet ${this.#run.names.argumentFor(cause)}`;
    this.#reason = `it was captured as it left the host${of}`;
  }

  #isIt({ input, number }: FramePlace): boolean {
    return input === this.only.input && number === this.only.number;
  }

  result(summary: Summary, option: string): FrameTrace {
    const { names, setting } = this.#run;
    const story = this.#story;
    if (story !== undefined) {
      const name = names.nameOf(this.only, story.inDev ?? 'local');
      const [all, ofProtocol] = this.#recorders.map(({ last }) => last);
      const traversals = this.#recorders.length === 0 ? {} : { traversals: { all, ofProtocol } };
      const answer = this.#answer === undefined ? {} : { answer: this.#answer };
      return { name, story, assumed: this.#assumed, setting, summary, ...traversals, ...answer };
    }
    if (this.#reason !== undefined) throw new ReplayOptionsError(`${option}: ${this.#reason}`);
    const { name, files } = names.inputOf(this.only);
    const packets = summary.inputs
      .filter(({ file }) => files.includes(file))
      .reduce((sum, input) => sum + input.packets, 0);
    throw new ReplayOptionsError(`${option}: ${name} has only ${packets} frames`);
  }
}

/** Why frames never reach the host, by the reasons of summaries. */
const MISSED: Readonly<Record<string, string>> = {
  'not-selected': '--filter, --from or --to leaves it out',
  'not-sent': 'its sender would not have sent it, as what it answers is not let through',
  'no-route-to-sender': 'the host has no route to its sender, so it is not known where it enters',
  'captured-twice': 'it is a copy of a frame that was captured before',
  'own-answer': 'the host itself sends it, and does so in the replay',
  'loopback-copy': 'it is a copy of what was captured before, on its way over lo',
  'bridge-port': 'it is the same packet as on the bridge of its port',
  arp: 'it is ARP',
  ipv6: 'it is IPv6, which is not followed',
  'not-ip': 'it is no IPv4 packet',
  'link-too-short': 'it is cut too short',
  'no-interface': 'the host does not have its interface at that time',
  bridged: 'it was passed from port to port of a bridge, below IP',
};
