/** Which rules of a report can never match, which chains are never entered, and which policies never decide. */
import type { Host } from '../../core/host/host.js';
import type { Chain, Rule, Table } from '../../core/rules/model.js';
import type { NeverFound } from '../findings.js';
import { lint } from '../lint/lint.js';
import type { BookedRuleset } from './rule-book.js';

/** The sets of a table may take some 250 MB. */
const MAX_NODES = 1 << 21;
/** How many rules are examined, of all rulesets together. Ten thousand take about two seconds. */
const MOST_RULES = 60_000;

/** What was found in one table. */
interface Examined {
  readonly found: ReadonlyMap<Rule | Chain, NeverFound>;
  readonly givenUp: readonly string[];
}

/** Examines tables once, however often a report is made. */
export class NeverFinder {
  readonly #host: Host | undefined;
  readonly #tables = new Map<Table, Examined>();
  #left = MOST_RULES;

  /** HOST: that of all rulesets, if it does not change. */
  constructor(host: Host | undefined) {
    this.#host = host;
  }

  /** Examines the tables of RULESETS that have not been: the last ruleset first, then from the first one on. */
  examine(rulesets: readonly BookedRuleset[]): void {
    for (const { ruleset } of [...rulesets.slice(-1), ...rulesets.slice(0, -1)]) {
      for (const table of ruleset.tables) {
        if (this.#tables.has(table)) continue;
        this.#left -= table.rules.length;
        if (this.#left < 0) {
          const notExamined = `table ${table.name}: not examined for rules that never match: there are too many rules`;
          this.#tables.set(table, { found: new Map(), givenUp: [notExamined] });
          continue;
        }
        const { findings, givenUp } = lint(ruleset, this.#host, MAX_NODES, [table]);
        const found = findings.flatMap(({ never }) => (never === undefined ? [] : [never]));
        this.#tables.set(table, { found: new Map(found.map((one) => [subjectOf(one), one])), givenUp });
      }
    }
  }

  /** What was given up of TABLES. */
  givenUpOf(tables: readonly Table[]): string[] {
    return tables.flatMap((table) => this.#tables.get(table)?.givenUp ?? []);
  }

  /** What was found in all tables that were examined. */
  *found(): Iterable<readonly [Rule | Chain, NeverFound]> {
    for (const { found } of this.#tables.values()) yield* found;
  }
}

function subjectOf({ rule, chain, policy }: NeverFound): Rule | Chain {
  return (rule ?? chain ?? policy)!;
}
