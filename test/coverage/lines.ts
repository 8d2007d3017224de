/** Lines that were run, from what V8 counts (ranges of characters in compiled files). */

/** What V8 says of a file: functions with nested ranges, the outermost first. */
export interface FileCoverage {
  url: string;
  functions: { ranges: { startOffset: number; endOffset: number; count: number }[] }[];
}

/** The numbers of the lines of TEXT, from 1, that hold code: no blank ones, comments, or mere brackets. */
export function codeLines(text: string): number[] {
  const numbers: number[] = [];
  let isInComment = false;
  for (const [index, line] of text.split('\n').entries()) {
    const code = line.trim();
    if (isInComment) {
      isInComment = !code.includes('*/');
      continue;
    }
    if (code.startsWith('/*')) {
      isInComment = !code.includes('*/');
      continue;
    }
    if (!code.startsWith('//') && /\w/.test(code)) numbers.push(index + 1);
  }
  return numbers;
}

/** The numbers of the lines of TEXT whose first character that is no blank was run. */
export function linesRun(text: string, { functions }: FileCoverage): number[] {
  const counts = new Uint8Array(text.length + 1);
  const ranges = functions.flatMap((one) => one.ranges);
  // An inner range is shorter than the one around it, and has the last word.
  ranges.sort((a, b) => b.endOffset - b.startOffset - (a.endOffset - a.startOffset));
  for (const { startOffset, endOffset, count } of ranges) counts.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  const numbers: number[] = [];
  let at = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const first = line.search(/\S/);
    if (first >= 0 && counts[at + first] === 1) numbers.push(index + 1);
    at += line.length + 1;
  }
  return numbers;
}
