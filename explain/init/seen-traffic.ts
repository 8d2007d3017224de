/** What became of the connections in captures: what `nfreplay init` makes claims of. */

import { ICMP_ERROR_TYPES, IPPROTO_TCP, TCP_FIN, TCP_RST, TCP_SYN } from '../../codecs/layouts.js';
import { readSentencePacket } from '../../codecs/sentence/read-packet.js';
import type { SentencePacket } from '../../codecs/sentence/sentence.js';
import type { Drop } from '../../core/drop.js';
import type { EmulatorOutput } from '../../core/emulator.js';
import type { Frame } from '../../core/link/frame.js';
import { IpLocation, locateIp } from '../../core/link/locate-ip.js';
import type { FramePlace } from '../../replay/packet-watch.js';
import type { WatchedRun } from '../../replay/replay.js';
import { StoryWatch } from '../capture/story-watch.js';
import { answersOf, enteredOf, finalOf, leftOf } from '../expect/packet-views.js';
import { deciderOfDrop } from '../story/decider.js';
import { type Decider, isAccepted, rulesTried, type Story, type Verdict } from '../story/story.js';

/** How a packet ended. */
export interface SeenEnd {
  readonly verdict: Verdict;
  readonly decider: Decider;
  /** What the host sent back because of it, if anything. */
  readonly answer?: SentencePacket;
}

/** A connection, or what would have become one. */
export interface SeenFlow {
  /** Its first packet: as it entered, and as it left, if it did. */
  readonly entered: SentencePacket;
  readonly left: SentencePacket | undefined;
  readonly first: SeenEnd;
  /** The first packet behind it that did not get through. */
  later: SeenEnd | undefined;
  /** How a packet of the other direction enters, if one got through. */
  reply: SentencePacket | undefined;
  /** The rules that translated it: `nat DOCKER 2`. */
  readonly translatedBy: readonly string[];
  /** In both directions. */
  packets: number;
  isUncertain: boolean;
  /** `--show` chooses one of its packets. */
  isShown: boolean;
}

/** A packet that began no connection: one that did not get through, or that conntrack takes for INVALID. */
export interface StrayPacket {
  readonly entered: SentencePacket;
  readonly end: SeenEnd;
  packets: number;
  isShown: boolean;
}

/** More flows than this are not remembered. */
const MOST_FLOWS = 200_000;
/** So many packets of a direction are followed; of the others, only what is dropped is noticed. */
const FOLLOWED_PACKETS = 4;
const OPENING_AND_ENDING = TCP_SYN | TCP_FIN | TCP_RST;

export class SeenTraffic extends StoryWatch {
  readonly flows: SeenFlow[] = [];
  readonly strays = new Map<string, StrayPacket>();
  readonly output: Pick<EmulatorOutput, 'egress' | 'local' | 'dropped'>;
  readonly #run: WatchedRun;
  readonly #location = new IpLocation();
  readonly #followed = new Map<string, number>();
  readonly #originals = new Map<string, SeenFlow>();
  readonly #replies = new Map<string, SeenFlow>();
  #captured: SentencePacket | undefined;
  #isFollowed = false;
  #isShown = false;

  constructor(run: WatchedRun) {
    super();
    this.#run = run;
    this.output = { egress() {}, local() {}, dropped: (drop) => this.#dropped(drop) };
  }

  wants(_place: FramePlace, frame: Frame, isShown: boolean, isOwn: boolean): boolean {
    this.#captured = undefined;
    this.#isFollowed = false;
    this.#isShown = isShown;
    const location = this.#location;
    if (!locateIp(frame, location)) return false;
    const { at, captured } = location;
    const packet = readSentencePacket(frame.bytes.subarray(at, at + captured));
    if (packet === undefined) return false;
    const place = isOwn ? { isLocal: true } : { inDev: this.#run.setting.host.interfaceNames[frame.dev] };
    this.#captured = { ...packet, ...place, mark: frame.mark };
    this.#isFollowed = this.#isNew(this.#captured);
    return this.#isFollowed;
  }

  /** Whether the packet may be one of the first of its connection, or opens or ends it. */
  #isNew(packet: SentencePacket): boolean {
    const key = keyOf(packet);
    const seen = (this.#followed.get(key) ?? 0) + 1;
    if (seen > FOLLOWED_PACKETS) {
      const flow = this.#flowOf(packet);
      if (flow !== undefined) flow.packets++;
      return packet.protocol === IPPROTO_TCP && ((packet.flags ?? 0) & OPENING_AND_ENDING) !== 0;
    }
    if (this.#followed.size < 2 * MOST_FLOWS || seen > 1) this.#followed.set(key, seen);
    return true;
  }

  /** A packet is dropped, perhaps one that nobody follows. */
  #dropped({ cause }: Drop): void {
    const entered = this.#captured;
    if (this.#isFollowed || entered === undefined) return;
    const decider = deciderOfDrop(cause);
    const isRejected = cause.rule?.target.kind === 'extension' && cause.rule.target.extension.name === 'REJECT';
    this.#block(entered, { verdict: isRejected ? 'rejected' : 'dropped', decider });
  }

  told(story: Story | undefined): void {
    const captured = this.#captured;
    if (story === undefined || captured === undefined) return;
    const { verdict } = story;
    const entered = enteredOf(story, () => captured);
    if (entered === undefined || verdict === 'held' || verdict === 'skipped') return;
    const end = endOf(story);
    const isUncertain = finalOf(story).uncertain.length > 0 || story.uncertain.length > 0;
    const flow = this.#flowOf(entered);
    // A later connection of the same ends takes the place of the one before.
    const isAgain = flow?.reply !== undefined && entered.state === 'NEW' && keyOf(flow.entered) === keyOf(entered);
    if (flow === undefined || isAgain) this.#begin(entered, story, end, isUncertain);
    else {
      if (isAccepted(end)) {
        if (this.#replies.get(keyOf(entered)) === flow) flow.reply ??= entered;
      } else this.#block(entered, end);
      if (isAccepted(end) && entered.state === 'INVALID') this.#stray(entered, end);
      flow.isUncertain ||= isUncertain;
      flow.isShown ||= this.#isShown;
      flow.packets++;
    }
  }

  #begin(entered: SentencePacket, story: Story, first: SeenEnd, isUncertain: boolean): void {
    const { state } = entered;
    if (state === 'RELATED' || state === 'INVALID') {
      if (!isUncertain && (state === 'INVALID' || !isAccepted(first))) this.#stray(entered, first);
      return;
    }
    if (this.flows.length >= MOST_FLOWS) return;
    const left = leftOf(story);
    const flow = {
      ...{ entered, left, first, isUncertain, packets: 1, isShown: this.#isShown },
      ...{ later: undefined, reply: undefined, translatedBy: translatingRules(story) },
    };
    this.flows.push(flow);
    this.#originals.set(keyOf(entered), flow);
    this.#replies.set(inverseKey(left ?? entered), flow);
  }

  /** ENTERED, a packet of a known connection, did not get through. */
  #block(entered: SentencePacket, end: SeenEnd): void {
    const flow = this.#flowOf(entered);
    if (flow !== undefined && isAccepted(flow.first)) flow.later ??= end;
    if (flow !== undefined && !isAccepted(flow.first)) return;
    this.#stray(entered, end);
  }

  #stray(entered: SentencePacket, end: SeenEnd): void {
    const { icmp, state = '', inDev, flags } = entered;
    const kind = `${inDev} ${state} ${icmp?.type}/${icmp?.code} ${flags} ${end.verdict}`;
    const key = `${keyOf(entered)} ${kind}`;
    const known = this.strays.get(key);
    if (known !== undefined) known.packets++;
    else if (this.strays.size < MOST_FLOWS) this.strays.set(key, { entered, end, packets: 1, isShown: this.#isShown });
  }

  #flowOf(packet: SentencePacket): SeenFlow | undefined {
    if (isError(packet)) return undefined;
    const key = keyOf(packet);
    return this.#originals.get(key) ?? this.#replies.get(key);
  }
}

const isError = ({ icmp }: SentencePacket): boolean => icmp !== undefined && ICMP_ERROR_TYPES.includes(icmp.type);

function keyOf({ protocol, source, sport = -1, destination, dport = -1 }: SentencePacket): string {
  return `${protocol} ${source} ${sport} ${destination} ${dport}`;
}

function inverseKey({ protocol, source, sport = -1, destination, dport = -1 }: SentencePacket): string {
  return `${protocol} ${destination} ${dport} ${source} ${sport}`;
}

function endOf(story: Story): SeenEnd {
  const { verdict, decider } = finalOf(story);
  const sender = story.packet?.source;
  const answer = answersOf(story).find(({ packet }) => packet?.destination === sender);
  const sent = answer === undefined ? undefined : leftOf(answer);
  return { verdict, decider, ...(sent === undefined ? {} : { answer: sent }) };
}

function translatingRules(story: Story): string[] {
  return rulesTried(story)
    .filter(({ effects }) => effects.some(({ kind }) => kind === 'translated'))
    .map(({ table, rule }) => `${table} ${rule.chain} ${rule.number}`);
}
