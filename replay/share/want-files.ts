/** The expected results of a case, replaced. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn, nativePath } from '../../io/path.js';
import { readText } from '../../io/text-file.js';
import { type Comparison, compareResults } from '../compare.js';
import { NotFollowedError } from '../errors.js';
import { type GoldenCase, optionsOf } from '../golden-case.js';
import { LOG_FILE, NFLOG_FILE } from '../logged.js';
import { replay } from '../replay.js';
import { IPSET_FILE } from '../result-files.js';
import type { CaseFile } from '../write-case.js';
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

export class WantFiles {
  readonly #dir: string;
  readonly #names: readonly string[];
  readonly #reading: RulesReading;
  readonly #captures = new Map<string, CaptureContent>();
  readonly #prefixes: readonly string[];

  /** Takes down in INVENTORY what the folder DIR holds; nothing if it does not exist. */
  constructor(dir: string, reading: RulesReading, inventory: Inventory) {
    this.#dir = dir;
    this.#names = existsSync(nativePath(dir)) ? namesIn(dir) : [];
    this.#reading = { ...reading, lax: true };
    for (const name of this.#names) {
      if (name.endsWith(PCAP)) this.#captures.set(name, readCapture(join(dir, name), inventory));
      else this.#text(name, inventory);
    }
    this.#prefixes = [...(inventory.names.get('prefix') ?? [])];
    if (this.#names.includes(LOG_FILE)) this.#text(LOG_FILE, inventory);
  }

  /** The replaced files. FOLDER: where captures may be written until then. */
  files(replacer: Replacer, folder: string): CaseFile[] {
    return this.#names.flatMap((name): CaseFile[] => {
      const content = this.#captures.get(name);
      if (content !== undefined) {
        const device = name.slice(0, -PCAP.length);
        const path = join(folder, `want-${name}`);
        writeCapture(content, path, replacer);
        return [{ name: `want/${OTHERS.includes(name) ? name : `${replacer.iface(device)}${PCAP}`}`, path }];
      }
      const text = this.#text(name, replacer);
      if (text === undefined) return [];
      const bytes = name === RULES_FILE ? inOrder(text, this.#reading, replacer, true) : text;
      return [{ name: `want/${name}`, bytes }];
    });
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
      default:
        replacer.keeps(`left out: want/${name}, which nothing reads`);
        return undefined;
    }
  }

  /**
   * Replays both cases into FOLDER, and compares the results with what each expects.
   * @throws {NotFollowedError} if they differ from it in different ways
   */
  prove(original: GoldenCase, shared: GoldenCase, folder: string): void {
    if (!this.#names.includes(RULES_FILE)) return;
    const [before, after] = [original, shared].map((golden, i) => {
      const outDir = `${folder}-${i}`;
      replay({ ...optionsOf(golden), outDir });
      return compareResults(golden.wantDir, outDir);
    });
    const kinds = ({ differences }: Comparison): string =>
      differences
        .map(({ kind }) => kind)
        .sort()
        .join(', ');
    if (kinds(before) === kinds(after)) return;
    throw new NotFollowedError(
      `the shared case would not show the same, so nothing was written: ${firstOf(after)} would differ from want/`,
    );
  }
}

/** What the first difference of COMPARISON is about. */
function firstOf({ differences: [first] }: Comparison): string {
  if (first === undefined) return 'nothing';
  if (first.kind !== 'frame') return `a line (${first.wanted ?? first.got})`;
  return `a packet that leaves by ${first.device} (${first.tsNs} ns)`;
}
