// Long tables: which rows are in sight, wherever somebody scrolls, and in which order packets are listed.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type PacketOrder, type PacketSort, packetOrder } from '../../pages/data/packet-order.js';
import { packetTable } from '../../pages/data/packet-table.js';
import {
  MAX_SCROLL_HEIGHT,
  rowOfKey,
  ScrollPosition,
  scrollHeight,
  type TableSize,
} from '../../pages/data/row-window.js';
import { seededRandom, testSeed } from '../random.js';
import { madeResult, plainTraversal } from './made-result.js';

const Rows = suite('rows of long tables');

const SMALL: TableSize = { rows: 1000, rowHeight: 20, viewHeight: 510 };
/** 28 million pixels: more than Firefox allows. */
const LARGE: TableSize = { rows: 1_000_000, rowHeight: 28, viewHeight: 600 };

/** A browser's element that is scrolled. */
class Scroller {
  readonly position = new ScrollPosition();
  scrollTop = 0;

  constructor(size: TableSize) {
    this.scrollTop = this.position.resize(size);
  }

  get #most(): number {
    return scrollHeight(this.position.size) - this.position.size.viewHeight;
  }

  /** Returns whether it has moved at all. */
  scrollTo(scrollTop: number): boolean {
    const next = Math.max(0, Math.min(this.#most, scrollTop));
    if (next === this.scrollTop) return false;
    this.scrollTop = next;
    this.scrollTop = this.position.scrolled(next);
    return true;
  }
}

Rows('a small table scrolls as it is', () => {
  const scroller = new Scroller(SMALL);
  assert.is(scrollHeight(SMALL), 20_000);
  assert.equal(scroller.position.window, { first: 0, end: 26, offset: 0 });
  scroller.scrollTo(1010);
  assert.equal(scroller.position.window, { first: 50, end: 76, offset: -10 });
  scroller.scrollTo(1e9);
  assert.equal(scroller.position.window, { first: 974, end: 1000, offset: -10 });
  assert.is(new ScrollPosition().window.end, 0);
});

Rows('a large table is as high as browsers allow, and its scroll bar reaches all rows', () => {
  const scroller = new Scroller(LARGE);
  assert.is(scrollHeight(LARGE), MAX_SCROLL_HEIGHT);
  scroller.scrollTo(MAX_SCROLL_HEIGHT / 2);
  const { first } = scroller.position.window;
  assert.ok(Math.abs(first - 500_000) < 100, `${first}`);
  scroller.scrollTo(MAX_SCROLL_HEIGHT);
  assert.is(scroller.position.window.end, 1_000_000);
  scroller.scrollTo(0);
  assert.is(scroller.position.window.first, 0);
});

Rows('a wheel moves the rows of a large table as far as those of a small one', () => {
  const scroller = new Scroller(LARGE);
  for (let i = 1; i <= 1000; i++) {
    scroller.scrollTo(scroller.scrollTop + 100);
    assert.is(scroller.position.top, i * 100);
  }
  // When it comes to rest, the scroll bar is where the rows are.
  scroller.scrollTop = scroller.position.settled();
  const ratio = (LARGE.rows * LARGE.rowHeight - LARGE.viewHeight) / (MAX_SCROLL_HEIGHT - LARGE.viewHeight);
  assert.ok(Math.abs(scroller.scrollTop * ratio - 100_000) <= ratio);
});

Rows('a wheel reaches both ends of a large table, and no row is skipped on the way', () => {
  for (const [step, end] of [
    [90, LARGE.rows],
    [-90, 0],
  ]) {
    const scroller = new Scroller(LARGE);
    const start = step > 0 ? LARGE.rows - 2000 : 2000;
    scroller.scrollTop = scroller.position.moveTo(start * LARGE.rowHeight);
    for (let i = 0; i < 1000; i++) {
      const before = scroller.position.top;
      const hasMoved = scroller.scrollTo(scroller.scrollTop + step);
      assert.ok(Math.abs(scroller.position.top - before) <= 90);
      if (!hasMoved) break;
    }
    const { first, end: last } = scroller.position.window;
    assert.is(step > 0 ? last : first, end);
  }
});

Rows('wherever somebody scrolls, the rows fill the view', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const scroller = new Scroller(LARGE);
  for (let i = 0; i < 20_000; i++) {
    const far = random(10) === 0;
    scroller.scrollTo(far ? random(MAX_SCROLL_HEIGHT) : scroller.scrollTop + random(2000) - 1000);
    if (random(5) === 0) scroller.scrollTop = scroller.position.settled();
    const { first, end, offset } = scroller.position.window;
    const message = `SEED=${seed}: ${first} ${end} ${offset}`;
    assert.ok(first >= 0 && end <= LARGE.rows && offset <= 0 && offset > -28, message);
    assert.ok((end - first) * 28 + offset >= 600, message);
  }
});

Rows('a row is brought into sight with the least move', () => {
  const scroller = new Scroller(LARGE);
  scroller.scrollTop = scroller.position.reveal(999_999);
  assert.is(scroller.position.top, 1_000_000 * 28 - 600);
  scroller.position.reveal(999_990);
  assert.is(scroller.position.top, 1_000_000 * 28 - 600);
  scroller.position.reveal(123_456);
  assert.is(scroller.position.top, 123_456 * 28);
});

Rows('keys move by rows and pages, and stay in the table', () => {
  assert.is(rowOfKey('ArrowDown', -1, 100, 10), 0);
  assert.is(rowOfKey('End', -1, 100, 10), 99);
  assert.is(rowOfKey('ArrowDown', 4, 100, 10), 5);
  assert.is(rowOfKey('ArrowUp', 0, 100, 10), 0);
  assert.is(rowOfKey('PageDown', 95, 100, 10), 99);
  assert.is(rowOfKey('PageUp', 95, 100, 10), 85);
  assert.is(rowOfKey('Home', 95, 100, 10), 0);
  assert.is(rowOfKey('ArrowDown', 4, 0, 10), undefined);
  assert.is(rowOfKey('x', 4, 100, 10), undefined);
  assert.is(rowOfKey('toString', 4, 100, 10), undefined);
});

const rowsOf = (order: PacketOrder) => Array.from({ length: order.length }, (_, position) => order.rowAt(position));

Rows('packets are listed by time, length and verdict, and found again', async () => {
  const result = madeResult({
    interfaces: ['eth0'],
    tuples: [],
    traversals: [plainTraversal({ verdict: 'dropped' }), plainTraversal()],
    packets: [
      { timeNs: 0, length: 60, traversal: 0 },
      { timeNs: 10, length: 40, traversal: 1 },
      { timeNs: 5, length: 60, traversal: 1 },
      { timeNs: 20, length: 1500, traversal: 0 },
    ],
  });
  const table = await packetTable(result);
  const chosen = Uint32Array.of(0, 1, 2);
  const sorted = (name: PacketSort['name'], isDescending: boolean, rows?: Uint32Array) =>
    packetOrder(rows, table, { name, isDescending });
  assert.equal(rowsOf(packetOrder(undefined, table)), [0, 1, 2, 3]);
  assert.equal(rowsOf(packetOrder(chosen, table)), [0, 1, 2]);
  assert.equal(rowsOf(sorted('time', false)), [0, 2, 1, 3]);
  assert.equal(rowsOf(sorted('length', false)), [1, 0, 2, 3]);
  assert.equal(rowsOf(sorted('length', true)), [3, 2, 0, 1]);
  assert.equal(rowsOf(sorted('verdict', false, chosen)), [1, 2, 0]);
  for (const order of [packetOrder(chosen, table), sorted('time', true, chosen), sorted('length', true, chosen)]) {
    for (const [position, row] of rowsOf(order).entries()) assert.is(order.positionOf(row), position);
    assert.is(order.positionOf(3), -1);
    assert.is(order.positionOf(-1), -1);
  }
});

Rows.run();
