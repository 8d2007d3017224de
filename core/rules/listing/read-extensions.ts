/** The text behind a rule's columns in a listing: what its matches and its target print, one after the other. */
import { MATCHES } from '../../matches/index.js';
import type { Extension, MatchExtension, TargetExtension } from '../extension.js';
import type { ListedContext, ListedForm, ListedReading, ListedWord } from './listed-form.js';

/** An extension in a listing, and where its text starts. */
export interface ListedExtension {
  readonly extension: Extension<unknown>;
  readonly at: number;
  readonly words: readonly ListedWord[];
  readonly hidden: readonly string[];
}

export interface ListedExtensions {
  readonly matches: readonly ListedExtension[];
  /** Undefined if the rule's target is no extension. */
  readonly target: ListedExtension | undefined;
}

/** Why a text cannot be read: nothing prints what is at index AT, or what is from there on can be read differently. */
export interface UnreadText {
  readonly kind: 'unknown' | 'ambiguous';
  readonly at: number;
}

/** Matches that have a form, and the form of each. */
const MATCH_FORMS = [...MATCHES.values()].flatMap((extension): (readonly [MatchExtension<unknown>, ListedForm])[] =>
  extension.listed === undefined ? [] : [[extension, extension.listed]],
);

/** Reads LINE from index AT on, of a rule with TARGET. */
export function readExtensions(
  line: string,
  at: number,
  target: TargetExtension<unknown> | undefined,
  context: ListedContext,
): ListedExtensions | UnreadText {
  const reader = new ExtensionReader(line, target, context);
  const [first, second] = reader.readings(at);
  if (first === undefined) return { kind: 'unknown', at: reader.furthest };
  return second === undefined ? first : { kind: 'ambiguous', at: skipBlanks(line, at) };
}

class ExtensionReader {
  /** How far extensions were found. */
  furthest = 0;
  readonly #line: string;
  readonly #target: TargetExtension<unknown> | undefined;
  readonly #context: ListedContext;
  /** The readings from an index on. */
  readonly #known = new Map<number, readonly ListedExtensions[]>();

  constructor(line: string, target: TargetExtension<unknown> | undefined, context: ListedContext) {
    this.#line = line;
    this.#target = target;
    this.#context = context;
  }

  /** The readings of all that is from AT on: one, none, or two that differ if there are several. */
  readings(from: number): readonly ListedExtensions[] {
    const at = skipBlanks(this.#line, from);
    this.furthest = Math.max(this.furthest, at);
    const known = this.#known.get(at);
    if (known !== undefined) return known;
    const found = new Map<string, ListedExtensions>();
    for (const reading of this.#readingsFrom(at)) {
      const meaning = meaningOf(reading);
      if (!found.has(meaning)) found.set(meaning, reading);
      if (found.size > 1) break;
    }
    const readings = [...found.values()];
    this.#known.set(at, readings);
    return readings;
  }

  *#readingsFrom(at: number): Generator<ListedExtensions> {
    yield* this.#endings(at);
    if (at >= this.#line.length) return;
    for (const [extension, form] of MATCH_FORMS) {
      if (extension.families?.includes(this.#context.family) === false) continue;
      for (const reading of form.read(this.#line, at, this.#context)) {
        if (reading.end <= at) continue;
        const match = foundAt(extension, at, reading);
        for (const { matches, target } of this.readings(reading.end)) yield { matches: [match, ...matches], target };
      }
    }
  }

  /** The readings of the target, if it is all that is from AT on. */
  *#endings(at: number): Generator<ListedExtensions> {
    const target = this.#target;
    if (target?.listed === undefined) {
      // An extension without options prints nothing.
      const isDone = at >= this.#line.length && (target === undefined || target.options.length === 0);
      if (isDone) yield { matches: [], target: target && { extension: target, at, words: [], hidden: [] } };
      return;
    }
    for (const reading of target.listed.read(this.#line, at, this.#context)) {
      if (skipBlanks(this.#line, reading.end) < this.#line.length) continue;
      yield { matches: [], target: foundAt(target, at, reading) };
    }
  }
}

function foundAt(extension: Extension<unknown>, at: number, { words, hidden }: ListedReading): ListedExtension {
  return { extension, at, words, hidden };
}

function skipBlanks(line: string, from: number): number {
  let at = from;
  while (line[at] === ' ' || line[at] === '\t') at++;
  return at;
}

/** Equal for readings that mean the same: comments decide nothing, and the first reading has the shortest ones. */
function meaningOf({ matches, target }: ListedExtensions): string {
  const all = matches.filter(({ extension }) => extension !== MATCHES.get('comment'));
  if (target !== undefined) all.push(target);
  return JSON.stringify(all.map(({ extension, words }) => [extension.name, words.map(({ text }) => text)]));
}
