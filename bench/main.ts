// `npm run bench`: runs the rows in turn with other programs, and compares them with goals and with the baseline.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../cli/errors.js';
import { compareRatios, ratiosOf, readBaseline, updateBaseline } from './baseline.js';
import { judge, measureRows, type Row } from './measure.js';
import { microBenchmarks } from './micro.js';
import { type BenchOptions, helpText, parseOptions } from './options.js';
import { drawPlots } from './plots.js';
import { FULL, QUICK, rowsOf, type Scale } from './rows.js';
import { asData, baselineLines, machine, measuredLines } from './table.js';
import { PROJECT, Workspace } from './workspace.js';
import { Yardstick } from './yardstick.js';

const BASELINE = join(PROJECT, 'bench/baseline.json');
const USAGE_EXIT = 2;
const INTERRUPTED_EXIT = 130;

function scaleOf({ isQuick, packets, streamBytes }: BenchOptions): Scale {
  const scale = isQuick ? QUICK : FULL;
  return { ...scale, packets: packets ?? scale.packets, streamBytes: streamBytes ?? scale.streamBytes };
}

/** The rows that OPTIONS select, and those that they are compared with. */
function chosenRows(all: readonly Row[], { rows, isLong }: BenchOptions): Row[] {
  const isChosen = ({ name, isLong: takesLong }: Row) => (rows ? rows.includes(name) : isLong || !takesLong);
  const chosen = all.filter(isChosen);
  const needed = new Set(chosen.flatMap(({ needs }) => needs));
  return all.filter((row) => chosen.includes(row) || needed.has(row.name));
}

/** Shows the status in one line. */
function showStatus(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
  else process.stderr.write(`${line}\n`);
}

async function measure(workspace: Workspace, options: BenchOptions): Promise<void> {
  const scale = scaleOf(options);
  const rows = chosenRows(rowsOf(workspace, scale), options);
  const yardstick = new Yardstick(workspace.dir);
  const rounds = options.rounds ?? (options.isQuick ? 2 : 5);
  const measured = await measureRows(rows, {
    rounds,
    yardstick,
    warm: (bytes) => workspace.warm(bytes),
    showStatus,
  });
  yardstick.close();
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');

  const outcomes = judge(rows, measured);
  console.log(`${machine()}\nmedian, and minimum … maximum of the runs; ns: nanoseconds per packet\n`);
  console.log(measuredLines(rows, measured, outcomes).join('\n'));

  const ratios = ratiosOf(measured, yardstick.runsMs);
  const baseline = readBaseline(BASELINE, scale.packets);
  const comparisons = baseline === undefined ? [] : compareRatios(ratios, baseline);
  if (baseline === undefined) console.log(`${BASELINE} has no baseline for ${scale.packets} packets`);
  else console.log(`compared with the baseline\n${baselineLines(comparisons).join('\n')}`);

  if (options.jsonPath !== undefined) {
    const data = asData(measured, outcomes, comparisons, yardstick.runsMs);
    writeFileSync(options.jsonPath, `${JSON.stringify(data, null, 2)}\n`);
  }
  if (options.updatesBaseline) updateBaseline(BASELINE, { machine: machine(), packets: scale.packets, ratios });
  if (options.checks && (baseline === undefined || comparisons.some(({ isLoss }) => isLoss))) process.exitCode = 1;
}

function micro(workspace: Workspace): void {
  const rules = readFileSync(workspace.rulesPath, 'utf8');
  const work = workspace.est64(100_000, 10_000);
  microBenchmarks(rules, readFileSync(workspace.hostPath, 'utf8'), work, join(workspace.dir, 'micro.pcap'));
}

async function main(args: readonly string[]): Promise<void> {
  const workspace = new Workspace(join(PROJECT, 'out', `bench-${process.pid}`));
  const all = rowsOf(workspace, FULL);
  const options = parseOptions(
    args,
    all.map(({ name }) => name),
  );
  if (options.isHelp) return console.log(helpText(all));
  process.once('SIGINT', () => {
    workspace.close();
    process.exit(INTERRUPTED_EXIT);
  });
  workspace.open();
  try {
    if (options.isMicro) micro(workspace);
    else if (options.isPlots) await drawPlots(workspace, scaleOf(options), join(PROJECT, 'bench'), showStatus);
    else await measure(workspace, options);
  } finally {
    workspace.close();
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n(see npm run bench -- --help)\n`);
  process.exitCode = USAGE_EXIT;
}
