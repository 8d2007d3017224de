/**
 * What rules share by a name: lists of recent, tables of hashlimit, timers of IDLETIMER. It lives as long as some rule
 * in force has the name (the reference counts of the kernel).
 */

/** A state that is told when no rule has its name any more. */
interface Destroyable {
  destroy?(): void;
}

export class SharedStates {
  readonly #states = new Map<string, Destroyable>();
  /** Where the keys of what is asked for are noted; undefined: nowhere, and what is made is never destroyed. */
  #users: Set<string> | undefined;
  readonly #permanent = new Set<string>();

  /** The state NAME of a KIND, which CREATE makes when it is first asked for. */
  get<State>(kind: string, name: string, create: () => State): State {
    const key = `${kind} ${name}`;
    let state = this.#states.get(key);
    if (state === undefined) {
      state = create() as Destroyable;
      this.#states.set(key, state);
      if (this.#users === undefined) this.#permanent.add(key);
    }
    this.#users?.add(key);
    return state as State;
  }

  /** Calls MAKE, and adds the keys of all that it asks for to USERS. */
  recordInto<T>(users: Set<string>, make: () => T): T {
    const before = this.#users;
    this.#users = users;
    try {
      return make();
    } finally {
      this.#users = before;
    }
  }

  /** Destroys the states of which the keys are in none of the sets in USED. */
  retain(used: readonly ReadonlySet<string>[]): void {
    for (const [key, state] of this.#states) {
      if (this.#permanent.has(key) || used.some((keys) => keys.has(key))) continue;
      this.#states.delete(key);
      state.destroy?.();
    }
  }
}
