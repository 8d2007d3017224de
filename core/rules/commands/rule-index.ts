/** The rules of chains by what they mean, for commands that look for a rule among very many. */
import type { RuleDraft } from '../parse/command.js';
import { meaningOf } from '../parse/table-draft.js';
import type { EditedChain, EditedRule } from './edited-table.js';

export class RuleIndex {
  readonly #chains = new Map<EditedChain, Map<string, EditedRule[]>>();

  /** As findRule does. */
  find(chain: EditedChain, rule: RuleDraft): number {
    const { rules } = chain;
    const same = this.#of(chain).get(meaningOf(rule)) ?? [];
    if (same.length === 0) return -1;
    if (same.length === 1 && same[0] === rules[rules.length - 1]) return rules.length - 1;
    return Math.min(...same.map((one) => rules.indexOf(one)));
  }

  /** RULE has come to CHAIN. */
  add(chain: EditedChain, rule: EditedRule): void {
    const known = this.#chains.get(chain);
    if (known !== undefined) addTo(known, rule);
  }

  /** RULE has left CHAIN. */
  remove(chain: EditedChain, rule: EditedRule): void {
    const known = this.#chains.get(chain);
    const meaning = known && meaningOf(rule.draft);
    const left = known?.get(meaning!)?.filter((one) => one !== rule) ?? [];
    if (left.length === 0) known?.delete(meaning!);
    else known?.set(meaning!, left);
  }

  #of(chain: EditedChain): Map<string, EditedRule[]> {
    const known = this.#chains.get(chain);
    if (known !== undefined) return known;
    const made = new Map<string, EditedRule[]>();
    for (const rule of chain.rules) addTo(made, rule);
    this.#chains.set(chain, made);
    return made;
  }
}

function addTo(known: Map<string, EditedRule[]>, rule: EditedRule): void {
  const meaning = meaningOf(rule.draft);
  const same = known.get(meaning);
  if (same === undefined) known.set(meaning, [rule]);
  else same.push(rule);
}
