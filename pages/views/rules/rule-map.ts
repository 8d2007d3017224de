/** A ruleset of a report, for looking around in it. */
import type { ChainPicture, RulesetPicture, RulesSection } from '../../../explain/report/format/model.js';
import type { RuleCounts } from './rule-counts.js';

export class RuleMap {
  readonly section: RulesSection;
  readonly ruleset: RulesetPicture;
  /** The chain that each rule is in, and where, from 1. */
  readonly #places = new Map<number, { readonly chain: number; readonly number: number }>();
  readonly #byName = new Map<string, number>();
  readonly #callers = new Map<string, number[]>();

  constructor(section: RulesSection, ruleset: RulesetPicture) {
    this.section = section;
    this.ruleset = ruleset;
    for (const { chains } of ruleset.tables) {
      for (const chain of chains) {
        const { table, name, rules } = section.chains[chain];
        this.#byName.set(`${table} ${name}`, chain);
        for (const [i, rule] of rules.entries()) {
          this.#places.set(rule, { chain, number: i + 1 });
          const { jump } = section.rules[rule];
          if (jump === undefined) continue;
          const key = `${table} ${jump}`;
          const known = this.#callers.get(key);
          if (known) known.push(rule);
          else this.#callers.set(key, [rule]);
        }
      }
    }
  }

  /** Undefined: it is not in this ruleset. */
  placeOf(rule: number): { readonly chain: number; readonly number: number } | undefined {
    return this.#places.get(rule);
  }

  /** The chain that RULE jumps or goes to. */
  jumpOf(rule: number): number | undefined {
    const place = this.#places.get(rule);
    return place && this.#byName.get(`${this.section.chains[place.chain].table} ${this.section.rules[rule].jump}`);
  }

  /** The rules that jump or go to CHAIN. */
  callersOf(chain: number): readonly number[] {
    const { table, name } = this.section.chains[chain];
    return this.#callers.get(`${table} ${name}`) ?? [];
  }

  /** How many packets entered CHAIN, of those that COUNTS is about. */
  entered(chain: number, { entered, matched }: RuleCounts): number {
    const picture = this.section.chains[chain];
    const known = entered.get(chainName(picture)) ?? 0;
    // Nothing is told of a chain without rules.
    if (known > 0 || picture.rules.length > 0) return known;
    return this.callersOf(chain).reduce((sum, rule) => sum + matched[rule], 0);
  }
}

/** `filter FORWARD`. */
export const chainName = ({ table, name }: ChainPicture): string => `${table} ${name}`;
