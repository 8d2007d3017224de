/** The section `rules` of a report. */
import { HOOK_NAMES, type TableName, VERDICT_NAMES } from '../../core/hooks.js';
import type { Host } from '../../core/host/host.js';
import type { Rule, SavedCounters, Target } from '../../core/rules/model.js';
import { saveRule } from '../../core/rules/save.js';
import type { Time } from '../../replay/time.js';
import type { ChainPicture, RulePicture, RulesetPicture, RulesSection } from './format/model.js';
import { NeverFinder } from './never.js';
import { type BookedRuleset, countsAt, policyCounts, type RuleBook } from './rule-book.js';

/** With more rules, what never matches is only looked for when all packets have been replayed. */
const MOST_AT_ONCE = 2_000;

/** All of the section but what it says of connections. */
export type RulePictureList = Pick<RulesSection, 'rulesets' | 'chains' | 'rules'>;

/** What is known when a section is made. */
export interface RulesState {
  /** The first packet's. */
  readonly start: Time;
  /** From `start` to the last packet, in nanoseconds. */
  readonly durationNs: number;
  /** Of the rules in force, as iptables shows them. */
  readonly counters: ReadonlyMap<TableName, SavedCounters>;
  /** How many packets were compared with each rule, by its number. */
  readonly asked: ArrayLike<number>;
  /** All packets have been replayed. */
  readonly isEnd: boolean;
}

/** Why something never happens, with the numbers of the rules that are the reason. */
interface Never {
  readonly never: string;
  readonly neverBy: readonly number[];
}

export class RulePictures {
  readonly #book: RuleBook;
  readonly #finder: NeverFinder;
  /** The texts of rules, which take longest. */
  readonly #texts = new Map<Rule, string>();

  /** HOST: undefined if changes may change it. */
  constructor(book: RuleBook, host: Host | undefined) {
    this.#book = book;
    this.#finder = new NeverFinder(host);
  }

  section(state: RulesState): RulePictureList {
    const book = this.#book;
    book.meet();
    if (state.isEnd || book.rules.length <= MOST_AT_ONCE) this.#finder.examine(book.rulesets);
    const never = this.#nevers();
    return {
      rulesets: book.rulesets.map((one) => this.#ruleset(one, state)),
      chains: book.chains.map((_, number) => this.#chain(number, state, never.chains)),
      rules: book.rules.map((_, number) => this.#rule(number, state, never.rules)),
    };
  }

  /** What never happens in any of the tables that a rule or chain was in. */
  #nevers(): { rules: Map<number, Never>; chains: Map<number, Never> } {
    const book = this.#book;
    const [rules, chains] = [new Map<number, Never[]>(), new Map<number, Never[]>()];
    for (const [subject, { rule, why, by }] of this.#finder.found()) {
      const number = rule === undefined ? book.ofChain(subject as never) : book.ofRule(rule);
      if (number < 0) continue;
      const neverBy = [...new Set(by.map((one) => book.ofRule(one)))].filter((one) => one >= 0);
      const of = rule === undefined ? chains : rules;
      const known = of.get(number);
      if (known === undefined) of.set(number, [{ never: why, neverBy }]);
      else known.push({ never: why, neverBy });
    }
    const inAll = (found: Map<number, Never[]>, booked: readonly { readonly tables: number }[]) =>
      new Map([...found].flatMap(([number, all]) => (all.length === booked[number].tables ? [[number, all[0]]] : [])));
    return { rules: inAll(rules, book.rules), chains: inAll(chains, book.chains) };
  }

  #ruleset({ ruleset, since, under, chains }: BookedRuleset, { start, durationNs }: RulesState): RulesetPicture {
    const sinceNs = since === undefined ? 0 : (since.sec - start.sec) * 1e9 + since.nsec - start.nsec;
    return {
      name: under === undefined ? ruleset.fileName : under.what,
      sinceNs: under !== undefined && since === undefined ? durationNs : Math.max(0, sinceNs),
      ...(under === undefined ? {} : { change: under.number - 1 }),
      tables: [...ruleset.tables].reverse().map((table) => ({ table: table.name, chains: chains.get(table)! })),
      givenUp: this.#finder.givenUpOf(ruleset.tables),
    };
  }

  #chain(number: number, { counters }: RulesState, nevers: ReadonlyMap<number, Never>): ChainPicture {
    const { table, chain, rules, gone } = this.#book.chains[number];
    const { name, hook, policy, file, line } = chain;
    const { packets, bytes } = gone ?? policyCounts(counters.get(table), hook);
    const builtIn = hook !== undefined && {
      hook: HOOK_NAMES[hook],
      policy: VERDICT_NAMES[policy] as 'ACCEPT' | 'DROP',
    };
    return {
      ...{ table, name: hook === undefined ? name : HOOK_NAMES[hook] },
      ...builtIn,
      ...{ packets, bytes, rules },
      ...(line > 0 ? { file, line } : {}),
      ...nevers.get(number),
    };
  }

  #rule(number: number, { counters, asked }: RulesState, nevers: ReadonlyMap<number, Never>): RulePicture {
    const { table, rule, chain, gone } = this.#book.rules[number];
    const { file, line, comment, target, unsupported, index } = rule;
    const { packets, bytes } = gone ?? countsAt(counters.get(table)?.rules, index);
    const why = unsupported?.map(({ message }) => message).join('; ');
    return {
      ...{ chain, number: rule.number, file, line, text: this.#textOf(rule) },
      ...(comment === undefined ? {} : { comment }),
      ...targetOf(target),
      ...{ packets, bytes, asked: asked[number] ?? 0 },
      ...(gone === undefined ? {} : { until: gone.until }),
      ...nevers.get(number),
      ...(why === undefined ? {} : { unsupported: why }),
    };
  }

  #textOf(rule: Rule): string {
    const known = this.#texts.get(rule) ?? saveRule(rule).trimStart();
    this.#texts.set(rule, known);
    return known;
  }
}

function targetOf(target: Target): Pick<RulePicture, 'target' | 'jump'> {
  switch (target.kind) {
    case 'none':
      return {};
    case 'verdict':
      return { target: VERDICT_NAMES[target.verdict] };
    case 'extension':
      return { target: target.extension.name };
    default:
      return { target: target.chain, jump: target.chain };
  }
}
