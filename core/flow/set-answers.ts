/**
 * Paths remember what sets have answered. A path whose rules look packets up in sets has the answers for its first
 * packet; they also hold for another packet as long as the sets answer the same. The data plane asks once for each
 * connection and direction (`FlowCache`), and again when one of these sets has changed or the entry that was found has
 * expired (wasm/flow/answers.ts). So a change of a set costs the connections that ask it one lookup each, and other
 * connections nothing.
 */
import type { FieldsOf, Records } from '../../codecs/record-layout.js';
import type { Memory } from '../memory.js';
import { lookupOf } from '../rules/lower.js';
import type { PerPacketTest } from '../rules/run/interpret.js';
import { setsAsked } from '../rules/run/set-lookup.js';
import type { SetListener, SetQuestions } from '../sets/changes.js';
import type { IpSet } from '../sets/ip-set.js';
import type { SetStore } from '../sets/store.js';
import { type PathCheck, setsOf } from './path-checks.js';
import { SET_READERS } from './records.js';

/** The paths that ask the same of the same sets, with the same answers. */
interface Readers {
  readonly sets: ReadonlySet<string>;
  readonly record: Records<FieldsOf<typeof SET_READERS>>;
}

export class SetAnswers implements SetListener, SetQuestions {
  /**
   * Until when everything that sets have answered since this was reset holds, if no set changes, in milliseconds of
   * packet time.
   */
  untilMs = Number.POSITIVE_INFINITY;
  readonly #memory: Memory;
  readonly #sets: SetStore;
  readonly #readers = new Map<string, Readers>();
  readonly #numbers = new Map<PerPacketTest, number>();
  #lastStamp = 0;

  /** Listens to SETS from now on. */
  constructor(memory: Memory, sets: SetStore) {
    this.#memory = memory;
    this.#sets = sets;
    sets.changes.listener = this;
    sets.changes.questions = this;
  }

  /**
   * The address of the SET_READERS of paths from IN_DEV to OUT_DEV that ask ASKED. As they all ask the same, what is
   * remembered holds for a connection whose packets go over from one of them to another.
   *
   * @throws {MemoryFullError}
   */
  readersOf(asked: readonly PathCheck[], inDev: number, outDev: number): number {
    const checks = asked.map(({ test, result, isAfterRouting }) => {
      return `${this.#numberOf(test)}${result ? '+' : '-'}${isAfterRouting ? 'f' : 'p'}`;
    });
    const key = [inDev, outDev, ...checks].join(' ');
    let readers = this.#readers.get(key);
    if (readers === undefined) {
      readers = { sets: setsOf(asked), record: this.#memory.allocateRecords(SET_READERS, 1) };
      const isStateless = asked.every(({ test }) => test.steps.every((step) => lookupOf(step) !== undefined));
      readers.record.set(0, 'isStateless', isStateless ? 1 : 0);
      this.#readers.set(key, readers);
      this.#renew(readers);
    }
    return readers.record.start;
  }

  #numberOf(test: PerPacketTest): number {
    let number = this.#numbers.get(test);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(test, number);
    }
    return number;
  }

  /** There are no paths any more. */
  forgetReaders(): void {
    for (const { record } of this.#readers.values()) this.#memory.release(record.start, SET_READERS.bytes);
    this.#readers.clear();
    this.#numbers.clear();
  }

  asked(_set: IpSet, _key: Int32Array | null, untilMs: number): void {
    if (untilMs < this.untilMs) this.untilMs = untilMs;
  }

  /** SET may answer in another way: what has asked it, or a list that it is in, asks again. */
  changed({ name, type }: IpSet, key: Int32Array | null): void {
    if (key === null || type.method === 'list') this.#sets.changes.structure += 1;
    for (const readers of this.#readers.values()) {
      for (const asked of readers.sets) {
        if (asked !== name && !this.#isListWith(asked, name)) continue;
        this.#renew(readers);
        break;
      }
    }
  }

  #isListWith(list: string, member: string): boolean {
    const isList = this.#sets.get(list)?.type.method === 'list';
    return isList && setsAsked(this.#sets, list).some(({ name }) => name === member);
  }

  #renew({ record }: Readers): void {
    this.#lastStamp += 1;
    record.set(0, 'stamp', this.#lastStamp);
  }
}
