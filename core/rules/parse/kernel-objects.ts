/** Objects that rules make in the kernel when their table is loaded, and that later rules refer to or share. */
export class KernelObjects {
  readonly #objects = new Map<string, unknown>();

  /** Whether a rule has made an object of this KIND and NAME. */
  has(kind: string, name: string): boolean {
    return this.#objects.has(`${kind} ${name}`);
  }

  /** Returns the object of this KIND and NAME, which all rules share. Makes it from PROPERTIES if it is the first. */
  make<Properties>(kind: string, name: string, properties: Properties): Properties {
    const key = `${kind} ${name}`;
    if (!this.#objects.has(key)) this.#objects.set(key, properties);
    return this.#objects.get(key) as Properties;
  }
}
