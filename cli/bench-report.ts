/** The results of `nfreplay bench` as text. */
import { shown } from '../codecs/text.js';
import { type Align, columns, wrapAfter } from '../explain/text/columns.js';
import type { Style } from '../explain/text/style.js';
import type { BenchResult, RulesetResult } from '../replay/bench-result.js';
import type { ChainCost, RuleCost } from '../replay/bench-rules.js';
import { formatNumber } from './number.js';

/** With fewer packets, most of the time is spent on things done once. */
const FEW_PACKETS = 20_000;

export interface BenchReportOptions {
  style: Style;
  /** Maximum number of lines in each list. */
  top: number;
  /** Maximum line width; undefined: no limit. */
  width?: number | undefined;
}

/** The whole report; ends with a newline. */
export function formatBench(result: BenchResult, options: BenchReportOptions): string {
  const { style, top, width = Number.POSITIVE_INFINITY } = options;
  const { packets, runs, files } = result;
  const from = shown(files.join(', '));
  const head = `${formatNumber(packets)} packets from ${from}; median of ${runs} runs, nothing written`;
  const few =
    packets < FEW_PACKETS
      ? wrapAfter('  ', 'with so few packets, most of the time is start-up and new connections', width).map(style.dim)
      : [];
  const blocks = [
    [...wrapAfter('', head, width).map(style.bold), ...few, ...overview(result, width)],
    [style.bold('where the time goes, in nanoseconds per packet'), ...stages(result, width)],
    ...(top > 0 ? result.rulesets.flatMap((ruleset) => rulesetBlocks(ruleset, result, options)) : []),
  ];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** One row per entry of LINES: its title, then a cell for each ruleset. */
function sideBySide(
  { rulesets }: BenchResult,
  lines: readonly (readonly [title: string, cell: (ruleset: RulesetResult) => string])[],
  width: number,
): string[] {
  const header = ['', ...rulesets.map(({ file }) => file)];
  const rows = lines.map(([title, cell]) => [title, ...rulesets.map(cell)]);
  const aligns: Align[] = ['left', ...rulesets.map((): Align => 'right')];
  const all = [...(rulesets.length > 1 ? [header] : []), ...rows];
  const [line] = columns(all, aligns);
  if (line.length <= width || rulesets.length === 1) return columns(all, aligns, width);
  // One below the other.
  return rulesets.flatMap((ruleset) => [
    ...wrapAfter('  ', shown(ruleset.file), width),
    ...columns(
      lines.map(([title, cell]) => [title, cell(ruleset)]),
      ['left', 'right'],
      width,
      2 * '  '.length,
    ),
  ]);
}

function overview(result: BenchResult, width: number): string[] {
  const [first] = result.rulesets;
  const share = (packets: number) => `${formatNumber(packets)} (${percent(packets, result.entered)})`;
  return sideBySide(
    result,
    [
      ['rules', ({ ruleCount }) => formatNumber(ruleCount)],
      ['time to build', ({ buildMs }) => `${formatNumber(buildMs)} ms`],
      ['packets per second', ({ packetsPerSecond }) => formatNumber(packetsPerSecond)],
      ['nanoseconds per packet', ({ costNs }) => formatNumber(costNs.median)],
      ['  minimum … maximum', ({ costNs }) => `${formatNumber(costNs.min)} … ${formatNumber(costNs.max)}`],
      ...(result.rulesets.length > 1
        ? [
            [
              `  relative to ${first.file}`,
              ({ costNs }: RulesetResult) => (costNs.median / first.costNs.median).toFixed(2),
            ] as const,
          ]
        : []),
      ['packets on the fast path', ({ flowCachePackets }) => share(flowCachePackets)],
      ['packets on the slow path', ({ slowPathPackets }) => share(slowPathPackets)],
    ],
    width,
  );
}

function stages(result: BenchResult, width: number): string[] {
  const { readingNs } = result;
  return sideBySide(
    result,
    [
      ['reading the captures', () => formatNumber(readingNs.median)],
      ['host: conntrack, NAT, routing', ({ bareNs }) => formatNumber(bareNs.median - readingNs.median)],
      ['rules outside nat (negative if drops save)', ({ costNs, bareNs }) => signed(costNs.median - bareNs.median)],
    ],
    width,
  );
}

function rulesetBlocks(
  ruleset: RulesetResult,
  { entered, rulesets }: BenchResult,
  { style, top, width = Number.POSITIVE_INFINITY }: BenchReportOptions,
): string[][] {
  const { rules, chains, file } = ruleset;
  const of = rulesets.length > 1 ? ` of ${shown(file)}` : '';
  const asked = rules.filter((rule) => rule.asked > 0);
  const reading = asked.filter(({ readsOfPacket }) => readsOfPacket.length > 0);
  return [
    list(
      `chains${of} with the most evaluations, one rule at a time`,
      chainLines(chains, entered, top, width),
      style,
      width,
    ),
    list(`rules${of} evaluated most often`, ruleLines(asked, top, width), style, width),
    list(
      `rules${of} evaluated for every packet, and the fields they read`,
      readingLines(reading, top, width),
      style,
      width,
    ),
  ];
}

function list(title: string, lines: readonly string[], style: Style, width: number): string[] {
  return [...wrapAfter('', title, width).map(style.bold), ...(lines.length > 0 ? lines : ['  none'])];
}

function chainLines(chains: readonly ChainCost[], entered: number, top: number, width: number): string[] {
  const most = [...chains].sort((a, b) => b.asked - a.asked);
  const rows = most
    .slice(0, top)
    .map(({ table, chain, packets, asked }) => [
      `${table} ${chain}`,
      `${formatNumber(packets)} packets`,
      `${formatNumber(asked)} evaluations`,
      `${formatNumber(asked / entered)} per packet`,
    ]);
  return columns(rows, ['left', 'right', 'right', 'right'], width);
}

function ruleLines(rules: readonly RuleCost[], top: number, width: number): string[] {
  const most = [...rules].sort((a, b) => b.asked - a.asked || a.matched - b.matched);
  const rows = most
    .slice(0, top)
    .map((cost) => [
      `evaluated ${formatNumber(cost.asked)}`,
      `matched ${formatNumber(cost.matched)}`,
      positionOf(cost),
      cost.rule,
    ]);
  return columns(rows, ['right', 'right', 'left', 'left'], width);
}

function readingLines(rules: readonly RuleCost[], top: number, width: number): string[] {
  const most = [...rules].sort((a, b) => b.asked - a.asked);
  const rows = most.slice(0, top).map((cost) => [cost.readsOfPacket.join(', '), positionOf(cost), cost.rule]);
  return columns(rows, ['left', 'left', 'left'], width);
}

const positionOf = ({ table, chain, number }: RuleCost) => `${table} ${chain} ${number}`;
const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`;
const signed = (value: number) => (value < 0 ? `−${formatNumber(-value)}` : formatNumber(value));
