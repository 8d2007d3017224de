/**
 * With which version, and of which inputs, results were made: a result folder says it in its summary (`run`), golden
 * captures in `want/made-by.json`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type ChangelogEntry, changesBetween, readChangelog } from '../codecs/changelog.js';
import { counted, shownPath } from '../codecs/text.js';
import { type FileRecord, recordFile } from '../io/file-record.js';
import { nativePath } from '../io/path.js';
import { type ChangedInput, changedInputs, changedWords } from './repeated-run.js';
import { GENERATOR, MADE_BY_FILE } from './result-files.js';
import { version } from './version.js';

export interface MadeBy {
  readonly version: string;
  /** The inputs as they were. */
  readonly inputs: readonly FileRecord[];
}

/** The text of MADE_BY_FILE for golden captures of the case in DIR that were made of FILES. */
export function madeByText(dir: string, files: readonly string[]): string {
  const paths = [...new Set(files)].map((path) => ({ ...recordFile(path), path: relative(dir, path) }));
  return `${JSON.stringify({ generator: `${GENERATOR} ${version()}`, inputs: paths }, null, 2)}\n`;
}

/**
 * How the golden captures in WANT were made; undefined if nothing says it: a kernel recorded them, or an old version.
 */
export function madeByOf(want: string): MadeBy | undefined {
  const path = join(want, MADE_BY_FILE);
  if (!existsSync(nativePath(path))) return undefined;
  try {
    const { generator, inputs } = JSON.parse(readFileSync(nativePath(path), 'utf8'));
    const made = /^nfreplay (\S+)$/.exec(String(generator))?.[1];
    const isList = Array.isArray(inputs) && inputs.every((one) => typeof one?.path === 'string');
    return made === undefined || !isList ? undefined : { version: made, inputs };
  } catch {
    return undefined;
  }
}

/** How many changes of the tool are told. */
const MOST_CHANGES = 8;

/**
 * Where what is in FOLDER comes from, a line each: of which version if that is another, what has changed in the tool
 * since, and which inputs are not as they were. RESOLVE: where inputs are now.
 */
export function provenanceLines(folder: string, made: MadeBy, resolve?: (path: string) => string): string[] {
  const changed: ChangedInput[] = changedInputs(made.inputs, resolve);
  const words = changedWords(changed);
  const now = version();
  const by = `${shownPath(folder)} was made by nfreplay ${made.version}`;
  const inputs = words === undefined ? 'its inputs are as they were' : words;
  if (made.version === now) return [`${by}; ${inputs}`];
  return [`${by}, this is ${now}; ${inputs}`, ...toolLines(made.version, now)];
}

/** What CHANGELOG.md knows of the way from the version FROM to TO. */
function toolLines(from: string, to: string): string[] {
  const entries = changesBetween(changelog(), from, to);
  if (entries === undefined) return [`CHANGELOG.md does not know the version ${from}`];
  if (entries.length === 0) return [];
  // What was mended is most likely what makes a difference.
  const isFix = ({ heading }: ChangelogEntry): boolean => /^(?:fixed|changed)/i.test(heading);
  const first = [...entries.filter(isFix), ...entries.filter((entry) => !isFix(entry))].slice(0, MOST_CHANGES);
  const more = entries.length - first.length;
  return [
    `since then, CHANGELOG.md says:`,
    ...first.map(({ text }) => `- ${firstSentence(text)}`),
    ...(more > 0 ? [`and ${counted(more, 'more change')}`] : []),
  ];
}

const firstSentence = (text: string): string => /^.*?[^.](?=\. [A-Z`]|\.?$)/s.exec(text)?.[0] ?? text;

/** The entries of the changelog that comes with nfreplay; none if it is not there. */
function changelog(): ChangelogEntry[] {
  try {
    return readChangelog(readFileSync(new URL('../../CHANGELOG.md', import.meta.url), 'utf8'));
  } catch {
    return [];
  }
}
