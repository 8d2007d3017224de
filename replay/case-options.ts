/** The options of a golden case: `case.json`, `{ "options": ["--at", "10s=rules-2.v4"] }`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { withNearest } from '../codecs/nearest.js';
import { shownPath } from '../codecs/text.js';
import { nativePath } from '../io/path.js';
import { readText } from '../io/text-file.js';
import { changeIn } from './changes/planned-change.js';
import { ReplayOptionsError } from './errors.js';
import type { ReplayOptions } from './replay.js';

const CASE_FILE = 'case.json';

type CaseOptions = Partial<ReplayOptions>;

/** How an option of `nfreplay replay` changes the options of a case. Its VALUE is undefined if it takes none. */
interface CaseOption {
  readonly takesValue: boolean;
  add(options: CaseOptions, value: string, dir: string): CaseOptions;
}

const valued = (add: CaseOption['add']): CaseOption => ({ takesValue: true, add });
const list = (given: readonly string[] | undefined, more: string): string[] => [...(given ?? []), more];
const numbered =
  (member: 'seed' | 'limit'): CaseOption['add'] =>
  (options, value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || !Number.isSafeInteger(number)) {
      throw new ReplayOptionsError(`--${member} ${value}: expected a whole number`);
    }
    return { ...options, [member]: number };
  };

const OPTIONS: Readonly<Record<string, CaseOption>> = {
  '--at': valued((options, value, dir) => ({ ...options, changes: list(options.changes, changeIn(value, dir)) })),
  '--ipset': valued((options, value, dir) => ({ ...options, ipsetPaths: list(options.ipsetPaths, join(dir, value)) })),
  '--apply': valued((options, value, dir) => {
    const path = join(dir, value);
    return { ...options, apply: list(options.apply, existsSync(nativePath(path)) ? path : value) };
  }),
  '--backend': valued((options, value) => ({ ...options, backend: oneOf('--backend', value, ['legacy', 'nft']) })),
  '--nfqueue': valued((options, value) => ({ ...options, nfqueue: oneOf('--nfqueue', value, ['accept', 'drop']) })),
  '--names': valued((options, value, dir) => ({ ...options, namesPath: join(dir, value) })),
  '--filter': valued((options, filter) => ({ ...options, filter })),
  '--from': valued((options, from) => ({ ...options, from })),
  '--to': valued((options, to) => ({ ...options, to })),
  '--limit': valued(numbered('limit')),
  '--seed': valued(numbered('seed')),
  '--lax': { takesValue: false, add: (options) => ({ ...options, lax: true }) },
  '--keep-counters': { takesValue: false, add: (options) => ({ ...options, keepCounters: true }) },
};

function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found === undefined) throw new ReplayOptionsError(`${option} ${value}: expected ${known.join(' or ')}`);
  return found;
}

/**
 * The options of the case in DIR; none if it has no case.json.
 * @throws {ReplayOptionsError} if the file is not as it has to be, or has an option that a case cannot have
 */
export function caseOptionsIn(dir: string): CaseOptions {
  const path = join(dir, CASE_FILE);
  if (!existsSync(nativePath(path))) return {};
  try {
    return optionsOf(wordsIn(readText(path)), dir);
  } catch (error) {
    if (!(error instanceof ReplayOptionsError)) throw error;
    throw new ReplayOptionsError(`${shownPath(path)}: ${error.message}`);
  }
}

/** The words of `options`. */
function wordsIn(text: string): string[] {
  const expected = 'expected {"options": ["--at", "10s=rules-2.v4"]}';
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ReplayOptionsError(`not JSON: ${(error as Error).message}; ${expected}`);
  }
  const members = typeof json === 'object' && json !== null && !Array.isArray(json) ? Object.entries(json) : [];
  const words = members.find(([name]) => name === 'options')?.[1];
  const other = members.find(([name]) => name !== 'options')?.[0];
  if (other !== undefined) throw new ReplayOptionsError(`unknown member ${JSON.stringify(other)}; ${expected}`);
  const isList = Array.isArray(words) && words.every((word) => typeof word === 'string');
  if (!isList) throw new ReplayOptionsError(`options is no list of words; ${expected}`);
  return words;
}

function optionsOf(words: readonly string[], dir: string): CaseOptions {
  let options: CaseOptions = {};
  for (let i = 0; i < words.length; i++) {
    const [, name, attached] = /^(--[\w-]+)(?:=(.*))?$/s.exec(words[i]) ?? [];
    const option = name === undefined || !Object.hasOwn(OPTIONS, name) ? undefined : OPTIONS[name];
    if (option === undefined) {
      const known = Object.keys(OPTIONS);
      const what = `${words[i]} is no option of a case; expected one of ${known.join(', ')}`;
      throw new ReplayOptionsError(withNearest(what, name ?? words[i], known));
    }
    if (!option.takesValue && attached !== undefined) throw new ReplayOptionsError(`${name} takes no value`);
    const value = option.takesValue ? (attached ?? words[++i]) : '';
    if (value === undefined) throw new ReplayOptionsError(`${name} requires a value`);
    options = option.add(options, value, dir);
  }
  return options;
}
