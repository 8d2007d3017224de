/**
 * Learns a megaflow from one packet: the largest set of packets that match the same rules, with the same results and
 * routes (the name is from Open vSwitch).
 *
 * A rule reads fields of a packet. If it did not match, one field is enough as the reason, and the same holds for every
 * packet whose value is on the same side of the rule's range. If it matched, it matches every packet within all of its
 * ranges. The megaflow is what remains after all rules that the packet traversed. If that cannot be determined, nothing
 * is learned.
 */
import { Hook, type Hooks, Verdict } from '../hooks.js';
import type { Host } from '../host/host.js';
import type { MemoryArena } from '../memory-arena.js';
import { CtInfo } from '../packet.js';
import type { RuleContext } from '../rules/context.js';
import { type PackedRules, packedRulesOf } from '../rules/index/packed-rules.js';
import type { Chain, Rule, Table } from '../rules/model.js';
import { FORWARDED, isWhole, type Trace, TraceKind, traceEvent } from '../rules/run/trace.js';
import { ChainProbes, isLong, type Probe } from './chain-probe.js';
import type { FlowKey } from './flow-key.js';
import { FlowField } from './flow-ranges.js';
import type { FlowWalk } from './flow-walk.js';
import { MegaflowNarrowing } from './megaflow-narrowing.js';
import { type Megaflow, Phase } from './megaflow-table.js';

/** How a chain ended for the packet. FAILED: this cannot be generalized to other packets. */
const End = { FAILED: 0, RETURNED: 1, ACCEPTED: 2 } as const;
type End = (typeof End)[keyof typeof End];

/** Learns megaflows for one host and its rules. */
export class MegaflowLearner {
  readonly #hooks: Hooks;
  readonly #host: Host;
  readonly #context: RuleContext;
  readonly #probes: ChainProbes;
  /** Number of rules visited so far. */
  visits = 0;

  /** ARENA: for what is known of rules. */
  constructor(hooks: Hooks, host: Host, context: RuleContext, arena: MemoryArena) {
    this.#hooks = hooks;
    this.#host = host;
    this.#probes = new ChainProbes(arena, context);
    this.#context = context;
  }

  /** The rules have changed, and the arena was cleared. */
  forgetRules(): void {
    this.#probes.clear();
  }

  /** The megaflow of a packet with FLOW_KEY and the path in TRACE; undefined if it cannot be generalized. */
  learn(flowKey: FlowKey, trace: Trace): Megaflow | undefined {
    if (!isWhole(trace)) return undefined;
    // A megaflow that probes a long chain is wider than one narrowed by every rule of the chain.
    return this.#walk(flowKey, trace, this.#probes) ?? this.#walk(flowKey, trace, undefined);
  }

  /** With PROBES, long chains are probed. */
  #walk(flowKey: FlowKey, trace: Trace, probes: ChainProbes | undefined): Megaflow | undefined {
    const wordsOf = (chain: Chain): PackedRules => {
      this.visits += chain.rules.length;
      return packedRulesOf(chain.rules, this.#context);
    };
    const walk = new Walk(flowKey, trace, this.#host, wordsOf, probes);
    const pass = (hook: Hook): boolean => this.#hooks.at(hook).every(({ learn }) => learn?.(walk) === true);
    const isKnown = pass(Hook.PREROUTING) && walk.route() && pass(Hook.FORWARD) && pass(Hook.POSTROUTING);
    return isKnown ? walk.finish() : undefined;
  }
}

/** Repeats a packet's path through the rules, according to its trace, and narrows its megaflow. */
class Walk implements FlowWalk {
  readonly #flowKey: FlowKey;
  readonly #trace: Trace;
  readonly #wordsOf: (chain: Chain) => PackedRules;
  readonly #packets: MegaflowNarrowing;
  /** Index of the next event in the trace. */
  #at = 1;
  #probe: Probe | undefined;
  readonly #probes: ChainProbes | undefined;
  /** NAT is active and binds every new connection. */
  #isBound = false;

  constructor(
    flowKey: FlowKey,
    trace: Trace,
    host: Host,
    wordsOf: (chain: Chain) => PackedRules,
    probes: ChainProbes | undefined,
  ) {
    this.#probes = probes;
    this.#flowKey = flowKey;
    this.#trace = trace;
    this.#wordsOf = wordsOf;
    this.#packets = new MegaflowNarrowing(flowKey, host);
  }

  /** Conntrack tracks the packet at this point. */
  track(): boolean {
    this.#packets.ctinfo = this.#flowKey.phase === Phase.OPENING ? CtInfo.NEW : CtInfo.ESTABLISHED;
    return true;
  }

  /**
   * The routing decision, with the destination translated. It applies as long as the routes to both ends are the same.
   */
  route(): boolean {
    return this.#packets.route() && this.#trace[this.#at++] === FORWARDED;
  }

  finish(): Megaflow | undefined {
    const { phase, inDev, protocol } = this.#flowKey;
    if (this.#at !== this.#trace[0] + 1) return undefined;
    const packets = this.#packets;
    const plan = phase === Phase.OPENING ? packets.planner.finish(this.#isBound) : undefined;
    if (phase === Phase.OPENING && plan === undefined) return undefined;
    return {
      phase,
      inDev,
      protocol,
      source: packets.span(FlowField.SOURCE),
      destination: packets.span(FlowField.DESTINATION),
      sport: packets.span(FlowField.SPORT),
      dport: packets.span(FlowField.DPORT),
      translatedDestination: packets.span(FlowField.TRANSLATED_DESTINATION),
      translatedDport: packets.span(FlowField.TRANSLATED_DPORT),
      plan,
      probe: this.#probe,
    };
  }

  /** The packet passed TABLE at HOOK. Returns false if this cannot be generalized. */
  pass(table: Table, firstId: number, hook: Hook): boolean {
    const chain = table.chains.find((one) => one.hook === hook);
    if (chain === undefined) return true;
    const end = this.#run(table, firstId, chain);
    if (end !== End.RETURNED) return end === End.ACCEPTED;
    const isPolicy = this.#trace[this.#at++] === traceEvent(firstId + table.rules.length + hook, TraceKind.POLICY);
    return isPolicy && chain.policy === Verdict.ACCEPT;
  }

  translate(table: Table, firstId: number, hook: Hook): boolean {
    this.#isBound = true;
    return this.#flowKey.phase !== Phase.OPENING || this.pass(table, firstId, hook);
  }

  #run(table: Table, firstId: number, chain: Chain): End {
    if (this.#probes !== undefined && isLong(chain)) return this.#probeChain(this.#probes, firstId, chain);
    const words = this.#wordsOf(chain);
    const trace = this.#trace;
    for (let position = 0; position < chain.rules.length; position++) {
      const rule = chain.rules[position];
      const id = firstId + rule.index;
      const event = trace[this.#at];
      if (event === traceEvent(id, TraceKind.FAILED)) {
        this.#at++;
        if (!this.#packets.fit(words, position)) return End.FAILED;
        continue;
      }
      const isPassed = event === traceEvent(id, TraceKind.PASSED);
      if (isPassed) this.#at++;
      if (trace[this.#at] !== traceEvent(id, TraceKind.MATCHED)) {
        if (isPassed || !this.#packets.miss(words, position)) return End.FAILED;
        continue;
      }
      this.#at++;
      if (!this.#packets.fit(words, position)) return End.FAILED;
      const end = this.#act(table, firstId, rule);
      if (end !== undefined) return end;
    }
    return End.RETURNED;
  }

  /**
   * The packet matched at most one rule of CHAIN, which accepted it, so packets of the megaflow can probe the chain.
   */
  #probeChain(probes: ChainProbes, firstId: number, chain: Chain): End {
    const event = this.#trace[this.#at];
    const position = (event >> 2) - firstId - chain.rules[0].index;
    const isIn = this.#at <= this.#trace[0] && event >= 0 && position >= 0 && position < chain.rules.length;
    // A chain cannot be probed before conntrack, nor if it has per-packet tests.
    if (this.#probe !== undefined || this.#packets.ctinfo === CtInfo.INVALID) return End.FAILED;
    if (isIn && (event & 3) !== TraceKind.MATCHED) return End.FAILED;
    const { target } = isIn ? chain.rules[position] : { target: undefined };
    if (isIn && !(target?.kind === 'verdict' && target.verdict === Verdict.ACCEPT)) return End.FAILED;
    if (isIn) this.#at++;
    this.#probe = {
      chain: probes.of(chain),
      rules: chain.rules.length,
      firstId: firstId + chain.rules[0].index,
      isAfterRouting: this.#packets.isAfterRouting,
      outDev: this.#packets.outDev,
      state: 1 << this.#packets.ctinfo,
      result: isIn ? position : chain.rules.length,
    };
    return isIn ? End.ACCEPTED : End.RETURNED;
  }

  /** Applies the target of RULE, which matched. Returns undefined if the packet continues with the next rule. */
  #act(table: Table, firstId: number, { target }: Rule): End | undefined {
    switch (target.kind) {
      case 'none':
        return undefined;
      case 'verdict':
        if (target.verdict === Verdict.RETURN) return End.RETURNED;
        return target.verdict === Verdict.ACCEPT ? End.ACCEPTED : End.FAILED;
      case 'extension':
        return endOf(target.extension.plan?.(target.params, this.#packets.planner));
      default: {
        const chain = table.chains.find(({ name }) => name === target.chain);
        const end = chain === undefined ? End.FAILED : this.#run(table, firstId, chain);
        return end === End.RETURNED && target.kind === 'jump' ? undefined : end;
      }
    }
  }
}

/** What a target's VERDICT means for the chain; undefined if the packet continues with the next rule. */
function endOf(verdict: Verdict | undefined): End | undefined {
  if (verdict === Verdict.CONTINUE) return undefined;
  return verdict === Verdict.ACCEPT ? End.ACCEPTED : End.FAILED;
}
