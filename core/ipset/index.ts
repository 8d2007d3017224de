/** The language of ipset: files for `ipset restore`, and commands. */
import { foreignFile } from '../../codecs/foreign-files.js';
import type { Word } from '../../codecs/iptables-save.js';
import { encodeText } from '../../codecs/text.js';
import type { SetStore } from '../sets/store.js';
import { IpsetError } from './ipset-error.js';
import { listSets } from './listing.js';
import { IpsetStop } from './report.js';
import { IpsetEnd, IpsetSession } from './session.js';

/** How much of a text tells what it is, in characters. */
const HEAD = 4096;

/** What loading a file did besides changing sets. */
export interface SetsRead {
  /** What its `list`, `save` and `test` lines print. */
  readonly output: string;
  /** The line at which ipset stops reading, if that is before the last one: a test, a warning or `quit`. */
  readonly endsAt: number | undefined;
}

/**
 * Carries out TEXT, the file named FILE in messages, on STORE as `ipset restore` does, up to the first mistake.
 * @throws {IpsetError}
 */
export function readSets(text: string, file: string, store: SetStore): SetsRead {
  const session = new IpsetSession(store);
  let endsAt: number | undefined;
  try {
    session.restore(text.startsWith('\ufeff') ? text.slice(1) : text);
  } catch (error) {
    if (error instanceof IpsetStop) {
      const foreign = foreignFile(encodeText(text.slice(0, HEAD)), file, 'sets');
      throw new IpsetError(file, wordAt(text, session), error, foreign);
    }
    if (!(error instanceof IpsetEnd)) throw error;
    endsAt = session.line;
  }
  return { output: session.stdout.join('') + session.stderr, endsAt };
}

/** The word at which SESSION stopped reading TEXT. */
function wordAt(text: string, { line, column }: IpsetSession): Word {
  const lineText = text.split('\n', line)[line - 1] ?? '';
  return { text: /^[^ \t\r]*/.exec(lineText.slice(column - 1))?.[0] ?? '', line, column };
}

/**
 * Carries out a command of WORDS (without `ipset`), of the file named FILE in messages, on STORE. Returns what it
 * prints: a listing, the answer to a test, a warning.
 * @throws {IpsetError}
 */
export function runIpset(words: readonly Word[], file: string, store: SetStore): string {
  const session = new IpsetSession(store);
  try {
    session.run(words.map(({ text }) => text));
  } catch (error) {
    if (error instanceof IpsetStop) {
      const word = words[session.wordAt] ?? words.at(-1) ?? { text: '', line: 1, column: 1 };
      throw new IpsetError(file, word, error);
    }
    if (!(error instanceof IpsetEnd)) throw error;
  }
  return session.stdout.join('') + session.stderr;
}

/**
 * STORE as `ipset save` prints it: sets in the order of their creation, lists of sets last; elements in the order that
 * the sets have them.
 */
export function saveSets(store: SetStore): string {
  const options = { mode: 'save', isNames: false, isTerse: false, isSorted: false, hasElements: true } as const;
  return [...listSets([...store], () => 0, options)].join('');
}
