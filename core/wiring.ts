/** Creates and connects the parts of an emulated host. */
import { Answers } from './answers/answers.js';
import { Clock } from './clock.js';
import { Conntrack } from './conntrack/conntrack.js';
import { EarlyDrop } from './conntrack/early-drop.js';
import { conntrackHooks } from './conntrack/hooks.js';
import { type RestoredConnections, restoreConnections } from './conntrack/restore.js';
import { ConntrackTable } from './conntrack/table.js';
import type { EmulatorOptions, EmulatorOutput } from './emulator.js';
import type { Emit, EventBody, Observation, Observer } from './events.js';
import { FlowCache } from './flow/flow-cache.js';
import { MegaflowLearner } from './flow/megaflow.js';
import { PathTable } from './flow/path.js';
import { SetAnswers } from './flow/set-answers.js';
import { fragmentHooks } from './fragments/hooks.js';
import { FragmentQueues } from './fragments/reassemble.js';
import { Hooks } from './hooks.js';
import type { Host } from './host/host.js';
import { fragmentLimits, HostInForce } from './host-in-force.js';
import { type IdleTimers, idleTimersOf } from './idle-timers.js';
import { Memory } from './memory.js';
import { MemoryArena } from './memory-arena.js';
import { Nat } from './nat/nat.js';
import { type ChecksumCounts, ChecksumTally, Offloads } from './offload/checksums.js';
import { Coalescing } from './offload/segments.js';
import type { Packet } from './packet.js';
import { PacketStack } from './packet-stack.js';
import { createTrackers } from './protocols/tracker.js';
import { PacketRandom, Random } from './random.js';
import { type AccountingObjects, accountingOf } from './rules/accounting.js';
import { HookedTables } from './rules/run/hooked-tables.js';
import { HostContext, type UnboundQueueCounts } from './rules/run/host-context.js';
import { isLearnable, RulesInForce, turnsOnAccounting } from './rules-in-force.js';
import { HostSets } from './sets/host-sets.js';
import type { SetStore } from './sets/store.js';
import { SynproxyOnDemand } from './synproxy/on-demand.js';
import type { Synproxy } from './synproxy/synproxy.js';
import { Tee } from './tee.js';
import { Uncertainty } from './uncertainty.js';

export interface HostParts {
  /** The emulator's own. */
  readonly host: Host;
  readonly hostInForce: HostInForce;
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
  readonly rules: RulesInForce;
  readonly paths: PathTable;
  /** null if the flow cache is off. */
  readonly flowCache: FlowCache | null;
  /** Packets by their checksum, so far. */
  readonly checksums: ChecksumCounts;
  readonly coalescing: Coalescing;
  readonly tee: Tee;
  readonly synproxy: SynproxyOnDemand;
  readonly unboundQueues: UnboundQueueCounts;
  readonly accounting: AccountingObjects;
  readonly idleTimers: IdleTimers;
  readonly sets: SetStore;
  readonly observation: PacketObservation;
}

/** SEND_ANSWER hands a routed answer from the host to the OUTPUT hook, SEND_COPY a copy of a packet made by TEE. */
export function wireHost(
  options: EmulatorOptions,
  output: EmulatorOutput,
  sendAnswer: (answer: Packet) => void,
  sendCopy: (copy: Packet) => void,
): HostParts {
  const { observer, seed = 0, memory = new Memory(), sets: hostSets = HostSets.of(options.host, [], seed) } = options;
  // It changes by itself, whoever else has it.
  const host = options.host.copy();
  const { store: sets } = hostSets;
  const stack = new PacketStack();
  const observation = new PacketObservation(stack);
  observation.use(observer);
  const clock = new Clock(memory);
  hostSets.start(clock);
  const { packetNumber } = options;
  const random = packetNumber === undefined ? new Random(seed) : new PacketRandom(seed, packetNumber);
  const tracking = createTracking(options, host, memory, random);
  const { connections, conntrack } = tracking;
  const nat = new Nat(connections, random);
  const fragments = new FragmentQueues(fragmentLimits(host.sysctls), memory.hash);
  const answers = new Answers(host, conntrack, stack, clock, random, sendAnswer);
  const mode = options.checksums ?? 'verify';
  const coalescing = new Coalescing(mode, host.interfaces, connections);
  const tee = new Tee(host, stack, coalescing, sendCopy);
  const uncertainty = new Uncertainty(connections, clock, observation, output.uncertain?.bind(output));
  const synproxy = new SynproxyOnDemand({ conntrack, answers, uncertainty, random });
  const { queueVerdict } = options;
  const own = { host, conntrack: connections, sets, nat, answers, clock, random, output };
  const current = (): Synproxy => synproxy.current();
  const shared = { synproxy: current, tee, stack, uncertainty, observation };
  const context = new HostContext({ ...own, ...shared, queueVerdict, drawing: options });
  const accounting = accountingOf(context);
  for (const name of host.facts.accounting ?? []) accounting.object(name);
  const idleTimers = idleTimersOf(context);
  const { engine = 'remembered' } = options;
  const tables = new HookedTables({
    context,
    engine: engine === 'remembered' ? 'indexed' : engine,
    host,
    nat,
    observation,
  });
  const offloads = new Offloads(mode, coalescing);
  const before = [
    ...fragmentHooks(fragments, observation),
    ...offloads.entries,
    ...conntrackHooks(conntrack, observation),
    ...uncertainty.entries,
  ];
  const hooks = new Hooks(observation);
  const arena = new MemoryArena(memory);
  const count = (id: number, packets: number, bytes: number): void => tables.count(id, packets, bytes);
  const paths = new PathTable(
    memory,
    arena,
    tables.perPacketTests,
    tables.effects,
    count,
    new SetAnswers(memory, sets),
  );
  let flowCache: FlowCache | null = null;
  if (engine === 'remembered' && isLearnable(host)) {
    const learner = new MegaflowLearner(hooks, host, context, arena);
    const cache = new FlowCache({ memory, arena, table: connections, paths, learner, clock, packet: stack.first });
    uncertainty.onLostConnection = () => cache.stopMegaflows();
    flowCache = cache;
    const isVerified = mode !== 'trust' && host.sysctls.conntrack('checksum') !== 0;
    memory.wasm.setChecksums(isVerified ? 1 : 0, mode === 'auto' ? 1 : 0);
  }
  const rules = new RulesInForce(
    {
      ...{ tables, hooks, before, after: options.hookEntries ?? [], synproxy },
      ...{ connections, sets, paths, flowCache, host },
    },
    options.ruleset,
  );
  const changing = { host, rules, conntrack, answers, fragments, coalescing, sets, clock, output };
  return {
    ...tracking,
    host,
    hostInForce: new HostInForce(changing),
    ...{ memory, clock, random, nat, fragments, stack, answers, tables, hooks, rules, uncertainty, paths, flowCache },
    checksums: new ChecksumTally(offloads, conntrack, memory),
    ...{ coalescing, tee, synproxy, unboundQueues: context.unbound, accounting, idleTimers, sets, observation },
  };
}

/** Passes events on to whoever observes now. */
export class PacketObservation implements Observation {
  emit: Emit;
  readonly #stack: PacketStack;

  constructor(stack: PacketStack) {
    this.#stack = stack;
  }

  use(observer: Observer | undefined): void {
    const stack = this.#stack;
    this.emit =
      observer === undefined
        ? undefined
        : (body) => {
            // Each body is made for this one call: to copy it would take longer than all else.
            const event = body as EventBody & { depth: number };
            event.depth = stack.depth - stack.outermost;
            observer(event);
          };
  }
}

/** The connection table with the connections that the host has at the beginning, and what tracks packets in it. */
function createTracking(
  { ruleset, connections: listed }: EmulatorOptions,
  { sysctls }: Host,
  memory: Memory,
  random: Random,
): Pick<HostParts, 'connections' | 'conntrack' | 'restored'> {
  const connections = new ConntrackTable(memory);
  const trackers = createTrackers(connections, (name) => sysctls.conntrack(name));
  if (sysctls.conntrack('acct') === 0 && !turnsOnAccounting(ruleset)) connections.turnOffAccounting();
  memory.settings.maxConnections = sysctls.conntrack('max');
  const earlyDrop = new EarlyDrop(connections, random, sysctls.conntrack('buckets'));
  const conntrack = new Conntrack(connections, trackers, earlyDrop);
  return { connections, conntrack, restored: restoreConnections(connections, trackers, listed) };
}
