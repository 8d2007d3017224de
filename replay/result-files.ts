/** The files of a result folder, and of the expectation of a golden case: nothing else is ever deleted. */
import { closeSync, lstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn, nativePath } from '../io/path.js';

/** The file that identifies a result folder, and how its member `generator` starts. */
export const SUMMARY_FILE = 'summary.json';
export const GENERATOR = 'nfreplay';

/** The sets, as ipset save prints them. */
export const IPSET_FILE = 'ipset.txt';

/** With which version, and of which inputs, golden captures were made (provenance.ts). */
export const MADE_BY_FILE = 'made-by.json';

/** What a run may write besides the captures, which the summary lists. */
const RESULT_TEXTS = [SUMMARY_FILE, 'rules.v4', 'conntrack.txt', 'log.txt', 'nflog.pcap', IPSET_FILE];

/** The name of a file in the result folder DIR that no run wrote; undefined if there is none. */
export function foreignResult(dir: string): string | undefined {
  const names = namesIn(dir);
  if (names.length === 0) return undefined;
  const captures = capturesOf(dir);
  if (captures === undefined) return names[0];
  const isOwn = (name: string) => RESULT_TEXTS.includes(name) || captures.includes(name) || isReportIn(dir, name);
  return otherIn(dir, names, isOwn);
}

const isReportIn = (dir: string, name: string): boolean => name.endsWith('.html') && isReport(join(dir, name));

/** Stands near the beginning of each page of `nfreplay report`. */
export const REPORT_MARK = `<meta name="generator" content="${GENERATOR} `;
const MARKED_BYTES = 4096;

/** Whether the file at PATH is a page of `nfreplay report`, which belongs to the results that it lies beside. */
export function isReport(path: string): boolean {
  try {
    // A pipe would wait.
    if (!statSync(nativePath(path)).isFile()) return false;
    const fd = openSync(nativePath(path), 'r');
    try {
      const bytes = Buffer.alloc(MARKED_BYTES);
      return bytes.toString('latin1', 0, readSync(fd, bytes, 0, MARKED_BYTES, 0)).includes(REPORT_MARK);
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}

/** The name of a file in the expectation DIR that is not one of an expectation; undefined if there is none. */
export function foreignExpectation(dir: string): string | undefined {
  return otherIn(
    dir,
    namesIn(dir),
    (name) => EXPECTATION_FILE.test(name) || name === MADE_BY_FILE || RESULT_TEXTS.includes(name),
  );
}

const EXPECTATION_FILE = /\.pcap$|^rules\.v6$/;

/** The first of NAMES in DIR that is not a plain file of its own kind. */
function otherIn(dir: string, names: readonly string[], isOwn: (name: string) => boolean): string | undefined {
  return names.find((name) => !isOwn(name) || !lstatSync(nativePath(join(dir, name))).isFile());
}

/** The captures that the summary in DIR lists; undefined if there is no summary of ours. */
function capturesOf(dir: string): string[] | undefined {
  try {
    const { generator, outputs } = JSON.parse(readFileSync(join(dir, SUMMARY_FILE), 'utf8'));
    if (typeof generator !== 'string' || !generator.startsWith(GENERATOR)) return undefined;
    return Array.isArray(outputs) ? outputs.map(({ file }) => String(file)) : [];
  } catch {
    return undefined;
  }
}
