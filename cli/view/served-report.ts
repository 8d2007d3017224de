/** The report that is served, as it is now and as it was a moment ago. */

/** What has come to a report since the last time. */
export interface ReportUpdate {
  /** The index, as JSON. */
  readonly index: string;
  /** The sections that are new or have changed, compressed, by name. */
  readonly sections: ReadonlyMap<string, Uint8Array>;
}

/** A page has read the index of one version, and asks for sections while the next ones come. */
const MOST_VERSIONS = 16;

interface Version {
  readonly number: number;
  readonly index: Buffer;
  readonly sections: ReadonlyMap<string, Uint8Array>;
}

export class ServedReport {
  /** The newest is the last. What two versions have in common, they share. */
  readonly #versions: Version[] = [];
  readonly #listeners = new Set<(version: number) => void>();

  /** The number of the newest version; 0: there is none yet. */
  get version(): number {
    return this.#versions.at(-1)?.number ?? 0;
  }

  /** The index of the newest version as JSON; undefined: there is none yet. */
  get index(): Buffer | undefined {
    return this.#versions.at(-1)?.index;
  }

  /** The section NAME of VERSION, or of the newest one; undefined: there is none, or the version is too old. */
  section(name: string, version = this.version): Uint8Array | undefined {
    return this.#versions.find(({ number }) => number === version)?.sections.get(name);
  }

  /** Makes a new version of UPDATE and what there is already. */
  update({ index, sections }: ReportUpdate): void {
    const all = new Map(this.#versions.at(-1)?.sections);
    for (const [name, bytes] of sections) all.set(name, bytes);
    const number = this.version + 1;
    this.#versions.push({ number, index: Buffer.from(index), sections: all });
    if (this.#versions.length > MOST_VERSIONS) this.#versions.shift();
    for (const listener of this.#listeners) listener(number);
  }

  /** Calls LISTENER with the number of each new version. Returns what ends that. */
  onUpdate(listener: (version: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
