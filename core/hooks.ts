/**
 * The vocabulary of netfilter: hooks, tables, verdicts.
 *
 *     arriving ─► PREROUTING ─► (route) ─► FORWARD ─► POSTROUTING ─► leaving
 *                                  │                       ▲
 *                                  ▼                       │
 *                                INPUT ─► the host ─► OUTPUT
 *
 * Each hook runs its entries in the order of their priorities (nf_register_net_hook). Everything that happens to a
 * packet at a hook is an entry: reassembly, connection tracking, NAT, and each table of a ruleset.
 */
import type { DropCause } from './drop.js';
import { type Observation, UNOBSERVED } from './events.js';
import type { FlowWalk } from './flow/flow-walk.js';
import type { Packet } from './packet.js';
import { packetFields } from './packet-fields.js';

/** The five hooks of IPv4 (enum nf_inet_hooks). */
export const Hook = { PREROUTING: 0, INPUT: 1, FORWARD: 2, OUTPUT: 3, POSTROUTING: 4 } as const;
export type Hook = (typeof Hook)[keyof typeof Hook];

/** The built-in chains, by hook. */
export const HOOK_NAMES = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'] as const;
export type HookName = (typeof HOOK_NAMES)[number];

export type TableName = 'raw' | 'mangle' | 'nat' | 'filter' | 'security';

/** The table names (iptables(8)). */
export const TABLE_NAMES: readonly TableName[] = ['raw', 'mangle', 'nat', 'filter', 'security'];

/** The built-in chains of each table (iptables(8)), in iptables-save order. */
export const TABLE_HOOKS: Record<TableName, readonly Hook[]> = {
  raw: [Hook.PREROUTING, Hook.OUTPUT],
  mangle: [Hook.PREROUTING, Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING],
  nat: [Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING],
  filter: [Hook.INPUT, Hook.FORWARD, Hook.OUTPUT],
  security: [Hook.INPUT, Hook.FORWARD, Hook.OUTPUT],
};

/**
 * The result of a rule, chain or hook entry. CONTINUE: go on with the next rule. STOLEN: the entry keeps the packet,
 * which goes no further.
 */
export const Verdict = { CONTINUE: 0, ACCEPT: 1, DROP: 2, RETURN: 3, STOLEN: 4 } as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** As rules and policies are saved: `-j ACCEPT`. */
export const VERDICT_NAMES = Object.fromEntries(
  Object.entries(Verdict).map(([name, verdict]) => [verdict, name]),
) as Readonly<Record<Verdict, keyof typeof Verdict>>;

/** The priorities of entries within a hook. Lower values run first (enum nf_ip_hook_priorities). */
export const Priority = {
  DEFRAG: -400,
  RAW: -300,
  CONNTRACK: -200,
  MANGLE: -150,
  DNAT: -100,
  FILTER: 0,
  SECURITY: 50,
  SNAT: 100,
  HELPER: 300,
  CONFIRM: 2 ** 31 - 1,
} as const;

/** A function called for every packet at a hook (struct nf_hook_ops). */
export interface HookEntry {
  readonly name: string;
  readonly hook: Hook;
  readonly priority: number;
  /**
   * Returns ACCEPT to pass the packet to the next entry. Before it returns DROP, it should set `packet.dropCause`,
   * unless its name is enough.
   */
  readonly run: (packet: Packet) => Verdict;
  /**
   * Tells WALK what the entry did to the packet being learned. Returns false if other packets might be treated
   * differently. Without this method nothing is learned from packets that pass the entry, so an entry on the forwarding
   * path disables the flow cache.
   */
  readonly learn?: ((walk: FlowWalk) => boolean) | undefined;
}

/** The hooks of one host, each with its sorted entries. */
export class Hooks {
  #entries: readonly (readonly HookEntry[])[] = HOOK_NAMES.map(() => []);
  /** The default drop cause of each entry, by hook. */
  #causes: readonly (readonly DropCause[])[] = [];

  readonly #observation: Observation;

  /** Without entries. */
  constructor(observation: Observation = UNOBSERVED) {
    this.#observation = observation;
  }

  /** From the next packet on, there are these entries. Those of the same priority run in the given order. */
  replace(entries: readonly HookEntry[]): void {
    this.#entries = HOOK_NAMES.map((_, hook) =>
      entries
        .filter((entry) => entry.hook === hook)
        // All objects have the same shape, because `run` is called from one place for every packet.
        .map(({ name, hook, priority, run, learn }): HookEntry => ({ name, hook, priority, run, learn }))
        .sort((a, b) => a.priority - b.priority),
    );
    this.#causes = this.#entries.map((ofHook) =>
      ofHook.map(({ name, hook }) => ({ reason: 'hook-entry', hook, entry: name })),
    );
  }

  /** The entries at HOOK, in order. */
  at(hook: Hook): readonly HookEntry[] {
    return this.#entries[hook];
  }

  /** Runs PACKET through HOOK. Returns ACCEPT, DROP (`packet.dropCause` has the cause) or STOLEN. */
  run(hook: Hook, packet: Packet): Verdict {
    packet.hook = hook;
    this.#observation.emit?.({ kind: 'hook', hook: HOOK_NAMES[hook], packet: packetFields(packet) });
    const entries = this.#entries[hook];
    for (let i = 0; i < entries.length; i++) {
      const verdict = entries[i].run(packet);
      if (verdict === Verdict.ACCEPT) continue;
      if (verdict === Verdict.DROP) packet.dropCause ??= this.#causes[hook][i];
      return verdict;
    }
    return Verdict.ACCEPT;
  }

  /** Whether paths of forwarded packets can be learned at all: every entry they pass has `learn`. */
  get areLearnable(): boolean {
    const met = [Hook.PREROUTING, Hook.FORWARD, Hook.POSTROUTING];
    return met.every((hook) => this.#entries[hook].every(({ learn }) => learn !== undefined));
  }
}
