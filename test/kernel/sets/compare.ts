/** One random set, in the kernel and here: what each operation answers, and what is saved in the end. */
import { spawnSync } from 'node:child_process';
import { setTypeOf } from '../../../core/sets/types.js';
import { answersHere, differenceOf, type SetAnswers, SLEEP, SLEEP_MS } from '../../sets/set-answers.js';
import { createWords, elementOf, elementWord, extensionWords } from './element-words.js';
import { MEMBERS, randomSetCase, type SetCase, type SetOperation } from './random-set.js';

const NAME = 's';
const ATTEMPTS = 3;
const UNKNOWN_TYPE = 'unknown type';

export interface SetTally {
  /** Sets that agree, and those that do not. */
  same: number;
  different: number;
  /** The number of commands on those that agree. */
  commands: number;
  /** Types that the kernel lacks. */
  readonly unknown: Set<string>;
}

export interface SetComparison {
  /** Of the first set; the next one has the next. */
  readonly seed: number;
  readonly count: number;
  /** undefined: all. */
  readonly type?: string | undefined;
}

/** Compares random sets with the ipset and the kernel of this machine, and calls REPORT for each difference. */
export function compareSets(
  { seed: first, count, type }: SetComparison,
  report: (seed: number, type: string, difference: string) => void,
): SetTally {
  const tally: SetTally = { same: 0, different: 0, commands: 0, unknown: new Set() };
  for (let seed = first; seed < first + count; seed++) {
    const set = randomSetCase(seed, type);
    const commands = commandsOf(set);
    const difference = differenceIn(commands);
    if (difference === UNKNOWN_TYPE) tally.unknown.add(set.type);
    else if (difference !== undefined) {
      tally.different++;
      report(seed, set.type, difference);
    } else {
      tally.same++;
      tally.commands += commands.length;
    }
  }
  return tally;
}

/**
 * The first difference between the kernel and nfreplay. Where time-outs end depends on how fast the machine is, so the
 * kernel has to say the same more than once.
 */
function differenceIn(commands: readonly string[]): string | undefined {
  const ours = answersHere(commands);
  let difference: string | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const kernel = askKernel(commands);
    if (kernel === undefined) return UNKNOWN_TYPE;
    difference = differenceOf(commands, kernel, ours);
    if (difference === undefined) break;
  }
  return difference;
}

export function formatSetTally({ same, different, commands, unknown }: SetTally): string {
  const lacks = unknown.size === 0 ? '' : `; this kernel lacks ${[...unknown].join(' ')}`;
  return `sets: ${same} as in the kernel, with ${commands} commands; ${different} not${lacks}`;
}

/** The commands of SET, without `ipset`. */
export function commandsOf({ type, options, operations }: SetCase): string[] {
  const described = setTypeOf(type);
  if (described === undefined) throw new Error(`there is no type ${type}`);
  const line = ({ command, isExist, element: fields }: SetOperation): string => {
    if (command === 'sleep') return SLEEP;
    if (command === 'flush') return `flush ${NAME}`;
    const element = elementOf(fields);
    const word = elementWord(described, element);
    return `${command} ${isExist ? '-exist ' : ''}${NAME} ${word}${extensionWords(element)}`;
  };
  const members = type === 'list:set' ? MEMBERS.map((name) => `create ${name} hash:ip initval 0x1`) : [];
  return [...members, `create ${NAME} ${createWords(described, options)}`, ...operations.map(line)];
}

/** Asks the real ipset in a network namespace of its own; undefined: the kernel lacks the type. */
export function askKernel(commands: readonly string[]): SetAnswers | undefined {
  const script = [
    'ask() { said=$(ipset "$@" 2>&1); echo "@ $? $said"; }',
    ...commands.map((line) => (line === SLEEP ? `sleep ${SLEEP_MS / 1000}; echo '@ 0 '` : `ask ${line}`)),
    'ipset save',
  ].join('\n');
  const options = { encoding: 'utf8', maxBuffer: 1 << 28 } as const;
  const { stdout } = spawnSync('unshare', ['-n', 'sh', '-c', script], options);
  if (stdout.includes('set type not supported')) return undefined;
  const output = stdout.split('\n');
  const answers = output.filter((line) => line.startsWith('@ ')).map((line) => line.slice(2));
  return { answers, saved: output.filter((line) => /^(create|add) /.test(line)) };
}
