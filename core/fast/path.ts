/**
 * The paths that packets of established connections take through the rules, each kept once: which rules matched, which
 * policies decided, by which interface in and out. Counters follow from how often a path was taken.
 */
import type { Packet } from '../packet.js';
import { FORWARDED, isWhole, type Trace, TraceKind } from '../rules/trace.js';
import { LinkHeader } from './link-header.js';

/** What a path wants to know of each packet that is to take it, and the answer that its first packet gave. */
export interface Question {
  /** Asks once a packet; a second look at the same packet gets the same answer. */
  readonly ask: (packet: Packet) => boolean;
  readonly answer: boolean;
  /** It is asked behind the routing decision: the destination translated, one less in TTL. */
  readonly isForwarded: boolean;
}

/** Adds PACKETS with BYTES in all to the counter that ID stands for in a trace. */
export type CountById = (id: number, packets: number, bytes: number) => void;

/** More than this, and something in the ruleset makes every connection's path another: no more are learned. */
const MOST_PATHS = 1 << 16;

/** Of each path: the interface it comes in by, that it leaves by, the longest packet that leaves whole. */
export const PATH_IN_DEV = 0;
export const PATH_OUT_DEV = 1;
export const PATH_MTU = 2;
export const PATH_WORDS = 4;

export class PathTable {
  /** PATH_WORDS for each path. */
  words = new Int32Array(64 * PATH_WORDS);
  /** Packets at 2n, bytes at 2n + 1, since the last `flush`. */
  counts = new Float64Array(64 * 2);
  /** The Ethernet header that packets of a path leave with. */
  readonly links: LinkHeader[] = [];
  /** What is to be asked of a packet before it takes the path; null: nothing. */
  readonly questions: (readonly Question[] | null)[] = [];

  readonly #events: Int32Array[] = [];
  readonly #byHash = new Map<number, number[]>();
  readonly #asks: ReadonlyMap<number, (packet: Packet) => boolean>;
  readonly #count: CountById;

  constructor(asks: ReadonlyMap<number, (packet: Packet) => boolean>, count: CountById) {
    this.#asks = asks;
    this.#count = count;
  }

  /**
   * The path of a packet that TRACE tells of, from IN_DEV to OUT_DEV, whose MTU is given, behind the Ethernet header LINK; a
   * new one where there was none like it. -1: it cannot be remembered.
   */
  intern(trace: Trace, inDev: number, outDev: number, mtu: number, link: LinkHeader): number {
    if (!isWhole(trace)) return -1;
    const length = trace[0];
    let hash = Math.imul(inDev + 1, 0x9e3779b1) ^ outDev;
    for (let i = 1; i <= length; i++) hash = Math.imul(hash ^ trace[i], 0x85ebca6b) ^ (hash >>> 15);
    hash = Math.imul(hash ^ link.hash(), 0xc2b2ae35);
    const alike = this.#byHash.get(hash);
    if (alike !== undefined) {
      for (const path of alike) if (this.#isSame(path, trace, inDev, outDev, link)) return path;
    }
    if (this.links.length === MOST_PATHS) return -1;
    const events = trace.slice(1, 1 + length);
    const questions = this.#questionsOf(events);
    if (questions === undefined) return -1;
    const path = this.links.length;
    if (alike === undefined) this.#byHash.set(hash, [path]);
    else alike.push(path);
    this.#grow(path);
    this.words[path * PATH_WORDS + PATH_IN_DEV] = inDev;
    this.words[path * PATH_WORDS + PATH_OUT_DEV] = outDev;
    this.words[path * PATH_WORDS + PATH_MTU] = mtu;
    this.links.push(new LinkHeader(link));
    this.#events.push(events);
    this.questions.push(questions.length === 0 ? null : questions);
    return path;
  }

  /** Bring the counters of all rules and policies up to date. */
  flush(): void {
    const { counts } = this;
    for (let path = 0; path < this.links.length; path++) {
      const packets = counts[path * 2];
      if (packets === 0) continue;
      const bytes = counts[path * 2 + 1];
      for (const event of this.#events[path]) {
        if ((event & 3) === TraceKind.MATCHED || (event & 3) === TraceKind.POLICY)
          this.#count(event >>> 2, packets, bytes);
      }
      counts[path * 2] = 0;
      counts[path * 2 + 1] = 0;
    }
  }

  #isSame(path: number, trace: Trace, inDev: number, outDev: number, link: LinkHeader): boolean {
    const events = this.#events[path];
    if (events.length !== trace[0]) return false;
    if (this.words[path * PATH_WORDS + PATH_IN_DEV] !== inDev) return false;
    if (this.words[path * PATH_WORDS + PATH_OUT_DEV] !== outDev) return false;
    for (let i = 0; i < events.length; i++) if (events[i] !== trace[i + 1]) return false;
    return this.links[path].isSame(link);
  }

  /** What EVENTS asked; undefined where that cannot be asked again, or was asked twice: it is foreseen once a packet only. */
  #questionsOf(events: Int32Array): Question[] | undefined {
    const questions: Question[] = [];
    const seen = new Set<number>();
    let isForwarded = false;
    for (const event of events) {
      if (event === FORWARDED) {
        isForwarded = true;
        continue;
      }
      const kind = event & 3;
      if (kind !== TraceKind.ASKED_NO && kind !== TraceKind.ASKED_YES) continue;
      const id = event >>> 2;
      const ask = this.#asks.get(id);
      if (ask === undefined || seen.has(id)) return undefined;
      seen.add(id);
      questions.push({ ask, answer: kind === TraceKind.ASKED_YES, isForwarded });
    }
    return questions;
  }

  #grow(path: number): void {
    if ((path + 1) * PATH_WORDS <= this.words.length) return;
    const { words, counts } = this;
    this.words = new Int32Array(words.length * 2);
    this.words.set(words);
    this.counts = new Float64Array(counts.length * 2);
    this.counts.set(counts);
  }
}
