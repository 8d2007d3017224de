/** Who is told when the answer of a set may have changed, and what was asked of which set. */
import type { IpSet } from './ip-set.js';

/**
 * Remembers answers, so has to forget them. KEY is a record of the set that is used again: copy it.
 */
export interface SetListener {
  /**
   * From now on SET may answer differently for the keys that KEY covers (`set.covers`); null: for any key. Not called
   * when an element expires: `asked` said when that would be.
   */
  changed(set: IpSet, key: Int32Array | null): void;
}

export interface SetQuestions {
  /**
   * A packet was looked up under KEY in SET; null: in all of it (list:set). The answer stays the same until UNTIL_MS of
   * the clock unless `changed` says otherwise; Infinity: for ever.
   */
  asked(set: IpSet, key: Int32Array | null, untilMs: number): void;
}

/** What packets have done to a set (`-j SET`). */
export interface PacketChanges {
  /** Entries that were added or renewed. */
  added: number;
  deleted: number;
}

/** The ears of a host's sets. */
export class SetChanges {
  /** Counts, while there is a listener, what makes another set of a set: swaps, and changes of the members of lists. */
  structure = 0;
  readonly #byPackets = new Map<string, PacketChanges>();
  listener: SetListener | undefined = undefined;
  /** Set while a packet's way is recorded. */
  questions: SetQuestions | undefined = undefined;

  /** What packets have done to the set NAME. */
  byPackets(name: string): PacketChanges {
    let changes = this.#byPackets.get(name);
    if (changes === undefined) {
      changes = { added: 0, deleted: 0 };
      this.#byPackets.set(name, changes);
    }
    return changes;
  }
}
