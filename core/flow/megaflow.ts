/**
 * Learns a megaflow from one packet: the widest set of packets that meet the same rules, with the same answers, and the
 * same routes (the name is Open vSwitch's).
 *
 * A rule reads fields of a packet. If it did not match, one field is enough to say why, and that holds for every packet
 * whose value of the field is on the same side of the rule's range. If it matched, it matches every packet within all
 * of its ranges. The megaflow is what is left after all rules that the packet met. If that cannot be said, nothing is
 * learned.
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

/** A whole TCP or UDP packet without IP options that was forwarded: addresses as loaded, ports in host order. */
export interface FlowKey {
  readonly phase: Phase;
  readonly protocol: number;
  readonly inDev: number;
  readonly outDev: number;
  /** As it arrived. */
  readonly source: number;
  readonly destination: number;
  readonly sport: number;
  readonly dport: number;
  /** Its destination in FORWARD and later, and the source that it left with. */
  readonly translatedDestination: number;
  readonly translatedDport: number;
  readonly translatedSource: number;
  readonly translatedSport: number;
  /** Whose MAC it got. */
  readonly nextHop: number;
}

/** The fields of the packet of a flowKey, by `FlowField`. */
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
 * Fields that all packets of a megaflow have in common: if a rule does not match because of one of them, nothing is
 * narrowed.
 */
const KEY_FIELDS: readonly Field[] = [PROTOCOL, IN_DEV, OUT_DEV];
const FLOW_FIELDS: readonly Field[] = [DPORT, DESTINATION, SPORT, SOURCE];

/** How a chain ended for the packet. FAILED: its way cannot be said of others. */
const End = { FAILED: 0, RETURNED: 1, ACCEPTED: 2 } as const;
type End = (typeof End)[keyof typeof End];

/** Learns megaflows for one host and its rules. */
export class MegaflowLearner {
  readonly #hooks: Hooks;
  readonly #host: Host;
  readonly #context: RuleContext;
  readonly #probes: ChainProbes;
  /** How many rules were looked at so far. */
  visits = 0;

  constructor(hooks: Hooks, host: Host, context: RuleContext) {
    this.#hooks = hooks;
    this.#host = host;
    this.#probes = new ChainProbes(context.conntrack.memory, context);
    this.#context = context;
  }

  /**
   * The megaflow of a packet with FLOW_KEY, whose path through the rules is in TRACE; undefined if it says nothing of
   * others.
   */
  learn(flowKey: FlowKey, trace: Trace): Megaflow | undefined {
    if (!isWhole(trace)) return undefined;
    // A megaflow that probes a long chain is wider than one that every rule of the chain has narrowed.
    return this.#walk(flowKey, trace, this.#probes) ?? this.#walk(flowKey, trace, undefined);
  }

  /** With PROBES, long chains are asked. */
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

/** Follows one packet through the rules again, by its trace, and narrows its megaflow. */
class Walk implements FlowWalk {
  readonly #flowKey: FlowKey;
  readonly #trace: Trace;
  readonly #host: Host;
  readonly #wordsOf: (chain: Chain) => PackedRules;
  readonly #ranges: FlowRanges;
  /** The next event of the trace. */
  #at = 1;
  /** What rules see of the packet where it is now. */
  #ctinfo: CtInfo = CtInfo.INVALID;
  #outDev = -1;
  #isLater = false;
  #probe: Probe | undefined;
  readonly #probes: ChainProbes | undefined;
  /** NAT has its hooks, and binds each new connection. */
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

  /** Conntrack knows the packet from here on. */
  track(): boolean {
    this.#ctinfo = this.#flowKey.phase === Phase.OPENING ? CtInfo.NEW : CtInfo.ESTABLISHED;
    return true;
  }

  /** The routing decision, with the destination translated: it holds as far as the routes to both ends are the same. */
  route(): boolean {
    const { source, translatedDestination, outDev, nextHop } = this.#flowKey;
    this.#isLater = true;
    this.#narrow(SOURCE, this.#host.addressSpan(source));
    this.#narrow(DESTINATION, this.#host.addressSpan(translatedDestination));
    // Who is reached without a gateway has a MAC of its own.
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

  /** The packet passes TABLE at HOOK; false where its way cannot be said of others. */
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
    if (this.#probes !== undefined && isLong(chain)) return this.#ask(this.#probes, firstId, chain);
    const words = this.#wordsOf(chain);
    const trace = this.#trace;
    for (let position = 0; position < chain.rules.length; position++) {
      const rule = chain.rules[position];
      const id = firstId + rule.index;
      const event = trace[this.#at];
      if (event === traceEvent(id, TraceKind.ASKED_NO)) {
        this.#at++;
        if (!this.#fit(words, position)) return End.FAILED;
        continue;
      }
      const isAsked = event === traceEvent(id, TraceKind.ASKED_YES);
      if (isAsked) this.#at++;
      if (trace[this.#at] !== traceEvent(id, TraceKind.MATCHED)) {
        if (isAsked || !this.#miss(words, position)) return End.FAILED;
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
   * The packet matched at most one rule of CHAIN, which accepted it: packets of the megaflow probe the chain for
   * theirs.
   */
  #ask(probes: ChainProbes, firstId: number, chain: Chain): End {
    const event = this.#trace[this.#at];
    const position = (event >> 2) - firstId - chain.rules[0].index;
    const isIn = this.#at <= this.#trace[0] && event >= 0 && position >= 0 && position < chain.rules.length;
    // Of what a chain asked before it is tracked, or asks of each packet, it cannot be asked.
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

  /** What the target of RULE, which matched, does; undefined: the packet goes on to the next rule. */
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
   * The rule at POSITION of RULES matched, apart from what is asked of each packet: keep the packets of which that is
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

  /** The rule at POSITION of RULES did not match: see why, and that it is so of the others. */
  #miss(rules: PackedRules, position: number): boolean {
    const { words } = rules;
    const at = position << RULE_SHIFT;
    // Of ten thousand rules most are about other sources.
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
    // No field says why: something that is left to check does.
    return left !== undefined && left.checks.length > 0 && left.checks.every((step) => this.#keepStep(step));
  }

  /** Whether the rule at AT is about another protocol or other interfaces. */
  #isElsewhere(words: Int32Array, at: number): boolean {
    const { protocol, inDev } = this.#flowKey;
    return (
      isOutside(words, at, PROTOCOL, protocol) ||
      isOutside(words, at, IN_DEV, inDev + 1) ||
      isOutside(words, at, OUT_DEV, this.#outDev + 1)
    );
  }

  /** Where FIELD keeps the rule at AT from matching: the values around the packet's that do so too. */
  #gapOf(words: Int32Array, at: number, field: Field, left: LeftToCheck | undefined): Span | undefined {
    const value = this.#valueOf(field);
    if (isOutside(words, at, field, value)) return partOutside(words[at + field], words[at + field + 1], value);
    const several = left?.several.find((one) => wordOf(one) === field);
    if (several === undefined) return undefined;
    const place = rangeOrGap(several.ranges, value);
    return place.isRange ? undefined : place;
  }

  /** Narrows the megaflow to packets for which STEP has the same answer; false if that cannot be said. */
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

  /** Narrows the megaflow to packets with the same value of the field NAME; false if that cannot be said. */
  #pinField(name: FieldName): boolean {
    const { follows } = fieldRow(name);
    if (follows === undefined || follows === 'megaflow') return follows === 'megaflow';
    const field = FIELD_WORDS[follows];
    if (name === follows) this.#pin(field);
    // Addresses to which the same routes lead are of the same type.
    else this.#narrow(field, this.#host.addressSpan(toLoaded(this.#valueOf(field))));
    return true;
  }

  /** What rules see of FIELD where the packet is now, as PackedRules means it. */
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

  /** Which range of the megaflow FIELD has at this point; undefined if all of its packets have the same value. */
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

/** What VERDICT of a target means for the chain; undefined: the packet goes on to the next rule. */
function endOf(verdict: Verdict | undefined): End | undefined {
  if (verdict === Verdict.CONTINUE) return undefined;
  return verdict === Verdict.ACCEPT ? End.ACCEPTED : End.FAILED;
}

/** The words of the field NAME, if a megaflow has a range of its values. */
function flowField(name: FieldName): Field | undefined {
  const { follows } = fieldRow(name);
  return follows === name ? FIELD_WORDS[follows] : undefined;
}

function isOutside(words: Int32Array, at: number, field: Field, value: number): boolean {
  return (value - words[at + field]) >>> 0 > words[at + field + 1] >>> 0;
}
