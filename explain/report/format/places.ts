/**
 * The places of netfilter's own diagram:
 *
 *     in ─► link ─► PREROUTING ─► routing ─► FORWARD ─► POSTROUTING ─► egress ─► out
 *                                    │                       ▲
 *                                    ▼                       │
 *                                  INPUT ─► host ─► own routing ─► OUTPUT
 */
import type { HookName, TableName } from '../../../core/hooks.js';

/** As HOOK_NAMES and TABLE_NAMES, which pages cannot have. */
export const HOOKS = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'] as const satisfies readonly HookName[];
export const TABLES = ['raw', 'mangle', 'nat', 'filter', 'security'] as const satisfies readonly TableName[];

/** What packets enter and leave. `in 0` and `out 0`: interface 0. */
export type Station =
  | `in ${number}`
  | 'link'
  | HookName
  | 'routing'
  | 'host'
  | 'own routing'
  | 'egress'
  | `out ${number}`;

/** What is registered at a hook, as a list of priorities has it. */
export type EntryName = TableName | 'defrag' | 'conntrack';

/** An entry of a hook, as in `filter FORWARD`, or a station. */
export type Place = `${EntryName} ${HookName}` | Station;

const PLACES = [
  ...['link', 'routing', 'own routing', 'host', 'egress', '(in|out) \\d{1,9}'],
  `((defrag|conntrack|${TABLES.join('|')}) )?(${HOOKS.join('|')})`,
];
const PLACE = new RegExp(`^(${PLACES.join('|')})$`);

/** Whether TEXT is the name of a place. */
export function isPlace(text: string): text is Place {
  return PLACE.test(text);
}

/** A part of a traversal that is in one place. */
export interface Stop {
  readonly station: Station;
  readonly place: Place;
  /** The steps there, from `from` to before `to`, counted through all stages; none: it is only passed. */
  readonly from: number;
  readonly to: number;
}
