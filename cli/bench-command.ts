/** The command `nfreplay bench`: measures what rulesets cost on captures. */

import { shown, shownJson } from '../codecs/text.js';
import type { Emulator } from '../core/emulator.js';
import { formatNotes, readAllRules } from '../core/rules/forms/merge.js';
import type { Ruleset } from '../core/rules/model.js';
import { rulesForSets } from '../core/rules/set-references.js';
import { widthOf } from '../explain/text/columns.js';
import { styleOf } from '../explain/text/style.js';
import type { BenchResult, RulesetResult, Spread } from '../replay/bench-result.js';
import { rulesCost, withProbes } from '../replay/bench-rules.js';
import { type SilentOptions, silentEmulator, Traffic } from '../replay/bench-traffic.js';
import { captureFiles, inputsOf, withFoundCaptures } from '../replay/captures.js';
import { readBeginning } from '../replay/listed-connections.js';
import { readRulesFiles } from '../replay/rules-files.js';
import { selectionOf } from '../replay/selection.js';
import { loadSetting } from '../replay/setting.js';
import { type Arguments, parseCommand } from './args.js';
import { formatBench } from './bench-report.js';
import { BENCH } from './commands/bench.js';
import { ExitCode, UsageError } from './errors.js';
import { STDERR, STDOUT, warn } from './output.js';
import { inputOf, selectionOptions } from './replay-options.js';
import { namesPipe, type Supervision } from './supervisor.js';

const DEFAULT_RUNS = 5;
const DEFAULT_TOP = 10;
/** Each measurement repeats a short capture until this many packets have passed, but at most MAX_PASSES times. */
const SAMPLE_PACKETS = 20_000;
const MAX_PASSES = 20;

/** What all rulesets are measured with. */
type Setting = Pick<SilentOptions, 'host' | 'connections' | 'moreSets'>;

/** One thing to measure: reading alone, a whole ruleset, or a ruleset reduced to its nat table. */
interface Candidate {
  /** Creates the emulator for one pass; returns undefined if the packets are only read. */
  readonly start: () => Emulator | undefined;
  /** Nanoseconds a packet, run by run. */
  readonly runsNs: number[];
}

/** Runs the command; returns the exit code. */
export function benchCommand(args: readonly string[], supervision?: Supervision): number {
  supervision?.onReady(false);
  const given = parseCommand(BENCH, args);
  const top = given.wholeNumber('top') ?? DEFAULT_TOP;
  const result = measure(given);
  for (const { warnings } of result.rulesets) {
    for (const warning of warnings) STDERR.write(`nfreplay: warning: ${shown(warning)}\n`);
  }
  const text = given.has('json')
    ? `${shownJson(result)}\n`
    : formatBench(result, { style: styleOf(STDOUT, given.color), top, width: widthOf(STDOUT) });
  STDOUT.write(text);
  return ExitCode.DONE;
}

function measure(given: Arguments): BenchResult {
  const hostPath = given.required('host');
  const runs = given.wholeNumber('runs', 1) ?? DEFAULT_RUNS;
  const { options, notes } = withFoundCaptures({ inputs: given.values('in').map(inputOf) });
  const files = captureFiles(options);
  const pipe = files.find((path) => namesPipe([path]));
  if (pipe !== undefined) {
    const name = pipe === '-' ? 'standard input' : pipe;
    throw new UsageError(`${name} can be read only once; bench requires a file`);
  }
  notes.forEach(warn);
  const lax = given.has('lax');
  const [rulesPath, ...others] = given.values('rules');
  const selection = selectionOptions(given);
  selectionOf(selection);
  const ipsetPaths = given.values('ipset');
  const loaded = loadSetting({ ...(rulesPath === undefined ? {} : { rulesPath }), hostPath, ipsetPaths, lax });
  const { host, ruleset, names, sets, moreSets } = loaded;
  const rulesets = [
    ruleset,
    ...others.map((value) => {
      const parsed = readAllRules(readRulesFiles(value), {
        ...{ lax, family: 'ipv4', names: host.description.facts.names },
      });
      return rulesForSets(parsed, sets.store, lax, sets.failure);
    }),
  ];
  const conntrackPath = given.value('conntrack');
  const beginning = readBeginning(conntrackPath === undefined ? {} : { conntrackPath }, host);
  const setting = { host, moreSets, connections: beginning?.listed };
  const limit = given.wholeNumber('limit', 1) ?? Number.POSITIVE_INFINITY;
  const traffic = new Traffic(inputsOf(options, host), limit, () => {
    const selected = selectionOf(selection);
    selected?.useNames(names);
    return selected;
  });

  const { read, entered } = traffic.pass();
  if (entered === 0) {
    const chosen = Object.keys(selection).length === 0 ? '' : ' that --filter, --from and --to choose';
    throw new UsageError(`the captures contain no IPv4 packets${chosen}`);
  }
  const reading: Candidate = { start: () => undefined, runsNs: [] };
  const whole = rulesets.map((ruleset) => candidate(ruleset, setting));
  const bare = rulesets.map((ruleset) => candidate(onlyNat(ruleset), setting));
  measureInTurn(traffic, [reading, ...whole, ...bare], runs, read);
  return {
    files,
    packets: read,
    entered,
    runs,
    readingNs: spreadOf(reading.runsNs),
    rulesets: rulesets.map((ruleset, i) => resultOf(ruleset, setting, traffic, whole[i], bare[i])),
  };
}

function candidate(ruleset: Ruleset, setting: Setting): Candidate {
  return { start: () => silentEmulator({ ruleset, ...setting }), runsNs: [] };
}

/** RULESET with its nat table only, so that packets are still routed as with all its tables. */
function onlyNat(ruleset: Ruleset): Ruleset {
  return { ...ruleset, tables: ruleset.tables.filter(({ name }) => name === 'nat') };
}

/** Measures CANDIDATES in turn, RUNS times. A first round, in which V8 optimises the code, is not counted. */
function measureInTurn(traffic: Traffic, candidates: readonly Candidate[], runs: number, packets: number): void {
  const passes = Math.min(MAX_PASSES, Math.ceil(SAMPLE_PACKETS / packets));
  for (let round = -1; round < runs; round++) {
    showStatus(round < 0 ? 'warming up' : `round ${round + 1} of ${runs}`);
    for (const { start, runsNs } of candidates) {
      let durationMs = 0;
      for (let pass = 0; pass < passes; pass++) durationMs += traffic.pass(start()).durationMs;
      if (round >= 0) runsNs.push((durationMs * 1e6) / passes / packets);
    }
  }
  showStatus('');
}

/** Shows LINE on the terminal in place of the previous one. */
function showStatus(line: string): void {
  if (STDERR.isTTY) STDERR.write(`\r\x1b[K${line}`);
}

/** Runs two more passes, untimed, to count packets by path and evaluations by rule. */
function resultOf(
  ruleset: Ruleset,
  setting: Setting,
  traffic: Traffic,
  { runsNs }: Candidate,
  bare: Candidate,
): RulesetResult {
  const startedMs = performance.now();
  const emulator = silentEmulator({ ruleset, ...setting });
  const buildMs = performance.now() - startedMs;
  const { entered } = traffic.pass(emulator);
  const probed = withProbes(ruleset);
  const probedEmulator = silentEmulator({ ruleset: probed.ruleset, ...setting });
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
    connections: emulator.connections.size,
    ...rulesCost(probed, probedEmulator),
    warnings: formatNotes(ruleset, [...ruleset.warnings, ...(ruleset.assumed ?? [])]),
  };
}

function spreadOf(runs: readonly number[]): Spread {
  const sorted = [...runs].sort((a, b) => a - b);
  return { median: sorted[sorted.length >> 1], min: sorted[0], max: sorted[sorted.length - 1] };
}
