/** What check may have found: names that somebody chose to break a report, long reports, many of them. */

import type { CheckedCase, CheckedTest, DetailLayout, Reporter, TextWriter } from '../../cli/reporters/model.js';
import { PLAIN } from '../../explain/text/style.js';

export const LAYOUT: DetailLayout = { width: 100, style: PLAIN, names: new Map() };

/** Each is the name of a test, and the text of everything else about it. */
export const HOSTILE = [
  `it's "quoted" and \`ticked\` \\ \\\\ \\n`,
  'a # skip, a #todo, an \\# escaped one # TODO later # time=12ms',
  'ends with a hash #',
  'ends with a backslash \\',
  'ends with a brace {',
  '{',
  '- not a list',
  '1. not a list',
  'ok 7 - not a point',
  'Bail out! not at all',
  '1..7',
  '---',
  '...',
  'two\nlines',
  'carriage\rreturn\r\nand line feed',
  '\ttabs\there\t',
  'bell \x07, escape \x1b[31mred\x1b[0m, nul \0, C1 \x85 \x9b31m',
  'right to left \u202e override, zero width \u200b, BOM \ufeff, separators \u2028 \u2029',
  'emoji 🙂 ❤️ 👩‍💻 🇩🇪, ümläut, 日本語, ｆｕｌｌ',
  'lone surrogates \ud800 \udc80 \udfff',
  'noncharacters \ufffe \uffff \u{1fffe}, unassigned \u0378',
  '<b>bold</b> & &amp; &#65; ]]> <![CDATA[ <!-- --> <?xml?>',
  '</pre></details><script>alert(1)</script>',
  '| a | table | **bold** _it_ ~~gone~~ [link](http://example.com) ![](x) @everyone #1 <http://example.com>',
  '```` fences ``` `',
  '::error::injected',
  '::set-env name=PATH::/evil',
  '##[error]injected ##[add-mask]1',
  '100% %25 %0A %3A, a:b, c=d;e]',
  `$\{{ secrets.TOKEN }} $(id) \`id\``,
  `long ${'word '.repeat(1000)}end`,
  'x'.repeat(5000),
] as const;

export function failed(name: string, more: Partial<CheckedTest> = {}): CheckedTest {
  return {
    name,
    status: 'failed',
    place: { file: 'cases/redis/expect.yaml', line: 4, column: 5 },
    message: 'expected accepted, found dropped',
    ...more,
  };
}

export function passed(name: string): CheckedTest {
  return { name, status: 'passed', place: { file: 'cases/redis/expect.yaml', line: 9 } };
}

export function caseOf(tests: readonly CheckedTest[], more: Partial<CheckedCase> = {}): CheckedCase {
  return { dir: 'cases/redis', tests, warnings: [], notes: [], seconds: 0.25, ...more };
}

/** Every hostile text, in every place where a text can be. */
export function hostileCases(): CheckedCase[] {
  return [
    caseOf(
      HOSTILE.flatMap((text) => [
        passed(text),
        failed(text, {
          place: { file: text, line: 3 },
          decidedBy: { file: text, line: 7 },
          message: text,
          details: () => ['  the first line has blanks', text, '', '  ...', '---', '  ---', '```', `${text} `],
        }),
      ]),
      { warnings: HOSTILE, notes: HOSTILE },
    ),
    ...HOSTILE.map((text) => caseOf([passed(text)], { dir: text, error: { message: text, exitCode: 2 } })),
  ];
}

/** What MAKE's reporter writes about CASES. */
export function reportOf(make: (out: TextWriter) => Reporter, cases: readonly CheckedCase[]): string {
  const parts: string[] = [];
  const reporter = make({ write: (text) => parts.push(text) });
  reporter.begin?.(cases.map(({ dir }) => dir));
  for (const one of cases) reporter.finished(one);
  reporter.end();
  return parts.join('');
}
