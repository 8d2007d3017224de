// Protects the numbers of a report: what its page reads is what was written, whatever their size and sign.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ColumnWriter, readColumns } from '../../../explain/report/format/columns.js';

const Report = suite('columns of a report');

Report('come back as they were written', () => {
  const value = fc.oneof(fc.integer({ min: -2, max: 2 }), fc.integer(), fc.integer({ min: -(2 ** 52), max: 2 ** 52 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value)), (rows) => {
      const writer = new ColumnWriter(['a', 'b']);
      for (const row of rows) writer.add(row);
      const { a, b } = readColumns(['a', 'b'], writer.bytes());
      assert.equal(
        rows,
        Array.from(a, (one, i) => [one, b[i]]),
      );
    }),
  );
});

Report('come back where they are as far apart as the times of captures may be', () => {
  const names = ['time', 'other'] as const;
  const ns = fc.oneof(
    fc.integer({ min: -(2 ** 31), max: 2 ** 32 }).map((seconds) => seconds * 1e9),
    fc.constantFrom(-1, 23_000_001),
    fc.integer(),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(ns, ns)), (rows) => {
      const writer = new ColumnWriter(names, { other: 'time' });
      for (const row of rows) writer.add(row);
      const { time, other } = readColumns(names, writer.bytes());
      assert.equal(
        rows,
        rows.map((_, i) => [time[i], other[i]]),
      );
    }),
  );
});

Report('come back, whatever is expected in them', () => {
  const names = ['a', 'b', 'other', 'most', 'key', 'keys'] as const;
  const expected = { other: 'a', most: [], key: ['a'], keys: ['a', 'b'] } as const;
  const few = fc.integer({ min: -1, max: 3 });
  const many = fc.integer({ min: -(2 ** 40), max: 2 ** 40 }).map((value) => value * 1000);
  fc.assert(
    fc.property(fc.array(fc.tuple(few, few, many, many, many, fc.oneof(few, many))), (rows) => {
      const writer = new ColumnWriter(names, expected);
      for (const row of rows) writer.add(row);
      const columns = readColumns(names, writer.bytes());
      assert.equal(
        rows,
        rows.map((_, i) => names.map((name) => columns[name][i])),
      );
    }),
  );
});

Report('are as narrow as their values', () => {
  const writer = new ColumnWriter(['small', 'large', 'huge']);
  writer.add([-128, 2 ** 31 - 1, 2 ** 31]);
  const { small, large, huge } = readColumns(['small', 'large', 'huge'], writer.bytes());
  assert.instance(small, Int8Array);
  assert.instance(large, Int32Array);
  assert.instance(huge, Float64Array);
});

Report('that are cut off, or of others, are refused', () => {
  const writer = new ColumnWriter(['a']);
  writer.add([1000]);
  const bytes = writer.bytes();
  assert.throws(() => readColumns(['a'], bytes.subarray(0, bytes.length - 1)), /cut off/);
  assert.throws(() => readColumns(['a', 'b'], bytes), /1 columns, not 2/);
});

Report.run();
