/** The lines that a ruleset is shown in. */
import type { TableName } from '../../../core/hooks.js';
import type { RulePicture } from '../../../explain/report/format/model.js';
import type { RuleCounts } from './rule-counts.js';
import type { RuleMap } from './rule-map.js';

export type RuleRow =
  | { readonly kind: 'table'; readonly key: string; readonly table: TableName; readonly chains: readonly number[] }
  | { readonly kind: 'chain'; readonly key: string; readonly chain: number; readonly shown: number }
  | {
      readonly kind: 'rule';
      readonly key: string;
      readonly rule: number;
      readonly chain: number;
      readonly number: number;
    };

/** Which rules can be looked for: what it is called, and whether a rule is one of them, by what it counted. */
export const SHOWN = {
  all: ['All', () => true],
  matched: ['Matched', (_, __, matched) => matched > 0],
  missed: ['Never matched', (_, asked, matched) => asked > 0 && matched === 0],
  unasked: ['Never asked', (_, asked) => asked === 0],
  never: ['Cannot match', ({ never, unsupported }) => Boolean(never || unsupported)],
} as const satisfies Record<
  string,
  readonly [name: string, isAmong: (rule: RulePicture, asked: number, matched: number) => boolean]
>;
export type Shown = keyof typeof SHOWN;

export interface RowChoice {
  readonly shown: Shown;
  /** Words that a rule has to have all of, in its text or the name of its chain. */
  readonly text: string;
  /** The keys of tables and chains that are closed. */
  readonly closed: ReadonlySet<string>;
}

/** The rules of MAP that are CHOSEN, chain by chain. */
export function chosenRules(map: RuleMap, counts: RuleCounts, { shown, text }: Omit<RowChoice, 'closed'>): number[][] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const { chains, rules } = map.section;
  return map.ruleset.tables.flatMap(({ chains: numbers }) =>
    numbers.map((chain) => {
      const { table, name, never, rules: own } = chains[chain];
      return own.filter((rule) => {
        const isDead = shown === 'never' && never !== undefined && chains[chain].hook === undefined;
        if (!isDead && !SHOWN[shown][1](rules[rule], counts.asked[rule], counts.matched[rule])) return false;
        const whole = `${table} ${name} ${rules[rule].text}`.toLowerCase();
        return words.every((word) => whole.includes(word));
      });
    }),
  );
}

/** The lines of what is CHOSEN of MAP. */
export function rowsOf(map: RuleMap, chosen: readonly (readonly number[])[], choice: RowChoice): RuleRow[] {
  const isWhole = choice.shown === 'all' && choice.text.trim() === '';
  const rows: RuleRow[] = [];
  let at = 0;
  for (const { table, chains } of map.ruleset.tables) {
    const own = chains.map((chain) => ({ chain, rules: chosen[at++] }));
    const left = own.filter(({ rules }) => isWhole || rules.length > 0);
    if (left.length === 0) continue;
    rows.push({ kind: 'table', key: table, table, chains });
    if (choice.closed.has(table)) continue;
    for (const { chain, rules } of left) {
      const key = chainKey(chain);
      rows.push({ kind: 'chain', key, chain, shown: rules.length });
      if (choice.closed.has(key)) continue;
      for (const rule of rules) {
        rows.push({ kind: 'rule', key: ruleKey(rule), rule, chain, number: map.placeOf(rule)!.number });
      }
    }
  }
  return rows;
}

export const chainKey = (chain: number): string => `c${chain}`;
export const ruleKey = (rule: number): string => `r${rule}`;
