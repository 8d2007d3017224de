/**
 * The paths of packets of established connections, each stored once: which rules matched, which policies decided, and
 * the ingress and egress interface. Counters are derived from how often a path was taken.
 */
import type { KeyedHash } from '../keyed-hash.js';
import type { Memory } from '../memory.js';
import type { MemoryArena } from '../memory-arena.js';
import { REGIONS } from '../memory-map.js';
import { type Effect, mayBeSkipped } from '../rules/effect.js';
import type { PerPacketTest } from '../rules/run/interpret.js';
import { FORWARDED, isWhole, type Trace, TraceKind } from '../rules/run/trace.js';
import { LinkHeader } from './link-header.js';
import { asksSets, type PathCheck, writeChecks } from './path-checks.js';
import { PATH } from './records.js';
import type { SetAnswers } from './set-answers.js';

/** Adds PACKETS with a total of BYTES to the counter with this trace ID. */
export type CountById = (id: number, packets: number, bytes: number) => void;

/** In place of the ingress interface: no packet can take the path. */
const FORGOTTEN = -1;

export class PathTable {
  readonly answers: SetAnswers;
  readonly #arena: MemoryArena;
  /** The number of the first path that is not forgotten. The arrays are about it and those after it. */
  #first = 0;
  #checks: (readonly PathCheck[])[] = [];
  /** Those of them that only ask sets. */
  #asked: (readonly PathCheck[])[] = [];
  readonly #words: Int32Array;
  readonly #counts: Float64Array;
  #links: LinkHeader[] = [];
  #events: Int32Array[] = [];
  readonly #hash: KeyedHash;
  readonly #byHash = new Map<number, number[]>();
  readonly #perPacketTests: ReadonlyMap<number, PerPacketTest>;
  readonly #effects: ReadonlyMap<number, Effect>;
  readonly #count: CountById;

  /**
   * PER_PACKET_TESTS of rules and the EFFECTS of targets that have any, by the rule's trace ID. ARENA: for the checks,
   * until the paths are forgotten.
   */
  constructor(
    memory: Memory,
    arena: MemoryArena,
    perPacketTests: ReadonlyMap<number, PerPacketTest>,
    effects: ReadonlyMap<number, Effect>,
    count: CountById,
    answers: SetAnswers,
  ) {
    this.#arena = arena;
    this.answers = answers;
    this.#hash = memory.hash;
    this.#words = REGIONS.paths.wordsOf(memory.buffer);
    this.#counts = REGIONS.paths.doublesOf(memory.buffer);
    this.#perPacketTests = perPacketTests;
    this.#effects = effects;
    this.#count = count;
  }

  /**
   * Returns the path of a packet with TRACE from IN_DEV to OUT_DEV, which has MTU, with the Ethernet header LINK. Adds
   * a path if there is none like it. Returns -1 if it cannot be stored, for example because every packet must run one
   * of the targets.
   *
   * @throws {MemoryFullError}; no path was added then
   */
  intern(trace: Trace, inDev: number, outDev: number, mtu: number, link: LinkHeader): number {
    if (!isWhole(trace)) return -1;
    const length = trace[0];
    let hash = this.#hash.mix(this.#hash.mix(0, inDev), outDev);
    for (let i = 1; i <= length; i++) hash = this.#hash.mix(hash, trace[i]);
    for (const word of link.words) hash = this.#hash.mix(hash, word);
    const alike = this.#byHash.get(hash);
    if (alike !== undefined) {
      for (const path of alike) if (this.#isSame(path, trace, inDev, outDev, mtu, link)) return path;
    }
    // With this many paths, the ruleset seems to create one for each connection, so no more are learned.
    if (this.#end === REGIONS.paths.count || this.#mustRun(trace)) return -1;
    const events = trace.slice(1, 1 + length);
    const checks = this.#checksOf(events);
    if (checks === undefined) return -1;
    const path = this.#end;
    const asked = checks.filter(asksSets);
    const readers = asked.length === 0 ? 0 : this.answers.readersOf(asked, inDev, outDev);
    const tests = checks.length === 0 ? 0 : writeChecks(this.#arena, checks, readers);
    if (alike === undefined) this.#byHash.set(hash, [path]);
    else alike.push(path);
    const at = path * PATH.words;
    this.#words[at + PATH.word.inDev] = inDev;
    this.#words[at + PATH.word.outDev] = outDev;
    this.#words[at + PATH.word.mtu] = mtu;
    this.#words[at + PATH.word.tests] = tests;
    this.#words.set(link.words, at + PATH.word.link);
    this.#links.push(new LinkHeader(link));
    this.#events.push(events);
    this.#checks.push(checks);
    this.#asked.push(asked);
    return path;
  }

  /** The number of the next path. */
  get #end(): number {
    return this.#first + this.#links.length;
  }

  /** Whether PATH is not forgotten. */
  isKnown(path: number): boolean {
    return path >= this.#first;
  }

  /** Check INDEX of PATH: what must be checked before a packet can take it. */
  check(path: number, index: number): PathCheck {
    return this.#checks[path - this.#first][index];
  }

  /** The checks of PATH that only ask sets. */
  asked(path: number): readonly PathCheck[] {
    return this.#asked[path - this.#first];
  }

  /**
   * Forgets all paths: no packet can take them any more. `flush` must have been called, and the arena is cleared
   * afterwards. Returns false if there are too few numbers left for new paths: then the connections have to forget
   * their paths too (`ConntrackTable.forgetPaths`), and `startAgain` is called.
   */
  forget(): boolean {
    for (let path = this.#first; path < this.#end; path++) {
      this.#words[path * PATH.words + PATH.word.inDev] = FORGOTTEN;
      this.#words[path * PATH.words + PATH.word.tests] = 0;
    }
    this.#first = this.#end;
    this.#links = [];
    this.#events = [];
    this.#checks = [];
    this.#asked = [];
    this.answers.forgetReaders();
    this.#byHash.clear();
    return this.#first < REGIONS.paths.count / 2;
  }

  /** Numbers paths from 0 again. There must be none. */
  startAgain(): void {
    this.#first = 0;
  }

  /** What packets of PATH traverse (rules/run/trace.ts). */
  events(path: number): Int32Array {
    return this.#events[path - this.#first];
  }

  /** The egress interface for packets of PATH. */
  outDev(path: number): number {
    return this.#words[path * PATH.words + PATH.word.outDev];
  }

  #mtu(path: number): number {
    return this.#words[path * PATH.words + PATH.word.mtu];
  }

  /** The ingress interface for packets of PATH. */
  inDev(path: number): number {
    return this.#words[path * PATH.words + PATH.word.inDev];
  }

  /**
   * Whether paths A and B are the same except for the rule matched in one chain, whose RULES rules have IDs starting at
   * FIRST_ID: the same interfaces and link, and the same events, where any two matches of those rules count as equal if
   * their targets have no effect.
   */
  isAlike(a: number, b: number, firstId: number, rules: number): boolean {
    const mine = this.#events[a - this.#first];
    const other = this.#events[b - this.#first];
    const isOfChain = (event: number): boolean =>
      (event & 3) === TraceKind.MATCHED && event >= 0 && event >> 2 >= firstId && event >> 2 < firstId + rules;
    const isOther = (event: number): boolean => isOfChain(event) && !this.#effects.has(event >> 2);
    return (
      mine.length === other.length &&
      this.inDev(a) === this.inDev(b) &&
      this.outDev(a) === this.outDev(b) &&
      this.#mtu(a) === this.#mtu(b) &&
      this.#links[a - this.#first].isSame(this.#links[b - this.#first]) &&
      mine.every((event, i) => event === other[i] || (isOther(event) && isOther(other[i])))
    );
  }

  /** Updates the counters of all rules and policies. */
  flush(): void {
    for (let index = 0; index < this.#links.length; index++) {
      const at = (this.#first + index) * PATH.doubles;
      const packets = this.#counts[at + PATH.double.packets];
      if (packets === 0) continue;
      const bytes = this.#counts[at + PATH.double.bytes];
      for (const event of this.#events[index]) {
        if ((event & 3) === TraceKind.MATCHED || (event & 3) === TraceKind.POLICY)
          this.#count(event >>> 2, packets, bytes);
      }
      this.#counts[at + PATH.double.packets] = 0;
      this.#counts[at + PATH.double.bytes] = 0;
    }
  }

  /** Whether the packet with this TRACE reached a target that every packet must run. */
  #mustRun(trace: Trace): boolean {
    for (let i = 1; i <= trace[0]; i++) {
      if ((trace[i] & 3) !== TraceKind.MATCHED) continue;
      const effect = this.#effects.get(trace[i] >>> 2);
      if (effect !== undefined && !mayBeSkipped(effect)) return true;
    }
    return false;
  }

  #isSame(path: number, trace: Trace, inDev: number, outDev: number, mtu: number, link: LinkHeader): boolean {
    const events = this.#events[path - this.#first];
    if (events.length !== trace[0]) return false;
    if (this.inDev(path) !== inDev || this.outDev(path) !== outDev || this.#mtu(path) !== mtu) return false;
    for (let i = 0; i < events.length; i++) if (events[i] !== trace[i + 1]) return false;
    return this.#links[path - this.#first].isSame(link);
  }

  /**
   * The per-packet tests in EVENTS; undefined if one cannot be run separately, or ran twice, because it is
   * predicted only once per packet.
   */
  #checksOf(events: Int32Array): PathCheck[] | undefined {
    const checks: PathCheck[] = [];
    const seen = new Set<number>();
    let isAfterRouting = false;
    for (const event of events) {
      if (event === FORWARDED) {
        isAfterRouting = true;
        continue;
      }
      const kind = event & 3;
      if (kind !== TraceKind.FAILED && kind !== TraceKind.PASSED) continue;
      const id = event >>> 2;
      const test = this.#perPacketTests.get(id);
      if (test === undefined || seen.has(id)) return undefined;
      seen.add(id);
      checks.push({ test, result: kind === TraceKind.PASSED, isAfterRouting });
    }
    return checks;
  }
}
