/** What `nfreplay bench` measured, as people like to read it. */
import type { ChainCost, RuleCost, RulesCost } from '../replay/bench-rules.js';
import { type Align, columns } from './columns.js';
import { formatNumber } from './number.js';
import type { Style } from './style.js';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** What one ruleset cost; nanoseconds are those a packet. */
export interface RulesetResult extends RulesCost {
  readonly file: string;
  /** In all its tables. */
  readonly ruleCount: number;
  /** From the parsed ruleset to the first packet. */
  readonly buildMs: number;
  /** Reading included. */
  readonly costNs: Spread;
  /** The same packets with no table but nat, reading included. */
  readonly bareNs: Spread;
  readonly packetsPerSecond: number;
  /** Packets that followed the one before them of their connection, and those that were looked at anew. */
  readonly flowCachePackets: number;
  readonly slowPathPackets: number;
  readonly warnings: readonly string[];
}

export interface BenchResult {
  readonly files: readonly string[];
  /** Packets read, and those of them that are IPv4. */
  readonly packets: number;
  readonly entered: number;
  readonly runs: number;
  /** Reading alone. */
  readonly readingNs: Spread;
  readonly rulesets: readonly RulesetResult[];
}

/** With fewer packets, most of the time goes into what is done once. */
const FEW_PACKETS = 20_000;

/** The whole report, TOP lines of each list, ending in a line's end. */
export function formatBench(result: BenchResult, style: Style, top: number): string {
  const { packets, runs, files } = result;
  const head = `${formatNumber(packets)} packets of ${files.join(', ')}; median of ${runs} runs, nothing written`;
  const few =
    packets < FEW_PACKETS ? [style.dim('  so few packets say more about the first ones than about the rest')] : [];
  const blocks = [
    [style.bold(head), ...few, ...overview(result)],
    [style.bold('where the time goes, nanoseconds a packet'), ...stages(result)],
    ...(top > 0 ? result.rulesets.flatMap((ruleset) => rulesetBlocks(ruleset, result, style, top)) : []),
  ];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** A line for each of LINES: what it is, and its cell for each ruleset. */
function sideBySide(
  { rulesets }: BenchResult,
  lines: readonly (readonly [title: string, cell: (ruleset: RulesetResult) => string])[],
): string[] {
  const header = ['', ...rulesets.map(({ file }) => file)];
  const rows = lines.map(([title, cell]) => [title, ...rulesets.map(cell)]);
  const aligns: Align[] = ['left', ...rulesets.map((): Align => 'right')];
  return columns([...(rulesets.length > 1 ? [header] : []), ...rows], aligns);
}

function overview(result: BenchResult): string[] {
  const [first] = result.rulesets;
  const share = (packets: number) => `${formatNumber(packets)} (${percent(packets, result.entered)})`;
  return sideBySide(result, [
    ['rules', ({ ruleCount }) => formatNumber(ruleCount)],
    ['built in', ({ buildMs }) => `${formatNumber(buildMs)} ms`],
    ['packets a second', ({ packetsPerSecond }) => formatNumber(packetsPerSecond)],
    ['nanoseconds a packet', ({ costNs }) => formatNumber(costNs.median)],
    ['  least … most', ({ costNs }) => `${formatNumber(costNs.min)} … ${formatNumber(costNs.max)}`],
    ...(result.rulesets.length > 1
      ? [
          [
            `  as a multiple of ${first.file}`,
            ({ costNs }: RulesetResult) => (costNs.median / first.costNs.median).toFixed(2),
          ] as const,
        ]
      : []),
    ['fast path: as the packet before', ({ flowCachePackets }) => share(flowCachePackets)],
    ['slow path: looked at anew', ({ slowPathPackets }) => share(slowPathPackets)],
  ]);
}

function stages(result: BenchResult): string[] {
  const { readingNs } = result;
  return sideBySide(result, [
    ['reading the captures', () => formatNumber(readingNs.median)],
    ['the host: connections, translation, routing', ({ bareNs }) => formatNumber(bareNs.median - readingNs.median)],
    [
      'rules of all tables but nat; what they drop saves time',
      ({ costNs, bareNs }) => signed(costNs.median - bareNs.median),
    ],
  ]);
}

function rulesetBlocks(
  ruleset: RulesetResult,
  { entered, rulesets }: BenchResult,
  style: Style,
  top: number,
): string[][] {
  const { rules, chains, file } = ruleset;
  const of = rulesets.length > 1 ? ` of ${file}` : '';
  const asked = rules.filter((rule) => rule.asked > 0);
  const reading = asked.filter(({ readsOfPacket }) => readsOfPacket.length > 0);
  return [
    list(`chains${of} that ask most, were each packet asked rule by rule`, chainLines(chains, entered, top), style),
    list(`rules${of} that are asked most`, ruleLines(asked, top), style),
    list(`rules${of} that must ask each packet again, and what they read of it`, readingLines(reading, top), style),
  ];
}

function list(title: string, lines: readonly string[], style: Style): string[] {
  return [style.bold(title), ...(lines.length > 0 ? lines : ['  none'])];
}

function chainLines(chains: readonly ChainCost[], entered: number, top: number): string[] {
  const most = [...chains].sort((a, b) => b.asked - a.asked);
  const rows = most
    .slice(0, top)
    .map(({ table, chain, packets, asked }) => [
      `${table} ${chain}`,
      `${formatNumber(packets)} packets`,
      `${formatNumber(asked)} rules asked`,
      `${formatNumber(asked / entered)} a packet`,
    ]);
  return columns(rows, ['left', 'right', 'right', 'right']);
}

function ruleLines(rules: readonly RuleCost[], top: number): string[] {
  const most = [...rules].sort((a, b) => b.asked - a.asked || a.matched - b.matched);
  const rows = most
    .slice(0, top)
    .map((cost) => [
      `asked ${formatNumber(cost.asked)}`,
      `matched ${formatNumber(cost.matched)}`,
      placeOf(cost),
      cost.rule,
    ]);
  return columns(rows, ['right', 'right', 'left', 'left']);
}

function readingLines(rules: readonly RuleCost[], top: number): string[] {
  const most = [...rules].sort((a, b) => b.asked - a.asked);
  const rows = most.slice(0, top).map((cost) => [cost.readsOfPacket.join(', '), placeOf(cost), cost.rule]);
  return columns(rows, ['left', 'left', 'left']);
}

const placeOf = ({ table, chain, number }: RuleCost) => `${table} ${chain} ${number}`;
const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`;
const signed = (value: number) => (value < 0 ? `−${formatNumber(-value)}` : formatNumber(value));
