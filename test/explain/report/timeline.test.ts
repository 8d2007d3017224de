/** The timeline of a report: its sums are exact, silence does not hide traffic, and events are few and true. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Frame } from '../../../core/link/frame.js';
import { readColumns } from '../../../explain/report/format/columns.js';
import { TIMELINE_COLUMNS, VERDICTS } from '../../../explain/report/format/model.js';
import { Timeline } from '../../../explain/report/timeline.js';
import { MOST_BINS, TimelineBins } from '../../../explain/report/timeline-bins.js';
import { type Happening, MOST_EVENTS, TimelineEvents } from '../../../explain/report/timeline-events.js';
import { optionsOf, readCase } from '../../../replay/golden-case.js';
import type { PacketWatch } from '../../../replay/packet-watch.js';
import { replay } from '../../../replay/replay.js';
import type { Summary } from '../../../replay/summary.js';
import { seededRandom, testSeed } from '../../random.js';

const timeline = suite('timeline of a report');

const SECOND = 1e9;
const DAY = 86_400 * SECOND;

interface Row {
  readonly bin: number;
  readonly packets: readonly number[];
  readonly bytes: readonly number[];
  readonly connections: number;
}

function rowsOf(bytes: Uint8Array): Row[] {
  const columns = readColumns(TIMELINE_COLUMNS, bytes);
  return Array.from(columns.bin, (bin, row) => ({
    bin,
    packets: VERDICTS.map((verdict) => columns[`${verdict}Packets`][row]),
    bytes: VERDICTS.map((verdict) => columns[`${verdict}Bytes`][row]),
    connections: columns.connections[row],
  }));
}

timeline('sums are exact, however long captures turn out to be, and bins are in order', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  for (const durationNs of [1000, SECOND, 60 * SECOND, 400 * DAY, 1e6 * DAY]) {
    const bins = new TimelineBins();
    const packets = new Float64Array(VERDICTS.length);
    const bytes = new Float64Array(VERDICTS.length);
    for (let i = 0; i < 30_000; i++) {
      const [verdict, length] = [random(VERDICTS.length), random(65_536)];
      packets[verdict]++;
      bytes[verdict] += length;
      bins.count(Math.floor((random(1e6) / 1e6) ** 3 * durationNs), verdict, length);
    }
    const rows = rowsOf(bins.bytes());
    const message = `seed ${seed}, ${durationNs} ns`;
    assert.is(rows.length, bins.index.bins, message);
    assert.ok(rows.length <= MOST_BINS, message);
    for (const verdict of VERDICTS.keys()) {
      assert.is(
        rows.reduce((sum, row) => sum + row.packets[verdict], 0),
        packets[verdict],
        message,
      );
      assert.is(
        rows.reduce((sum, row) => sum + row.bytes[verdict], 0),
        bytes[verdict],
        message,
      );
    }
    for (const [i, { bin }] of rows.entries()) assert.ok(i === 0 || rows[i - 1].bin < bin, message);
    assert.ok((rows[rows.length - 1].bin + 1) * bins.index.binNs >= durationNs * 0.9, message);
  }
});

timeline('a bin has the packets of its time', () => {
  const bins = new TimelineBins();
  // So many that a microsecond is too narrow: at 100 µs each, the 20,000 packets need 10 µs or more.
  for (let i = 0; i < 20_000; i++) bins.count(i * 100_000, 0, 1);
  const { binNs } = bins.index;
  for (const { bin, packets } of rowsOf(bins.bytes())) {
    const first = Math.ceil((bin * binNs) / 100_000);
    const end = Math.min(20_000, Math.ceil(((bin + 1) * binNs) / 100_000));
    assert.is(packets[0], end - first);
  }
});

timeline('a long silence does not hide traffic', () => {
  const bins = new TimelineBins();
  for (const start of [0, 7 * DAY]) for (let i = 0; i < 1000; i++) bins.count(start + i * 1e6, 0, 100);
  assert.ok(bins.index.binNs <= 1e6, `bins of ${bins.index.binNs} ns`);
  assert.is(bins.index.bins, 2000);
});

timeline('time that runs backwards leads to earlier bins, also before the first packet', () => {
  const bins = new TimelineBins();
  for (const [timeNs, verdict] of [
    [0, 0],
    [5000, 3],
    [-2500, 0],
    [4999, 3],
  ])
    bins.count(timeNs, verdict, 60);
  const rows = rowsOf(bins.bytes());
  assert.equal(
    rows.map(({ bin }) => bin),
    [-3, 0, 4, 5],
  );
  assert.equal(
    rows.map(({ packets }) => [packets[0], packets[3]]),
    [
      [1, 0],
      [1, 0],
      [0, 1],
      [0, 1],
    ],
  );
});

timeline('the size of the connection table is that at the end of a bin, also of wider ones', () => {
  const bins = new TimelineBins();
  for (let i = 0; i < MOST_BINS; i++) bins.count(i * 1000, 0, 1);
  bins.noteConnections(0, 7);
  bins.noteConnections(3000, 8);
  bins.count(MOST_BINS * 1000, 0, 1);
  assert.is(bins.index.binNs, 2000);
  assert.equal(
    rowsOf(bins.bytes())
      .slice(0, 3)
      .map(({ connections }) => connections),
    [7, 8, -1],
  );
});

function happening(key: string): Happening {
  return { kind: 'limit', key, times: 1, text: (times) => `${times} ${key}` };
}

timeline('the same event again is told with the first, and a flood of events stays small without a loss', () => {
  const events = new TimelineEvents();
  for (const seconds of [0, 0.5, 1.2, 9]) events.add(seconds * SECOND, happening('over'));
  assert.equal(events.list(), [
    { timeNs: 0, untilNs: 1.2 * SECOND, kind: 'limit', text: '3 over', times: 3 },
    { timeNs: 9 * SECOND, kind: 'limit', text: '1 over' },
  ]);

  const flood = new TimelineEvents();
  for (let i = 0; i < 10 * MOST_EVENTS; i++) flood.add(i * 7 * SECOND, happening(`over ${i % 3}`));
  const list = flood.list();
  assert.ok(list.length <= MOST_EVENTS);
  assert.is(
    list.reduce((sum, { times = 1 }) => sum + times, 0),
    10 * MOST_EVENTS,
  );
});

/** Hears of all packets; times are milliseconds of the host's clock. */
class TimelineWatch implements PacketWatch {
  readonly timeline = new Timeline((rule) => rule.line);
  readonly observer = this.timeline.hear;
  readonly isDone = false;
  #startNs: bigint | undefined;
  #nowNs = 0;

  readonly begin = this.timeline.begin.bind(this.timeline);

  wants(_place: unknown, { tsSec, tsNsec }: Frame): boolean {
    this.#nowNs = this.#since(tsSec, tsNsec);
    this.timeline.arrives(this.#nowNs);
    return true;
  }

  finished(): void {
    this.timeline.count(this.#nowNs, 0, 1);
  }

  changed(...[change, at]: Parameters<NonNullable<PacketWatch['changed']>>): void {
    this.timeline.changed(at === undefined ? this.#nowNs : this.#since(at.sec, at.nsec), change);
  }

  #since(sec: number, nsec: number): number {
    const ns = BigInt(sec) * 1_000_000_000n + BigInt(nsec);
    this.#startNs ??= ns;
    return Number(ns - this.#startNs);
  }
}

function watched(name: string): { summary: Summary; timeline: Timeline } {
  let watch: TimelineWatch | undefined;
  const summary = replay({ ...optionsOf(readCase(`pcaps/${name}`)), watch: () => (watch = new TimelineWatch()) });
  assert.ok(watch);
  watch.timeline.settle();
  return { summary, timeline: watch.timeline };
}

for (const name of ['article-restart', 'ban-while-connected', 'recent-locks-one-host-out', 'docker', 'sctp']) {
  timeline(`${name}: ends with as many connections as the summary says, and tells of each change`, () => {
    const { summary, timeline } = watched(name);
    const rows = rowsOf(timeline.bytes());
    assert.is(rows[rows.length - 1].connections, summary.connections.count);
    assert.ok(rows.every(({ connections }) => connections >= 0));
    const changes = timeline.events().filter(({ kind }) => kind === 'change');
    assert.is(changes.length, summary.changes?.length ?? 0);
    for (const [i, { what }] of (summary.changes ?? []).entries()) assert.ok(changes[i].text.startsWith(what));
  });
}

timeline('tells how many packets were over a limit, as its rule counted them, and when', () => {
  const { summary, timeline } = watched('recent-locks-one-host-out');
  const [limit, ...others] = timeline.events().filter(({ kind }) => kind === 'limit');
  const rule = summary.rules.find(({ line }) => line === limit.rule);
  assert.equal(others, []);
  assert.is(rule?.number, 3);
  assert.is(limit.times, rule?.packets);
  assert.match(limit.text, /^2 packets over recent --update --seconds 60 --hitcount 12 /);
});

timeline.run();
