/** The expected results of a case, replaced. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn, nativePath, refuseIrregular } from '../../io/path.js';
import { readText } from '../../io/text-file.js';
import { type Comparison, compareResults } from '../compare.js';
import { NotFollowedError } from '../errors.js';
import { type GoldenCase, optionsOf } from '../golden-case.js';
import { LOG_FILE, NFLOG_FILE } from '../logged.js';
import { replay } from '../replay.js';
import { IPSET_FILE, MADE_BY_FILE, SUMMARY_FILE } from '../result-files.js';
import { type CaseFile, writeCase } from '../write-case.js';
import { replaceConnections, replaceLog } from './connection-texts.js';
import type { Inventory } from './inventory.js';
import type { Replacer } from './replacer.js';
import { inOrder, type RulesReading, replaceRules } from './rules-texts.js';
import { replaceSetLines } from './set-texts.js';
import { type CaptureContent, readCapture, writeCapture } from './shared-captures.js';

const PCAP = '.pcap';
/** Of no interface. */
const OTHERS: readonly string[] = ['local.pcap', 'dropped.pcap', NFLOG_FILE];
const RULES_FILE = 'rules.v4';
const CONNTRACK_FILE = 'conntrack.txt';
/** Besides captures. */
const READ: readonly string[] = [RULES_FILE, CONNTRACK_FILE, IPSET_FILE, LOG_FILE];

export class WantFiles {
  readonly #dir: string;
  readonly #names: readonly string[];
  readonly #reading: RulesReading;
  readonly #captures = new Map<string, CaptureContent>();
  readonly #prefixes: readonly string[];
  /** In what the results of the original differ from what it expects; undefined: not known yet. */
  #differing: string | undefined;

  /** Takes down in INVENTORY what the folder DIR holds; nothing if it does not exist. */
  constructor(dir: string, reading: RulesReading, inventory: Inventory) {
    this.#dir = dir;
    this.#names = existsSync(nativePath(dir)) ? namesIn(dir) : [];
    this.#reading = { ...reading, lax: true };
    for (const name of this.#names) {
      if (READ.includes(name) || name.endsWith(PCAP)) refuseIrregular(join(dir, name));
      if (name.endsWith(PCAP)) this.#captures.set(name, readCapture(join(dir, name), inventory));
      else this.#text(name, inventory);
    }
    this.#prefixes = [...(inventory.names.get('prefix') ?? [])];
    if (this.#names.includes(LOG_FILE)) this.#text(LOG_FILE, inventory);
  }

  /**
   * The files of want/ of the SHARED case, which has none yet. Where the results of ORIGINAL are as expected, so must
   * those of the shared case be. FOLDER: for results, and for files until they are copied.
   * @throws {NotFollowedError} if the two cases would differ from what they expect in different ways
   */
  files(original: GoldenCase, shared: GoldenCase, replacer: Replacer, folder: string): CaseFile[] {
    if (!this.#names.includes(RULES_FILE)) return [];
    this.#differing ??= kindsOf(compareResults(this.#dir, resultsOf(original, join(folder, 'original'))));
    const results = resultsOf(shared, join(folder, 'results'));
    if (this.#differing === '') {
      return this.#names
        .map((name) => this.#renamed(name, replacer))
        .filter((name) => existsSync(nativePath(join(results, name))))
        .map((name) => ({ name: `want/${name}`, path: join(results, name) }));
    }
    const files = this.#names.flatMap((name) => this.#file(name, replacer, join(folder, `want-${name}`)));
    const want = join(folder, 'want');
    writeCase(want, { files });
    const comparison = compareResults(join(want, 'want'), results);
    if (kindsOf(comparison) === this.#differing) return files;
    throw new NotFollowedError(
      `the shared case would not show the same, so nothing was written: ${firstOf(comparison)} would differ from want/`,
    );
  }

  #renamed(name: string, replacer: Replacer): string {
    if (!name.endsWith(PCAP) || OTHERS.includes(name)) return name;
    return `${replacer.iface(name.slice(0, -PCAP.length))}${PCAP}`;
  }

  /** The replacement of the file NAME, which is written to PATH if it is a capture. */
  #file(name: string, replacer: Replacer, path: string): CaseFile[] {
    const renamed = `want/${this.#renamed(name, replacer)}`;
    const content = this.#captures.get(name);
    if (content !== undefined) {
      writeCapture(content, path, replacer);
      return [{ name: renamed, path }];
    }
    const text = this.#text(name, replacer);
    if (text === undefined) return [];
    const bytes = name === RULES_FILE ? inOrder(text, this.#reading, replacer, true) : text;
    return [{ name: renamed, bytes }];
  }

  /** Undefined: it is left out. */
  #text(name: string, replacer: Replacer): string | undefined {
    const path = join(this.#dir, name);
    switch (name) {
      case RULES_FILE:
        return replaceRules([{ text: readText(path), file: path }], this.#reading, replacer, true);
      case CONNTRACK_FILE:
        return replaceConnections(readText(path), replacer);
      case IPSET_FILE:
        return replaceSetLines(readText(path), replacer, new Map());
      case LOG_FILE:
        return replaceLog(readText(path), replacer, this.#prefixes ?? []);
      case MADE_BY_FILE:
      case SUMMARY_FILE:
        replacer.keeps(`left out: want/${name}, which tells of the files of the original`);
        return undefined;
      default:
        replacer.keeps(`left out: want/${name}, which nothing reads`);
        return undefined;
    }
  }
}

/** Replays GOLDEN into the folder OUT_DIR, and returns that. */
function resultsOf(golden: GoldenCase, outDir: string): string {
  replay({ ...optionsOf(golden), outDir });
  return outDir;
}

/** The kinds of all differences; '': there are none. */
function kindsOf({ differences }: Comparison): string {
  return differences
    .map(({ kind }) => kind)
    .sort()
    .join(', ');
}

/** What the first difference of COMPARISON is about. */
function firstOf({ differences: [first] }: Comparison): string {
  if (first === undefined) return 'nothing';
  if (first.kind !== 'frame') return `a line (${first.wanted ?? first.got})`;
  return `a packet that leaves by ${first.device} (${first.tsNs} ns)`;
}
