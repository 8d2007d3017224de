/** The entries of each hook: the tables that there are, defragmentation and conntrack, in the order of their priorities (enum nf_ip_hook_priorities). */
import type { HookName } from '../../../core/hooks.js';
import type { HostPicture } from '../../../explain/report/format/host-picture.js';
import type { RulesSection } from '../../../explain/report/format/model.js';
import { type EntryName, HOOKS, type Place } from '../../../explain/report/format/places.js';
import type { HostFlow } from './host-flow.js';

export interface HookEntry {
  readonly place: Place;
  readonly name: EntryName;
  readonly hook: HookName;
  readonly priority: number;
}

export type HookEntries = Readonly<Record<HookName, readonly HookEntry[]>>;

/** The hook entries of the host in PICTURE with RULES. Those that only FLOW knows are among them. */
export function hookEntriesOf(picture: HostPicture, rules: RulesSection, flow: HostFlow): HookEntries {
  const tables = new Set(rules.chains.map(({ table, hook }) => `${table} ${hook}`));
  const byHook = HOOKS.map((hook) => {
    // Where packets leave the host or reach it, NAT changes sources, and conntrack confirms, last of all.
    const isLast = hook === 'INPUT' || hook === 'POSTROUTING';
    const priorities: Readonly<Record<EntryName, number>> = {
      ...{ defrag: -400, raw: -300, mangle: -150, filter: 0, security: picture.securityPriority },
      ...(isLast ? { nat: 100, conntrack: Number.POSITIVE_INFINITY } : { nat: -100, conntrack: -200 }),
    };
    const isThere = ({ name, place }: HookEntry): boolean =>
      tables.has(place) || flow.places.has(place) || (name === 'conntrack' && !isLast && hook !== 'FORWARD');
    const entries = Object.entries(priorities).map(([text, priority]): HookEntry => {
      const name = text as EntryName;
      return { name, place: `${name} ${hook}`, hook, priority };
    });
    return [hook, entries.filter(isThere).sort((a, b) => a.priority - b.priority)] as const;
  });
  return Object.fromEntries(byHook) as unknown as HookEntries;
}
