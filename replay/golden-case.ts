/**
 * A golden case: a folder with a host, a ruleset, the input, and what is expected.
 *
 *     host.json, rules.v4
 *     in/IFACE.pcap     what arrives on an interface (`local`: what the host itself sends); or .pcapng; also rotated
 *                       (.pcap0, .pcap1, …) and compressed (.gz, .zst); or
 *     stitch.pcap       one capture of whole conversations
 *     conntrack.txt     optional: the connections that the host has before the first packet (conntrack -L -o extended)
 *     case.json         optional: options of `nfreplay replay`, `{ "options": ["--at", "10s=rules-2.v4"] }`; also in
 *                       place of the files above. Their files are in the folder (case-options.ts, case-folder.ts)
 *     expect.yaml       claims about packets, connections and counters; and, or. Alone, it needs no captures: its
 *                       `send` claims make their packets
 *     want/             IFACE.pcap, local.pcap, rules.v4, conntrack.txt
 *
 * Checksums are verified (`--checksums verify`), as the kernel verifies those of frames from a wire, unless case.json
 * says otherwise. Of captures taken on the host (`--capture`), they may be left to the network card.
 */
import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { mostRulesMet } from '../core/rules/longest-walk.js';
import { parseRuleset } from '../core/rules/parse/parse.js';
import type { CapturePaths } from '../io/capture-file.js';
import { filesMatching } from '../io/capture-set.js';
import { FileError } from '../io/file-error.js';
import { filesOfHost } from '../io/host-files.js';
import { namesIn, nativePath, refuseIrregular } from '../io/path.js';
import { readText } from '../io/text-file.js';
import { captureFiles } from './captures.js';
import { refuseLinkOut } from './case-folder.js';
import { CASE_FILE, caseOptionsIn } from './case-options.js';
import { filesOfChange } from './changes/planned-change.js';
import { filesOfCommands } from './commands/host-command.js';
import { ReplayOptionsError } from './errors.js';
import { HOST_CONNTRACK } from './listed-connections.js';
import type { MadeBy } from './provenance.js';
import type { ReplayOptions } from './replay.js';
import { isResultFolder, readResultFolder } from './result-case.js';
import { rulesPathsOf } from './rules-files.js';

export interface GoldenCase {
  /** The folder. */
  dir: string;
  /** As `--rules` takes it. Undefined: the rules are the host's own. */
  rulesPath?: string;
  hostPath: string;
  inputs: readonly { iface: string; path: CapturePaths }[];
  /** Captures of whole conversations; else none. */
  stitchPaths: readonly CapturePaths[];
  /** Captures taken on the host; else none. */
  captures: readonly { path: CapturePaths; iface?: string }[];
  /** As `--conntrack` takes it. */
  conntrackPath?: string;
  /** Of golden captures; perhaps there is none. */
  wantDir: string;
  /** Of claims. */
  expectPath?: string;
  /** A warning, an assumption or an uncertain packet fails the case. */
  isStrict: boolean;
  /** Further ones of `case.json`. */
  options: Partial<ReplayOptions>;
  /** Only of a result folder, which is replayed and compared as a case is: how it was made. */
  made?: MadeBy;
}

const HOST_FILE = 'host.json';
const RULES_FILE = 'rules.v4';
const STITCH_FILE = 'stitch.pcap';
const CONNTRACK_FILE = 'conntrack.txt';
const EXPECT_FILE = 'expect.yaml';
/** What a case has if files with these names are in its folder. */
export const CONVENTIONAL_FILES: readonly string[] = [HOST_FILE, RULES_FILE, STITCH_FILE, CONNTRACK_FILE, EXPECT_FILE];
/** What people call it by mistake. */
const MISNAMED = ['expect.yml', 'expects.yaml', 'expected.yaml'] as const;

/** Which folders are cases. */
export interface CaseKinds {
  /**
   * Result folders, too: their summary names files anywhere, so that a stranger's would read files of whoever checks
   * it. Default: no.
   */
  readonly results?: boolean;
}

/**
 * The cases at PATH: the folder itself, or the folders in it.
 * @throws {FileError} if a folder does not exist or cannot be read
 * @throws {ReplayOptionsError} if it is no case, or has an input that is not understood
 */
export function casesIn(path: string): GoldenCase[] {
  return caseFoldersIn(path).map((dir) => readCase(dir));
}

/** The folders of these cases. Throws the same. */
export function caseFoldersIn(path: string, { results = false }: CaseKinds = {}): string[] {
  if (!existsSync(path)) throw new FileError(`${path}: no such folder`);
  const stat = statSync(path);
  if (!stat.isDirectory()) {
    const found = stat.isFile() ? 'a file' : 'not a folder';
    throw new ReplayOptionsError(`${path} is ${found}; expected the folder of a case`);
  }
  if (isCase(path)) return [path];
  if (isResultFolder(path)) {
    if (results) return [path];
    const risk = 'which reads the files that its summary names, wherever they are';
    throw new ReplayOptionsError(`${path} is a result folder; check --result replays it again, ${risk}`);
  }
  const folders = namesIn(path)
    .map((name) => join(path, name))
    .filter(isCase);
  if (folders.length === 0) {
    const expected = `a case has a ${HOST_FILE}, or names its host in ${CASE_FILE}`;
    throw new ReplayOptionsError(`${path}: neither a case nor a folder of cases; ${expected}`);
  }
  return folders;
}

function isCase(dir: string): boolean {
  return [HOST_FILE, CASE_FILE].some((name) => existsSync(nativePath(join(dir, name))));
}

/**
 * The case in DIR.
 * @throws {FileError} {ReplayOptionsError} as casesIn
 */
export function readCase(dir: string, { results = false }: CaseKinds = {}): GoldenCase {
  if (results && !isCase(dir) && isResultFolder(dir)) return readResultFolder(dir);
  const { rulesPath, hostPath, inputs, stitchPaths, captures, conntrackPath, isStrict, ...options } =
    caseOptionsIn(dir);
  const own = (name: string) => (existsSync(nativePath(join(dir, name))) ? join(dir, name) : undefined);
  const rules = rulesPath ?? own(RULES_FILE);
  const conntrack = conntrackPath ?? own(CONNTRACK_FILE);
  const expectPath = own(EXPECT_FILE);
  for (const name of MISNAMED)
    if (expectPath === undefined && own(name) !== undefined)
      throw new ReplayOptionsError(`${join(dir, name)} is not read; call it ${EXPECT_FILE}`);
  const golden: GoldenCase = {
    dir,
    ...(rules === undefined ? {} : { rulesPath: rules }),
    hostPath: hostPath ?? join(dir, HOST_FILE),
    ...capturesOf(dir, { inputs, stitchPaths, captures }),
    ...(conntrack === undefined ? {} : { conntrackPath: conntrack }),
    wantDir: join(dir, 'want'),
    ...(expectPath === undefined ? {} : { expectPath }),
    isStrict: isStrict ?? false,
    options,
  };
  refuseUnused(golden);
  for (const path of [...filesOf(golden), golden.wantDir, ...(expectPath === undefined ? [] : [expectPath])])
    refuseLinkOut(dir, path);
  for (const path of [...filesOf(golden), ...(expectPath === undefined ? [] : [expectPath])]) refuseIrregular(path);
  return golden;
}

type Captures = Pick<GoldenCase, 'inputs' | 'stitchPaths' | 'captures'>;

/** The captures in DIR, unless case.json GIVES others. */
function capturesOf(dir: string, given: { [K in keyof Captures]: Captures[K] | undefined }): Captures {
  const { inputs = [], stitchPaths = [], captures = [] } = given;
  if (inputs.length + stitchPaths.length + captures.length > 0) return { inputs, stitchPaths, captures };
  const arrived = inputsIn(join(dir, 'in'));
  const isStitched = existsSync(join(dir, STITCH_FILE));
  // Packets of `send` claims need no captures.
  const isSending = existsSync(nativePath(join(dir, EXPECT_FILE))) && !existsSync(nativePath(join(dir, 'want')));
  if (!isStitched && !isSending && arrived.length === 0)
    throw new ReplayOptionsError(
      `${dir}: no input; expected in/IFACE.pcap, ${STITCH_FILE}, or claims in ${EXPECT_FILE}`,
    );
  if (isStitched && arrived.length > 0)
    throw new ReplayOptionsError(
      `${dir}: both ${captureFiles({ inputs: arrived })[0]} and ${STITCH_FILE}; a case has only one kind of input`,
    );
  return { inputs: arrived, stitchPaths: isStitched ? [join(dir, STITCH_FILE)] : [], captures: [] };
}

/**
 * Refuses files that look like a part of GOLDEN, but of which case.json names others: people would think that they are
 * read.
 */
function refuseUnused(golden: GoldenCase): void {
  const { dir } = golden;
  const used = new Set([...filesOf(golden), golden.hostPath]);
  const captures = existsSync(join(dir, 'in')) ? namesIn(join(dir, 'in')).map((name) => join(dir, 'in', name)) : [];
  const conventional = [HOST_FILE, RULES_FILE, STITCH_FILE].map((name) => join(dir, name));
  const unused = [...conventional, ...captures].find(
    (path) => !used.has(path) && !basename(path).startsWith('.') && existsSync(nativePath(path)),
  );
  if (unused === undefined) return;
  throw new ReplayOptionsError(
    `${unused}: ${CASE_FILE} names others in its place; expected one of the two only (remove it, or name it there)`,
  );
}

const CAPTURE_FILE = /^(.+)\.pcap(?:ng)?\d*(?:\.gz|\.zst)?$/s;

/** The captures in DIR. Hidden files, such as those of file managers, are left alone. */
function inputsIn(dir: string): { iface: string; path: CapturePaths }[] {
  if (!existsSync(dir)) return [];
  const files = new Map<string, string[]>();
  for (const name of namesIn(dir)) {
    if (name.startsWith('.')) continue;
    const path = join(dir, name);
    const iface = CAPTURE_FILE.exec(name)?.[1];
    if (iface === undefined) {
      throw new ReplayOptionsError(`${path}: not the name of an input; expected IFACE.pcap or IFACE.pcapng`);
    }
    files.set(iface, [...(files.get(iface) ?? []), path]);
  }
  return [...files].map(([iface, paths]) => ({ iface, path: paths.length === 1 ? paths[0] : paths }));
}

/** The bytes of a case that is quick, and the times that a packet of it may meet a rule. */
const QUICK_BYTES = 2 ** 23;
const QUICK_STEPS = 2 ** 24;
/** Of rules that are not read to find out. */
const MANY_RULES = 1000;
/** What a replay of GOLDEN reads. */
export function optionsOf(golden: GoldenCase): ReplayOptions {
  const { dir, rulesPath, hostPath, inputs, stitchPaths, captures, conntrackPath, options, made } = golden;
  return {
    checksums: captures.length > 0 ? 'auto' : 'verify',
    ...options,
    ...{ hostPath, inputs, stitchPaths, captures },
    ...(made === undefined ? { within: dir } : {}),
    // `readCase` refuses a case that should have captures.
    mayBeEmpty: true,
    ...(rulesPath === undefined ? {} : { rulesPath }),
    ...(conntrackPath === undefined ? {} : { conntrackPath }),
  };
}

/** The files of GOLDEN that a replay reads, with those that patterns stand for. */
export function filesOf(golden: GoldenCase): string[] {
  const { rulesPath, hostPath, conntrackPath, options } = golden;
  const { changes = [], apply = [], ipsetPaths = [], expectCounters = [], namesPath, serviceRulesPath } = options;
  const list = conntrackPath === HOST_CONNTRACK ? undefined : conntrackPath;
  const texts = [
    ...[
      ...rulesPathsOf(rulesPath),
      ...filesOfHost(hostPath),
      list,
      ...ipsetPaths,
      namesPath,
      serviceRulesPath,
      ...expectCounters,
    ],
    ...[...filesOfCommands(apply), ...changes.flatMap(filesOfChange)],
  ];
  return [...texts.filter((path) => path !== undefined), ...captureFiles(golden).flatMap(filesMatching)];
}

/** The length of a short packet in a capture. */
const SHORT_RECORD_BYTES = 76;

/** Whether GOLDEN is replayed and compared within about a second. Finding that its files cannot be read is quick. */
export function isQuick(golden: GoldenCase): boolean {
  const { rulesPath, hostPath, wantDir } = golden;
  try {
    const want = existsSync(wantDir) ? namesIn(wantDir).map((name) => join(wantDir, name)) : [];
    const captureBytes = sizeOf(captureFiles(golden).flatMap(filesMatching));
    const rulesPaths = rulesPathsOf(rulesPath);
    if (captureBytes + sizeOf([...rulesPaths, ...filesOfHost(hostPath), ...want]) > QUICK_BYTES) return false;
    const [first] = rulesPaths;
    // In another form, or of the host, they are told apart later; they are not that many.
    const rules =
      rulesPaths.length === 1 ? mostRulesMet(parseRuleset(readText(first), first, { family: 'ipv4' })) : MANY_RULES;
    return (rules * captureBytes) / SHORT_RECORD_BYTES < QUICK_STEPS;
  } catch {
    return true;
  }
}

/** The sum of the sizes of PATHS; infinite if one is a pipe or the like. */
function sizeOf(paths: readonly string[]): number {
  return paths.reduce((sum, path) => {
    const stat = statSync(nativePath(path), { throwIfNoEntry: false });
    return sum + (stat === undefined || stat.isFile() || stat.isDirectory() ? (stat?.size ?? 0) : Infinity);
  }, 0);
}
