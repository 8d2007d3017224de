/**
 * Determines from one packet which other packets match the same rules of a table, with the same outcome, for any hook,
 * any protocol and any outcome.
 *
 * A rule that matched matches every packet that meets all of its conditions. A rule that did not match does not match
 * any packet that fails a condition which this packet failed. If there are several, the one that leaves the most
 * packets is used. What remains after all rules is, field by field, as much as can be said without combining fields.
 */
import { FIELDS, type FieldName, fieldRow, readField, type ValueField } from '../fields.js';
import { HOOK_NAMES, type Hook, Verdict } from '../hooks.js';
import { Packet } from '../packet.js';
import { type Condition, checkCondition, type FieldCondition } from '../rules/condition.js';
import type { RuleContext } from '../rules/context.js';
import { effectOf } from '../rules/effect.js';
import {
  checkHeader,
  isCondition,
  lowerRule,
  matchesOfSteps,
  mayDrop,
  type NativeTest,
  type Step,
  splitSteps,
} from '../rules/lower.js';
import type { Chain, Rule, Table } from '../rules/model.js';
import { isWhole } from '../rules/run/compile.js';
import { type FieldValues, fitsFields, Narrowing, onlyValue, valuesWith } from './narrowing.js';

/** A test that cannot be expressed as conditions, and its result. */
export interface NativeResult {
  readonly rule: Rule;
  readonly native: NativeTest;
  readonly result: boolean;
  /** Whether it dropped the packet as malformed. */
  readonly drops: boolean;
}

/** Packets that a table treats the same way. */
export interface SameOutcome {
  /** The rules they match, in order. */
  readonly matched: readonly Rule[];
  /** What decides: the last rule they match, or a base chain's policy. */
  readonly decidedBy: Rule | Chain;
  /** The possible values of their fields. A field that is not listed may have any value. */
  readonly fields: ReadonlyMap<ValueField, FieldValues>;
  /** What narrowed each field, in order: rules, or a truncated layer-4 header. */
  readonly narrowedBy: ReadonlyMap<ValueField, readonly (Rule | 'header')[]>;
  /** Conditions whose masks yield too many ranges. The packets meet these as well. */
  readonly conditions: readonly FieldCondition[];
  /**
   * Their layer-4 headers are complete. Otherwise, as much of the header is present as in the packet that was examined.
   */
  readonly isWhole: boolean;
  readonly l4Available: number;
  /** Tests that have the same results for them. */
  readonly nativeResults: readonly NativeResult[];
}

/**
 * The result of a test of RULE that depends on more than the packet and its connection; undefined if it is unknown.
 * MATCH: the position in the rule's matches of the one that it belongs to; undefined if it is not supported.
 */
export type StatefulResult = (rule: Rule, match: number | undefined) => boolean | undefined;

const ENDS = ['source', 'destination', 'sport', 'dport'] as const;
/** What targets can change in a packet besides its ends and the mark. */
const REST: readonly FieldName[] = (Object.keys(FIELDS) as FieldName[]).filter(
  (name) => fieldRow(name).fixedBy === 'packet' && !['protocol', 'inDev', ...ENDS].includes(name),
);

/** What of the packets is of interest. */
export interface OutcomeInterest {
  /** Fields of which only the packet's own value is. */
  readonly pinned?: readonly ValueField[];
  /** Rules that only count or tell somebody are not: the others may or may not match them. */
  readonly isOnlyFate?: boolean;
  /**
   * Only packets that differ in nothing but their ends are, so that what targets do to the rest of the packet and to
   * its connection is the same for all. What later tests make of that is asked as results of tests with state are.
   */
  readonly isRestAlike?: boolean;
}

/**
 * The packets that TABLE treats like PACKET at HOOK. Nothing is run, counted or changed. Returns undefined if they
 * cannot be determined: a target changed what later rules test, or RESULT_OF does not know the result of a
 * stateful test.
 */
export function learnOutcome(
  table: Table,
  hook: Hook,
  packet: Packet,
  context: RuleContext,
  resultOf: StatefulResult = () => undefined,
  interest: OutcomeInterest = {},
): SameOutcome | undefined {
  return new OutcomeLearner(table, packet, context, { ...interest, resultOf }).learn(hook, interest);
}

/** Whether OUTCOME applies to PACKET. */
export function holdsPacket(outcome: SameOutcome, packet: Packet, context: RuleContext): boolean {
  if (isWhole(packet) !== outcome.isWhole) return false;
  if (!outcome.isWhole && packet.l4Available !== outcome.l4Available) return false;
  if (!fitsFields(outcome.fields, packet, context)) return false;
  return outcome.conditions.every((condition) => checkCondition(condition, packet, context));
}

/** Whether the tests have these RESULTS for PACKET. */
export function hasResults(results: readonly NativeResult[], packet: Packet, context: RuleContext): boolean {
  const tested = Object.assign(new Packet(), packet);
  return results.every(({ native, result, drops }) => {
    tested.hotdrop = false;
    return native.check?.(tested, context) === result && tested.hotdrop === drops;
  });
}

/** The steps of a rule. */
interface RuleSteps {
  readonly all: readonly Step[];
  /** Which match of the rule each of them is from (`matchesOfSteps`). */
  readonly matches: readonly (number | undefined)[];
  /** For packets with a complete layer-4 header; undefined if none of them matches. */
  readonly ofWhole: readonly Step[] | undefined;
}

const known = new WeakMap<RuleContext, WeakMap<Rule, RuleSteps>>();

/** The steps of RULE on the host of CONTEXT: worked out once, as every packet comes back to the rules. */
function stepsOf(rule: Rule, context: RuleContext): RuleSteps {
  let ofContext = known.get(context);
  if (ofContext === undefined) {
    ofContext = new WeakMap();
    known.set(context, ofContext);
  }
  let steps = ofContext.get(rule);
  if (steps === undefined) {
    const all = lowerRule(rule, context.interfaceNames);
    const { fixed, perPacket } = splitSteps(all);
    const matches = matchesOfSteps(rule, context.interfaceNames);
    steps = { all, matches, ofWhole: fixed && [...fixed, ...perPacket] };
    ofContext.set(rule, steps);
  }
  return steps;
}

/** Whether RULE changes nothing for a packet with a whole header that it matches, or for later rules. */
function makesNoDifference(rule: Rule, context: RuleContext): boolean {
  const { target } = rule;
  if (target.kind === 'extension') {
    if (target.extension.terminates || target.extension.mayDrop === true) return false;
    if (!['none', 'outside'].includes(effectOf(rule))) return false;
  } else if (target.kind !== 'none') return false;
  const { all } = stepsOf(rule, context);
  return all.every((step) => step.kind !== 'native' || !(mayDrop(step) || step.native.setsMark === true));
}

/** Thrown if the outcome cannot be determined. */
class Unknown extends Error {}

/** `undefined`: the chain returned. */
type End = Rule | undefined;

class OutcomeLearner {
  readonly #table: Table;
  readonly #context: RuleContext;
  readonly #resultOf: StatefulResult;
  readonly #isRestAlike: boolean;
  /** A copy of the packet, with the mark as set by rules so far. */
  readonly #packet: Packet;
  readonly #isWhole: boolean;
  /** Rules that make no difference are left out. */
  #isOnlyFate = false;
  readonly #narrowing = new Narrowing<Rule | 'header'>();
  /** What narrows the fields: the current rule. */
  #by: Rule | 'header' = 'header';
  readonly #conditions: FieldCondition[] = [];
  readonly #nativeResults: NativeResult[] = [];
  readonly #matched: Rule[] = [];
  /** Fields that rules have set: to the same value for all packets, or to an unknown one. */
  readonly #set = new Map<FieldName, 'same' | 'unknown'>();

  constructor(
    table: Table,
    packet: Packet,
    context: RuleContext,
    { resultOf, isRestAlike = false }: OutcomeInterest & { readonly resultOf: StatefulResult },
  ) {
    this.#table = table;
    this.#context = context;
    this.#resultOf = resultOf;
    this.#isRestAlike = isRestAlike;
    this.#packet = Object.assign(new Packet(), packet, { hotdrop: false });
    this.#isWhole = isWhole(packet);
  }

  learn(hook: Hook, { pinned = [], isOnlyFate = false }: OutcomeInterest): SameOutcome | undefined {
    this.#isOnlyFate = isOnlyFate && this.#isWhole;
    const chain = this.#table.chains.find(({ name }) => name === HOOK_NAMES[hook]);
    if (chain === undefined) throw new RangeError(`${this.#table.name} has no chain ${HOOK_NAMES[hook]}`);
    try {
      for (const name of pinned) this.#pin(name);
      if (!this.#isWhole) for (const name of ['protocol', 'fragmentOffset'] as const) this.#pin(name);
      const end = this.#walk(chain);
      return {
        matched: this.#matched,
        decidedBy: end ?? chain,
        fields: this.#narrowing.fields,
        narrowedBy: this.#narrowing.narrowedBy,
        conditions: this.#conditions,
        isWhole: this.#isWhole,
        l4Available: this.#packet.l4Available,
        nativeResults: this.#nativeResults,
      };
    } catch (error) {
      if (error instanceof Unknown) return undefined;
      throw error;
    }
  }

  #walk(chain: Chain): End {
    for (const rule of chain.rules) {
      this.#by = rule;
      if (this.#isOnlyFate && makesNoDifference(rule, this.#context)) continue;
      if (!this.#matches(rule)) {
        if (this.#packet.hotdrop) return rule;
        continue;
      }
      this.#matched.push(rule);
      if (this.#packet.hotdrop) return rule;
      const { target } = rule;
      if (target.kind === 'verdict') return target.verdict === Verdict.RETURN ? undefined : rule;
      if (target.kind === 'extension') {
        if (target.extension.terminates) return rule;
        this.#apply(rule);
      } else if (target.kind !== 'none') {
        const end = this.#walk(this.#table.chains.find(({ name }) => name === target.chain)!);
        if (end !== undefined || target.kind === 'goto') return end;
      }
    }
    return undefined;
  }

  /** Applies the target of RULE, after which the packet continues, to the results of later rules. */
  #apply(rule: Rule): void {
    const effect = effectOf(rule);
    const { mayDrop = false, readsEnds = false } = rule.target.kind === 'extension' ? rule.target.extension : {};
    if (effect === 'packet' || mayDrop) {
      if (!this.#isRestAlike) throw new Unknown();
      if (readsEnds) for (const name of ENDS) this.#pin(name);
      for (const name of [...REST, 'mark', 'ctmark'] as const) this.#set.set(name, 'unknown');
      return;
    }
    if (effect === 'none' || effect === 'outside') return;
    // The new value follows from the packet's mark and the connection's.
    this.#pin('mark');
    this.#pin('ctmark');
    if (effect === 'mark' && this.#set.get('ctmark') !== 'unknown' && rule.target.kind === 'extension') {
      rule.target.extension.apply(rule.target.params, this.#packet, this.#context);
      this.#set.set('mark', 'same');
    } else {
      this.#set.set('mark', 'unknown').set('ctmark', 'unknown');
    }
  }

  /** Whether the packet matches RULE. All remaining packets do the same. */
  #matches(rule: Rule): boolean {
    const { all, ofWhole } = stepsOf(rule, this.#context);
    const steps = this.#isWhole ? ofWhole : all;
    return steps !== undefined && this.#inOrder(rule, steps);
  }

  /**
   * Evaluates the steps of RULE in order. A step that is not a condition is only evaluated if everything before it
   * holds. So all of that must hold for the other packets too, and only the conditions up to the next such step may be
   * the reason why the rule does not match.
   */
  #inOrder(rule: Rule, steps: readonly Step[]): boolean {
    for (let at = 0; at < steps.length; ) {
      const next = steps.findIndex((step, i) => i >= at && !isCondition(step));
      const conditions = steps.slice(at, next < 0 ? steps.length : next).filter(isCondition);
      if (!this.#allHold(rule, conditions)) return false;
      if (next < 0) return true;
      if (!this.#passes(rule, steps[next])) return false;
      at = next + 1;
    }
    return true;
  }

  #passes(rule: Rule, step: Step): boolean {
    // The protocol and the available part of the header are the same for all.
    if (step.kind === 'header') return checkHeader(step, this.#packet);
    if (step.kind !== 'native') return true;
    const { native } = step;
    // A test that was before may have dropped the packet and matched all the same.
    const isDropped = this.#packet.hotdrop;
    this.#packet.hotdrop = false;
    const isChanged = native.reads.some((name) => this.#set.get(name) === 'unknown');
    const isGiven = native.check === undefined || isChanged;
    const result = isGiven ? this.#given(rule, step, isChanged) : native.check?.(this.#packet, this.#context);
    if (result === undefined) throw new Unknown();
    this.#nativeResults.push({ rule, native, result, drops: this.#packet.hotdrop });
    if (isDropped) this.#packet.hotdrop = true;
    return result;
  }

  /**
   * Whether all CONDITIONS hold. If so, they hold for all remaining packets. If not, the one that leaves the most
   * packets fails for all.
   */
  #allHold(rule: Rule, conditions: readonly Condition[]): boolean {
    let best: Condition | undefined;
    let bestShare = -1;
    let isGivenToFail = false;
    const known: Condition[] = [];
    for (const condition of conditions) {
      if (!this.#knows(condition)) {
        if (!this.#given(rule, condition, true)) isGivenToFail = true;
        continue;
      }
      known.push(condition);
      if (checkCondition(condition, this.#packet, this.#context)) continue;
      const share = this.#shareLeft(condition, false);
      if (share > bestShare) {
        best = condition;
        bestShare = share;
      }
    }
    // What is the same for all excludes no packet.
    if (isGivenToFail) return false;
    if (best !== undefined) this.#keep(best, false);
    else for (const condition of known) this.#keep(condition, true);
    return best === undefined;
  }

  #knows(condition: Condition): boolean {
    const parts = condition.kind === 'any' ? condition.anyOf : [condition];
    return parts.every(({ field }) => this.#set.get(field) !== 'unknown');
  }

  /** The result of STEP of RULE, which does not follow from the packet. IS_CHANGED: a target changed what it reads. */
  #given(rule: Rule, step: Step, isChanged: boolean): boolean {
    if (isChanged && !this.#isRestAlike) throw new Unknown();
    const { all, matches } = stepsOf(rule, this.#context);
    const result = this.#resultOf(rule, matches[all.indexOf(step)]);
    if (result === undefined) throw new Unknown();
    return result;
  }

  /** The share of the remaining packets with the same RESULT of CONDITION. */
  #shareLeft(condition: Condition, result: boolean): number {
    if (condition.kind === 'any') {
      const shares = condition.anyOf.map((one) => this.#shareLeft(one, result));
      return result ? Math.max(...shares) : shares.reduce((product, share) => product * share, 1);
    }
    if (this.#set.get(condition.field) === 'same') return 1;
    const kept = valuesWith(condition, result);
    return kept === undefined ? 0 : this.#narrowing.share(condition.field, kept);
  }

  /** Keeps only packets with this packet's RESULT of CONDITION. */
  #keep(condition: Condition, result: boolean): void {
    if (condition.kind === 'any') {
      if (!result) for (const one of condition.anyOf) this.#keep(one, false);
      else this.#keep(this.#widestHolding(condition.anyOf), true);
      return;
    }
    if (this.#set.get(condition.field) === 'same') return;
    const kept = valuesWith(condition, result);
    if (kept === undefined) {
      const { negated, orAbsent } = condition;
      this.#conditions.push(result ? condition : { ...condition, negated: !negated, orAbsent: !orAbsent });
    } else {
      this.#narrow(condition.field, kept);
    }
  }

  #widestHolding(conditions: readonly FieldCondition[]): FieldCondition {
    const holding = conditions.filter((one) => checkCondition(one, this.#packet, this.#context));
    const shares = holding.map((one) => this.#shareLeft(one, true));
    return holding[shares.indexOf(Math.max(...shares))];
  }

  /** Keeps only packets with this packet's value of field NAME. */
  #pin(name: ValueField): void {
    if (this.#set.has(name)) return;
    this.#narrow(name, onlyValue(readField(name, this.#packet, this.#context)));
  }

  #narrow(name: ValueField, values: FieldValues): void {
    this.#narrowing.narrow(name, values, [this.#by]);
  }
}
