/**
 * Learns a megaflow from one packet: the largest set of packets that match the same rules, with the same results and
 * routes (the name is from Open vSwitch).
 *
 * A rule reads fields of a packet. If it did not match, one field is enough as the reason, and the same holds for every
 * packet whose value is on the same side of the rule's range. If it matched, it matches every packet within all of its
 * ranges. The megaflow is what remains after all rules that the packet traversed. If that cannot be determined, nothing
 * is learned.
 */
import { toHostOrder, toLoaded } from '../../codecs/byte-order.js';
import { type FieldName, fieldRow } from '../fields.js';
import { Hook, type Hooks, Verdict } from '../hooks.js';
import type { Host } from '../host/host.js';
import { CtInfo } from '../packet.js';
import { type Condition, type FieldCondition, holdsFor, valuesOf } from '../rules/condition.js';
import type { RuleContext } from '../rules/context.js';
import {
  DESTINATION,
  DPORT,
  FIELD_WORDS,
  type Field,
  IN_DEV,
  type LeftToCheck,
  OUT_DEV,
  type PackedRules,
  PROTOCOL,
  packedRulesOf,
  RULE_SHIFT,
  SOURCE,
  SPORT,
  STATES,
  wordOf,
} from '../rules/index/packed-rules.js';
import { isCondition, type Step } from '../rules/lower.js';
import type { Chain, Rule, Table } from '../rules/model.js';
import { FORWARDED, isWhole, type Trace, TraceKind, traceEvent } from '../rules/run/trace.js';
import { ChainProbes, isLong, type Probe } from './chain-probe.js';
import { FlowField, FlowRanges, partOutside, partWithin, rangeOrGap } from './flow-ranges.js';
import type { FlowWalk } from './flow-walk.js';
import { type Megaflow, Phase, type Span } from './megaflow-table.js';
import { NatPlanner } from './nat-planner.js';

/** A complete TCP or UDP packet without IP options that was forwarded. Addresses are as loaded, ports in host order. */
export interface FlowKey {
  readonly phase: Phase;
  readonly protocol: number;
  readonly inDev: number;
  readonly outDev: number;
  /** On arrival. */
  readonly source: number;
  readonly destination: number;
  readonly sport: number;
  readonly dport: number;
  /** Its destination from FORWARD on, and the source with which it left. */
  readonly translatedDestination: number;
  readonly translatedDport: number;
  readonly translatedSource: number;
  readonly translatedSport: number;
  /** The address whose MAC it was sent to. */
  readonly nextHop: number;
}

/** The field values of FLOW_KEY's packet, in the order of `FlowField`. */
export function flowValues(flowKey: FlowKey): number[] {
  const { source, destination, sport, dport, translatedDestination, translatedDport } = flowKey;
  return [
    toHostOrder(source),
    toHostOrder(destination),
    sport,
    dport,
    toHostOrder(translatedDestination),
    translatedDport,
  ];
}

/**
 * Fields that are the same for all packets of a megaflow. If a rule does not match because of one of them, nothing
 * needs to be narrowed.
 */
const KEY_FIELDS: readonly Field[] = [PROTOCOL, IN_DEV, OUT_DEV];
const FLOW_FIELDS: readonly Field[] = [DPORT, DESTINATION, SPORT, SOURCE];

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

  constructor(hooks: Hooks, host: Host, context: RuleContext) {
    this.#hooks = hooks;
    this.#host = host;
    this.#probes = new ChainProbes(context.conntrack.memory, context);
    this.#context = context;
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
  readonly #host: Host;
  readonly #wordsOf: (chain: Chain) => PackedRules;
  readonly #ranges: FlowRanges;
  /** Index of the next event in the trace. */
  #at = 1;
  /** What rules currently see of the packet. */
  #ctinfo: CtInfo = CtInfo.INVALID;
  #outDev = -1;
  #isLater = false;
  #probe: Probe | undefined;
  readonly #probes: ChainProbes | undefined;
  /** NAT is active and binds every new connection. */
  #isBound = false;
  readonly #planner: NatPlanner;

  constructor(
    flowKey: FlowKey,
    trace: Trace,
    host: Host,
    wordsOf: (chain: Chain) => PackedRules,
    probes: ChainProbes | undefined,
  ) {
    this.#probes = probes;
    this.#planner = new NatPlanner(flowKey, host);
    this.#flowKey = flowKey;
    this.#trace = trace;
    this.#host = host;
    this.#wordsOf = wordsOf;
    this.#ranges = new FlowRanges(flowValues(flowKey));
  }

  /** Conntrack tracks the packet at this point. */
  track(): boolean {
    this.#ctinfo = this.#flowKey.phase === Phase.OPENING ? CtInfo.NEW : CtInfo.ESTABLISHED;
    return true;
  }

  /**
   * The routing decision, with the destination translated. It applies as long as the routes to both ends are the same.
   */
  route(): boolean {
    const { source, translatedDestination, outDev, nextHop } = this.#flowKey;
    this.#isLater = true;
    this.#narrow(SOURCE, this.#host.addressSpan(source));
    this.#narrow(DESTINATION, this.#host.addressSpan(translatedDestination));
    // A neighbour reached without a gateway has its own MAC.
    if (nextHop === translatedDestination) this.#pin(DESTINATION);
    if (this.#trace[this.#at++] !== FORWARDED) return false;
    this.#outDev = outDev;
    return true;
  }

  finish(): Megaflow | undefined {
    const { phase, inDev, protocol } = this.#flowKey;
    if (this.#at !== this.#trace[0] + 1) return undefined;
    const ranges = this.#ranges;
    const plan = phase === Phase.OPENING ? this.#planner.finish(this.#isBound) : undefined;
    if (phase === Phase.OPENING && plan === undefined) return undefined;
    return {
      phase,
      inDev,
      protocol,
      source: ranges.span(FlowField.SOURCE),
      destination: ranges.span(FlowField.DESTINATION),
      sport: ranges.span(FlowField.SPORT),
      dport: ranges.span(FlowField.DPORT),
      translatedDestination: ranges.span(FlowField.TRANSLATED_DESTINATION),
      translatedDport: ranges.span(FlowField.TRANSLATED_DPORT),
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
        if (!this.#fit(words, position)) return End.FAILED;
        continue;
      }
      const isPassed = event === traceEvent(id, TraceKind.PASSED);
      if (isPassed) this.#at++;
      if (trace[this.#at] !== traceEvent(id, TraceKind.MATCHED)) {
        if (isPassed || !this.#miss(words, position)) return End.FAILED;
        continue;
      }
      this.#at++;
      if (!this.#fit(words, position)) return End.FAILED;
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
    if (this.#probe !== undefined || this.#ctinfo === CtInfo.INVALID) return End.FAILED;
    if (isIn && (event & 3) !== TraceKind.MATCHED) return End.FAILED;
    const { target } = isIn ? chain.rules[position] : { target: undefined };
    if (isIn && !(target?.kind === 'verdict' && target.verdict === Verdict.ACCEPT)) return End.FAILED;
    if (isIn) this.#at++;
    this.#probe = {
      chain: probes.of(chain),
      rules: chain.rules.length,
      firstId: firstId + chain.rules[0].index,
      isLater: this.#isLater,
      outDev: this.#outDev,
      state: 1 << this.#ctinfo,
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
        return endOf(target.extension.plan?.(target.params, this.#planner));
      default: {
        const chain = table.chains.find(({ name }) => name === target.chain);
        const end = chain === undefined ? End.FAILED : this.#run(table, firstId, chain);
        return end === End.RETURNED && target.kind === 'jump' ? undefined : end;
      }
    }
  }

  /**
   * The rule at POSITION of RULES matched, except for its per-packet tests. Keeps the packets for which this is
   * true.
   */
  #fit(rules: PackedRules, position: number): boolean {
    const { words } = rules;
    const at = position << RULE_SHIFT;
    if ((words[at + STATES] & (1 << this.#ctinfo)) === 0) return false;
    for (const field of FLOW_FIELDS) {
      const value = this.#valueOf(field);
      if (isOutside(words, at, field, value)) return false;
      this.#narrow(field, partWithin(words[at + field], words[at + field + 1], value));
    }
    const left = rules.leftToCheck[position];
    if (left === undefined) return true;
    for (const one of left.several) {
      const field = wordOf(one);
      if (KEY_FIELDS.includes(field)) continue;
      const { isRange, min, max } = rangeOrGap(one.ranges, this.#valueOf(field));
      if (!isRange) return false;
      this.#narrow(field, { min, max });
    }
    return left.checks.every((step) => this.#keepStep(step));
  }

  /** The rule at POSITION of RULES did not match. Finds the reason and keeps the packets for which it is true. */
  #miss(rules: PackedRules, position: number): boolean {
    const { words } = rules;
    const at = position << RULE_SHIFT;
    // In a ruleset with ten thousand rules, most are about other sources.
    if (this.#ranges.isApart(FlowField.SOURCE, words[at + SOURCE], words[at + SOURCE + 1])) return true;
    if ((words[at + STATES] & (1 << this.#ctinfo)) === 0) return true;
    if (this.#isElsewhere(words, at)) return true;
    const left = rules.leftToCheck[position];
    if (left?.several.some((one) => KEY_FIELDS.includes(wordOf(one)) && this.#gapOf(words, at, wordOf(one), left)))
      return true;
    for (const field of FLOW_FIELDS) {
      const slot = this.#flowField(field);
      if (slot !== undefined && this.#ranges.isApart(slot, words[at + field], words[at + field + 1])) return true;
    }
    let best: { readonly field: Field; readonly gap: Span } | undefined;
    let bestShare = 0;
    for (const field of FLOW_FIELDS) {
      const gap = this.#gapOf(words, at, field, left);
      if (gap === undefined) continue;
      const share = this.#share(field, gap);
      if (share === 1) return true;
      if (share > bestShare) {
        best = { field, gap };
        bestShare = share;
      }
    }
    if (best !== undefined) {
      this.#narrow(best.field, best.gap);
      return true;
    }
    // No field is the reason, so something that remains to be checked is.
    return left !== undefined && left.checks.length > 0 && left.checks.every((step) => this.#keepStep(step));
  }

  /** Whether the rule at AT is for another protocol or other interfaces. */
  #isElsewhere(words: Int32Array, at: number): boolean {
    const { protocol, inDev } = this.#flowKey;
    return (
      isOutside(words, at, PROTOCOL, protocol) ||
      isOutside(words, at, IN_DEV, inDev + 1) ||
      isOutside(words, at, OUT_DEV, this.#outDev + 1)
    );
  }

  /** If FIELD prevents the rule at AT from matching: the values around the packet's that do so too. */
  #gapOf(words: Int32Array, at: number, field: Field, left: LeftToCheck | undefined): Span | undefined {
    const value = this.#valueOf(field);
    if (isOutside(words, at, field, value)) return partOutside(words[at + field], words[at + field + 1], value);
    const several = left?.several.find((one) => wordOf(one) === field);
    if (several === undefined) return undefined;
    const place = rangeOrGap(several.ranges, value);
    return place.isRange ? undefined : place;
  }

  /** Narrows the megaflow to packets with the same result of STEP. Returns false if that cannot be determined. */
  #keepStep(step: Step): boolean {
    if (isCondition(step)) return this.#keep(step);
    return step.kind === 'header' || step.native.reads.every((name) => this.#pinField(name));
  }

  #keep(condition: Condition): boolean {
    if (condition.kind === 'field') return this.#keepField(condition);
    // One that holds is enough.
    const holding = condition.anyOf.find((one) => {
      const field = flowField(one.field);
      return field !== undefined && holdsFor(one, this.#valueOf(field));
    });
    return holding === undefined ? condition.anyOf.every((one) => this.#keepField(one)) : this.#keepField(holding);
  }

  #keepField(condition: FieldCondition): boolean {
    const field = flowField(condition.field);
    const values = field === undefined ? undefined : valuesOf(condition);
    if (field === undefined || values === undefined) return this.#pinField(condition.field);
    this.#narrow(field, rangeOrGap(values, this.#valueOf(field)));
    return true;
  }

  /** Narrows the megaflow to packets with the same value of field NAME. Returns false if that cannot be determined. */
  #pinField(name: FieldName): boolean {
    const { follows } = fieldRow(name);
    if (follows === undefined || follows === 'megaflow') return follows === 'megaflow';
    const field = FIELD_WORDS[follows];
    if (name === follows) this.#pin(field);
    // Addresses with the same routes have the same type.
    else this.#narrow(field, this.#host.addressSpan(toLoaded(this.#valueOf(field))));
    return true;
  }

  /** The current value of FIELD as seen by rules, in the format of PackedRules. */
  #valueOf(field: Field): number {
    const { values } = this.#ranges;
    switch (field) {
      case SOURCE:
        return values[FlowField.SOURCE];
      case SPORT:
        return values[FlowField.SPORT];
      case DESTINATION:
        return values[this.#isLater ? FlowField.TRANSLATED_DESTINATION : FlowField.DESTINATION];
      case DPORT:
        return values[this.#isLater ? FlowField.TRANSLATED_DPORT : FlowField.DPORT];
      case PROTOCOL:
        return this.#flowKey.protocol;
      case IN_DEV:
        return this.#flowKey.inDev + 1;
      default:
        return this.#outDev + 1;
    }
  }

  /** The megaflow range that FIELD has at this point; undefined if all its packets have the same value. */
  #flowField(field: Field): FlowField | undefined {
    const isOpening = this.#flowKey.phase === Phase.OPENING;
    switch (field) {
      case SOURCE:
        return FlowField.SOURCE;
      case SPORT:
        return FlowField.SPORT;
      case DESTINATION:
        if (!this.#isLater) return FlowField.DESTINATION;
        if (!isOpening) return FlowField.TRANSLATED_DESTINATION;
        return this.#planner.destination === undefined ? FlowField.DESTINATION : undefined;
      case DPORT:
        if (!this.#isLater) return FlowField.DPORT;
        if (!isOpening) return FlowField.TRANSLATED_DPORT;
        return this.#planner.dport === undefined ? FlowField.DPORT : undefined;
      default:
        return undefined;
    }
  }

  #narrow(field: Field, span: Span): void {
    const slot = this.#flowField(field);
    if (slot !== undefined) this.#ranges.narrow(slot, span);
  }

  #pin(field: Field): void {
    const slot = this.#flowField(field);
    if (slot !== undefined) this.#ranges.pin(slot);
  }

  #share(field: Field, span: Span): number {
    const slot = this.#flowField(field);
    return slot === undefined ? 1 : this.#ranges.share(slot, span);
  }
}

/** What a target's VERDICT means for the chain; undefined if the packet continues with the next rule. */
function endOf(verdict: Verdict | undefined): End | undefined {
  if (verdict === Verdict.CONTINUE) return undefined;
  return verdict === Verdict.ACCEPT ? End.ACCEPTED : End.FAILED;
}

/** The words of field NAME, if a megaflow has a range for it. */
function flowField(name: FieldName): Field | undefined {
  const { follows } = fieldRow(name);
  return follows === name ? FIELD_WORDS[follows] : undefined;
}

function isOutside(words: Int32Array, at: number, field: Field, value: number): boolean {
  return (value - words[at + field]) >>> 0 > words[at + field + 1] >>> 0;
}
