/** Refuses a command line whose files would destroy or disturb each other. */
import { type BigIntStats, fstatSync, realpathSync, statSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { namesIn, nativePath } from '../io/path.js';
import { ReplayOptionsError } from './errors.js';

const STANDARD_INPUT = 0;
const STANDARD_OUTPUT = 1;
const STANDARD_INPUT_NAMES = ['-', '/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'];

/** The files that a run reads, and where it writes: a folder; '-', standard output; undefined, nowhere. */
export interface NamedFiles {
  read: readonly string[];
  outDir?: string | undefined;
}

/**
 * Throws if two names are the same file and reading one would take from the other, or if writing would destroy an
 * input. Files that do not exist are left to those who open them.
 * @throws {ReplayOptionsError}
 */
export function refuseSameFiles({ read, outDir }: NamedFiles): void {
  const files = read.flatMap((path) => {
    const stat = statOf(path);
    return stat === undefined ? [] : [{ path, stat }];
  });
  files.forEach((file, i) => {
    for (const other of files.slice(0, i)) refusePair(other, file);
  });
  if (outDir === '-') {
    const out = fstatSync(STANDARD_OUTPUT, { bigint: true });
    const input = out.isFile() ? files.find(({ stat }) => isSame(stat, out)) : undefined;
    if (input) throw new ReplayOptionsError(`--out -: standard output is the input ${input.path}`);
  } else if (outDir !== undefined) refuseInputsIn(outDir, files);
}

/** An option, and the path that was given for it. */
type Written = readonly [option: string, path: string | undefined];

/**
 * Throws if one of WRITTEN cannot be written as a file of its own beside the results of a run with FILES.
 * @throws {ReplayOptionsError}
 */
export function refuseWriting(written: readonly Written[], files: NamedFiles): void {
  const places = new Set<string>();
  for (const [option, path] of written) {
    if (path === undefined) continue;
    refuseWritingTo(option, path, files);
    if (places.has(resolve(path))) throw new ReplayOptionsError(`${option} ${path}: another option writes this file`);
    places.add(resolve(path));
  }
}

function refuseWritingTo(option: string, path: string, { read, outDir }: NamedFiles): void {
  if (path === '-') throw new ReplayOptionsError(`${option} -: expected a file`);
  const there = statOf(path);
  const input = there && read.find((file) => file !== '-' && isSame(statOf(file) ?? NOWHERE, there));
  if (input !== undefined) throw new ReplayOptionsError(`${option} ${path}: that is the input ${input}`);
  if (outDir === undefined || outDir === '-') return;
  if (resolve(path).startsWith(resolve(outDir) + sep))
    throw new ReplayOptionsError(`${option} ${path}: the folder ${outDir} (--out) is replaced; use another place`);
}

interface NamedFile {
  path: string;
  stat: BigIntStats;
}

function refusePair(a: NamedFile, b: NamedFile): void {
  const areStandardInput = [a, b].every(({ path }) => STANDARD_INPUT_NAMES.includes(path));
  if (areStandardInput) throw new ReplayOptionsError('standard input is given twice, but can be read only once');
  // Devices such as /dev/null are the same for everybody.
  if (!isSame(a.stat, b.stat) || a.stat.isCharacterDevice()) return;
  if (a.path !== b.path) throw new ReplayOptionsError(`${a.path} and ${b.path} are the same file`);
  if (!a.stat.isFile()) throw new ReplayOptionsError(`${a.path} is given twice, but a pipe can be read only once`);
}

/** Throws if one of FILES is in the folder OUT_DIR, by this or by another name (a link). */
function refuseInputsIn(outDir: string, files: readonly NamedFile[]): void {
  if (statOf(outDir)?.isDirectory() !== true) return;
  const folder = realpathSync(nativePath(outDir), 'utf8');
  const contents = namesIn(outDir).flatMap((name) => statOf(join(outDir, name)) ?? []);
  for (const { path, stat } of files) {
    const isBelow = path !== '-' && realpathSync(nativePath(path), 'utf8').startsWith(folder + sep);
    if (isBelow || contents.some((content) => isSame(content, stat))) {
      throw new ReplayOptionsError(`${path} is in the folder ${outDir} (--out), which the results would replace`);
    }
  }
}

const NOWHERE = { dev: -1n, ino: -1n };

const isSame = (a: Pick<BigIntStats, 'dev' | 'ino'>, b: Pick<BigIntStats, 'dev' | 'ino'>) =>
  a.dev === b.dev && a.ino === b.ino;

/** The file at PATH, where `-` is standard input; undefined if there is none. */
function statOf(path: string): BigIntStats | undefined {
  try {
    return path === '-' ? fstatSync(STANDARD_INPUT, { bigint: true }) : statSync(nativePath(path), { bigint: true });
  } catch {
    return undefined;
  }
}
