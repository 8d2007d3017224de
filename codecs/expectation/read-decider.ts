/** What decided about a packet, as expectations write it: `filter DOCKER "--dport 6379"`, `policy`, reasons. */
import { withNearest } from '../nearest.js';
import {
  type CountedDecider,
  type CounterBound,
  EXPECTED_TABLES,
  type ExpectedDecider,
  type ExpectedTable,
} from './expectation.js';
import { errorIn, type PlacedText } from './placed-yaml.js';

const COUNTED_FORMS = 'TABLE CHAIN "WORDS", TABLE CHAIN NUMBER or TABLE CHAIN policy';
const FORMS = `${COUNTED_FORMS}, TABLE CHAIN, a reason such as martian-source, or none`;
/** No chain has so many. */
const MOST_RULES = 999_999_999;
const QUOTED = /^(?:"((?:[^"\\]|\\.)*)"|'([^']*)')$/s;
const PARTS = /^(\S+)(?:(\s+)(\S+)(?:(\s+)(\S.*))?)?$/s;

/**
 * What TEXT, the value of `by`, says. REASONS: those that there are; undefined: not checked.
 * @throws {ExpectationError}
 */
export function readDecider(text: PlacedText, reasons: readonly string[] | undefined): ExpectedDecider {
  const { table, chain, rest, restAt } = partsOf(text);
  if (chain === undefined) return wordAlone(text, table, reasons);
  const known = tableOf(text, table);
  if (rest === undefined) return { kind: 'chain', table: known, chain };
  return inChain(text, known, chain, { rest, restAt });
}

/**
 * The rule or policy that TEXT, a key of `counters`, says.
 * @throws {ExpectationError}
 */
export function readCounted(text: PlacedText): CountedDecider {
  const { table, chain, rest, restAt } = partsOf(text);
  const known = tableOf(text, table);
  if (chain === undefined || rest === undefined)
    throw errorIn(text, `a rule or policy is missing; expected ${COUNTED_FORMS}`, text.text.length + 1);
  return inChain(text, known, chain, { rest, restAt });
}

interface Parts {
  readonly table: string;
  readonly chain: string | undefined;
  readonly rest: string | undefined;
  /** The column of `rest`, from 1. */
  readonly restAt: number;
}

function partsOf(text: PlacedText): Parts {
  const trimmed = text.text.trim();
  const match = PARTS.exec(trimmed);
  if (match === null) throw errorIn(text, `expected ${FORMS}, found nothing`);
  const [, table, gap = '', chain, secondGap = '', rest] = match;
  const before = text.text.length - text.text.trimStart().length;
  const restAt = before + table.length + gap.length + (chain?.length ?? 0) + secondGap.length + 1;
  return { table, chain, rest, restAt };
}

function tableOf(text: PlacedText, table: string): ExpectedTable {
  const known = EXPECTED_TABLES.find((name) => name === table);
  if (known !== undefined) return known;
  const problem = withNearest(`unknown table "${table}"`, table, EXPECTED_TABLES);
  throw errorIn(text, `${problem} (${EXPECTED_TABLES.join(', ')})`);
}

function wordAlone(text: PlacedText, word: string, reasons: readonly string[] | undefined): ExpectedDecider {
  if (word === 'none') return { kind: 'none' };
  if (EXPECTED_TABLES.some((name) => name === word))
    throw errorIn(text, `no chain behind "${word}"; expected ${FORMS}`, text.text.length + 1);
  if (reasons === undefined || reasons.includes(word)) return { kind: 'reason', reason: word };
  throw errorIn(
    text,
    `${withNearest(`"${word}" is no reason`, word, [...reasons, 'none', ...EXPECTED_TABLES])}; expected ${FORMS}`,
  );
}

function inChain(
  text: PlacedText,
  table: ExpectedTable,
  chain: string,
  { rest, restAt }: { rest: string; restAt: number },
): CountedDecider {
  if (rest === 'policy') return { kind: 'policy', table, chain };
  if (/^\d+$/.test(rest)) {
    const number = Number(rest);
    if (number >= 1 && number <= MOST_RULES) return { kind: 'number', table, chain, number };
    throw errorIn(text, `"${rest}" is not the number of a rule; the first rule of a chain is 1`, restAt);
  }
  const quoted = QUOTED.exec(rest);
  if (quoted === null) throw errorIn(text, notQuoted(rest, table, chain), restAt);
  const words = (quoted[1]?.replace(/\\(.)/gs, '$1') ?? quoted[2]).trim();
  if (words === '')
    throw errorIn(text, 'no words between the quotes; expected words of the rule, or of its comment', restAt);
  return { kind: 'words', table, chain, words };
}

function notQuoted(rest: string, table: string, chain: string): string {
  if (/^["']/.test(rest)) {
    return (
      'the quote is not closed, or something is behind it; a # behind a blank, and a comma between brackets, end a ' +
      `text in YAML: write '${table} ${chain} "…"' in single quotes then`
    );
  }
  return `words of a rule are in quotes: ${table} ${chain} "${rest}"; else expected a number or policy`;
}

const BOUND = /^(?:(>=|<=|=>|=<|==|[<>=≥≤])\s*)?0*(\d{1,15})\s+(packets?|bytes?)$/;
const COMPARISONS: Readonly<Record<string, CounterBound['comparison']>> = {
  ...{ '>=': '>=', '≥': '>=', '=>': '>=', '<=': '<=', '≤': '<=', '=<': '<=', '>': '>', '<': '<', '=': '=', '==': '=' },
};
const BOUND_FORM = 'expected such as "3 packets", ">= 1 packet" or "< 1500 bytes", with a comma between two';

/**
 * The bounds that TEXT, a value in `counters`, says.
 * @throws {ExpectationError}
 */
export function readBounds(text: PlacedText): CounterBound[] {
  let at = 1;
  return text.text.split(',').map((part) => {
    const column = at + part.length - part.trimStart().length;
    at += part.length + 1;
    const match = BOUND.exec(part.trim());
    if (match === null) throw errorIn(text, `"${part.trim()}" is no bound; ${BOUND_FORM}`, column);
    const value = Number(match[2]);
    const unit = match[3].startsWith('packet') ? 'packets' : 'bytes';
    return { unit, comparison: COMPARISONS[match[1] ?? '='], value };
  });
}
