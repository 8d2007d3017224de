/** The tables of a ruleset as hook entries of one host, with their counters. */
import { IPV4_TOS_AT } from '../../../codecs/layouts.js';
import type { Observation } from '../../events.js';
import type { FlowWalk } from '../../flow/flow-walk.js';
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
import { type Chain, createCounters, type Rule, type Table, type TableCounters, traceIds } from '../model.js';
import type { RuleChange } from '../rule-change.js';
import { buildProgram, type Engine, type ProgramParts } from './build.js';
import { Decisions, DropCauses } from './decisions.js';
import type { HostContext } from './host-context.js';
import type { PerPacketTest, TableProgram } from './interpret.js';
import { releaseStates, shareStates, withStates } from './match-state.js';
import { createTrace, type Trace, TraceKind } from './trace.js';

/** The priority of each table. NAT runs the nat table itself (nat/hooks.ts). */
const PRIORITIES: Record<Exclude<TableName, 'nat'>, number> = {
  raw: Priority.RAW,
  mangle: Priority.MANGLE,
  filter: Priority.FILTER,
  security: Priority.SECURITY,
};

/** iptables-nft runs security behind nat of INPUT. */
const NFT_SECURITY = 150;

function priorityOf({ name, isNft }: Table): number {
  if (name === 'nat') throw new Error('NAT runs the nat table');
  return name === 'security' && isNft === true ? NFT_SECURITY : PRIORITIES[name];
}

/** A table in force. */
interface RunningTable {
  readonly declared: Table;
  /** With the states of its matches. */
  readonly table: Table;
  readonly counters: TableCounters;
  /** What runs it. */
  readonly runner: TableRunner;
  readonly entries: readonly HookEntry[];
  /** Of its rules and policies, by their trace IDs from the table's first one, once they were asked for. */
  readonly decisions: Decision[];
  /** The keys of what it shares with other tables by name. */
  readonly shared: ReadonlySet<string>;
}

/** A rule or a policy of a table. */
export interface Decision {
  readonly table: TableName;
  readonly rule?: Rule;
  readonly policy?: Chain;
}

/** What tables are built from. */
export interface TableParts {
  readonly context: HostContext;
  readonly engine: Engine;
  readonly host: Host;
  readonly nat: Nat;
  readonly observation: Observation;
}

/** What runs a table. One that is built while packets are observed is compiled when they no longer are. */
class TableRunner {
  program!: TableProgram;
  readonly #table: Table;
  readonly #parts: ProgramParts;
  /** It is interpreted, because packets were observed when it was built. */
  #isToCompile = false;

  constructor(table: Table, parts: ProgramParts) {
    this.#table = table;
    this.#parts = parts;
    this.rebuild();
  }

  /** Looks for the interfaces of rules again. */
  rebuild(): void {
    const isObserved = this.#parts.observation.emit !== undefined;
    this.program = buildProgram(this.#table, isObserved ? { ...this.#parts, engine: 'interpreter' } : this.#parts);
    this.#isToCompile = isObserved;
  }

  /** Returns false if nothing had to be done. */
  compile(): boolean {
    if (!this.#isToCompile) return false;
    this.program = buildProgram(this.#table, this.#parts);
    this.#isToCompile = false;
    return true;
  }
}

/** How a table goes on from an old one (`RuleChange`). */
interface GoingOn {
  readonly old: RunningTable;
  readonly continues: NonNullable<RuleChange['continues']>;
  readonly keepsStates: boolean;
}

export class HookedTables {
  readonly counters = new Map<TableName, TableCounters>();
  /** The trace that all tables write for the current packet. Each rule and policy has its own ID in it. */
  readonly trace: Trace = createTrace();
  /** The per-packet tests of rules, by the rule's ID in the trace. */
  readonly perPacketTests = new Map<number, PerPacketTest>();
  /** The effects of targets that have any, by the rule's ID in the trace. */
  readonly effects = new Map<number, Effect>();
  readonly #parts: TableParts;
  /** In the order of TABLE_NAMES. */
  #running: readonly RunningTable[] = [];
  readonly #causes = new DropCauses();

  constructor(parts: TableParts) {
    this.#parts = parts;
  }

  /** Tables that are not in the ruleset have no entries. */
  get entries(): readonly HookEntry[] {
    return this.#running.flatMap(({ declared, entries }) => (declared.isUnhooked ? [] : entries));
  }

  /**
   * Builds the tables of CHANGE that are not in force yet, in the order of TABLE_NAMES, on which the random choices of
   * their matches depend. Everything that was learned from the rules before has to be forgotten first.
   */
  replace({ ruleset, continues, keepsStates = false }: RuleChange): void {
    const { states } = this.#parts.context;
    this.settle();
    const before = this.#running;
    const kept = before.filter(({ declared }) => ruleset.tables.includes(declared));
    const fresh = ruleset.tables.filter((table) => !kept.some(({ declared }) => declared === table));
    const used = new Map(fresh.map((table) => [table, new Set<string>()]));
    // The new rules are loaded before the old ones go: what both share lives on.
    for (const [table, keys] of used) states.recordInto(keys, () => loadTargets(table, this.#parts.context));
    for (const [table, keys] of used) states.recordInto(keys, () => shareStates(table, this.#parts.context));
    const running = [...kept];
    for (const name of TABLE_NAMES) {
      for (const [table, shared] of used) {
        if (table.name !== name) continue;
        const old = before.find(({ declared }) => declared.name === name);
        const going = continues && old ? { old, continues, keepsStates } : undefined;
        running.push(states.recordInto(shared, () => this.#build(table, freeIds(running, table), shared, going)));
      }
    }
    running.sort((a, b) => TABLE_NAMES.indexOf(a.declared.name) - TABLE_NAMES.indexOf(b.declared.name));
    for (const old of before) {
      if (running.includes(old)) continue;
      releaseStates(old.table, running.find(({ declared }) => declared.name === old.declared.name)?.table);
    }
    states.retain(running.map(({ shared }) => shared));
    this.#running = running;
    this.#publish();
  }

  /** Lists what the running tables have. */
  #publish(): void {
    this.counters.clear();
    this.effects.clear();
    this.perPacketTests.clear();
    for (const { declared, counters, runner } of this.#running) {
      const { firstId } = counters;
      this.counters.set(declared.name, counters);
      for (const rule of declared.rules) {
        const effect = effectOf(rule);
        if (effect !== 'none') this.effects.set(firstId + rule.index, effect);
      }
      const isTracked = declared.name === 'nat' || PRIORITIES[declared.name] > Priority.CONNTRACK;
      for (const [id, test] of runner.program.perPacketTests ?? [])
        this.perPacketTests.set(id, isTracked ? test : beforeConntrack(test));
    }
  }

  /** Builds DECLARED, of which the trace IDs start at FIRST_ID, GOING on from the table that it replaces. */
  #build(declared: Table, firstId: number, shared: ReadonlySet<string>, going: GoingOn | undefined): RunningTable {
    const { context, engine, host, nat, observation } = this.#parts;
    const counters = createCounters(declared, this.trace, firstId);
    const before = going && ((rule: Rule): Rule | undefined => going.continues(rule, declared));
    if (going && before) continueCounters(declared, counters, going.old.counters, before);
    const statesOf = going?.keepsStates
      ? (rule: Rule): Rule | undefined => going.old.table.rules[before?.(rule)?.index ?? -1]
      : undefined;
    const table = withStates(declared, context, statesOf);
    const runner = new TableRunner(table, { declared, context, counters, engine, observation });
    const decisions = new Decisions(declared, counters, this.#causes);
    const runAt =
      (hook: Hook) =>
      (packet: Packet): Verdict =>
        decisions.note(packet, hook, runner.program.run(packet, hook));
    const rerouted = (packet: Packet): boolean => reroute(packet, host, observation.emit);
    const running = { declared, table, counters, runner, shared, decisions: [] };
    if (declared.name !== 'nat')
      return { ...running, entries: tableHooks(declared, priorityOf(declared), runAt, firstId, rerouted) };
    const byHook = HOOK_NAMES.map((_, hook) => runAt(hook as Hook));
    const chains = (packet: Packet): Verdict => byHook[packet.hook](packet);
    const learn = (walk: FlowWalk, hook: Hook): boolean => walk.translate(declared, firstId, hook);
    return { ...running, entries: natHooks(nat, chains, rerouted, learn, observation) };
  }

  /** The host has interfaces of other names. What was learned from the tables has to be forgotten first. */
  rebuild(): void {
    for (const { runner } of this.#running) runner.rebuild();
    this.#publish();
  }

  /** Compiles the tables that were built while packets were observed. */
  compile(): void {
    const compiled = this.#running.filter(({ runner }) => runner.compile());
    if (compiled.length > 0) this.#publish();
  }

  /** Takes back what policies have counted that nf_tables does not count. Call it before `counters` are read. */
  settle(): void {
    for (const { declared, counters } of this.#running)
      for (const { hook, isAbsent, isUncounted } of declared.chains)
        if (hook !== undefined && (isAbsent || isUncounted)) counters.policies.fill(0, hook * 2, hook * 2 + 2);
  }

  /**
   * What ended the last hook of the filter table in the events of a trace from FIRST to before END: the same object for
   * the same rule or policy, as long as the table is in force.
   */
  decisionIn(events: Int32Array, first: number, end: number): Decision | undefined {
    const filter = this.#running.find(({ declared }) => declared.name === 'filter');
    if (filter === undefined) return undefined;
    const { declared, counters, decisions } = filter;
    const { firstId } = counters;
    for (let i = end - 1; i >= first; i--) {
      const event = events[i];
      const kind = event & 3;
      const index = (event >> 2) - firstId;
      if (event < 0 || index < 0 || index >= traceIds(declared)) continue;
      if (kind !== TraceKind.MATCHED && kind !== TraceKind.POLICY) continue;
      decisions[index] ??= decisionOf(declared, index);
      return decisions[index];
    }
    return undefined;
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

/** Lets the counters of rules go on from those that BEFORE returns for them, and those of policies. */
function continueCounters(
  { rules }: Table,
  counters: TableCounters,
  old: TableCounters,
  before: (rule: Rule) => Rule | undefined,
): void {
  counters.policies.set(old.policies);
  for (const rule of rules) {
    const index = before(rule)?.index;
    if (index !== undefined) counters.rules.set(old.rules.subarray(index * 2, index * 2 + 2), rule.index * 2);
  }
}

/** The first of as many trace IDs as TABLE needs that no RUNNING table has. */
function freeIds(running: readonly RunningTable[], table: Table): number {
  const taken = running.map(({ declared, counters: { firstId } }) => ({ firstId, end: firstId + traceIds(declared) }));
  taken.sort((a, b) => a.firstId - b.firstId);
  let start = 0;
  for (const { firstId, end } of taken) {
    if (start + traceIds(table) <= firstId) break;
    start = end;
  }
  return start;
}

/** What the event INDEX, counted from the first of TABLE, is about: a rule, or the policy at a hook. */
function decisionOf({ name, rules, chains }: Table, index: number): Decision {
  if (index < rules.length) return { table: name, rule: rules[index] };
  const policy = chains.find(({ hook }) => hook === index - rules.length);
  return policy === undefined ? { table: name } : { table: name, policy };
}

function loadTargets({ rules }: Table, context: RuleContext): void {
  for (const { target } of rules) {
    if (target.kind === 'extension') target.extension.load?.(target.params, context);
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
