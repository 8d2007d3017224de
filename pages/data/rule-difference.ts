/** What differs between two rulesets, as a text diff: chain by chain, rules in order. */
import type { ChainPicture, RulesSection } from '../../explain/report/format/model.js';

/** A rule of one ruleset, or of both: its positions in their rules sections. Or so many rules that are the same. */
export type RuleLine = { readonly old?: number; readonly new?: number } | { readonly skipped: number };

export interface ChainDifference {
  readonly table: string;
  readonly name: string;
  /** Absent: there is no such chain. */
  readonly old?: ChainPicture;
  readonly new?: ChainPicture;
  readonly lines: readonly RuleLine[];
}

/** Rules around a difference that are shown. */
const CONTEXT = 2;
/** With more pairs of rules, they are not all compared. */
const MOST_PAIRS = 4_000_000;

type Pair = { readonly old?: number; readonly new?: number };

/** The chains that differ between the rules that OLD and OTHER have at last. */
export function ruleDifferences(old: RulesSection, other: RulesSection): ChainDifference[] {
  const [before, now] = [old, other].map(chainsOf);
  return [...new Set([...before.keys(), ...now.keys()])].flatMap((key): ChainDifference[] => {
    const [a, b] = [before.get(key), now.get(key)];
    const pairs = align(a?.rules ?? [], b?.rules ?? [], old, other);
    const isSame = pairs.every((pair) => pair.old !== undefined && pair.new !== undefined);
    if (isSame && a && b && a.policy === b.policy) return [];
    const { table, name } = (a ?? b)!;
    return [{ table, name, ...(a && { old: a }), ...(b && { new: b }), lines: shortened(pairs) }];
  });
}

function chainsOf({ rulesets, chains }: RulesSection): Map<string, ChainPicture> {
  const tables = rulesets[rulesets.length - 1]?.tables ?? [];
  const last = tables.flatMap((table) => table.chains.map((chain) => chains[chain]));
  return new Map(last.map((chain) => [`${chain.table} ${chain.name}`, chain]));
}

/** The rules A and B, as many as possible taken for the same. */
function align(a: readonly number[], b: readonly number[], old: RulesSection, other: RulesSection): Pair[] {
  const isSame = (i: number, j: number) => old.rules[a[i]].text === other.rules[b[j]].text;
  let start = 0;
  while (start < a.length && start < b.length && isSame(start, start)) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && isSame(a.length - 1 - end, b.length - 1 - end)) end++;
  const [rows, columns] = [a.length - end - start, b.length - end - start];
  const same = (i: number, j: number) => isSame(start + i, start + j);
  const matches = rows * columns <= MOST_PAIRS ? longestMatch(rows, columns, same) : [];
  const pairs: Pair[] = [];
  const both = (i: number, j: number) => pairs.push({ old: a[i], new: b[j] });
  let [i, j] = [start, start];
  for (let at = 0; at < start; at++) both(at, at);
  for (const [nextI, nextJ] of [...matches, [rows, columns]]) {
    while (i < start + nextI) pairs.push({ old: a[i++] });
    while (j < start + nextJ) pairs.push({ new: b[j++] });
    if (nextI < rows) both(i++, j++);
  }
  for (; i < a.length; i++, j++) both(i, j);
  return pairs;
}

/** The longest list of pairs that are the same, in order. */
function longestMatch(rows: number, columns: number, isSame: (i: number, j: number) => boolean): [number, number][] {
  const width = columns + 1;
  const lengths = new Uint16Array((rows + 1) * width);
  for (let i = rows - 1; i >= 0; i--) {
    for (let j = columns - 1; j >= 0; j--) {
      const at = i * width + j;
      lengths[at] = isSame(i, j) ? lengths[at + width + 1] + 1 : Math.max(lengths[at + width], lengths[at + 1]);
    }
  }
  const found: [number, number][] = [];
  for (let i = 0, j = 0; i < rows && j < columns; ) {
    if (isSame(i, j)) found.push([i++, j++]);
    else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i++;
    else j++;
  }
  return found;
}

/** PAIRS without those that are the same and far from a difference. */
function shortened(pairs: readonly Pair[]): RuleLine[] {
  const near = new Set<number>();
  for (const [i, pair] of pairs.entries()) {
    if (pair.old !== undefined && pair.new !== undefined) continue;
    for (let around = i - CONTEXT; around <= i + CONTEXT; around++) near.add(around);
  }
  const lines: RuleLine[] = [];
  let skipped = 0;
  for (const [i, pair] of pairs.entries()) {
    if (near.has(i)) {
      if (skipped > 0) lines.push({ skipped });
      skipped = 0;
      lines.push(pair);
    } else skipped++;
  }
  return skipped > 0 ? [...lines, { skipped }] : lines;
}
