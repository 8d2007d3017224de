/** The variables that a project sees: those of .env, and those that are set outside, which are told as it asks for them. */

export class Variables extends Map<string, string> {
  readonly #outside: ReadonlySet<string>;
  readonly #onVariable: ((name: string) => void) | undefined;

  /** OUTSIDE: the names of those that are told; all, if left out. */
  constructor(
    values: Iterable<readonly [string, string]>,
    onVariable: ((name: string) => void) | undefined,
    outside?: ReadonlySet<string>,
  ) {
    super(values);
    this.#onVariable = onVariable;
    this.#outside = outside ?? new Set(this.keys());
  }

  override get(name: string): string | undefined {
    if (this.#outside.has(name)) this.#onVariable?.(name);
    return super.get(name);
  }

  /** These on top of OTHERS. */
  on(others: ReadonlyMap<string, string>): Variables {
    return new Variables([...others, ...this], this.#onVariable, this.#outside);
  }
}

/** VARIABLES on top of OTHERS. */
export function variablesOn(
  others: ReadonlyMap<string, string>,
  variables: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  return variables instanceof Variables ? variables.on(others) : new Map([...others, ...variables]);
}
