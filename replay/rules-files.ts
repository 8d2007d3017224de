/** The files that `--rules` names: one, or several that have a table each, as in `nat=a.txt,filter=b.txt`. */
import { existsSync, statSync } from 'node:fs';
import { isSnapshot } from '../codecs/host/snapshot.js';
import { withNearest } from '../codecs/nearest.js';
import { TABLE_NAMES, type TableName } from '../core/hooks.js';
import type { RulesSource } from '../core/rules/forms/read-rules.js';
import type { LiveOptions } from '../io/capture-file.js';
import { readHostAt } from '../io/host-files.js';
import { nativePath } from '../io/path.js';
import { readText } from '../io/text-file.js';
import { ReplayOptionsError } from './errors.js';
import { hostRules } from './host-rules.js';

export interface RulesFile {
  readonly path: string;
  /** The table that the file is said to be of. */
  readonly table?: TableName;
}

/**
 * The files in GIVEN, the value of `--rules`.
 * @throws {ReplayOptionsError} if it names a table that does not exist, or one twice
 */
export function rulesFilesOf(given: string): RulesFile[] {
  if (!/(?:^|,)\w+=/.test(given) || existsSync(nativePath(given))) return [{ path: given }];
  const files = given.split(',').map((item): RulesFile => {
    const [, name, path = item] = /^(\w+)=(.+)$/s.exec(item) ?? [];
    if (name === undefined) return { path };
    const table = TABLE_NAMES.find((known) => known === name);
    if (table !== undefined) return { path, table };
    const what = `--rules ${given}: ${name} is not a table; expected one of ${TABLE_NAMES.join(', ')}`;
    throw new ReplayOptionsError(withNearest(what, name, TABLE_NAMES));
  });
  const twice = files.find(({ table }, i) => table && files.slice(0, i).some((other) => other.table === table));
  if (twice === undefined) return files;
  throw new ReplayOptionsError(`--rules ${given}: the table ${twice.table} is given twice`);
}

/** GIVEN, the value of `--rules`, with the paths of its files as RESOLVE finds them. */
export function rulesAt(given: string, resolve: (path: string) => string): string {
  if (!/(?:^|,)\w+=/.test(given) || existsSync(nativePath(resolve(given)))) return resolve(given);
  const items = given.split(',').map((item) => /^(\w+=)?(.*)$/s.exec(item)!);
  return items.map(([, table = '', path]) => table + resolve(path)).join(',');
}

/** The paths of the files in GIVEN, the value of `--rules`; none if it is undefined. */
export function rulesPathsOf(given: string | undefined): string[] {
  return given === undefined ? [] : rulesFilesOf(given).map(({ path }) => path);
}

/**
 * Reads the files in GIVEN, the value of `--rules`. Of the snapshot of a host they are its rules.
 * @throws {FileError} {ReplayOptionsError} {InterruptedError}
 * @throws {HostError} {NoRulesError} if a snapshot has no rules that can be followed
 */
export function readRulesFiles(given: string, live: LiveOptions = {}): RulesSource[] {
  return rulesFilesOf(given).map(({ path, table }) => {
    const text = readText(path, live);
    const source = isSnapshot(text) && isRegular(path) ? rulesOfSnapshot(path) : { text, file: path };
    return table === undefined ? source : { ...source, table };
  });
}

function isRegular(path: string): boolean {
  return statSync(nativePath(path), { throwIfNoEntry: false })?.isFile() === true;
}

function rulesOfSnapshot(path: string): RulesSource {
  const { text, path: file } = hostRules(readHostAt(path).description, path);
  return { text, file };
}
