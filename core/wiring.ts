/** Creates and connects the parts of an emulated host. */
import { Answers } from './answers/answers.js';
import { Clock } from './clock.js';
import { Conntrack } from './conntrack/conntrack.js';
import { EarlyDrop } from './conntrack/early-drop.js';
import { conntrackHooks } from './conntrack/hooks.js';
import { type RestoredConnections, restoreConnections } from './conntrack/restore.js';
import { ConntrackTable } from './conntrack/table.js';
import type { EmulatorOptions, EmulatorOutput } from './emulator.js';
import type { Emit } from './events.js';
import { FlowCache } from './flow/flow-cache.js';
import { MegaflowLearner } from './flow/megaflow.js';
import { PathTable } from './flow/path.js';
import { SetAnswers } from './flow/set-answers.js';
import { fragmentHooks } from './fragments/hooks.js';
import { FragmentQueues } from './fragments/reassemble.js';
import { Hooks } from './hooks.js';
import type { Host } from './host/host.js';
import { type IdleTimers, idleTimersOf } from './idle-timers.js';
import { Memory } from './memory.js';
import { Nat } from './nat/nat.js';
import { type ChecksumCounts, ChecksumTally, Offloads } from './offload/checksums.js';
import { Coalescing } from './offload/segments.js';
import type { Packet } from './packet.js';
import { PacketStack } from './packet-stack.js';
import { createTrackers } from './protocols/tracker.js';
import { Random } from './random.js';
import { type AccountingObjects, accountingOf, checkAccounting } from './rules/accounting.js';
import type { RuleContext } from './rules/context.js';
import type { Rule, Ruleset } from './rules/model.js';
import { HookedTables } from './rules/run/hooked-tables.js';
import { HostContext, type UnboundQueueCounts } from './rules/run/host-context.js';
import { rulesForSets, SetReferences } from './rules/set-references.js';
import { HostSets } from './sets/host-sets.js';
import type { SetStore } from './sets/store.js';
import { Cookies } from './synproxy/cookies.js';
import { ProxiedConnections } from './synproxy/proxied.js';
import { Synproxy } from './synproxy/synproxy.js';
import { Tee } from './tee.js';
import { Uncertainty } from './uncertainty.js';

export interface HostParts {
  readonly memory: Memory;
  readonly connections: ConntrackTable;
  readonly restored: RestoredConnections;
  readonly clock: Clock;
  readonly random: Random;
  readonly conntrack: Conntrack;
  readonly nat: Nat;
  readonly fragments: FragmentQueues;
  readonly stack: PacketStack;
  readonly answers: Answers;
  readonly tables: HookedTables;
  readonly uncertainty: Uncertainty;
  readonly hooks: Hooks;
  readonly paths: PathTable;
  /** null if the flow cache is off. */
  readonly flowCache: FlowCache | null;
  /** Packets by their checksum, so far. */
  readonly checksums: ChecksumCounts;
  readonly coalescing: Coalescing;
  readonly tee: Tee;
  /** Of SYNPROXY; undefined if no rule has it. */
  readonly cookies: Cookies | undefined;
  readonly unboundQueues: UnboundQueueCounts;
  readonly accounting: AccountingObjects;
  readonly idleTimers: IdleTimers;
  readonly sets: SetStore;
  /** Those of the rules that are loaded. */
  readonly setReferences: SetReferences;
  readonly emit: Emit;
}

/** SEND_ANSWER hands a routed answer from the host to the OUTPUT hook, SEND_COPY a copy of a packet made by TEE. */
export function wireHost(
  options: EmulatorOptions,
  output: EmulatorOutput,
  sendAnswer: (answer: Packet) => void,
  sendCopy: (copy: Packet) => void,
): HostParts {
  const { host, observer, memory = new Memory(), sets: hostSets = new HostSets(options.host) } = options;
  const { store: sets } = hostSets;
  const ruleset = rulesForSets(options.ruleset, sets, false);
  if (host.facts.accounting !== undefined) checkAccounting(ruleset, host.facts.accounting);
  const stack = new PacketStack();
  const emit: Emit =
    observer === undefined ? undefined : (event) => observer({ ...event, depth: stack.depth - stack.outermost });
  const connections = new ConntrackTable(memory);
  const clock = new Clock(memory);
  hostSets.start(clock);
  const random = new Random(options.seed ?? 0);
  const trackers = createTrackers(connections, (name) => host.sysctls.conntrack(name));
  const { sysctls } = host;
  connections.isAccounted = sysctls.conntrack('acct') !== 0 || turnsOnAccounting(ruleset);
  memory.settings.maxConnections = sysctls.conntrack('max');
  const earlyDrop = new EarlyDrop(connections, random, sysctls.conntrack('buckets'));
  const conntrack = new Conntrack(connections, trackers, earlyDrop);
  const restored = restoreConnections(connections, trackers, options.connections);
  const nat = new Nat(connections, random);
  const fragments = createFragmentQueues(host, memory);
  const answers = new Answers(host, conntrack, stack, clock, random, sendAnswer);
  const mode = options.checksums ?? 'verify';
  const coalescing = new Coalescing(mode, host.interfaces, connections);
  const tee = new Tee(host, stack, coalescing, sendCopy);
  const { queueVerdict } = options;
  const uncertainty = new Uncertainty(connections, clock, emit, output.uncertain?.bind(output));
  const own = { host, conntrack: connections, sets, nat, answers, clock, random, output };
  const cookies = proxies(ruleset) ? new Cookies(random.uint32()) : undefined;
  const synproxy = cookies && createSynproxy(conntrack, answers, cookies, uncertainty);
  const context = new HostContext({ ...own, synproxy, tee, stack, queueVerdict, uncertainty });
  loadTargets(ruleset, context);
  const accounting = accountingOf(context);
  for (const name of host.facts.accounting ?? []) accounting.object(name);
  const setReferences = new SetReferences(ruleset.tables, sets);
  const engine = observer === undefined ? (options.engine ?? 'remembered') : 'interpreter';
  const tables = new HookedTables(ruleset, context, engine === 'remembered' ? 'indexed' : engine, host, nat, emit);
  const offloads = new Offloads(mode, coalescing);
  const entries = [
    ...fragmentHooks(fragments, emit),
    ...offloads.entries,
    ...conntrackHooks(conntrack, emit),
    ...uncertainty.entries,
    ...tables.entries,
    ...(synproxy?.entries ?? []),
    ...(options.hookEntries ?? []),
  ];
  const hooks = new Hooks(entries, emit);
  const count = (id: number, packets: number, bytes: number): void => tables.count(id, packets, bytes);
  const answered = new SetAnswers(memory, sets);
  const paths = new PathTable(memory, tables.perPacketTests, tables.effects, count, answered);
  let flowCache: FlowCache | null = null;
  // Each packet of a connection may have another TOS.
  if (engine === 'remembered' && hooks.areLearnable && !host.routingReads.tos && !host.hasForeignSockets) {
    const learner = new MegaflowLearner(hooks, host, context);
    const cache = new FlowCache(memory, connections, paths, learner, clock, stack.first);
    uncertainty.onLostConnection = () => cache.stopMegaflows();
    flowCache = cache;
    const isVerified = mode !== 'trust' && sysctls.conntrack('checksum') !== 0;
    memory.wasm.setChecksums(isVerified ? 1 : 0, mode === 'auto' ? 1 : 0);
  }
  return {
    memory,
    connections,
    restored,
    clock,
    random,
    conntrack,
    nat,
    fragments,
    stack,
    answers,
    tables,
    hooks,
    uncertainty,
    paths,
    flowCache,
    checksums: new ChecksumTally(offloads, conntrack, memory),
    coalescing,
    tee,
    cookies,
    unboundQueues: context.unbound,
    accounting,
    idleTimers: idleTimersOf(context),
    sets,
    setReferences,
    emit,
  };
}

function createFragmentQueues({ sysctls }: Host, { hash }: Memory): FragmentQueues {
  const limits = {
    timeoutMs: sysctls.global('net.ipv4.ipfrag_time') * 1000,
    highThreshBytes: sysctls.global('net.ipv4.ipfrag_high_thresh'),
    maxDist: sysctls.global('net.ipv4.ipfrag_max_dist'),
  };
  return new FragmentQueues(limits, hash);
}

function proxies({ tables }: Ruleset): boolean {
  const hasProxy = ({ target }: Rule): boolean => target.kind === 'extension' && target.extension.proxies === true;
  return tables.some(({ rules }) => rules.some(hasProxy));
}

function createSynproxy(conntrack: Conntrack, answers: Answers, cookies: Cookies, uncertainty: Uncertainty): Synproxy {
  const { table } = conntrack;
  const proxied = new ProxiedConnections(table.words);
  table.proxied = proxied;
  return new Synproxy(answers, conntrack, proxied, cookies, (packet, cause) => uncertainty.doubt(packet, cause));
}

function loadTargets({ tables }: Ruleset, context: RuleContext): void {
  for (const { target } of tables.flatMap(({ rules }) => rules)) {
    if (target.kind === 'extension') target.extension.load?.(target.params, context);
  }
}

function turnsOnAccounting({ tables }: Ruleset): boolean {
  return tables.some(({ rules }) =>
    rules.some(({ matches }) => matches.some(({ extension }) => extension.turnsOnAccounting === true)),
  );
}
