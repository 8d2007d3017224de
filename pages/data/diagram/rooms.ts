/** The rooms of each hook: tables that there are, in the order of their priorities (enum nf_ip_hook_priorities). */
import type { HookName } from '../../../core/hooks.js';
import { HOOKS, type Place, type Room, TABLES } from '../../../explain/report/format/course.js';
import type { HostPicture, RulesSection } from '../../../explain/report/format/model.js';
import type { HostFlow } from './host-flow.js';

export interface HookRoom {
  readonly place: Place;
  readonly room: Room;
  readonly hook: HookName;
  readonly priority: number;
  /** Of a table: its chains that this hook enters, one for each ruleset that has the table. */
  readonly chains: readonly number[];
}

export type Rooms = Readonly<Record<HookName, readonly HookRoom[]>>;

/** The rooms of the host in PICTURE with RULES. Those that only FLOW knows are among them. */
export function roomsOf(picture: HostPicture, rules: RulesSection, flow: HostFlow): Rooms {
  const chains = new Map<string, number[]>();
  for (const { tables } of rules.rulesets) {
    for (const { table, chains: ofTable } of tables) {
      for (const chain of ofTable) {
        const { hook } = rules.chains[chain];
        if (hook !== undefined) chains.set(`${table} ${hook}`, [...(chains.get(`${table} ${hook}`) ?? []), chain]);
      }
    }
  }
  const entries = HOOKS.map((hook) => {
    const all: readonly Room[] = ['defrag', 'conntrack', ...TABLES];
    const rooms = all.flatMap((room): HookRoom[] => {
      const place: Place = `${room} ${hook}`;
      const own = chains.get(place) ?? [];
      const isAlways = room === 'conntrack' && (hook === 'PREROUTING' || hook === 'OUTPUT');
      if (own.length === 0 && !isAlways && !flow.places.has(place)) return [];
      return [{ place, room, hook, priority: priorityOf(room, hook, picture), chains: own }];
    });
    return [hook, rooms.sort((a, b) => a.priority - b.priority)] as const;
  });
  return Object.fromEntries(entries) as unknown as Rooms;
}

const PRIORITIES: Readonly<Record<Exclude<Room, 'nat' | 'security' | 'conntrack'>, number>> = {
  defrag: -400,
  raw: -300,
  mangle: -150,
  filter: 0,
};

function priorityOf(room: Room, hook: HookName, { securityPriority }: HostPicture): number {
  if (room === 'security') return securityPriority;
  // Where packets leave the host or reach it, conntrack confirms, last of all; NAT changes sources there.
  const isLast = hook === 'INPUT' || hook === 'POSTROUTING';
  if (room === 'conntrack') return isLast ? Number.POSITIVE_INFINITY : -200;
  if (room === 'nat') return isLast ? 100 : -100;
  return PRIORITIES[room];
}
