import type { Family } from '../../codecs/address.js';

/**
 * `language.jsonl`: files of rules, and what the real iptables-legacy-save prints after they were loaded into empty
 * tables. A line is a case: `{"lines": "…"}` stands for the table filter with the chain u and these lines,
 * `{"file": "…"}` for a whole file; with `"family": "ipv6"`, it is for ip6tables. `saved`: what is printed of the
 * tables with rules, chains or policies of their own; null: iptables-restore or the kernel refused the file. Bytes that
 * are not UTF-8 are written as in codecs/text.ts, `{{x*300}}` is x three hundred times.
 */
export interface LanguageCase {
  readonly family: Family;
  readonly text: string;
  readonly saved: string | null;
}

interface CaseLine {
  readonly lines?: string;
  readonly file?: string;
  readonly family?: Family;
  readonly saved: string | null;
}

const HEAD = '*filter\n:u - [0:0]\n';
const TAIL = '\nCOMMIT\n';
/** What is written shorter: the repetition of a character or of ` -v`. */
const RUN = /( -v|.)\1{29,}/gsu;
const SHORT_RUN = /\{\{( -v|.)\*(\d+)\}\}/gsu;

export function parseCases(jsonl: string): LanguageCase[] {
  return jsonl
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { lines, file, family = 'ipv4', saved } = JSON.parse(line) as CaseLine;
      const text = file ?? HEAD + lines + TAIL;
      return { family, text: longForm(text), saved: saved === null ? null : longForm(saved) };
    });
}

export function formatCases(cases: readonly LanguageCase[]): string {
  return cases
    .map(({ family, text, saved }) => {
      const isLines = text.startsWith(HEAD) && text.endsWith(TAIL) && text.length >= HEAD.length + TAIL.length;
      const short = shortForm(isLines ? text.slice(HEAD.length, -TAIL.length) : text);
      const line: CaseLine = {
        ...(isLines ? { lines: short } : { file: short }),
        ...(family === 'ipv6' && { family }),
        saved: saved === null ? null : shortForm(saved),
      };
      return `${JSON.stringify(line)}\n`;
    })
    .join('');
}

function shortForm(text: string): string {
  return text.replace(RUN, (run, unit: string) => `{{${unit}*${run.length / unit.length}}}`);
}

function longForm(text: string): string {
  return text.replace(SHORT_RUN, (_, unit: string, count: string) => unit.repeat(Number(count)));
}

/** SAVED without the tables that have nothing of their own. */
export function withoutEmptyTables(saved: string): string {
  return saved.replace(/^\*\w+\n(?::[A-Z]+ ACCEPT \[0:0\]\n)*COMMIT\n/gm, '');
}
