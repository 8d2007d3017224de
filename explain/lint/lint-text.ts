/** What lint finds, as text: one line a finding, `FILE:LINE never …  (FILE:LINE)`. */
import { counted, shown } from '../../codecs/text.js';
import { type Finding, formatPlace } from '../findings.js';
import { wrapAfter } from '../text/columns.js';
import type { Style } from '../text/style.js';
import type { LintResult } from './lint.js';

/** How much further the lines are indented that a finding continues on. */
const INDENT = '    ';

/** RESULT as text that ends with a newline. WIDTH: of the terminal; undefined: each finding is one line. */
export function formatLint({ findings, ruleCount }: LintResult, style: Style, width: number | undefined): string {
  const rules = counted(ruleCount, 'rule');
  const lines = findings.flatMap((finding) => findingLines(finding, style, width));
  const total =
    findings.length === 0
      ? style.green(`nothing found in ${rules}`)
      : style.bold(`${counted(findings.length, 'finding')} in ${rules}`);
  return `${[...lines, total].join('\n')}\n`;
}

function findingLines({ rules, message }: Finding, style: Style, width: number | undefined): string[] {
  const [place, ...because] = rules.map(formatPlace);
  const reasons = because.length === 0 ? '' : `  (${because.join(', ')})`;
  const [line, ...more] = wrapAfter('', shown(`${place} ${message}${reasons}`), width ?? Number.POSITIVE_INFINITY);
  const start = `${place} `;
  const isWhole = line.startsWith(start);
  const continued = more.flatMap((one) => wrapAfter(INDENT, one, width ?? Number.POSITIVE_INFINITY));
  return [isWhole ? style.bold(start) + line.slice(start.length) : line, ...continued];
}
