/** The tables of a ruleset as hook entries of one host, with their counters. */
import { IPV4_TOS_AT } from '../../../codecs/layouts.js';
import type { Emit } from '../../events.js';
import {
  HOOK_NAMES,
  Hook,
  type HookEntry,
  Priority,
  TABLE_HOOKS,
  TABLE_NAMES,
  type TableName,
  Verdict,
} from '../../hooks.js';
import type { Host } from '../../host/host.js';
import { natHooks } from '../../nat/hooks.js';
import type { Nat } from '../../nat/nat.js';
import { reroute } from '../../own-route.js';
import { CtInfo, type Packet } from '../../packet.js';
import type { RuleContext } from '../context.js';
import { type Effect, effectOf } from '../effect.js';
import { createCounters, type Ruleset, type Table, type TableCounters, traceIds } from '../model.js';
import { buildTable, type Engine } from './build.js';
import { Decisions } from './decisions.js';
import type { PerPacketTest } from './interpret.js';
import { shareStates } from './match-state.js';
import { createTrace, type Trace } from './trace.js';

/** The priority of each table. NAT runs the nat table itself (nat/hooks.ts). */
const PRIORITIES: Record<Exclude<TableName, 'nat'>, number> = {
  raw: Priority.RAW,
  mangle: Priority.MANGLE,
  filter: Priority.FILTER,
  security: Priority.SECURITY,
};

export class HookedTables {
  /** Tables that are not in the ruleset have no entries. */
  readonly entries: readonly HookEntry[];
  readonly counters = new Map<TableName, TableCounters>();
  /** The trace that all tables write for the current packet. Each rule and policy has its own ID in it. */
  readonly trace: Trace = createTrace();
  /** The per-packet tests of rules, by the rule's ID in the trace. */
  readonly perPacketTests = new Map<number, PerPacketTest>();
  /** The effects of targets that have any, by the rule's ID in the trace. */
  readonly effects = new Map<number, Effect>();
  #nextId = 0;

  /** Builds the tables in the order of TABLE_NAMES, on which the random choices of their matches depend. */
  constructor(ruleset: Ruleset, context: RuleContext, engine: Engine, host: Host, nat: Nat, emit: Emit) {
    const rerouted = (packet: Packet): boolean => reroute(packet, host, emit);
    shareStates(ruleset.tables, context);
    const inOrder = TABLE_NAMES.flatMap((name) => ruleset.tables.filter((table) => table.name === name));
    this.entries = inOrder.flatMap((table) => {
      const counters = createCounters(table, this.trace, this.#nextId);
      const { firstId } = counters;
      this.#nextId += traceIds(table);
      this.counters.set(table.name, counters);
      const program = buildTable(table, context, counters, engine, emit);
      for (const rule of table.rules) {
        const effect = effectOf(rule);
        if (effect !== 'none') this.effects.set(firstId + rule.index, effect);
      }
      const isTracked = table.name === 'nat' || PRIORITIES[table.name] > Priority.CONNTRACK;
      for (const [id, test] of program.perPacketTests ?? [])
        this.perPacketTests.set(id, isTracked ? test : beforeConntrack(test));
      const decisions = new Decisions(table, counters);
      const runAt =
        (hook: Hook) =>
        (packet: Packet): Verdict =>
          decisions.note(packet, hook, program.run(packet, hook));
      if (table.name !== 'nat') return tableHooks(table, PRIORITIES[table.name], runAt, firstId, rerouted);
      const byHook = HOOK_NAMES.map((_, hook) => runAt(hook as Hook));
      const chains = (packet: Packet): Verdict => byHook[packet.hook](packet);
      return natHooks(nat, chains, rerouted, (walk, hook) => walk.translate(table, firstId, hook), emit);
    });
  }

  /** Adds PACKETS with a total of BYTES to the counter of the rule or policy with this ID. */
  count(id: number, packets: number, bytes: number): void {
    for (const { firstId, rules, policies } of this.counters.values()) {
      const index = id - firstId;
      const policy = index - rules.length / 2;
      if (index < 0 || policy * 2 >= policies.length) continue;
      const [counts, at] = policy < 0 ? [rules, index * 2] : [policies, policy * 2];
      counts[at] += packets;
      counts[at + 1] += bytes;
      return;
    }
  }
}

function tableHooks(
  table: Table,
  priority: number,
  runAt: (hook: Hook) => (packet: Packet) => Verdict,
  firstId: number,
  rerouted: (packet: Packet) => boolean,
): HookEntry[] {
  return TABLE_HOOKS[table.name].map((hook) => {
    const run = runAt(hook);
    return {
      name: table.name,
      hook,
      priority,
      run: table.name === 'mangle' && hook === Hook.OUTPUT ? withReroute(run, rerouted) : run,
      learn: (walk) => walk.pass(table, firstId, hook),
    };
  });
}

/** Wraps RUN to reroute packets that it changed (ipt_mangle_out). */
function withReroute(
  run: (packet: Packet) => Verdict,
  rerouted: (packet: Packet) => boolean,
): (packet: Packet) => Verdict {
  return (packet) => {
    const { mark, source, destination } = packet;
    const tos = packet.view.getUint8(packet.at + IPV4_TOS_AT);
    const verdict = run(packet);
    if (verdict !== Verdict.ACCEPT) return verdict;
    const isChanged =
      packet.mark !== mark ||
      packet.source !== source ||
      packet.destination !== destination ||
      packet.view.getUint8(packet.at + IPV4_TOS_AT) !== tos;
    return !isChanged || rerouted(packet) ? Verdict.ACCEPT : Verdict.DROP;
  };
}

/** Applies TEST to packets as they were before conntrack: without a connection, even if it is known by now. */
function beforeConntrack(test: PerPacketTest): PerPacketTest {
  return {
    ...test,
    predict(packet) {
      const { ct, ctinfo } = packet;
      packet.ct = -1;
      packet.ctinfo = CtInfo.INVALID;
      const passes = test.predict(packet);
      packet.ct = ct;
      packet.ctinfo = ctinfo;
      return passes;
    },
  };
}
