/** Where tests are, and the rules that decided about them. */
import { existsSync } from 'node:fs';
import { formatPlace } from '../../explain/findings.js';
import { nativePath, pathWithin } from '../../io/path.js';
import type { CheckedTest, TestPlace } from './model.js';

/**
 * The line that a failed test is about: that of the rule which decided, if it is in a file within FOLDER, such as one
 * of the case or of `--rules`, or else where the test is written.
 */
export function culpritOf(folder: string, { decidedBy, place }: CheckedTest): TestPlace | undefined {
  if (decidedBy === undefined || decidedBy.line < 1 || !isFileWithin(folder, decidedBy.file)) return place;
  return { file: decidedBy.file, line: decidedBy.line };
}

/** The rule that decided, unless the test's message tells it. */
export function deciderLines({ decidedBy, message }: CheckedTest): string[] {
  if (decidedBy === undefined || message?.includes(formatPlace(decidedBy))) return [];
  return [`decided by ${formatPlace(decidedBy)}`];
}

const PLACED = /^(.+?):(\d+)(?::(\d+))?: /;

/** The line of a file that the error MESSAGE begins with. FOLDER: the file has to be within it. */
export function placeOfError(message: string, folder?: string): TestPlace | undefined {
  const [, file, line, column] = PLACED.exec(message) ?? [];
  if (file === undefined || !existsSync(nativePath(file))) return undefined;
  if (folder !== undefined && pathWithin(folder, file) === undefined) return undefined;
  return { file, line: Number(line), ...(column === undefined ? {} : { column: Number(column) }) };
}

function isFileWithin(folder: string, path: string): boolean {
  return pathWithin(folder, path) !== undefined && existsSync(nativePath(path));
}
