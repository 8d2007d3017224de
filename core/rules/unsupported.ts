/** What a ruleset holds that the emulation cannot follow: kept in its rules, and listed all at once. */
import type { Word } from '../../codecs/iptables-save.js';
import type { Match, Target } from './model.js';

/** A part of a rule that cannot be followed. */
export interface UnsupportedPart {
  /**
   * The index of the match in the rule; target; rule: nothing of the rule could be parsed; hidden: the listing that it
   * was read from does not show all of it.
   */
  readonly part: number | 'target' | 'rule' | 'hidden';
  /**
   * As in a rule, `-m socket` or `-j CT`; of a rule that could not be parsed, the word that was the reason; of what is
   * hidden, what that is: `the interfaces`.
   */
  readonly name: string;
  /** In words: `-m socket is not supported yet: it would need the host's sockets`. */
  readonly message: string;
  /** Where it stands. */
  readonly word: Word;
}

/** All the rules with the same unsupported part. */
export interface UnsupportedUse {
  readonly name: string;
  readonly message: string;
  /** The first of them. */
  readonly word: Word;
  /** The lines of all of them, ascending; a line that makes several rules is there as often. */
  readonly lines: readonly number[];
}

/** PARTS, those that are alike together; in the order of the file. */
export function unsupportedUses(parts: Iterable<UnsupportedPart>): UnsupportedUse[] {
  const uses = new Map<string, { name: string; message: string; word: Word; lines: number[] }>();
  for (const { name, message, word } of parts) {
    const use = uses.get(message);
    if (use === undefined) uses.set(message, { name, message, word, lines: [word.line] });
    else {
      use.lines.push(word.line);
      if (word.line < use.word.line) use.word = word;
    }
  }
  for (const { lines } of uses.values()) lines.sort((a, b) => a - b);
  return [...uses.values()].sort((a, b) => a.word.line - b.word.line || a.word.column - b.word.column);
}

/** The most lines that a list names. */
const MAX_LINES_SHOWN = 12;

/** `rule in line 3`, `5 rules in lines 3, 7–9, 12`: how many rules there are, and where. */
export function formatLines(lines: readonly number[]): string {
  const ranges: { min: number; max: number }[] = [];
  for (const line of lines) {
    const last = ranges.at(-1);
    if (last !== undefined && line <= last.max + 1) last.max = line;
    else ranges.push({ min: line, max: line });
  }
  const named = ranges.slice(0, MAX_LINES_SHOWN).map(({ min, max }) => (min === max ? `${min}` : `${min}–${max}`));
  const more = ranges.length > named.length ? ' …' : '';
  const isOneLine = ranges.length === 1 && ranges[0].min === ranges[0].max;
  const count = lines.length === 1 ? 'rule' : `${lines.length} rules`;
  return `${count} in line${isOneLine ? '' : 's'} ${named.join(', ')}${more}`;
}

/**
 * What of a rule with MATCHES and TARGET cannot be followed; undefined if nothing, as of nearly all. The matches stand
 * at the words of LOADED, the target at TARGET_WORD.
 */
export function partsUnsupported(
  matches: readonly Match[],
  target: Target,
  loaded: readonly { readonly word: Word }[],
  targetWord: Word,
): UnsupportedPart[] | undefined {
  const parts: UnsupportedPart[] = [];
  matches.forEach(({ extension, params }, at) => {
    const needs = extension.unsupported?.(params);
    if (needs !== undefined) parts.push(unsupportedPart(at, `-m ${extension.name}`, needs, loaded[at].word));
  });
  if (target.kind === 'extension') {
    const { extension, params } = target;
    const needs = extension.unsupported?.(params);
    if (needs !== undefined) parts.push(unsupportedPart('target', `-j ${extension.name}`, needs, targetWord));
  }
  return parts.length > 0 ? parts : undefined;
}

/** The part NAME of a rule, which stands at WORD and would need NEEDS. */
function unsupportedPart(part: UnsupportedPart['part'], name: string, needs: string, word: Word): UnsupportedPart {
  return { part, name, message: `${name} is not supported yet: it would need ${needs}`, word };
}
