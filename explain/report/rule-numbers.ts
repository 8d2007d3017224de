/** All chains and rules that were in force at some time, by the numbers that they have in a report. */
import type { TableName } from '../../core/hooks.js';
import type { Chain, Rule, Ruleset } from '../../core/rules/model.js';

export class RuleNumbers {
  readonly chains: { readonly table: TableName; readonly chain: Chain }[] = [];
  readonly rules: { readonly table: TableName; readonly rule: Rule; readonly chain: number }[] = [];
  readonly #chains = new Map<Chain, number>();
  readonly #rules = new Map<Rule, number>();

  /** Numbers the chains and rules of RULESET that have none. */
  add({ tables }: Ruleset): void {
    for (const { name, chains } of tables) {
      for (const chain of chains) {
        if (this.#chains.has(chain)) continue;
        this.#chains.set(chain, this.chains.length);
        this.chains.push({ table: name, chain });
        const number = this.chains.length - 1;
        for (const rule of chain.rules) {
          this.#rules.set(rule, this.rules.length);
          this.rules.push({ table: name, rule, chain: number });
        }
      }
    }
  }

  /** The number of CHAIN; -1: it is none of those that were added. */
  ofChain(chain: Chain): number {
    return this.#chains.get(chain) ?? -1;
  }

  ofRule(rule: Rule): number {
    return this.#rules.get(rule) ?? -1;
  }
}
