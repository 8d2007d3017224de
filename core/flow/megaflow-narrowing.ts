/**
 * The packets of a megaflow, while one packet's path is repeated and each rule on it narrows them. The packets that
 * remain have matched, and not matched, the same rules as that packet so far.
 */
import { toLoaded } from '../../codecs/byte-order.js';
import { type FieldName, fieldRow } from '../fields.js';
import type { Host } from '../host/host.js';
import { CtInfo } from '../packet.js';
import { type Condition, type FieldCondition, holdsFor, valuesOf } from '../rules/condition.js';
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
  RULE_SHIFT,
  SOURCE,
  SPORT,
  STATES,
  wordOf,
} from '../rules/index/packed-rules.js';
import { isCondition, type Step } from '../rules/lower.js';
import { type FlowKey, flowValues } from './flow-key.js';
import { FlowField, FlowRanges, partOutside, partWithin, rangeOrGap } from './flow-ranges.js';
import { Phase, type Span } from './megaflow-table.js';
import { NatPlanner } from './nat-planner.js';

/**
 * Fields that are the same for all packets of a megaflow. If a rule does not match because of one of them, nothing
 * needs to be narrowed.
 */
const KEY_FIELDS: readonly Field[] = [PROTOCOL, IN_DEV, OUT_DEV];
const FLOW_FIELDS: readonly Field[] = [DPORT, DESTINATION, SPORT, SOURCE];

export class MegaflowNarrowing {
  /** What rules see now: conntrack's result, the egress interface and, after routing, the translated destination. */
  ctinfo: CtInfo = CtInfo.INVALID;
  outDev = -1;
  isAfterRouting = false;
  /** How the nat table translates the packets. */
  readonly planner: NatPlanner;
  readonly #flowKey: FlowKey;
  readonly #host: Host;
  readonly #ranges: FlowRanges;

  constructor(flowKey: FlowKey, host: Host) {
    this.planner = new NatPlanner(flowKey, host);
    this.#flowKey = flowKey;
    this.#host = host;
    this.#ranges = new FlowRanges(flowValues(flowKey));
  }

  /** The values of FIELD that remain. */
  span(field: FlowField): Span {
    return this.#ranges.span(field);
  }

  /**
   * Keeps the packets with the same routes to both ends. From here on, rules see the translated destination and the
   * egress interface. Returns false if that cannot be determined.
   */
  route(): boolean {
    const { source, translatedDestination, nextHop, outDev } = this.#flowKey;
    this.isAfterRouting = true;
    this.outDev = outDev;
    this.#narrow(SOURCE, this.#host.addressSpan(source));
    this.#narrow(DESTINATION, this.#host.addressSpan(translatedDestination));
    // A neighbour reached without a gateway has its own MAC.
    if (nextHop === translatedDestination) this.#pin(DESTINATION);
    const { ports, hash } = this.#host.routingReads;
    if (ports)
      for (const field of [SPORT, DPORT] as const) this.#narrow(field, this.#host.routedPorts(this.#valueOf(field)));
    return !hash;
  }

  /**
   * The rule at POSITION of RULES matched, except for its per-packet tests. Keeps the packets for which this is
   * true.
   */
  fit(rules: PackedRules, position: number): boolean {
    const { words } = rules;
    const at = position << RULE_SHIFT;
    if ((words[at + STATES] & (1 << this.ctinfo)) === 0) return false;
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
  miss(rules: PackedRules, position: number): boolean {
    const { words } = rules;
    const at = position << RULE_SHIFT;
    // In a ruleset with ten thousand rules, most are about other sources.
    if (this.#ranges.isApart(FlowField.SOURCE, words[at + SOURCE], words[at + SOURCE + 1])) return true;
    if ((words[at + STATES] & (1 << this.ctinfo)) === 0) return true;
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
      isOutside(words, at, OUT_DEV, this.outDev + 1)
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
        return values[this.isAfterRouting ? FlowField.TRANSLATED_DESTINATION : FlowField.DESTINATION];
      case DPORT:
        return values[this.isAfterRouting ? FlowField.TRANSLATED_DPORT : FlowField.DPORT];
      case PROTOCOL:
        return this.#flowKey.protocol;
      case IN_DEV:
        return this.#flowKey.inDev + 1;
      default:
        return this.outDev + 1;
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
        if (!this.isAfterRouting) return FlowField.DESTINATION;
        if (!isOpening) return FlowField.TRANSLATED_DESTINATION;
        return this.planner.destination === undefined ? FlowField.DESTINATION : undefined;
      case DPORT:
        if (!this.isAfterRouting) return FlowField.DPORT;
        if (!isOpening) return FlowField.TRANSLATED_DPORT;
        return this.planner.dport === undefined ? FlowField.DPORT : undefined;
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

/** The words of field NAME, if a megaflow has a range for it. */
function flowField(name: FieldName): Field | undefined {
  const { follows } = fieldRow(name);
  return follows === name ? FIELD_WORDS[follows] : undefined;
}

function isOutside(words: Int32Array, at: number, field: Field, value: number): boolean {
  return (value - words[at + field]) >>> 0 > words[at + field + 1] >>> 0;
}
