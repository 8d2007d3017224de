// Protects which packets have the same ends: each tuple has one number, and no other tuple has it.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TUPLE_COLUMNS } from '../../../explain/report/format/model.js';
import { Tuples } from '../../../explain/report/tuples.js';

const Numbers = suite('numbers of tuples in a report');

const ADDRESSES = [0xc0_00_02_01, 0x0a_00_00_01] as const;

Numbers('tell the keys of GRE apart, all 32 bits of both', () => {
  const tuples = new Tuples();
  const numberOf = (id: number) => tuples.numberOfRow([47, ...ADDRESSES, -1, -1, id]);
  const ids = [-1, 0, 0x0001_0001, 0x0200_0001, 0x8000_0001, 0xffff_ffff];
  assert.equal(ids.map(numberOf), [0, 1, 2, 3, 4, 5]);
  assert.equal(ids.map(numberOf), [0, 1, 2, 3, 4, 5]);
});

Numbers('are the same for the same ends only', () => {
  const port = fc.constantFrom(0, 1, 80, 0xffff);
  const address = fc.constantFrom(...ADDRESSES, 0xffff_ffff);
  const ports = fc.tuple(fc.constantFrom(6, 17), address, address, port, port, fc.constant(-1));
  const echo = fc.tuple(fc.constant(1), address, address, fc.constantFrom(0, 8), fc.constant(0), port);
  const keys = fc.tuple(
    ...[fc.constant(47), address, address, fc.constant(-1), fc.constant(-1)],
    fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(ports, echo, keys)), (rows) => {
      const tuples = new Tuples();
      const numbers = new Map(rows.map((row) => [row.join(), tuples.numberOfRow(row)]));
      for (const row of rows) assert.is(tuples.numberOfRow(row), numbers.get(row.join()));
      assert.is(new Set(numbers.values()).size, numbers.size, TUPLE_COLUMNS.join());
    }),
  );
});

Numbers.run();
