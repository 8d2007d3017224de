/** What a report says of its first result, unpacked as its page does it. */
import { inflateRawSync } from 'node:zlib';
import { readColumns } from '../../../explain/report/format/columns.js';
import { CONNECTION_COLUMNS } from '../../../explain/report/format/connection-columns.js';
import {
  PACKET_COLUMNS,
  type RulesSection,
  type SectionKind,
  TUPLE_COLUMNS,
} from '../../../explain/report/format/model.js';
import type { Report } from '../../../explain/report/format/report.js';

/** The values of columns, as arrays. */
export type Table<Name extends string> = Readonly<Record<Name, readonly number[]>>;

export interface Unpacked {
  readonly packets: Table<(typeof PACKET_COLUMNS)[number]>;
  readonly tuples: Table<(typeof TUPLE_COLUMNS)[number]>;
  readonly connections: Table<(typeof CONNECTION_COLUMNS)[number]>;
  readonly rules: RulesSection;
  readonly details: readonly (readonly string[])[];
}

export function unpacked(report: Report): Unpacked {
  return {
    packets: table(report, 'packets', PACKET_COLUMNS),
    tuples: table(report, 'tuples', TUPLE_COLUMNS),
    connections: table(report, 'connections', CONNECTION_COLUMNS),
    rules: JSON.parse(sectionsOf(report, 'rules')[0].toString()),
    details: sectionsOf(report, 'details').flatMap((bytes) => JSON.parse(bytes.toString())),
  };
}

function table<Name extends string>(report: Report, kind: SectionKind, names: readonly Name[]): Table<Name> {
  const chunks = sectionsOf(report, kind).map((bytes) => readColumns(names, bytes));
  const columns = names.map((name) => [name, chunks.flatMap((chunk) => Array.from(chunk[name]))]);
  return Object.fromEntries(columns) as Table<Name>;
}

function sectionsOf({ index, sections }: Report, kind: SectionKind): Buffer[] {
  const { chunks } = index.results[0].sections[kind];
  return Array.from({ length: chunks }, (_, i) => inflateRawSync(sections.get(`0/${kind}/${i}`) ?? new Uint8Array()));
}
