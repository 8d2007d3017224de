// Protects the exactness of reports: what they say adds up to what the summary and the rules' counters say, packets
// that share a traversal have met the same, and the bytes are those that were captured and sent.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { IpStack } from '../../../core/ip-stack.js';
import { Collector } from '../../../explain/report/collector.js';
import { readColumns } from '../../../explain/report/format/columns.js';
import { traversalsIn } from '../../../explain/report/format/folded-traversals.js';
import {
  type ResultIndex,
  type RulesSection,
  TRAVERSAL_COUNT_COLUMNS,
  type Traversal,
  VERDICTS,
} from '../../../explain/report/format/model.js';
import { readPacketBytes } from '../../../explain/report/format/packet-bytes.js';
import type { Report } from '../../../explain/report/format/report.js';
import { makeReport, ReportedRun } from '../../../explain/report/make-report.js';
import { PacketValues, SharedValues } from '../../../explain/report/packet-values.js';
import { traversalOf } from '../../../explain/report/traversal-of.js';
import { stepsOf } from '../../../explain/story/story.js';
import { StoryTeller } from '../../../explain/story/story-teller.js';
import { casesIn, optionsOf } from '../../../replay/golden-case.js';
import type { PacketWatch } from '../../../replay/packet-watch.js';
import { type ReplayOptions, replay, type WatchedRun } from '../../../replay/replay.js';
import type { Summary } from '../../../replay/summary.js';
import { pick, seededRandom, testSeed } from '../../random.js';
import { unpacked } from './unpacked.js';

const Reports = suite('reports of the golden cases');
const CASES = casesIn('pcaps');
const folder = mkdtempSync(join(tmpdir(), 'nfreplay-'));
const OUT = join(folder, 'out');
Reports.after(() => rmSync(folder, { recursive: true }));

/** With rules that change, what was logged, fragments, errors, copies, marks. */
const ALWAYS = [
  'article-restart',
  'log',
  'fragments',
  'icmp-errors',
  'tee',
  'connection-marks',
  'iptables-restart-nft',
  'iptables-restart-legacy',
];

const seed = testSeed();
console.log(`seed ${seed}`);
const random = seededRandom(seed);

/** The cases that are always tried, and MORE by chance. */
function someCases(more: number): string[] {
  return [...ALWAYS.map((name) => `pcaps/${name}`), ...Array.from({ length: more }, () => pick(random, CASES).dir)];
}

/** The options of the case DIR, which writes nothing. */
function optionsIn(dir: string): ReplayOptions {
  const { outDir: _, ...options } = optionsOf(CASES.find((one) => one.dir === dir)!);
  return options;
}

const NO_BYTES = { arrived: { length: 0, bytes: new Uint8Array() }, left: [], related: [] };

/** The captures that a replay of the case DIR writes. */
function outputs(dir: string): Summary['outputs'] {
  const all = replay({ ...optionsIn(dir), outDir: OUT }).outputs;
  return all.filter(({ file }) => file !== 'dropped.pcap' && file !== 'nflog.pcap');
}

function only({ index }: Report): ResultIndex & { summary: Summary } {
  const [result] = index.results;
  assert.ok(result.summary);
  return result as ResultIndex & { summary: Summary };
}

function sections(report: Report, kind: keyof ResultIndex['sections']): Buffer[] {
  const { chunks } = only(report).sections[kind];
  return Array.from({ length: chunks }, (_, i) => inflateRawSync(report.sections.get(`0/${kind}/${i}`)!));
}

function traversalsOf(report: Report): Traversal[] {
  return traversalsIn(sections(report, 'traversals').map((bytes) => JSON.parse(bytes.toString())));
}

/** How many packets each rule and each policy of RULES counted, as all TRAVERSALS that PACKETS took say it. */
function countedBy(
  traversals: readonly Traversal[],
  packets: ArrayLike<number>,
  { rules, chains }: RulesSection,
): readonly [rules: number[], policies: number[]] {
  const matched = new Array<number>(rules.length).fill(0);
  const policies = new Array<number>(chains.length).fill(0);
  const add = ({ stages, related }: Traversal, times: number): void => {
    for (const { steps } of stages)
      for (const step of steps)
        if (step.kind === 'rule' && step.isMatched) matched[step.rule] += times;
        else if (step.kind === 'policy') policies[step.chain] += times;
    for (const one of related) add(one, times);
  };
  for (const [number, traversal] of traversals.entries()) add(traversal, packets[number]);
  return [matched, policies];
}

Reports('packets, rules and connections add up to the summary', () => {
  for (const dir of someCases(8)) {
    const report = makeReport(dir, [{ name: dir, options: optionsIn(dir) }]);
    const { packets, summary } = only(report);
    for (const verdict of VERDICTS)
      assert.is(packets.verdicts[verdict].packets, summary.packets[verdict], `${verdict} of ${dir}`);
    const traversals = traversalsOf(report);
    const counts = readColumns(TRAVERSAL_COUNT_COLUMNS, sections(report, 'traversalCounts')[0]);
    const rules = JSON.parse(sections(report, 'rules')[0].toString()) as RulesSection;
    assert.equal(
      countedBy(traversals, counts.packets, rules),
      [rules.rules.map((rule) => rule.packets), rules.chains.map((chain) => chain.packets)],
      `counters of ${dir}`,
    );
    const { packets: rows, connections } = unpacked(report);
    const { read, departed = 0, filteredOut = 0 } = summary.packets;
    assert.is(packets.read, read - departed - filteredOut);
    assert.is(rows.frame.length, packets.read);
    for (const [number, traversal] of rows.traversal.entries())
      if (traversals[traversal].verdict === 'held') assert.is(rows.outDev[number], -1);
    const inConnections = rows.connection.filter((connection) => connection >= 0).length;
    const sum = (column: readonly number[]): number => column.reduce((all, one) => all + one, 0);
    assert.is(sum(connections.packets) + sum(connections.replyPackets) + sum(connections.errors), inConnections, dir);
  }
});

/** Hears what COLLECTOR hears, and tells in TOLD the traversal of each packet by itself, and in KEPT what it shares. */
function comparing(collector: Collector, told: string[], kept: string[]): PacketWatch {
  const teller = new StoryTeller();
  const values = new PacketValues(new SharedValues());
  let emulator: IpStack;
  return {
    isDone: false,
    output: collector.output,
    observer: (event) => {
      collector.observer(event);
      teller.hear(event);
    },
    begin: (host) => {
      emulator = host;
      collector.begin(host);
    },
    wants: (place, frame, isShown, isOwn) => collector.wants(place, frame, isShown, isOwn),
    missed: (place, reason, record) => collector.missed(place, reason, record),
    changed: (change, at) => collector.changed(change, at),
    rulesReplaced: (replaced) => collector.rulesReplaced(replaced),
    counted: (ruleset, counters) => collector.counted(ruleset, counters),
    finished: (place) => {
      const story = teller.finish();
      collector.finished(place);
      if (story === undefined) return;
      const dropped = stepsOf(story).findLast((step) => step.kind === 'dropped');
      values.use(story.packet, story.left?.packet ?? dropped?.packet);
      told.push(JSON.stringify(traversalOf(story, { rules: collector.rules.book, host: emulator.host, values })));
      const { all, steps, paths } = collector.traversals;
      const [shared] = traversalsIn([{ steps, paths, traversals: [all[collector.seen.traversal]] }]);
      kept.push(JSON.stringify(shared));
    },
  };
}

Reports('packets that share a traversal have met the same with the same results', () => {
  for (const dir of someCases(6)) {
    const [told, kept]: [string[], string[]] = [[], []];
    const watch = (run: WatchedRun): PacketWatch => comparing(new Collector(run), told, kept);
    replay({ ...optionsIn(dir), watch });
    assert.equal(kept, told, dir);
  }
});

Reports('the bytes of packets are those that were captured, and those that the replay sends', () => {
  for (const dir of ['pcaps/article-restart', 'pcaps/fragments', 'pcaps/tee', 'pcaps/icmp-errors', 'pcaps/synproxy']) {
    const report = makeReport(dir, [{ name: dir, options: optionsIn(dir) }]);
    const { sections: chunks, packets, summary } = only(report);
    // Of what was captured on the host itself and does not enter it, nobody has the bytes.
    assert.ok(packets.withoutBytes <= summary.packets.skipped, dir);
    const bytes = sections(report, 'bytes');
    const frames = new Map<string, number>();
    for (let row = 0; row < packets.listed; row++) {
      const { arrived, left, related } =
        readPacketBytes(bytes[Math.floor(row / chunks.bytes.rows)], row % chunks.bytes.rows) ?? NO_BYTES;
      assert.ok(arrived.length === 0 || arrived.bytes.length > 0);
      for (const { dev } of [...left, ...related.flat()]) {
        const name = dev === -2 ? 'local' : only(report).host.interfaces[dev].name;
        frames.set(name, (frames.get(name) ?? 0) + 1);
      }
    }
    for (const { file, packets } of outputs(dir)) assert.is(frames.get(file.replace('.pcap', '')) ?? 0, packets, file);
  }
});

Reports('of too many packets, a report has those that there is room for, and all counters', () => {
  const options = optionsIn('pcaps/docker');
  const [all] = [makeReport('all', [{ name: 'all', options }])];
  for (const room of [0, 1_000, 4_000, 8_000]) {
    const some = makeReport('some', [{ name: 'some', options, room }]);
    const { packets } = only(some);
    assert.equal(packets.verdicts, only(all).packets.verdicts);
    assert.is(packets.listed + packets.leftOut, packets.read);
    assert.is(packets.leftOut > 0, packets.leftOutBy === 'size', String(room));
    const { rules, connections } = unpacked(some);
    assert.equal({ rules, connections }, { rules: unpacked(all).rules, connections: unpacked(all).connections });
  }
});

Reports('packets are chosen by --show, as many as there is room for', () => {
  const options = { ...optionsIn('pcaps/article-restart'), show: 'icmp' };
  const { packets, sections: chunks } = only(makeReport('some', [{ name: 'some', options, room: 1_000 }]));
  assert.is(packets.leftOutBy, 'show');
  assert.ok(packets.listed > 0 && packets.leftOut > 0);
  assert.ok(chunks.bytes.chunks > 0);
});

Reports('while it runs, a report grows, and what was full stays as it is', () => {
  const run = new ReportedRun({ name: 'live', options: optionsIn('pcaps/iptables-restart-nft') });
  let read = 0;
  while (run.step()) {
    const index = run.index();
    if (index === undefined) continue;
    assert.ok(index.packets.read >= read);
    read = index.packets.read;
    for (const kind of Object.keys(index.sections) as (keyof typeof index.sections)[]) {
      const { chunks } = index.sections[kind];
      for (let chunk = 0; chunk < chunks; chunk++) assert.ok(run.section(kind, chunk), `${kind} ${chunk}`);
      assert.is(run.section(kind, chunks), undefined, kind);
    }
  }
  const { read: all = 0, departed = 0 } = run.summary?.packets ?? {};
  assert.is(run.index()?.packets.read, all - departed);
});

Reports.run();
