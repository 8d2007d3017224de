/** What `report` and `view` are asked to show: replays, a comparison of two, or what `bench` has measured. */
import { statSync } from 'node:fs';
import { basename, join, normalize } from 'node:path';
import { type BenchFile, readBenchFile } from '../explain/report/bench-file.js';
import { comparisonSteps } from '../explain/report/comparison.js';
import type { ReportedReplay, WholeSections } from '../explain/report/make-report.js';
import { jsonSection } from '../explain/report/sections.js';
import type { LiveOptions } from '../io/capture-file.js';
import { FileError } from '../io/file-error.js';
import { nativePath } from '../io/path.js';
import { captureFiles } from '../replay/captures.js';
import { caseFoldersIn, optionsOf, readCase } from '../replay/golden-case.js';
import { filesOfReplay } from '../replay/prepared-run.js';
import type { ReplayOptions, ReplayProgress } from '../replay/replay.js';
import { optionsOfResult } from '../replay/result-case.js';
import type { Arguments } from './args.js';
import { SHOWN } from './commands/report.js';
import { UsageError } from './errors.js';
import { expectedOptionsOf, replayOptionsOf, sidesGiven } from './replay-options.js';
import { namesPipe } from './supervisor.js';

export interface ReportSubject {
  readonly title: string;
  /** Of a comparison, the old one and the new one. */
  readonly replays: readonly ReportedReplay[];
  readonly isComparison: boolean;
  /** What `nfreplay bench --json` has printed. */
  readonly benches: readonly BenchFile[];
  /** Folders of a case in which every file has a meaning. */
  readonly closedFolders: readonly string[];
}

/** What may be given beside what already says what was replayed. */
const BESIDE_NAMED = ['title', 'show', 'rules', 'out', 'port', 'strict', 'help'];

/**
 * What GIVEN asks for. LIVE: ends what is read of pipes.
 * @throws {UsageError} {ReplayOptionsError} if it is nothing that can be shown
 * @throws {FileError} if a file of it cannot be read, or is not what was replayed
 */
export function subjectOf(given: Arguments, live: LiveOptions = {}): ReportSubject {
  const [first, ...more] = given.positionals;
  const subject = first === undefined ? subjectOfOptions(given) : namedSubject(given, [first, ...more], live);
  const title = given.value('title');
  return {
    ...subject,
    ...(title === undefined ? {} : { title }),
    replays: subject.replays.map((replay) => ({ ...replay, options: { ...replay.options, looksOnly: true } })),
  };
}

/** What the folders and files NAMES stand for. */
function namedSubject(given: Arguments, names: readonly string[], live: LiveOptions): ReportSubject {
  const other = SHOWN.find(({ name }) => given.has(name) && !BESIDE_NAMED.includes(name));
  if (other !== undefined)
    throw new UsageError(
      `--${other.name}: ${names[0]} says what is replayed; give its options, or ${names[0]}, not both`,
    );
  const found = names.map((name) => subjectNamed(name, given.value('show'), live));
  const [only, second] = found;
  const [rulesPath, another] = given.values('rules');
  if (rulesPath !== undefined) {
    if (second !== undefined || only.replays.length === 0 || another !== undefined)
      throw new UsageError(
        '--rules: beside a folder, give one ruleset, with which what was replayed there is compared',
      );
    const [old] = only.replays;
    return comparison(old, { name: rulesPath, options: { ...old.options, rulesPath } }, only.closedFolders);
  }
  if (second === undefined) return only;
  const replayed = names.find((_, i) => found[i].replays.length > 0);
  const measured = names.find((_, i) => found[i].benches.length > 0);
  if (replayed !== undefined && measured !== undefined)
    throw new UsageError(`${measured} is a result of bench, and ${replayed} is replayed: they have pages of their own`);
  return {
    title: names.join(', '),
    replays: found.flatMap(({ replays }) => replays),
    isComparison: false,
    closedFolders: found.flatMap(({ closedFolders }) => closedFolders),
    benches: found.flatMap(({ benches }) => benches),
  };
}

/** The page that shows what GIVEN asks for: results of bench have one of their own. */
export function pageOf({ positionals: [first] }: Arguments): 'report' | 'bench' {
  return first === undefined || isFolder(first) ? 'report' : 'bench';
}

function isFolder(name: string): boolean {
  const stat = name === '-' ? undefined : statSync(nativePath(name), { throwIfNoEntry: false });
  if (name !== '-' && stat === undefined) throw new FileError(`${name}: no such file or folder`);
  return stat?.isDirectory() === true;
}

/** What the folder or file NAME is. SHOW: chooses packets in place of what it says itself. */
function subjectNamed(name: string, show: string | undefined, live: LiveOptions): ReportSubject {
  if (!isFolder(name)) {
    const bench = readBenchFile(name, live);
    return {
      title: `What ${listed(bench.rulesets.map(({ file }) => file))} cost`,
      replays: [],
      isComparison: false,
      closedFolders: [],
      benches: [{ name, result: bench }],
    };
  }
  const { dir, options: own } = replayedIn(name);
  const options = show === undefined ? own : { ...own, show };
  return { title: name, replays: [{ name, options }], isComparison: false, benches: [], closedFolders: closedIn(dir) };
}

const closedIn = (dir: string): string[] => ['in', 'want'].map((name) => join(dir, name));

/** What is replayed of the folder NAME. */
function replayedIn(name: string): { readonly dir: string; readonly options: ReplayOptions } {
  const [dir, another] = caseFoldersIn(name, { results: true });
  if (another !== undefined) throw new UsageError(`${name} has several cases, such as ${dir}; expected one`);
  const golden = readCase(dir, { results: true });
  if (golden.made !== undefined) return { dir, options: optionsOfResult(dir) };
  const options = optionsOf(golden);
  if (captureFiles(options).length === 0)
    throw new UsageError(`${dir} has no captures, only claims that send packets: nfreplay check ${dir} judges them`);
  return { dir, options };
}

/** What the options of replay ask for. */
function subjectOfOptions(given: Arguments): ReportSubject {
  const { rules, hosts } = sidesGiven(given);
  if (hosts.length === 0)
    throw new UsageError('nothing to show: give a result folder, the folder of a case, or --host and captures');
  const options = { ...replayOptionsOf(given), ...expectedOptionsOf(given) };
  const [oldRules, newRules] = rules;
  const [oldHost, newHost] = hosts;
  if (newRules === undefined && newHost === undefined) return single(options);
  const other = { ...options, ...(newRules && { rulesPath: newRules }), hostPath: newHost ?? oldHost };
  const by = newRules === undefined ? [oldHost, other.hostPath] : [oldRules, newRules];
  return comparison({ name: by[0], options }, { name: by[1], options: other });
}

function single(options: ReplayOptions): ReportSubject {
  const { rulesPath, hostPath } = options;
  const captures = captureFiles(options).map((path) => (path === '-' ? 'a live capture' : basename(path)));
  const through = rulesPath ?? hostPath;
  return {
    title: captures.length === 0 ? through : `${listed(captures)} through ${through}`,
    replays: [{ name: through, options }],
    isComparison: false,
    benches: [],
    closedFolders: [],
  };
}

function comparison(old: ReportedReplay, other: ReportedReplay, closedFolders: readonly string[] = []): ReportSubject {
  // Each is read more than once.
  const pipe = [old, other].flatMap(({ options }) => filesOfReplay(options)).find((path) => namesPipe([path]));
  if (pipe !== undefined)
    throw new UsageError(
      `${pipe === '-' ? 'standard input' : pipe} can be read only once; a comparison requires files`,
    );
  // Two sides of one name could not be told apart.
  const isSame = normalize(old.name) === normalize(other.name);
  const [oldName, newName] = isSame ? [`${old.name} (old)`, `${other.name} (new)`] : [old.name, other.name];
  return {
    title: `${oldName} → ${newName}`,
    replays: [
      { ...old, name: oldName },
      { ...other, name: newName },
    ],
    isComparison: true,
    benches: [],
    closedFolders,
  };
}

/** The sections of the report about a subject as a whole that are there before anything is replayed. */
export function wholeSections({ benches }: ReportSubject): WholeSections {
  return new Map(benches.length === 0 ? [] : [['bench', jsonSection(benches)]]);
}

/**
 * Of a comparison, what differs between REPLAYS, the old one and the new one, as one more of these sections.
 * @throws what `replay` throws
 */
export function* comparedSections(
  { isComparison }: ReportSubject,
  replays: readonly ReportedReplay[],
): Generator<ReplayProgress, WholeSections, void> {
  if (!isComparison) return new Map();
  // What a host did in reality is no side of it.
  const [old, other] = replays.map(({ options: { expectEgress: _, expectCounters: _counters, ...same } }) => same);
  return new Map([['comparison', jsonSection(yield* comparisonSteps(old, other))]]);
}

const MOST_LISTED = 4;

/** NAMES in words: `a, b and c`. */
function listed(names: readonly string[]): string {
  if (names.length > MOST_LISTED)
    return `${names.slice(0, MOST_LISTED - 1).join(', ')} and ${names.length - MOST_LISTED + 1} more`;
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
