/**
 * What an extension prints in a listing (the `print` of its xtables_match or xtables_target), as data: each descriptor
 * says which options that text stands for. Reading a listing is matching the text behind a rule's columns against these
 * forms (read-extensions.ts).
 */
import type { Family } from '../../../codecs/address.js';

/** A word of an option, and the index of the text that it is read from. */
export interface ListedWord {
  readonly text: string;
  readonly at: number;
}

/** What a form has found. */
export interface ListedReading {
  /** The index behind it. */
  readonly end: number;
  /** The options and their values. */
  readonly words: readonly ListedWord[];
  /** What its text leaves out, for people: `the name of the table`. */
  readonly hidden: readonly string[];
}

/** What the forms of all extensions need to know. */
export interface ListedContext {
  readonly family: Family;
  /** The line in the listing. */
  readonly line: number;
  /** `address[/mask]` in numbers of what is listed as TEXT at index AT: `anywhere`, a host's name, or an address. */
  address(text: string, at: number): string;
}

export interface ListedForm {
  /** The ways to read LINE from index AT on, where no blank is. Most forms have one or none. */
  read(line: string, at: number, context: ListedContext): readonly ListedReading[];
}

/** The groups of a pattern. */
type Groups = readonly (string | undefined)[];

/**
 * A pattern, and the words of the options that it stands for: separated by blanks, with `$1` for the text of group 1,
 * which stays one word whatever it is, and is left out if there is none, and `@1` for the same with an address in it.
 * Or a function that makes the words from the groups.
 */
export type ListedPart = readonly [
  pattern: RegExp,
  words: string | ((groups: Groups, context: ListedContext) => readonly string[]),
  /** What the text does not tell. */
  ...hidden: readonly string[],
];

const BLANKS = /[ \t]*/y;

/** START, which is always there, and then any of PARTS, in their order. Nothing has to be between them. */
export function listed(start: RegExp | ListedPart, ...parts: readonly ListedPart[]): ListedForm {
  return sequence([start instanceof RegExp ? [start, ''] : start], parts);
}

/** Any of PARTS, in their order, also none. */
export function listedParts(...parts: readonly ListedPart[]): ListedForm {
  return sequence([], parts);
}

/** One of CHOICES. */
export function listedAs(...choices: readonly ListedPart[]): ListedForm {
  return oneOfForms(...choices.map((choice) => sequence([choice], [])));
}

/** One of FORMS: of an extension whose versions print differently. Each that fits is a reading. */
function oneOfForms(...forms: readonly ListedForm[]): ListedForm {
  return { read: (line, at, context) => forms.flatMap((form) => form.read(line, at, context)) };
}

function sequence(required: readonly ListedPart[], optional: readonly ListedPart[]): ListedForm {
  const parts = [...required, ...optional].map(([{ source }, ...rest]) => [new RegExp(source, 'dy'), rest] as const);
  return {
    read(line, start, context) {
      const words: ListedWord[] = [];
      const hidden: string[] = [];
      let end = start;
      for (const [i, [pattern, [template, ...leftOut]]] of parts.entries()) {
        BLANKS.lastIndex = end;
        BLANKS.exec(line);
        pattern.lastIndex = BLANKS.lastIndex;
        const found = pattern.exec(line);
        if (found === null && i < required.length) return [];
        if (found === null) continue;
        words.push(...optionWords(found, template, context));
        hidden.push(...leftOut);
        if (isAnywhere(found, template)) hidden.push('the mask of an address that is `anywhere`');
        end = pattern.lastIndex;
      }
      return isAtEnd(line, end) ? [{ end, words, hidden }] : [];
    },
  };
}

/** Whether an address among the words is 0.0.0.0 or ::, for which iptables prints no mask unless with -n. */
function isAnywhere([text]: RegExpExecArray, words: ListedPart[1]): boolean {
  return typeof words === 'string' && words.includes('@') && text.endsWith(' anywhere');
}

/** Whether no word goes on at END. */
function isAtEnd(line: string, end: number): boolean {
  return end >= line.length || line[end] === ' ' || line[end] === '\t' || line[end - 1] === ' ';
}

function optionWords(found: RegExpExecArray, words: ListedPart[1], context: ListedContext): ListedWord[] {
  const { index, indices } = found;
  if (typeof words === 'function') return words(found, context).map((text) => ({ text, at: index }));
  return words.split(' ').flatMap((word): ListedWord[] => {
    let at: number | undefined;
    const text = word.replace(/([$@])([0-9])/g, (_, kind: string, group: string) => {
      const value = found[Number(group)] ?? '';
      at ??= indices?.[Number(group)]?.[0];
      return kind === '@' ? context.address(value, at ?? index) : value;
    });
    return text === '' && at === undefined ? [] : [{ text, at: at ?? index }];
  });
}
