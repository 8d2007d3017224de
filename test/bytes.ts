import { Assertion } from 'uvu/assert';

const ROW = 16;
const ROWS_BEFORE = 1;
const ROWS_AFTER = 3;

/**
 * Asserts that two byte strings are the same. Where they are not, the message shows the bytes around the first
 * difference, a row of 16 each, differing bytes in brackets. (uvu's own diff of two long arrays takes minutes.)
 */
export function bytesEqual(actual: Uint8Array, expected: Uint8Array, message = 'bytes differ'): void {
  if (Buffer.compare(actual, expected) === 0) return;
  const at = firstDifference(actual, expected);
  const error = new Assertion({
    message: `${message}: first at byte ${at} of ${actual.length} (expected: ${expected.length} bytes)`,
    details: hexDiff(actual, expected, at),
    generated: false,
    operator: 'bytesEqual',
    // uvu would otherwise compare and print these byte by byte.
    expects: undefined,
    actual: undefined,
  });
  throw error;
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) if (a[at] !== b[at]) return at;
  return shorter;
}

function hexDiff(actual: Uint8Array, expected: Uint8Array, at: number): string {
  const row = Math.floor(at / ROW);
  const lines: string[] = [];
  for (let r = Math.max(0, row - ROWS_BEFORE); r <= row + ROWS_AFTER; r++) {
    const want = hexRow(expected, actual, r * ROW);
    const got = hexRow(actual, expected, r * ROW);
    if (!want && !got) break;
    const offset = (r * ROW).toString(16).padStart(6, '0');
    if (want === got) lines.push(`  ${offset}  ${want}`);
    else lines.push(`- ${offset}  ${want}  (expected)`, `+ ${offset}  ${got}  (actual)`);
  }
  return lines.join('\n');
}

function hexRow(bytes: Uint8Array, other: Uint8Array, from: number): string {
  const cells: string[] = [];
  for (let at = from; at < Math.min(from + ROW, bytes.length); at++) {
    const hex = bytes[at].toString(16).padStart(2, '0');
    cells.push(bytes[at] === other[at] ? ` ${hex} ` : `[${hex}]`);
  }
  return cells.join('').trimEnd();
}
