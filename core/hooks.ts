/**
 * The vocabulary of netfilter: hooks, tables, verdicts.
 *
 *     arriving ─► PREROUTING ─► (route) ─► FORWARD ─► POSTROUTING ─► leaving
 *                                  │                       ▲
 *                                  ▼                       │
 *                                INPUT ─► the host ─► OUTPUT
 */

/** The five hooks of IPv4 (enum nf_inet_hooks). */
export const Hook = { PREROUTING: 0, INPUT: 1, FORWARD: 2, OUTPUT: 3, POSTROUTING: 4 } as const;
export type Hook = (typeof Hook)[keyof typeof Hook];

/** Built-in chains, by hook. */
export const HOOK_NAMES = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'] as const;
export type HookName = (typeof HOOK_NAMES)[number];

export type TableName = 'raw' | 'mangle' | 'nat' | 'filter' | 'security';

/** The tables, in the order in which their chains run within a hook (nat runs elsewhere in it, see the emulator). */
export const TABLE_NAMES: readonly TableName[] = ['raw', 'mangle', 'nat', 'filter', 'security'];

/** The built-in chains of each table (iptables(8)), in the order in which iptables-save lists them. */
export const TABLE_HOOKS: Record<TableName, readonly Hook[]> = {
  raw: [Hook.PREROUTING, Hook.OUTPUT],
  mangle: [Hook.PREROUTING, Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING],
  nat: [Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING],
  filter: [Hook.INPUT, Hook.FORWARD, Hook.OUTPUT],
  security: [Hook.INPUT, Hook.FORWARD, Hook.OUTPUT],
};

/** What a rule, chain or hook says of a packet. CONTINUE: go on with the next rule. */
export const Verdict = { CONTINUE: 0, ACCEPT: 1, DROP: 2, RETURN: 3 } as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];
