/** Random commands for ipset, and files for `ipset restore`: usual ones, unusual ones, and near misses. */
import type { Step } from '../../ipset/steps.js';
import { Prng } from '../prng.js';
import { NASTY, randomElement, randomOptions } from './words.js';

/** The sets that steps are about. */
const NAMES = ['a', 'b', 'c', 'blocked', 'd-e', 'l', 'm'];
const ODD_NAMES = [
  '',
  'nosuch',
  'a b',
  'A',
  'x'.repeat(31),
  'x'.repeat(32),
  'é',
  'é'.repeat(16),
  '-',
  'add',
  '--exist',
];

/** What a case knows about its sets: a guess, as commands may fail. */
export interface World {
  readonly prng: Prng;
  /** How odd its words are, from 0 to 1. */
  readonly oddness: number;
  /** The types of sets to use. */
  readonly types: readonly string[];
  readonly sets: Map<string, SetGuess>;
}

export interface SetGuess {
  readonly type: string;
  readonly isIpv6: boolean;
  /** Options of elements that the set has. */
  readonly extensions: readonly string[];
}

/** The steps of the case of SEED, with sets of TYPES. */
export function randomSteps(seed: number, types: readonly string[]): Step[] {
  const prng = new Prng(seed);
  const oddness = prng.pick([0, 0.02, 0.05, 0.2]);
  const world: World = { prng, oddness, types, sets: new Map() };
  return Array.from({ length: prng.between(5, 30) }, (_, i) => randomStep(world, i));
}

function randomStep(world: World, at: number): Step {
  const { prng } = world;
  if (at < 2 || prng.chance(world.sets.size === 0 ? 0.8 : 0.05)) return { kind: 'command', words: createWords(world) };
  if (prng.chance(0.2)) return restoreStep(world);
  if (prng.chance(0.03)) return { kind: 'rule', set: prng.pick(NAMES) };
  return { kind: 'command', words: spoiled(world, withEnvironment(world, commandWords(world))) };
}

export const odd = ({ prng, oddness }: World): boolean => prng.chance(oddness);

function nameOf(world: World): string {
  if (odd(world)) return world.prng.pick(ODD_NAMES);
  const names = [...world.sets.keys()];
  return names.length > 0 && world.prng.chance(0.95) ? world.prng.pick(names) : world.prng.pick(NAMES);
}

function createWords(world: World): string[] {
  const { prng } = world;
  const name = odd(world) ? prng.pick(ODD_NAMES) : prng.pick(NAMES);
  const type = prng.pick(world.types);
  const isIpv6 = type.startsWith('hash:') && type !== 'hash:mac' && prng.chance(0.2);
  const { words, extensions } = randomOptions(world, type, isIpv6);
  if (!world.sets.has(name)) world.sets.set(name, { type, isIpv6, extensions });
  const command = prng.weighted([
    [20, 'create'],
    [1, prng.pick(['n', '-N', 'new', 'c', '--create', 'crea', '--new'])],
  ]);
  const spelled = odd(world)
    ? prng.pick(['iphash', 'nethash', 'setlist', 'hash:nosuch', 'hash', type.toUpperCase()])
    : type;
  return [command, name, spelled, ...words];
}

const UNKNOWN: SetGuess = { type: 'hash:ip', isIpv6: false, extensions: [] };

function commandWords(world: World): string[] {
  const { prng } = world;
  const name = nameOf(world);
  const guess = world.sets.get(name) ?? UNKNOWN;
  const command = prng.weighted<string>([
    [30, 'add'],
    [8, 'del'],
    [10, 'test'],
    [1, 'destroy'],
    [3, 'list'],
    [2, 'save'],
    [1, 'flush'],
    [1, 'rename'],
    [2, 'swap'],
    [1, 'create'],
    [1, prng.pick(['version', 'quit', 'nosuch', '-', '', 'des', 's', 'r', 'x', 'e', 'w', 'fl', '--f', '-A', '-T'])],
  ]);
  switch (command) {
    case 'add':
    case 'del':
    case 'test':
      return [shortened(world, command), name, ...randomElement(world, guess, command)];
    case 'rename': {
      const to = prng.chance(0.3) ? nameOf(world) : prng.pick(NAMES);
      if (world.sets.delete(name) && !world.sets.has(to)) world.sets.set(to, guess);
      return [shortened(world, command), name, to];
    }
    case 'swap':
      return [shortened(world, command), name, prng.chance(0.9) ? nameOf(world) : prng.pick(NAMES)];
    case 'create':
      return createWords(world);
    case 'destroy':
    case 'flush': {
      const isAll = prng.chance(0.1);
      if (command === 'destroy' && isAll) world.sets.clear();
      else if (command === 'destroy') world.sets.delete(name);
      return isAll ? [shortened(world, command)] : [shortened(world, command), name];
    }
    case 'list':
    case 'save':
      return prng.chance(0.5) ? [shortened(world, command)] : [shortened(world, command), name];
    default:
      return prng.chance(0.1) ? [command] : [command, name];
  }
}

const SHORT: Readonly<Record<string, readonly string[]>> = {
  add: ['a', '-A', '--add', 'ad'],
  del: ['d', '-D', '--del', 'de'],
  test: ['t', '-T', 'te', '--test'],
  destroy: ['x', '-X', 'des', '--destroy'],
  list: ['-L', 'l', '--list'],
  save: ['-S', 's', '--save'],
  flush: ['-F', 'f', '--flush'],
  rename: ['e', '-E', 'ren', '--rename'],
  swap: ['w', '-W', 'sw', '--swap'],
};

function shortened({ prng }: World, command: string): string {
  return prng.chance(0.9) ? command : prng.pick(SHORT[command]);
}

function withEnvironment(world: World, words: readonly string[]): string[] {
  const { prng } = world;
  if (prng.chance(0.75)) return [...words];
  const options = prng.weighted<string[]>([
    [6, [prng.pick(['-exist', '-!', '--exist', '-!'])]],
    [3, [prng.pick(['-q', '-quiet'])]],
    [2, [prng.pick(['-o', '-output']), prng.pick(['plain', 'save', 'xml', 'json'])]],
    [1, [prng.pick(['-s', '-sorted'])]],
    [1, [prng.pick(['-n', '-name', '-t', '-terse', '--name'])]],
    [odd(world) ? 10 : 0, [prng.pick(['-o', '-x', '--nosuch', '-existing'])]],
  ]);
  return prng.chance(0.7) ? [...options, ...words] : words.toSpliced(prng.below(words.length + 1), 0, ...options);
}

/** WORDS with something wrong, sometimes. */
function spoiled(world: World, words: string[]): string[] {
  const { prng } = world;
  if (!odd(world)) return words;
  const at = prng.below(words.length);
  return prng.pick([
    () => words.toSpliced(at, 1),
    () => words.toSpliced(at, 0, prng.pick(words)),
    () => words.toSpliced(at, 0, prng.pick(NASTY)),
    () => words.with(at, nearMiss(prng, words[at])),
    () => words.with(at, nearMiss(prng, words[at])),
    () => words.slice(0, at),
  ])();
}

function nearMiss(prng: Prng, word: string): string {
  const at = prng.below(word.length + 1);
  const char = prng.pick([...'0123456789abcf.,:/-[]x" '.split(''), 'é']);
  return prng.pick([
    () => word.slice(0, at) + char + word.slice(at),
    () => word.slice(0, at) + char + word.slice(at + 1),
    () => word.slice(0, at) + word.slice(at + 1),
  ])();
}

/** A file for `ipset restore` that creates sets of TYPES, at first. */
export function randomRestoreText(prng: Prng, types: readonly string[]): string {
  const world: World = { prng, oddness: prng.pick([0, 0, 0.02, 0.1]), types, sets: new Map() };
  const created = Array.from({ length: prng.between(1, 4) }, () => createWords(world).join(' '));
  const added = Array.from({ length: prng.between(0, 40) }, () =>
    restoreLine(world, prng.chance(0.9) ? 'add' : undefined),
  );
  return `${[...created, ...added].join('\n')}\n`;
}

function restoreStep(world: World): Step {
  const { prng } = world;
  const lines = Array.from({ length: prng.between(1, 12) }, () => restoreLine(world));
  const many = prng.chance(0.15) ? Array.from({ length: prng.between(100, 400) }, () => restoreLine(world, 'add')) : [];
  const end = prng.pick(['\n', '\n', '\n', '', '\r\n']);
  const separator = odd(world) ? prng.pick(['\r\n', '\n\n', ' \n']) : '\n';
  const options = prng.chance(0.5) ? ['-exist'] : [];
  return { kind: 'restore', words: [...options, 'restore'], text: [...lines, ...many].join(separator) + end };
}

function restoreLine(world: World, command?: string): string {
  const { prng } = world;
  if (command === undefined && prng.chance(0.1)) {
    return prng.pick(['COMMIT', '# a comment', '', '  ', '\t#', 'COMMIT ', '\fCOMMIT', 'create', '"']);
  }
  const name = nameOf(world);
  const isAdd = command === 'add' || prng.chance(0.6);
  const words = isAdd
    ? ['add', name, ...randomElement(world, world.sets.get(name) ?? UNKNOWN, 'add')]
    : prng.chance(0.4)
      ? createWords(world)
      : withEnvironment(world, commandWords(world));
  const quoted = spoiled(world, words).map((word) => (/^[^\s"]+$/.test(word) ? word : quoteOddly(world, word)));
  return (odd(world) ? prng.pick([' ', '\t', '\v']) : '') + quoted.join(odd(world) ? prng.pick(['  ', '\t']) : ' ');
}

function quoteOddly(world: World, word: string): string {
  const { prng } = world;
  if (!odd(world)) return `"${word.replaceAll('"', '')}"`;
  return prng.pick([`"${word}`, `${word}"`, `"${word}"x`, `x"${word}"`, word, `"${word}\0"`, `"${'y'.repeat(1100)}"`]);
}
