/** Sets of capture files: patterns, and rotated files (`tcpdump -C`, `-G`, `-W`) in the order of their time. */
import { existsSync, type Stats, statSync } from 'node:fs';
import { CaptureError } from '../codecs/capture-error.js';
import { shownPath } from '../codecs/text.js';
import { openCaptureFile } from './capture-file.js';
import { FileError } from './file-error.js';
import { namesIn, nativePath, refuseIrregular } from './path.js';

export interface CaptureSet {
  /** In the order of their first packets. */
  readonly paths: readonly string[];
  /** What the user may not expect: another order than that of the names, files that are left out. */
  readonly notes: readonly string[];
}

const WILDCARD = /[*?[]/;

/**
 * The files that GIVEN names: a path, or patterns with `*`, `?` and `[…]` as in a shell. More than one are sorted by
 * the time of their first packets.
 * @throws {FileError} if nothing matches, or a match is not a file
 * @throws {CaptureError} if a match is not a capture
 */
export function captureSet(given: readonly string[]): CaptureSet {
  const paths = given.flatMap(filesMatching);
  if (paths.length < 2) return { paths, notes: [] };
  for (const path of paths) refuseIrregular(path);
  const empty = paths.filter((path) => sizeOf(path) === 0);
  const byName = paths.filter((path) => !empty.includes(path)).sort(compareNames);
  const byTime = byName
    .map((path) => ({ path, ns: firstTimeNs(path) }))
    .sort((a, b) => (a.ns === b.ns ? 0 : a.ns < b.ns ? -1 : 1))
    .map(({ path }) => path);
  const isReordered = byTime.some((path, i) => path !== byName[i]);
  return {
    paths: byTime,
    notes: [
      ...empty.map((path) => `${shownPath(path)}: the file is empty and was left out`),
      ...(isReordered
        ? [`by the time of their first packets, the captures follow each other as ${inOrder(byTime)}`]
        : []),
    ],
  };
}

const MAX_NAMED = 6;

function inOrder(paths: readonly string[]): string {
  const names = paths.map(shownPath);
  if (names.length <= MAX_NAMED) return names.join(', ');
  return `${names.slice(0, MAX_NAMED - 1).join(', ')}, … ${names[names.length - 1]}`;
}

/** The files that PATTERN matches, sorted; itself if there is such a file, or if it is no pattern. */
export function filesMatching(pattern: string): string[] {
  if (pattern === '-' || !WILDCARD.test(pattern) || existsSync(nativePath(pattern))) return [pattern];
  const [first, ...components] = pattern.split('/');
  let found = first === '' ? ['/'] : matchesIn('', first);
  for (const component of components) found = found.flatMap((path) => matchesIn(path, component));
  const files = found.filter((path) => statOf(path)?.isDirectory() !== true);
  if (files.length === 0) throw new FileError(`${shownPath(pattern)}: no file matches this pattern`);
  return files.sort(compareNames);
}

/** The paths in DIR ('': the current folder) whose name COMPONENT matches. */
function matchesIn(dir: string, component: string): string[] {
  const join = (name: string): string => (dir === '' || dir.endsWith('/') ? `${dir}${name}` : `${dir}/${name}`);
  if (!WILDCARD.test(component)) return statOf(join(component)) === undefined ? [] : [join(component)];
  if (statOf(dir === '' ? '.' : dir)?.isDirectory() !== true) return [];
  const regex = patternOf(component);
  return namesIn(dir === '' ? '.' : dir)
    .filter((name) => regex.test(name) && (component.startsWith('.') || !name.startsWith('.')))
    .map(join);
}

/** A shell pattern (POSIX, 2.13) for one name as a regular expression. */
function patternOf(component: string): RegExp {
  const source = component.replace(/\[(!|\^)?(\]?[^\]]*)\]|[\s\S]/gu, (token, negation: string, set: string) => {
    if (token === '*') return '.*';
    if (token === '?') return '.';
    if (token.length > 2) return `[${negation === undefined ? '' : '^'}${set.replace(/[\\\]^[]/g, '\\$&')}]`;
    return token.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, 'su');
}

/** By name, numbers by their value: `x.pcap2` comes before `x.pcap10`. */
function compareNames(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true }) || (a < b ? -1 : 1);
}

function statOf(path: string): Stats | undefined {
  return statSync(nativePath(path), { throwIfNoEntry: false });
}

function sizeOf(path: string): number {
  return statOf(path)?.size ?? -1;
}

/** The time of the first packet; later than any other if there is none. */
function firstTimeNs(path: string): number | bigint {
  const reader = openCaptureFile(path, { blockBytes: 4096 });
  try {
    return reader.next() ? BigInt(reader.tsSec) * 1_000_000_000n + BigInt(reader.tsNsec) : Number.POSITIVE_INFINITY;
  } catch (error) {
    // Damage before its first packet is said when its turn comes.
    if (error instanceof CaptureError && error.byteOffset >= 0) return Number.POSITIVE_INFINITY;
    throw error;
  } finally {
    reader.close();
  }
}
