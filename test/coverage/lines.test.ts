/** The lines that coverage counts, against ranges as V8 reports them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { codeLines, linesRun } from './lines.js';

const Lines = suite('lines that were run');

const TEXT = [
  '/** A comment',
  ' * of two lines. */',
  'function f(a) {',
  '    if (a)',
  '        return 1;',
  '    // none',
  '',
  '    return 2;',
  '}',
].join('\n');

Lines('comments, blank lines and brackets are no code', () => {
  assert.equal(codeLines(TEXT), [3, 4, 5, 8]);
});

Lines('an inner range has the last word', () => {
  const ranges = [
    { startOffset: 0, endOffset: TEXT.length, count: 1 },
    { startOffset: TEXT.indexOf('return 1'), endOffset: TEXT.indexOf('return 1') + 9, count: 0 },
  ];
  const run = linesRun(TEXT, { url: '', functions: [{ ranges }] });
  assert.equal(
    codeLines(TEXT).filter((line) => run.includes(line)),
    [3, 4, 8],
  );
});

Lines('a function that was never called was not run', () => {
  const ranges = [
    { startOffset: 0, endOffset: TEXT.length, count: 1 },
    { startOffset: TEXT.indexOf('function'), endOffset: TEXT.length, count: 0 },
  ];
  assert.not(linesRun(TEXT, { url: '', functions: [{ ranges }] }).includes(4));
});

Lines.run();
