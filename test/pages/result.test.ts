import { deflateRawSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ColumnWriter } from '../../explain/report/format/columns.js';
import {
  PACKET_COLUMNS,
  type ReportIndex,
  type ResultIndex,
  type SectionKind,
  TRAVERSAL_COUNT_COLUMNS,
} from '../../explain/report/format/model.js';
import { PacketBytesWriter } from '../../explain/report/format/packet-bytes.js';
import { reportData, type SectionSource } from '../../pages/data/report-data.js';

const Results = suite('results as a page has them');

const SKIPPED = { verdict: 'skipped', stages: [], related: [] };

/** Rows of packets by their traversal and length; the rest is 0. */
function packetSection(rows: readonly (readonly [traversal: number, length: number])[]): Uint8Array {
  const writer = new ColumnWriter(PACKET_COLUMNS);
  for (const [traversal, length] of rows) {
    writer.add(PACKET_COLUMNS.map((name) => ({ traversal, length })[name as string] ?? 0));
  }
  return deflateRawSync(writer.bytes());
}

const json = (value: unknown): Uint8Array => deflateRawSync(JSON.stringify(value));

function reportIndex(chunks: Partial<Record<SectionKind, number>>, isRunning = false): ReportIndex {
  const section = (kind: SectionKind) => ({ chunks: chunks[kind] ?? 0, rows: 2 });
  const kinds = ['packets', 'bytes', 'details', 'traversals', 'traversalCounts', 'tuples', 'rules'] as const;
  const sections = Object.fromEntries(kinds.map((kind: SectionKind) => [kind, section(kind)]));
  return { results: [{ isRunning, sections, packets: {} } as unknown as ResultIndex] } as unknown as ReportIndex;
}

/** Sections by name, and a list of the names that were asked for. */
function sourceOf(sections: Readonly<Record<string, Uint8Array>>): SectionSource & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async load(name) {
      asked.push(name);
      if (!Object.hasOwn(sections, name)) throw new Error(`no ${name}`);
      return sections[name];
    },
  };
}

Results('are unpacked when they are first asked for, once', async () => {
  const source = sourceOf({
    '0/packets/0': packetSection([
      [0, 40],
      [1, 60],
    ]),
    '0/packets/1': packetSection([[300, 70000]]),
  });
  const [result] = reportData(reportIndex({ packets: 2 }), source).results;
  assert.equal(source.asked, []);
  const [{ traversal, length }, again] = await Promise.all([result.packets(), result.packets()]);
  assert.equal([...traversal], [0, 1, 300]);
  assert.equal([...length], [40, 60, 70000]);
  assert.is(again.traversal, traversal);
  assert.equal(source.asked, ['0/packets/0', '0/packets/1']);
});

Results('count the packets of each traversal: of chosen rows from the rows, of all as they were counted', async () => {
  const counts = new ColumnWriter(TRAVERSAL_COUNT_COLUMNS);
  counts.add([5, 200]);
  counts.add([7, 420]);
  const source = sourceOf({
    '0/packets/0': packetSection([
      [0, 40],
      [1, 60],
    ]),
    '0/packets/1': packetSection([[1, 100]]),
    '0/traversals/0': json({ steps: [], paths: [], traversals: [SKIPPED, SKIPPED] }),
    '0/traversalCounts/0': deflateRawSync(counts.bytes()),
  });
  const [result] = reportData(reportIndex({ packets: 2, traversals: 1, traversalCounts: 1 }), source).results;
  const all = await result.traversalTotals();
  assert.equal(
    [[...all.packets], [...all.bytes]],
    [
      [5, 7],
      [200, 420],
    ],
  );
  const some = await result.traversalTotals(Uint32Array.of(1, 2));
  assert.equal(
    [[...some.packets], [...some.bytes]],
    [
      [0, 2],
      [0, 160],
    ],
  );
});

Results('have the bytes of a row in the section of its rows', async () => {
  const bytesOf = (value: number) => ({ linktype: 1, dev: 0, length: 1, bytes: Uint8Array.of(value) });
  const sections = [[1, 2], [3]].map((values) => {
    const writer = new PacketBytesWriter();
    for (const value of values) writer.add({ arrived: bytesOf(value), left: [], related: [] });
    return deflateRawSync(writer.bytes());
  });
  const source = sourceOf({ '0/bytes/0': sections[0], '0/bytes/1': sections[1] });
  const [result] = reportData(reportIndex({ bytes: 2 }), source).results;
  assert.equal([...(await result.bytesOf(2))!.arrived.bytes], [3]);
  assert.equal(source.asked, ['0/bytes/1']);
  assert.equal([...(await result.bytesOf(1))!.arrived.bytes], [2]);
  assert.is(await result.bytesOf(4), undefined);
});

Results('of a replay that goes on keep what is full, and read the rest again', async () => {
  const full = packetSection([
    [0, 40],
    [0, 41],
  ]);
  const before = sourceOf({ '0/packets/0': full, '0/packets/1': packetSection([[0, 42]]) });
  const first = reportData(reportIndex({ packets: 2 }, true), before);
  assert.is((await first.results[0].packets()).length.length, 3);
  const more = packetSection([
    [0, 42],
    [0, 43],
  ]);
  const after = sourceOf({ '0/packets/0': full, '0/packets/1': more });
  const second = reportData(reportIndex({ packets: 2 }), after, first);
  assert.equal([...(await second.results[0].packets()).length], [40, 41, 42, 43]);
  assert.equal(after.asked, ['0/packets/1']);
  // It has ended: nothing is read any more.
  const third = reportData(reportIndex({ packets: 2 }), sourceOf({}), second);
  assert.is(third.results[0], second.results[0]);
});

Results('try again what could not be read', async () => {
  const sections: Record<string, Uint8Array> = {};
  const [result] = reportData(reportIndex({ packets: 1 }), sourceOf(sections)).results;
  const problem = await result.packets().catch((error: Error) => error.message);
  assert.is(problem, 'no 0/packets/0');
  sections['0/packets/0'] = packetSection([[0, 40]]);
  assert.is((await result.packets()).length[0], 40);
});

Results('say that a section is damaged', async () => {
  const good = packetSection([
    [0, 40],
    [1, 60],
  ]);
  for (const bad of [good.subarray(0, good.length - 3), Uint8Array.of(1, 2, 3), new Uint8Array(0)]) {
    const [result] = reportData(reportIndex({ packets: 1 }), sourceOf({ '0/packets/0': bad })).results;
    const problem = await result.packets().then(
      () => undefined,
      (error: Error) => error,
    );
    assert.instance(problem, Error);
  }
});

Results.run();
