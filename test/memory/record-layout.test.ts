import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  area,
  array,
  f64,
  i32,
  layout,
  opener,
  Records,
  record,
  records,
  u32,
  u64,
} from '../../codecs/record-layout.js';

const RecordLayout = suite('record layout');

const POINT = layout('Point', { x: i32, y: i32, z: i32 });

RecordLayout('places fields in order, each aligned to its own size', () => {
  const mixed = layout('Mixed', { a: i32, b: f64, c: u32, d: u64, e: i32 });
  assert.equal(mixed.at, { a: 0, b: 8, c: 16, d: 24, e: 32 });
  assert.is(mixed.bytes, 40);
  assert.is(mixed.alignment, 8);
});

RecordLayout('has offsets in words and float64s as well', () => {
  const mixed = layout('Mixed', { a: i32, b: f64, c: u32, d: i32 });
  assert.is(mixed.word.c, 4);
  assert.is(mixed.double.b, 1);
  assert.is(mixed.words, 6);
  assert.is(mixed.doubles, 3);
});

RecordLayout('nests records and arrays', () => {
  const line = layout('Line', { kind: i32, ends: records(POINT, 2), weights: array(f64, 3), middle: record(POINT) });
  assert.equal(line.at, { kind: 0, ends: 4, weights: 32, middle: 56 });
  assert.is(line.bytes, 72);
});

RecordLayout('puts fields into the area of another record', () => {
  const base = layout('Base', { head: i32, rest: area(16), tail: i32 });
  const part = layout('Part', { a: i32, b: f64 }, { within: { base, area: 'rest' } });
  assert.equal(part.at, { a: 8, b: 16 });
  assert.is(part.bytes, base.bytes);
  assert.throws(
    () => layout('TooLong', { a: f64, b: f64, c: i32 }, { within: { base, area: 'rest' } }),
    'TooLong takes 20 bytes of the 16 that rest has',
  );
  assert.throws(() => layout('Lost', { a: i32 }, { within: { base, area: 'head' } }), 'Base has no area head');
});

RecordLayout('pads to a given size, and refuses one that is too small', () => {
  assert.is(layout('Padded', { a: i32 }, { bytes: 64 }).bytes, 64);
  assert.throws(() => layout('Small', { a: f64, b: i32 }, { bytes: 8 }), 'Small does not fit 8 bytes');
});

RecordLayout('throws on access outside the records', () => {
  const buffer = new ArrayBuffer(64);
  const points = new Records(POINT, buffer, 12, 3);
  points.assign(2, { x: 1, y: -2, z: 3 });
  assert.is(new DataView(buffer).getInt32(12 + 2 * 12 + 4, true), -2);
  assert.is(points.get(2, 'z'), 3);
  for (const index of [-1, 3, Number.NaN]) {
    assert.throws(() => points.set(index, 'x', 0), `Point ${index}: there are 3`);
    assert.throws(() => points.get(index, 'x'), `Point ${index}: there are 3`);
    assert.throws(() => points.addressOf(index), `Point ${index}: there are 3`);
  }
  assert.throws(() => points.get(0, 'w' as 'x'), 'Point has no number w');
  assert.throws(() => new Records(POINT, buffer, 2, 1), 'Point at 2: not a multiple of 4');
  assert.throws(() => new Records(POINT, buffer, 12, 5), RangeError);
  points.clear();
  assert.is(points.get(2, 'y'), 0);
});

RecordLayout('opens a record as properties', () => {
  const open = opener(layout('Opened', { signed: i32, unsigned: u32, real: f64, row: array(f64, 2) }));
  const opened = open(new ArrayBuffer(64), 8);
  opened.signed = -1;
  opened.unsigned = 2 ** 32 - 1;
  opened.real = 0.5;
  opened.row.set([1, 2]);
  assert.equal([opened.signed, opened.unsigned, opened.real, ...opened.row], [-1, 2 ** 32 - 1, 0.5, 1, 2]);
});

RecordLayout.run();
