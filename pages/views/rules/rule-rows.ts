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

/** Which rules are looked for. */
export const SHOWN = {
  all: 'All',
  matched: 'Matched',
  missed: 'Never matched',
  unasked: 'Never asked',
  never: 'Cannot match',
} as const;
export type Shown = keyof typeof SHOWN;

/** Whether RULE, with this NUMBER, is among those SHOWN. COUNTS: of all packets. */
function isAmong(shown: Shown, { never, unsupported }: RulePicture, number: number, counts: RuleCounts): boolean {
  switch (shown) {
    case 'all':
      return true;
    case 'matched':
      return counts.matched[number] > 0;
    case 'missed':
      return counts.asked[number] > 0 && counts.matched[number] === 0;
    case 'unasked':
      return counts.asked[number] === 0;
    case 'never':
      return never !== undefined || unsupported !== undefined;
  }
}

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
        if (!isDead && !isAmong(shown, rules[rule], rule, counts)) return false;
        if (words.length === 0) return true;
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
