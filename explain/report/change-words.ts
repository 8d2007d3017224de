/** What a change by `--at` did, in words. */
import { counted } from '../../codecs/text.js';
import type { ChangeSummary, NamesChange } from '../../replay/summary.js';

/** `rules-2.v4: 2 rules added, 1 removed` */
export function changeWords({ what, exitCode, rules, sets = [], ...more }: ChangeSummary): string {
  const { interfaces, networks, containers, connectionsDeleted, written } = more;
  const effects = [
    ...(exitCode === undefined ? [] : [`failed with exit code ${exitCode}`]),
    ...numbers('added', rules?.added),
    ...numbers('removed', rules?.removed),
    ...sets.map(({ name, before, after }) => `set ${name}: ${before ?? 'none'} → ${after ?? 'none'}`),
    ...named('containers started', containers?.started),
    ...named('containers stopped', containers?.stopped),
    ...cameAndWent('networks', networks),
    ...cameAndWent('interfaces', interfaces),
    ...(connectionsDeleted === undefined ? [] : [`${counted(connectionsDeleted, 'connection')} deleted`]),
    ...(written === undefined ? [] : ['snapshot written']),
  ];
  return effects.length === 0 ? what : `${what}: ${effects.join('; ')}`;
}

function numbers(what: string, rules = 0): string[] {
  return rules === 0 ? [] : [`${counted(rules, 'rule')} ${what}`];
}

function cameAndWent(what: string, { added, removed }: NamesChange = {}): string[] {
  return [...named(`${what} added`, added), ...named(`${what} removed`, removed)];
}

function named(what: string, names: readonly string[] = []): string[] {
  return names.length === 0 ? [] : [`${what}: ${names.join(', ')}`];
}
