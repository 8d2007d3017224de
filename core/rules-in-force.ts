/** The rules of a host: the tables at its hooks, and all that depends on them. They can be replaced between packets. */
import type { ConntrackTable } from './conntrack/table.js';
import type { FlowCache } from './flow/flow-cache.js';
import type { PathTable } from './flow/path.js';
import type { HookEntry, Hooks } from './hooks.js';
import type { Host } from './host/host.js';
import { checkAccounting } from './rules/accounting.js';
import type { MatchExtension } from './rules/extension.js';
import type { Ruleset } from './rules/model.js';
import { RuleFault, RulesetError } from './rules/parse/error.js';
import type { RuleChange } from './rules/rule-change.js';
import type { HookedTables } from './rules/run/hooked-tables.js';
import { rulesForSets, SetReferences } from './rules/set-references.js';
import type { SetStore } from './sets/store.js';
import type { SynproxyOnDemand } from './synproxy/on-demand.js';

export interface RulesInForceParts {
  readonly tables: HookedTables;
  readonly hooks: Hooks;
  /** The entries before and after those of the tables, where priorities are the same. */
  readonly before: readonly HookEntry[];
  readonly after: readonly HookEntry[];
  readonly synproxy: SynproxyOnDemand;
  readonly connections: ConntrackTable;
  readonly sets: SetStore;
  readonly paths: PathTable;
  readonly flowCache: FlowCache | null;
  readonly host: Host;
}

export class RulesInForce {
  readonly #parts: RulesInForceParts;
  #ruleset: Ruleset;
  /** Those of its rules to sets. */
  #references: SetReferences | undefined;

  /** @throws {RulesetError} as `replace` */
  constructor(parts: RulesInForceParts, ruleset: Ruleset) {
    this.#parts = parts;
    this.#ruleset = ruleset;
    this.replace({ ruleset });
  }

  get ruleset(): Ruleset {
    return this.#ruleset;
  }

  /**
   * Puts the rules of CHANGE in force. Connections and all else that the host knows stay as they are.
   *
   * @throws {RulesetError} if they are for ip6tables, or name a set or accounting object that the host does not have;
   *   nothing has changed then
   */
  replace(change: RuleChange): void {
    const { tables, hooks, before, after, synproxy, connections, sets, paths, host } = this.#parts;
    refuseIpv6(change.ruleset);
    const ruleset = rulesForSets(change.ruleset, sets, false);
    const { accounting } = host.facts;
    if (accounting !== undefined) checkAccounting(ruleset, accounting);
    // While the rules that were counted are still there.
    paths.flush();
    if (turnsOnAccounting(ruleset)) connections.turnOnAccounting();
    connections.useLabels(hasMatch(ruleset, ({ usesLabels }) => usesLabels === true));
    synproxy.prepare(ruleset);
    const references = new SetReferences(ruleset.tables, sets);
    tables.replace(change);
    this.#references?.release();
    this.#references = references;
    hooks.replace([...before, ...tables.entries, ...synproxy.entries, ...after]);
    this.#ruleset = ruleset;
    this.#learnAgain();
  }

  /** The host has changed. Rules look for their interfaces again if it HAS_OTHER_NAMES. */
  followHost(hasOtherNames: boolean): void {
    const { tables, paths } = this.#parts;
    paths.flush();
    if (hasOtherNames) tables.rebuild();
    this.#learnAgain();
  }

  /** Whatever was learned is forgotten. */
  #learnAgain(): void {
    const { flowCache, hooks, host } = this.#parts;
    flowCache?.changeRules(hooks.areLearnable && isLearnable(host), hasNat(this.#ruleset));
  }
}

/** Whether packets of a connection are routed the same. On others, each one may have another TOS, or a socket. */
export function isLearnable({ routingReads, hasForeignSockets }: Host): boolean {
  return !routingReads.tos && !hasForeignSockets;
}

/** Whether translated connections are translated. */
function hasNat({ tables }: Ruleset): boolean {
  return tables.some(({ name, isUnhooked }) => name === 'nat' && isUnhooked !== true);
}

/** Whether loading RULESET sets nf_conntrack_acct. */
export function turnsOnAccounting(ruleset: Ruleset): boolean {
  return hasMatch(ruleset, (extension) => extension.turnsOnAccounting === true);
}

function hasMatch({ tables }: Ruleset, isWanted: (extension: MatchExtension<unknown>) => boolean): boolean {
  return tables.some(({ rules }) => rules.some(({ matches }) => matches.some(({ extension }) => isWanted(extension))));
}

/** @throws {RulesetError} if RULESET is for ip6tables: such rules are only parsed and saved */
export function refuseIpv6({ family, fileName }: Ruleset): void {
  if (family !== 'ipv6') return;
  const start = { text: '', line: 1, column: 1 };
  throw new RulesetError(fileName, new RuleFault(start, 'rules for IPv6 cannot be run yet', '', 'unsupported'));
}
