/** Rules with -m statistic share connections out among targets that look alike, and the shares are not equal. */
import { saveBase } from '../../../core/rules/base-match.js';
import type { Chain, Rule, Ruleset } from '../../../core/rules/model.js';
import type { Check, Failure } from '../check.js';
import { targetName } from '../rule-lookup.js';

const CODE = 'unequal-statistic';
/** Probabilities are in units of 2^-31 (core/matches/statistic.ts). */
const CERTAIN = 2 ** 31;
/** How far shares may be from equal: kube-proxy writes five digits. */
const TOLERANCE = 0.002;

/** What a rule with statistic asks for. */
type Chance =
  | { readonly mode: 'random'; readonly probability: number; readonly negated: boolean }
  | { readonly mode: 'nth'; readonly every: number; readonly first: number; readonly negated: boolean };

export const UNEQUAL_STATISTIC: Check = {
  code: CODE,
  needs: [],
  begin: (examined) => ({ findings: () => groupsIn(examined.current()).flatMap(findingOf) }),
};

/** Rules one after the other in a chain that differ in nothing but their share and where they lead. */
function groupsIn({ tables }: Ruleset): Rule[][] {
  return tables.flatMap(({ chains }) => chains.flatMap(groupsOfChain));
}

function groupsOfChain({ rules }: Chain): Rule[][] {
  const groups: Rule[][] = [];
  let group: Rule[] = [];
  for (const rule of rules) {
    const isNext = group.length > 0 && alike(group[0], rule) && chanceOf(group[group.length - 1]) !== undefined;
    if (isNext) group.push(rule);
    else if (chanceOf(rule) !== undefined && decides(rule)) {
      group = [rule];
      groups.push(group);
    } else group = [];
  }
  return groups.filter(({ length }) => length > 1);
}

function chanceOf({ matches }: Rule): Chance | undefined {
  const chances = matches.filter(({ extension }) => extension.name === 'statistic');
  return chances.length === 1 ? (chances[0].params as Chance) : undefined;
}

/** Whether a packet that matches does not come to the next rule, as far as the rule tells. */
function decides(rule: Rule): boolean {
  const { target } = rule;
  return target.kind === 'jump' || target.kind === 'goto' || ['DNAT', 'SNAT', 'REDIRECT'].includes(targetName(rule));
}

function alike(one: Rule, other: Rule): boolean {
  return decides(other) && kindOf(one) === kindOf(other);
}

/** All of RULE but its share, its comment, and where it leads. */
function kindOf(rule: Rule): string {
  const matches = rule.matches.filter(({ extension }) => !['statistic', 'comment'].includes(extension.name));
  const saved = matches.map(({ extension, params }) => ` -m ${extension.name}${extension.save(params)}`);
  return `${saveBase(rule.base)}${saved.join('')} ${rule.target.kind} ${targetName(rule)}`;
}

function findingOf(rules: readonly Rule[]): Failure[] {
  const shares = sharesOf(rules);
  if (shares === undefined || !isMeantEqual(rules)) return [];
  const rest = 1 - shares.reduce((sum, share) => sum + share, 0);
  const equal = 1 / rules.length;
  const isEqual = shares.every((share) => Math.abs(share - equal) <= TOLERANCE);
  if (isEqual) return [];
  const texts = shares.map(percent);
  const lost = rest > TOLERANCE ? `, and ${percent(rest)} of the connections match none` : '';
  return [
    {
      message:
        `${rules[0].chain} ${rules[0].number}-${rules[0].number + rules.length - 1} share out ${texts.join(', ')}${lost}: ` +
        'each rule sees only what those before it have left',
      rules,
      change: changeFor(rules),
    },
  ];
}

/** Weights are often meant: only shares that are the same number, as if each rule saw everything, are a mistake. */
function isMeantEqual(rules: readonly Rule[]): boolean {
  if (rules[0].chain.startsWith('KUBE-SVC-')) return true;
  const chances = rules.map(chanceOf).filter((chance) => chance !== undefined);
  if (chances.length < 2) return false;
  const [first] = chances;
  if (first.mode === 'nth') return chances.every((chance) => chance.mode === 'nth' && chance.every === first.every);
  return chances.every((chance) => chance.mode === 'random' && chance.probability === first.probability);
}

/** The part of all connections that each of RULES takes; undefined: that does not follow from them alone. */
function sharesOf(rules: readonly Rule[]): number[] | undefined {
  let left = 1;
  const shares: number[] = [];
  for (const rule of rules) {
    const chance = chanceOf(rule);
    const own = chance === undefined ? 1 : oddsOf(chance);
    shares.push(left * own);
    left *= 1 - own;
  }
  return shares;
}

function oddsOf(chance: Chance): number {
  const odds = chance.mode === 'random' ? chance.probability / CERTAIN : 1 / chance.every;
  return chance.negated ? 1 - odds : odds;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1).replace(/\.0$/, '')} %`;
}

function changeFor(rules: readonly Rule[]): string {
  const total = rules.length;
  const isNth = rules.map(chanceOf).find((chance) => chance !== undefined)?.mode === 'nth';
  const words = rules.map((_, i) => {
    const left = total - i;
    if (left === 1) return 'no statistic in the last';
    return isNth ? `--every ${left} --packet 0` : `--probability ${(1 / left).toFixed(11).replace(/0+$/, '')}`;
  });
  return `of what is left, each takes its part: ${words.join(', ')}`;
}
