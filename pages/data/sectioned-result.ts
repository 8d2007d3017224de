/** A result whose sections are unpacked when they are first asked for. */
import { type Columns, readColumns } from '../../explain/report/format/columns.js';
import { CONNECTION_COLUMNS } from '../../explain/report/format/connection-columns.js';
import { type TraversalChunk, traversalsIn } from '../../explain/report/format/folded-traversals.js';
import {
  growingKinds,
  PACKET_COLUMNS,
  type ResultIndex,
  type RulesSection,
  type SectionKind,
  TIMELINE_COLUMNS,
  type TimelineEvent,
  TRAVERSAL_COUNT_COLUMNS,
  type Traversal,
  TUPLE_COLUMNS,
} from '../../explain/report/format/model.js';
import { type PacketBytes, readPacketBytes } from '../../explain/report/format/packet-bytes.js';
import { joinColumns } from './join-columns.js';
import type { SectionSource } from './report-data.js';
import type {
  ConnectionColumns,
  PacketColumns,
  Result,
  TimelineColumns,
  TraversalTotals,
  TupleColumns,
} from './result.js';
import { inflate, readJson } from './unpack.js';

export class SectionedResult implements Result {
  readonly index: ResultIndex;
  readonly #number: number;
  readonly #source: SectionSource;
  /** By the names of sections. */
  readonly #chunks = new Map<string, Promise<unknown>>();
  /** Of all chunks of a kind. */
  readonly #whole = new Map<SectionKind, Promise<unknown>>();

  /** The result NUMBER of a report. PREVIOUS: as it was before it grew. */
  constructor(index: ResultIndex, number: number, source: SectionSource, previous?: SectionedResult) {
    this.index = index;
    this.#number = number;
    this.#source = source;
    if (previous) this.#keep(previous);
  }

  packets(): Promise<PacketColumns> {
    return this.#columns('packets', PACKET_COLUMNS);
  }

  tuples(): Promise<TupleColumns> {
    return this.#columns('tuples', TUPLE_COLUMNS);
  }

  traversals(): Promise<readonly Traversal[]> {
    const unfolded = async () => traversalsIn((await this.#all('traversals', readJson)) as TraversalChunk[]);
    return this.#once('traversals', unfolded) as Promise<readonly Traversal[]>;
  }

  rules(): Promise<RulesSection> {
    return this.#once('rules', () => this.#chunk('rules', 0, readJson)) as Promise<RulesSection>;
  }

  connections(): Promise<ConnectionColumns> {
    return this.#columns('connections', CONNECTION_COLUMNS);
  }

  timeline(): Promise<TimelineColumns> {
    return this.#columns('timeline', TIMELINE_COLUMNS);
  }

  events(): Promise<readonly TimelineEvent[]> {
    return this.#list('events');
  }

  details(): Promise<readonly (readonly string[])[]> {
    return this.#list('details');
  }

  async bytesOf(row: number): Promise<PacketBytes | undefined> {
    const { chunks, rows } = this.index.sections.bytes;
    const chunk = Math.floor(row / rows);
    return chunk < chunks ? readPacketBytes(await this.#chunk('bytes', chunk, inflate), row % rows) : undefined;
  }

  async traversalTotals(rows?: Uint32Array): Promise<TraversalTotals> {
    if (rows === undefined) {
      const { packets, bytes } = await this.#columns('traversalCounts', TRAVERSAL_COUNT_COLUMNS);
      return { packets: Float64Array.from(packets), bytes: Float64Array.from(bytes) };
    }
    const [{ traversal, length }, traversals] = await Promise.all([this.packets(), this.traversals()]);
    const packets = new Float64Array(traversals.length);
    const bytes = new Float64Array(traversals.length);
    for (const row of rows) {
      packets[traversal[row]]++;
      bytes[traversal[row]] += length[row];
    }
    return { packets, bytes };
  }

  /** Takes what cannot have changed since PREVIOUS. */
  #keep(previous: SectionedResult): void {
    for (const kind of growingKinds(this.index.packets, previous.index.packets)) {
      const full = previous.index.sections[kind].chunks - 1;
      for (let chunk = 0; chunk < full; chunk++) {
        const name = this.#name(kind, chunk);
        const content = previous.#chunks.get(name);
        if (content) this.#chunks.set(name, content);
      }
    }
  }

  #columns<Name extends string>(kind: SectionKind, names: readonly Name[]): Promise<Columns<Name>> {
    const read = async (bytes: Uint8Array): Promise<Columns<Name>> => readColumns(names, await inflate(bytes));
    const whole = async () => joinColumns(names, await this.#all(kind, read));
    return this.#once(kind, whole) as Promise<Columns<Name>>;
  }

  #list<T>(kind: SectionKind): Promise<readonly T[]> {
    return this.#once(kind, async () => (await this.#all(kind, readJson)).flat()) as Promise<readonly T[]>;
  }

  #all<T>(kind: SectionKind, read: (bytes: Uint8Array) => Promise<T>): Promise<T[]> {
    const { chunks } = this.index.sections[kind];
    return Promise.all(Array.from({ length: chunks }, (_, chunk) => this.#chunk(kind, chunk, read)));
  }

  #chunk<T>(kind: SectionKind, chunk: number, read: (bytes: Uint8Array) => Promise<T>): Promise<T> {
    const name = this.#name(kind, chunk);
    return remembered(this.#chunks, name, () => this.#source.load(name).then(read)) as Promise<T>;
  }

  #once(kind: SectionKind, make: () => Promise<unknown>): Promise<unknown> {
    return remembered(this.#whole, kind, make);
  }

  #name(kind: SectionKind, chunk: number): string {
    return `${this.#number}/${kind}/${chunk}`;
  }
}

/** The value of KEY, which MAKE makes the first time. What failed is tried again. */
export function remembered<Key>(
  values: Map<Key, Promise<unknown>>,
  key: Key,
  make: () => Promise<unknown>,
): Promise<unknown> {
  const there = values.get(key);
  if (there !== undefined) return there;
  const value = make();
  values.set(key, value);
  value.catch(() => values.delete(key));
  return value;
}
