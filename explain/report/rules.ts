/** The rules of a replay: all that were in force at some time, with what they counted. */
import type { Emulator } from '../../core/emulator.js';
import { HOOK_NAMES, type TableName, VERDICT_NAMES } from '../../core/hooks.js';
import type { Ruleset, SavedCounters, Target } from '../../core/rules/model.js';
import { ruleText } from '../story/rule-words.js';
import type { ChainPicture, RulePicture, RulesetPicture, RulesSection } from './format/model.js';
import type { RuleNumbers } from './rule-numbers.js';

type Counters = ReadonlyMap<TableName, SavedCounters>;

/** A ruleset, since it is in force. */
interface InForce {
  readonly ruleset: Ruleset;
  readonly sinceNs: number;
  counters: Counters;
}

export class ReportRules {
  readonly #numbers: RuleNumbers;
  readonly #inForce: InForce[] = [];

  constructor(numbers: RuleNumbers) {
    this.#numbers = numbers;
  }

  /** Notes which rules are in force in EMULATOR at TIME_NS. */
  follow({ ruleset, counters }: Emulator, timeNs: number): void {
    const last = this.#inForce.at(-1);
    if (last?.ruleset === ruleset) return;
    this.#numbers.add(ruleset);
    this.#inForce.push({ ruleset, sinceNs: timeNs, counters: new Map(counters) });
  }

  /** RULESET, in force in the end, counts COUNTERS, as iptables shows them. */
  counted(counters: Counters): void {
    const last = this.#inForce.at(-1);
    if (last !== undefined) last.counters = counters;
  }

  /** ASKED: how many packets were compared with each rule. STATES: the names of the states of connections. */
  section(asked: Float64Array, states: readonly string[]): RulesSection {
    return {
      rulesets: this.#inForce.map((one) => this.#ruleset(one)),
      chains: this.#numbers.chains.map((_, number) => this.#chain(number)),
      rules: this.#numbers.rules.map((_, number) => this.#rule(number, asked)),
      connectionStates: states,
      connectionTimeouts: [],
    };
  }

  #ruleset({ ruleset, sinceNs }: InForce): RulesetPicture {
    const tables = ruleset.tables.map(({ name, chains }) => ({
      table: name,
      chains: chains.map((chain) => this.#numbers.ofChain(chain)),
    }));
    return { name: ruleset.fileName, sinceNs, tables };
  }

  #chain(number: number): ChainPicture {
    const { table, chain } = this.#numbers.chains[number];
    const { name, hook, policy, file, line } = chain;
    const policies = this.#countersOf(table, (ruleset) =>
      ruleset.tables.some((one) => one.name === table && one.chains.includes(chain)),
    )?.policies;
    return {
      ...{ table, name },
      ...(hook === undefined
        ? {}
        : { hook: HOOK_NAMES[hook], policy: VERDICT_NAMES[policy] === 'DROP' ? 'DROP' : 'ACCEPT' }),
      packets: hook === undefined ? 0 : (policies?.[hook * 2] ?? 0),
      bytes: hook === undefined ? 0 : (policies?.[hook * 2 + 1] ?? 0),
      rules: chain.rules.map((rule) => this.#numbers.ofRule(rule)),
      ...(line === 0 ? {} : { file, line }),
    };
  }

  #rule(number: number, asked: Float64Array): RulePicture {
    const { table, rule, chain } = this.#numbers.rules[number];
    const { file, line, comment, index, target } = rule;
    const counted = this.#countersOf(table, (ruleset) =>
      ruleset.tables.some((one) => one.name === table && one.rules[index] === rule),
    )?.rules;
    const jump = jumpOf(target);
    const to =
      jump === undefined ? -1 : this.#numbers.chains.findIndex((one) => one.table === table && one.chain.name === jump);
    return {
      ...{ chain, number: rule.number, file, line, text: ruleText(rule) },
      ...(comment === undefined ? {} : { comment }),
      ...(to < 0 ? {} : { jump: to }),
      packets: counted?.[index * 2] ?? 0,
      bytes: counted?.[index * 2 + 1] ?? 0,
      asked: asked[number] ?? 0,
    };
  }

  /** The counters of TABLE in the last ruleset that IS_SUCH. */
  #countersOf(table: TableName, isSuch: (ruleset: Ruleset) => boolean): SavedCounters | undefined {
    return this.#inForce.findLast(({ ruleset }) => isSuch(ruleset))?.counters.get(table);
  }
}

function jumpOf(target: Target): string | undefined {
  return target.kind === 'jump' || target.kind === 'goto' ? target.chain : undefined;
}
