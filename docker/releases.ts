/** The releases of the engine that are followed. */
import { shown } from '../codecs/text.js';
import { UnsupportedError } from './error.js';

/** Such as [28, 5, 2]. */
export type Release = readonly number[];

/** The last release of each line, by the tags of its repository. Lines with their first release otherwise than .0. */
const LINES: readonly { readonly line: readonly [number, number]; readonly first?: number; readonly last: number }[] = [
  { line: [1, 12], last: 6 },
  { line: [1, 13], last: 1 },
  { line: [17, 3], last: 2 },
  { line: [17, 4], last: 0 },
  { line: [17, 5], last: 0 },
  { line: [17, 6], last: 2 },
  { line: [17, 7], last: 0 },
  { line: [17, 9], last: 1 },
  { line: [17, 10], last: 0 },
  { line: [17, 11], last: 0 },
  { line: [17, 12], last: 1 },
  { line: [18, 1], last: 0 },
  { line: [18, 2], last: 0 },
  { line: [18, 3], last: 1 },
  { line: [18, 4], last: 0 },
  { line: [18, 5], last: 0 },
  { line: [18, 6], last: 3 },
  { line: [18, 9], last: 9 },
  { line: [19, 3], last: 15 },
  { line: [20, 10], last: 27 },
  { line: [23, 0], last: 18 },
  { line: [24, 0], last: 9 },
  { line: [25, 0], last: 17 },
  { line: [26, 0], last: 2 },
  { line: [26, 1], last: 5 },
  { line: [27, 0], first: 1, last: 3 },
  { line: [27, 1], last: 2 },
  { line: [27, 2], last: 1 },
  { line: [27, 3], last: 1 },
  { line: [27, 4], last: 1 },
  { line: [27, 5], last: 1 },
  { line: [28, 0], last: 4 },
  { line: [28, 1], last: 1 },
  { line: [28, 2], last: 2 },
  { line: [28, 3], last: 3 },
  { line: [28, 4], last: 0 },
  { line: [28, 5], last: 2 },
  { line: [29, 0], last: 4 },
  { line: [29, 1], last: 5 },
  { line: [29, 2], last: 1 },
  { line: [29, 3], last: 1 },
  { line: [29, 4], last: 3 },
  { line: [29, 5], last: 3 },
  { line: [29, 6], last: 2 },
  { line: [29, 7], last: 2 },
];

const RELEASE = /^v?(\d{1,2})(?:\.(\d{1,2})(?:\.(\d{1,2}))?)?(?:[-+~].*)?$/;

/**
 * The release that TEXT names: `28.5.2`, `18.06.1-ce`, `20.10.24+dfsg1`; of `28.5` or `28`, the last one.
 * @throws {UnsupportedError} if there is none such, or it is not followed
 */
export function parseRelease(text: string): Release {
  const [, major, minor, patch] = RELEASE.exec(text) ?? [];
  const ofMajor = LINES.filter(({ line }) => line[0] === Number(major));
  const lines = minor === undefined ? ofMajor.slice(-1) : ofMajor.filter(({ line }) => line[1] === Number(minor));
  const [known] = lines;
  if (known === undefined) throw unknown(text, ofMajor.length > 0 ? ofMajor : LINES);
  const { line, first = 0, last } = known;
  const number = patch === undefined ? last : Number(patch);
  if (number < first || number > last) throw unknown(text, [known]);
  return [...line, number];
}

/** The newest that is followed. */
export function newestRelease(): Release {
  const { line, last } = LINES[LINES.length - 1];
  return [...line, last];
}

export function isKnownRelease(text: string): boolean {
  try {
    return parseRelease(text).length > 0;
  } catch (error) {
    if (error instanceof UnsupportedError) return false;
    throw error;
  }
}

/** All releases up to LAST, in ascending order. */
export function releasesUntil(last: Release): Release[] {
  return LINES.flatMap(({ line, first = 0, last: end }) =>
    Array.from({ length: end - first + 1 }, (_, i): Release => [...line, first + i]),
  ).filter((release) => isSince(last, ...release));
}

function unknown(text: string, lines: typeof LINES): UnsupportedError {
  const names = lines.map(({ line, first = 0, last }) => {
    const name = formatLine(line);
    return first === last ? `${name}.${last}` : `${name}.${first}–${name}.${last}`;
  });
  return new UnsupportedError(`unknown Docker release ${shown(text)}; expected: ${names.join(', ')}`);
}

/** As it is written: years with two-digit months until 19.03, and 20.10. */
export function formatRelease(release: Release): string {
  return [formatLine(release), ...release.slice(2)].join('.');
}

function formatLine([major, minor]: readonly number[]): string {
  return major > 1 && major < 23 ? `${major}.${String(minor).padStart(2, '0')}` : `${major}.${minor}`;
}

/** Whether RELEASE is OTHER or came after it. */
export function isSince(release: Release, ...other: readonly number[]): boolean {
  for (let i = 0; i < Math.max(release.length, other.length); i++) {
    const difference = (release[i] ?? 0) - (other[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
