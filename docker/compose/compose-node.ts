/** What a compose file says, with the place of everything in it: the values of YAML, aliases and merge keys resolved. */
import { withNearest } from '../../codecs/nearest.js';
import { ComposeError, type Place } from './compose-error.js';

/** `!reset`: takes the member out of the files before. `!override`: replaces it. */
export type ComposeTag = 'reset' | 'override';

interface Common {
  /** Where it begins, behind its quote. */
  readonly place: Place;
  readonly tag?: ComposeTag;
  /** How many nodes it consists of, each alias counted as what it stands for. */
  readonly size: number;
  /** How deep it is nested. */
  readonly depth: number;
}

export interface ComposeScalar extends Common {
  readonly kind: 'scalar';
  readonly type: 'null' | 'boolean' | 'integer' | 'number' | 'text';
  /** As it is written, without quotes; of integers in decimal. */
  readonly text: string;
  /** It is in the file as it is, so that columns in it can be told. */
  readonly isVerbatim: boolean;
}

export interface ComposeEntry {
  readonly place: Place;
  readonly value: ComposeNode;
}

export interface ComposeMap extends Common {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, ComposeEntry>;
}

export interface ComposeList extends Common {
  readonly kind: 'list';
  readonly items: readonly ComposeNode[];
}

export type ComposeNode = ComposeScalar | ComposeMap | ComposeList;

export function scalar(text: string, place: Place, type: ComposeScalar['type'] = 'text'): ComposeScalar {
  return { kind: 'scalar', type, text, place, isVerbatim: false, size: 1, depth: 1 };
}

export function mapOf(entries: ReadonlyMap<string, ComposeEntry>, place: Place): ComposeMap {
  const values = [...entries.values()].map(({ value }) => value);
  return { kind: 'map', entries, place, ...extent(values) };
}

export function listOf(items: readonly ComposeNode[], place: Place): ComposeList {
  return { kind: 'list', items, place, ...extent(items) };
}

function extent(parts: readonly ComposeNode[]): { size: number; depth: number } {
  let size = 1;
  let depth = 0;
  for (const part of parts) {
    size += part.size;
    depth = Math.max(depth, part.depth);
  }
  return { size, depth: depth + 1 };
}

/** Whether NODE says nothing. */
export function isNothing(node: ComposeNode | undefined): node is undefined {
  return node === undefined || (node.kind === 'scalar' && node.type === 'null');
}

/** The value of the member NAME of MAP; undefined: it has none, or null. */
export function member(map: ComposeMap | undefined, name: string): ComposeNode | undefined {
  const value = map?.entries.get(name)?.value;
  return isNothing(value) ? undefined : value;
}

/** What NODE is, for messages. */
export function described(node: ComposeNode): string {
  if (node.kind !== 'scalar') return node.kind === 'map' ? 'a mapping' : 'a list';
  return node.type === 'null' ? 'nothing' : `"${node.text}"`;
}

/** That WHAT, at NODE, is something other than EXPECTED. */
export function unexpected(node: ComposeNode, what: string, expected: string): ComposeError {
  return new ComposeError(`${what} is ${described(node)}; expected ${expected}`, node.place);
}

/** @throws {ComposeError} if NODE is no mapping. Undefined has no entries. */
export function asMap(node: ComposeNode | undefined, what: string, expected = 'a mapping'): ComposeMap | undefined {
  if (isNothing(node)) return undefined;
  if (node.kind !== 'map') throw unexpected(node, what, expected);
  return node;
}

/** @throws {ComposeError} if NODE is no list. Undefined has no items. */
export function asList(node: ComposeNode | undefined, what: string, expected = 'a list'): readonly ComposeNode[] {
  if (isNothing(node)) return [];
  if (node.kind !== 'list') throw unexpected(node, what, expected);
  return node.items;
}

/** The text that NODE is. */
export function asText(node: ComposeNode, what: string, expected = 'a text'): string {
  if (node.kind !== 'scalar' || node.type === 'null') throw unexpected(node, what, expected);
  if (node.type !== 'text')
    throw new ComposeError(
      `${what} is ${node.text}, which is no text; expected ${expected}, in quotes: "${node.text}"`,
      node.place,
    );
  return node.text;
}

/** The text that NODE is, or what a number or boolean is written as. */
export function asWord(node: ComposeNode, what: string, expected = 'a text'): string {
  if (node.kind !== 'scalar' || node.type === 'null') throw unexpected(node, what, expected);
  return node.text;
}

const INTEGER = /^[+-]?\d{1,15}$/;

/** The number that NODE is, also as a text (as it is where a variable stands for it). */
export function asInteger(node: ComposeNode, what: string): number {
  if (node.kind !== 'scalar' || !INTEGER.test(node.text)) throw unexpected(node, what, 'a whole number');
  return Number(node.text);
}

const BOOLEANS = new Map([
  ...['true', 'yes', 'on', 'y'].map((text) => [text, true] as const),
  ...['false', 'no', 'off', 'n'].map((text) => [text, false] as const),
]);

export function asBoolean(node: ComposeNode, what: string): boolean {
  const value = node.kind === 'scalar' ? BOOLEANS.get(node.text.toLowerCase()) : undefined;
  if (value === undefined) throw unexpected(node, what, 'true or false');
  return value;
}

export interface TextNode {
  readonly text: string;
  readonly node: ComposeNode;
}

/** A list of texts. */
export function asTexts(node: ComposeNode | undefined, what: string): TextNode[] {
  return asList(node, what, 'a list').map((item) => ({ text: asText(item, what), node: item }));
}

/** A list of texts, or one. */
export function asTextOrTexts(node: ComposeNode | undefined, what: string): TextNode[] {
  if (node?.kind === 'scalar' && node.type !== 'null') return [{ text: asText(node, what), node }];
  return asTexts(node, what);
}

/** `NAME: VALUE` or a list of `NAME=VALUE`. */
export function asPairs(node: ComposeNode | undefined, what: string): Record<string, string> {
  if (isNothing(node)) return {};
  const pairs: [string, string][] = [];
  if (node.kind === 'map') {
    for (const [name, { value }] of node.entries) pairs.push([name, isNothing(value) ? '' : asWord(value, what)]);
  } else {
    for (const { text } of asTexts(node, what)) {
      const at = text.indexOf('=');
      pairs.push(at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]);
    }
  }
  return Object.fromEntries(pairs);
}

/**
 * @throws {ComposeError} at the first member of MAP that is none of KNOWN and no extension (`x-`). LATER: those that
 * later generations of compose know.
 */
export function refuseUnknown(
  map: ComposeMap | undefined,
  known: readonly string[],
  of: string,
  later: readonly string[] = [],
): void {
  for (const [name, { place }] of map?.entries ?? []) {
    if (known.includes(name) || name.startsWith('x-')) continue;
    if (later.includes(name))
      throw new ComposeError(`compose 1 does not know "${name}" of ${of}; compose 2 does`, place);
    throw new ComposeError(withNearest(`unknown member "${name}" of ${of}`, name, known), place);
  }
}
