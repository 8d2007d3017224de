/** What a change has made of the host: rules, sets, interfaces, connections, containers. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import type { Emulator } from '../../core/emulator.js';
import type { Ruleset } from '../../core/rules/model.js';
import { saveRule } from '../../core/rules/save.js';
import type { DockerState } from '../../docker/model.js';
import type { HostLife } from '../life/host-life.js';
import type { ChangeSummary, NamesChange, SetChange } from '../summary.js';

/** The host before a change. */
export interface HostBefore {
  readonly ruleset: Ruleset;
  readonly sets: ReadonlyMap<string, number>;
  readonly interfaces: readonly string[];
  readonly docker: DockerState | undefined;
  readonly savedRules: string | undefined;
}

/** LIFE undefined: nothing but rules and sets changes. */
export function hostNow({ ruleset, sets }: Emulator, life: HostLife | undefined): HostBefore {
  return {
    ruleset,
    sets: new Map([...sets].map(({ name, size }) => [name, size])),
    interfaces: life === undefined ? [] : interfacesIn(life.json),
    docker: life?.docker,
    savedRules: life?.savedRules,
  };
}

type Effects = Pick<
  ChangeSummary,
  'rules' | 'sets' | 'interfaces' | 'networks' | 'containers' | 'savedRules' | 'connectionsDeleted'
>;

/** What is different between BEFORE and AFTER. */
export function effectsOf(before: HostBefore, after: HostBefore): Effects {
  const interfaces = namesChange(before.interfaces, after.interfaces);
  const networks = namesChange(networksIn(before.docker), networksIn(after.docker));
  const running = namesChange(runningIn(before.docker), runningIn(after.docker));
  const { added: started, removed: stopped } = running ?? {};
  return {
    ...differenceOf(before.ruleset, after.ruleset),
    ...setChanges(before.sets, after.sets),
    ...(interfaces === undefined ? {} : { interfaces }),
    ...(networks === undefined ? {} : { networks }),
    ...(running === undefined ? {} : { containers: { ...(started && { started }), ...(stopped && { stopped }) } }),
    ...(before.savedRules === after.savedRules ? {} : { savedRules: true as const }),
  };
}

function interfacesIn({ addr }: JsonObject): string[] {
  return Array.isArray(addr) ? addr.flatMap((link) => (typeof link?.ifname === 'string' ? [link.ifname] : [])) : [];
}

const networksIn = (docker: DockerState | undefined): string[] => docker?.networks.map(({ spec }) => spec.name) ?? [];
const runningIn = (docker: DockerState | undefined): string[] =>
  docker?.containers.flatMap(({ name, isRunning }) => (isRunning ? [name] : [])) ?? [];

/** Undefined: they are the same. */
function namesChange(before: readonly string[], after: readonly string[]): NamesChange | undefined {
  const added = after.filter((name) => !before.includes(name));
  const removed = before.filter((name) => !after.includes(name));
  if (added.length === 0 && removed.length === 0) return undefined;
  return { ...(added.length > 0 && { added }), ...(removed.length > 0 && { removed }) };
}

/** How many rules AFTER has that BEFORE has not, and the other way around. */
function differenceOf(before: Ruleset, after: Ruleset): Pick<ChangeSummary, 'rules'> {
  if (before === after) return {};
  const counts = new Map<string, number>();
  const count = (ruleset: Ruleset, sign: number): void => {
    for (const table of ruleset.tables) {
      const other = (ruleset === before ? after : before).tables;
      if (other.includes(table)) continue;
      for (const rule of table.rules) {
        const key = `${table.name} ${rule.chain}${saveRule(rule)}`;
        counts.set(key, (counts.get(key) ?? 0) + sign);
      }
    }
  };
  count(before, -1);
  count(after, 1);
  let [added, removed] = [0, 0];
  for (const sum of counts.values()) {
    added += Math.max(sum, 0);
    removed += Math.max(-sum, 0);
  }
  return { rules: { added, removed } };
}

/** The sets that are new, gone, or have another number of entries. */
function setChanges(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Pick<ChangeSummary, 'sets'> {
  const sets = [...new Set([...before.keys(), ...after.keys()])].flatMap((name): SetChange[] => {
    const [was, is] = [before.get(name), after.get(name)];
    if (was === is) return [];
    return [{ name, ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) }];
  });
  return sets.length === 0 ? {} : { sets };
}
