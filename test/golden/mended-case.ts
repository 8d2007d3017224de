/** What mends a failure of the gallery: other rules (`fixed.v4`), or further options of the replay (`fixed.txt`). */
import { copyFileSync, cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { splitCommands } from '../../codecs/shell-words.js';
import { type GoldenCase, readCase } from '../../replay/golden-case.js';

export const FIXED_RULES = 'fixed.v4';
export const FIXED_OPTIONS = 'fixed.txt';
const CASE_FILE = 'case.json';

/** The case in DIR as it is mended, copied to INTO. */
export function mendedCase(dir: string, into: string): GoldenCase {
  cpSync(dir, into, { recursive: true });
  const fixedRules = join(into, FIXED_RULES);
  if (existsSync(fixedRules)) copyFileSync(fixedRules, join(into, 'rules.v4'));
  const options = [...optionsIn(join(into, CASE_FILE)), ...wordsIn(join(into, FIXED_OPTIONS))];
  if (options.length > 0) writeFileSync(join(into, CASE_FILE), JSON.stringify({ options }));
  return readCase(into);
}

function optionsIn(path: string): string[] {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { options: string[] }).options : [];
}

/** The words of the file at PATH, split as by a shell. */
function wordsIn(path: string): string[] {
  return existsSync(path)
    ? splitCommands(readFileSync(path, 'utf8')).flatMap((words) => words.map(({ text }) => text))
    : [];
}
