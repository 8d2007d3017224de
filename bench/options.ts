/** The command line of the benchmark. */
import { type CommandSpec, parseCommand } from '../cli/args.js';
import { UsageError } from '../cli/errors.js';
import { withNearest } from '../codecs/nearest.js';

export interface BenchOptions {
  isHelp: boolean;
  isQuick: boolean;
  isLong: boolean;
  isMicro: boolean;
  isPlots: boolean;
  updatesBaseline: boolean;
  checks: boolean;
  /** Undefined: all rows. */
  rows: string[] | undefined;
  rounds: number | undefined;
  packets: number | undefined;
  streamBytes: number | undefined;
  jsonPath: string | undefined;
}

const SPEC: CommandSpec = {
  name: 'bench',
  summary: 'measure nfreplay beside other programs and compare it with its goals',
  usages: [''],
  options: [
    { name: 'rows', value: 'A,B', help: 'run only these rows, and those that they are compared with' },
    { name: 'quick', help: 'use small workloads and 2 rounds: a functional check, not for comparisons' },
    { name: 'long', help: 'also the rows that take minutes: ten-million' },
    { name: 'rounds', value: 'N', help: 'how often to run each row (default: 5)' },
    { name: 'packets', value: 'N', help: 'size of the workloads of established and new connections' },
    { name: 'stream-gb', value: 'N', help: 'size of the stream of the row `stream` (default: 2)' },
    { name: 'json', value: 'FILE', help: 'also write all numbers to FILE' },
    { name: 'check', help: 'exit with 1 if a row is more than 10 % slower than in bench/baseline.json' },
    { name: 'update-baseline', help: 'make the measurements the new baseline' },
    { name: 'plots', help: 'instead, measure cost by number of rules and connections, and draw bench/*.svg' },
    { name: 'micro', help: 'instead, measure each stage alone' },
  ],
  positionals: 'NONE',
  examples: [],
};

/**
 * Parses ARGS. ROWS are the valid names of rows.
 * @throws {UsageError}
 */
export function parseOptions(args: readonly string[], rows: readonly string[]): BenchOptions {
  const given = parseCommand(SPEC, args);
  if (given.positionals.length > 0) throw new UsageError(`unexpected argument: ${given.positionals[0]}`);
  const chosen = given.value('rows')?.split(',');
  for (const name of chosen ?? []) {
    if (!rows.includes(name)) throw new UsageError(withNearest(`unknown row: ${name}`, name, rows));
  }
  const streamGb = given.wholeNumber('stream-gb', 1);
  return {
    isHelp: given.has('help'),
    isQuick: given.has('quick'),
    isLong: given.has('long'),
    isMicro: given.has('micro'),
    isPlots: given.has('plots'),
    updatesBaseline: given.has('update-baseline'),
    checks: given.has('check'),
    rows: chosen,
    rounds: given.wholeNumber('rounds', 1),
    packets: given.wholeNumber('packets', 1),
    streamBytes: streamGb === undefined ? undefined : streamGb * 1e9,
    jsonPath: given.value('json'),
  };
}

/** The help, with a description of each row. */
export function helpText(rows: readonly { name: string; about: string }[]): string {
  const lines = (pairs: readonly (readonly [string, string])[]) => {
    const width = Math.max(...pairs.map(([left]) => left.length));
    return pairs.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
  };
  return [
    `npm run bench: ${SPEC.summary}`,
    '',
    'usage: npm run bench -- [options]',
    '',
    ...lines(SPEC.options.map(({ name, value, help }) => [`--${name}${value ? ` ${value}` : ''}`, help])),
    '',
    'rows:',
    ...lines(rows.map(({ name, about }) => [name, about])),
    '',
  ].join('\n');
}
