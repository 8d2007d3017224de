/** The command `nfreplay bench`: what rulesets cost on captures. */
import type { Emulator } from '../core/emulator.js';
import { type Host, loadHost } from '../core/host/host.js';
import type { Ruleset } from '../core/rules/model.js';
import { parseRuleset } from '../core/rules/parse/parse.js';
import { readText } from '../io/text-file.js';
import { rulesCost, withProbes } from '../replay/bench-rules.js';
import { silentEmulator, Traffic } from '../replay/bench-traffic.js';
import { inputsOf } from '../replay/replay.js';
import { type Arguments, parseCommand } from './args.js';
import { type BenchResult, formatBench, type RulesetResult, type Spread } from './bench-report.js';
import { BENCH } from './commands.js';
import { ExitCode, UsageError } from './errors.js';
import { inputOf } from './replay-command.js';
import { styleOf } from './style.js';

const DEFAULT_RUNS = 5;
const DEFAULT_TOP = 10;
/** A short capture is passed so often for one number that so many packets went by, but not more often than MOST_PASSES. */
const SAMPLE_PACKETS = 20_000;
const MOST_PASSES = 20;

/** What is measured by itself: nothing but reading, a ruleset, or what is left of it without its rules. */
interface Way {
  /** A new emulator for each pass; undefined: the packets are only read. */
  readonly start: () => Emulator | undefined;
  /** Nanoseconds a packet, run by run. */
  readonly runsNs: number[];
}

/** Runs the command; gives the exit code. */
export function benchCommand(args: readonly string[]): number {
  const given = parseCommand(BENCH, args);
  const top = given.wholeNumber('top') ?? DEFAULT_TOP;
  const result = measure(given);
  for (const { warnings } of result.rulesets) {
    for (const warning of warnings) process.stderr.write(`nfreplay: warning: ${warning}\n`);
  }
  const text = given.has('json')
    ? `${JSON.stringify(result, null, 2)}\n`
    : formatBench(result, styleOf(process.stdout), top);
  process.stdout.write(text);
  return ExitCode.DONE;
}

function measure(given: Arguments): BenchResult {
  given.required('rules');
  const hostPath = given.required('host');
  const runs = given.wholeNumber('runs', 1) ?? DEFAULT_RUNS;
  const files = given.values('in').map(inputOf);
  if (files.some(({ path }) => path === '-')) throw new UsageError('standard input can be read only once: give a file');
  const rulesets = given.values('rules').map((path) => parseRuleset(readText(path), path, { lax: given.has('lax') }));
  const host = loadHost(readText(hostPath), hostPath);
  const limit = given.wholeNumber('limit', 1) ?? Number.POSITIVE_INFINITY;
  const traffic = new Traffic(inputsOf({ inputs: files }, host), limit);

  const { read, entered } = traffic.pass();
  if (entered === 0) throw new UsageError('the captures hold no IPv4 packet');
  const reading: Way = { start: () => undefined, runsNs: [] };
  const ways = rulesets.map((ruleset) => way(ruleset, host));
  const bareWays = rulesets.map((ruleset) => way(translationOf(ruleset), host));
  race(traffic, [reading, ...ways, ...bareWays], runs, read);
  return {
    files: files.map(({ path }) => path),
    packets: read,
    entered,
    runs,
    readingNs: spreadOf(reading.runsNs),
    rulesets: rulesets.map((ruleset, i) => resultOf(ruleset, host, traffic, ways[i], bareWays[i])),
  };
}

function way(ruleset: Ruleset, host: Host): Way {
  return { start: () => silentEmulator({ ruleset, host }), runsNs: [] };
}

/** What is left of RULESET without its rules, where packets are to take the ways that they take with them. */
function translationOf(ruleset: Ruleset): Ruleset {
  return { ...ruleset, tables: ruleset.tables.filter(({ name }) => name === 'nat') };
}

/** Measures WAYS in turn, RUNS times over; a first round, which optimises the code, counts for nothing. */
function race(traffic: Traffic, ways: readonly Way[], runs: number, packets: number): void {
  const passes = Math.min(MOST_PASSES, Math.ceil(SAMPLE_PACKETS / packets));
  for (let round = -1; round < runs; round++) {
    sayOnTerminal(round < 0 ? 'warming up' : `round ${round + 1} of ${runs}`);
    for (const { start, runsNs } of ways) {
      let durationMs = 0;
      for (let pass = 0; pass < passes; pass++) durationMs += traffic.pass(start()).durationMs;
      if (round >= 0) runsNs.push((durationMs * 1e6) / passes / packets);
    }
  }
  sayOnTerminal('');
}

/** A line that the next one, and the report, takes the place of. */
function sayOnTerminal(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}

/** One more pass, untimed: how packets went, and which rules were asked. */
function resultOf(ruleset: Ruleset, host: Host, traffic: Traffic, { runsNs }: Way, bare: Way): RulesetResult {
  const startedMs = performance.now();
  const emulator = silentEmulator({ ruleset, host });
  const buildMs = performance.now() - startedMs;
  const { entered } = traffic.pass(emulator);
  const probed = withProbes(ruleset);
  const probedEmulator = silentEmulator({ ruleset: probed.ruleset, host });
  traffic.pass(probedEmulator);
  const costNs = spreadOf(runsNs);
  return {
    file: ruleset.fileName,
    ruleCount: ruleset.tables.reduce((sum, table) => sum + table.rules.length, 0),
    buildMs,
    costNs,
    bareNs: spreadOf(bare.runsNs),
    packetsPerSecond: 1e9 / costNs.median,
    flowCachePackets: entered - emulator.slowPathPackets,
    slowPathPackets: emulator.slowPathPackets,
    ...rulesCost(probed, probedEmulator),
    warnings: ruleset.warnings.map(({ line, column, message }) => `${ruleset.fileName}:${line}:${column}: ${message}`),
  };
}

function spreadOf(runs: readonly number[]): Spread {
  const sorted = [...runs].sort((a, b) => a - b);
  return { median: sorted[sorted.length >> 1], min: sorted[0], max: sorted[sorted.length - 1] };
}
