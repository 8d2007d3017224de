/** The rooms of each hook: tables that there are, in the order of their priorities (enum nf_ip_hook_priorities). */
import type { HookName } from '../../../core/hooks.js';
import type { HostPicture, RulesSection } from '../../../explain/report/format/model.js';
import { HOOKS, type Place, type Room } from '../../../explain/report/format/places.js';
import type { HostFlow } from './host-flow.js';

export interface HookRoom {
  readonly place: Place;
  readonly room: Room;
  readonly hook: HookName;
  readonly priority: number;
}

export type Rooms = Readonly<Record<HookName, readonly HookRoom[]>>;

/** The rooms of the host in PICTURE with RULES. Those that only FLOW knows are among them. */
export function roomsOf(picture: HostPicture, rules: RulesSection, flow: HostFlow): Rooms {
  const tables = new Set(rules.chains.map(({ table, hook }) => `${table} ${hook}`));
  const entries = HOOKS.map((hook) => {
    // Where packets leave the host or reach it, NAT changes sources, and conntrack confirms, last of all.
    const isLast = hook === 'INPUT' || hook === 'POSTROUTING';
    const priorities: Readonly<Record<Room, number>> = {
      ...{ defrag: -400, raw: -300, mangle: -150, filter: 0, security: picture.securityPriority },
      ...(isLast ? { nat: 100, conntrack: Number.POSITIVE_INFINITY } : { nat: -100, conntrack: -200 }),
    };
    const isThere = ({ room, place }: HookRoom): boolean =>
      tables.has(place) || flow.places.has(place) || (room === 'conntrack' && !isLast && hook !== 'FORWARD');
    const rooms = Object.entries(priorities).map(([name, priority]): HookRoom => {
      const room = name as Room;
      return { room, place: `${room} ${hook}`, hook, priority };
    });
    return [hook, rooms.filter(isThere).sort((a, b) => a.priority - b.priority)] as const;
  });
  return Object.fromEntries(entries) as unknown as Rooms;
}
