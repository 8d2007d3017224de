/**
 * The rules of a long chain, packed into words, for packets whose layer-4 header is complete (`isWhole`).
 *
 * A rule has 16 words. Each indexed field has two: the minimum value and the number of values after it, in 32 bits with
 * wraparound, so that `! --dport 80` is a single range too. The states follow. The last word is for the chain's own
 * use. What does not fit into words is left to check (`LeftToCheck`).
 */
import type { IndexedField } from '../../fields.js';
import { type Condition, type FieldCondition, valuesOf, within } from '../condition.js';
import type { RuleContext } from '../context.js';
import { isCondition, lowerRule, type Step, splitSteps } from '../lower.js';
import type { Rule } from '../model.js';
import { commonRanges, type ValueRange } from '../ranges.js';
import type { ListedRanges } from './interval-lists.js';

export const RULE_SHIFT = 4;
/** Word offsets in a rule. Each field has its minimum value, followed by the number of values after it. */
export const DESTINATION = 0;
export const SOURCE = 2;
export const DPORT = 4;
export const SPORT = 6;
export const PROTOCOL = 8;
export const IN_DEV = 10;
export const OUT_DEV = 12;
/** Bits 1 << CtInfo; 0 if nothing matches. */
export const STATES = 14;
/** Unused. */
export const LAST_WORD = 15;

/** A field, identified by its first word in a rule. */
export type Field = 0 | 2 | 4 | 6 | 8 | 10 | 12;
export const FIELDS: readonly Field[] = [DESTINATION, SOURCE, DPORT, SPORT, PROTOCOL, IN_DEV, OUT_DEV];

/** The first word of each indexed field. Code that compares packets with packed rules must read all of them. */
export const FIELD_WORDS = {
  destination: DESTINATION,
  source: SOURCE,
  dport: DPORT,
  sport: SPORT,
  protocol: PROTOCOL,
  inDev: IN_DEV,
  outDev: OUT_DEV,
} as const satisfies Record<IndexedField, Field>;
const WORDS: ReadonlyMap<string, Field> = new Map(Object.entries(FIELD_WORDS));

/** What remains to be checked for a packet within all packed ranges. */
export interface LeftToCheck {
  /** Conditions with more ranges than fit into the words. */
  readonly several: readonly FieldCondition[];
  /** Other steps that have the same result for all packets of the connection. */
  readonly checks: readonly Step[];
  /** Per-packet steps, in order, to be evaluated last (see `splitSteps`). */
  readonly perPacket: readonly Step[];
}

const ANY_STATE = -1;
const ANY_VALUE = -1;

const known = new WeakMap<RuleContext, WeakMap<readonly Rule[], PackedRules>>();

/** Packs RULES once for each CONTEXT: the chain index and the megaflow learner share the words. */
export function packedRulesOf(rules: readonly Rule[], context: RuleContext): PackedRules {
  let ofContext = known.get(context);
  if (ofContext === undefined) {
    ofContext = new WeakMap();
    known.set(context, ofContext);
  }
  let words = ofContext.get(rules);
  if (words === undefined) {
    words = new PackedRules(rules, context);
    ofContext.set(rules, words);
  }
  return words;
}

/** Rules packed into words, for the interfaces of one host. */
export class PackedRules {
  readonly words: Int32Array;
  /** Number of rules. */
  readonly length: number;
  /** By position; undefined if nothing remains to be checked. */
  readonly leftToCheck: readonly (LeftToCheck | undefined)[];
  readonly #context: RuleContext;
  readonly #highestDevice: number;
  /** The ranges of the rule being packed, by the first word of their field. */
  readonly #valuesByField: (readonly ValueRange[] | undefined)[] = new Array(STATES).fill(undefined);

  constructor(rules: readonly Rule[], context: RuleContext) {
    this.#context = context;
    this.#highestDevice = context.interfaceNames.length;
    this.length = rules.length;
    this.words = new Int32Array(rules.length << RULE_SHIFT);
    this.leftToCheck = rules.map((rule, position) => this.#read(rule, position));
  }

  /** The maximum value of FIELD. */
  highest(field: Field): number {
    if (field <= SOURCE) return 0xffffffff;
    if (field <= SPORT) return 0xffff;
    return field === PROTOCOL ? 0xff : this.#highestDevice;
  }

  /** The ranges of FIELD that rules test, in rule order. */
  list(field: Field): ListedRanges {
    const { words } = this;
    const highest = this.highest(field);
    const positions: number[] = [];
    const mins: number[] = [];
    const maxes: number[] = [];
    const add = (position: number, min: number, max: number): void => {
      positions.push(position);
      mins.push(min);
      maxes.push(max);
    };
    for (let position = 0; position < this.length; position++) {
      const at = position << RULE_SHIFT;
      if (words[at + field + 1] === ANY_VALUE || words[at + STATES] === 0) continue;
      const several = this.leftToCheck[position]?.several.find((one) => wordOf(one) === field);
      const min = words[at + field] >>> 0;
      const max = min + (words[at + field + 1] >>> 0);
      if (several !== undefined) for (const range of several.ranges) add(position, range.min, range.max);
      else if (max <= highest) add(position, min, max);
      else {
        add(position, 0, max - 2 ** 32);
        add(position, min, highest);
      }
    }
    return { positions: new Int32Array(positions), mins: new Uint32Array(mins), maxes: new Uint32Array(maxes) };
  }

  #read(rule: Rule, position: number): LeftToCheck | undefined {
    const { words } = this;
    const at = position << RULE_SHIFT;
    for (let field = 0; field < STATES; field += 2) words[at + field + 1] = ANY_VALUE;
    const { fixed, perPacket } = splitSteps(lowerRule(rule, this.#context.interfaceNames));
    if (fixed === undefined) return undefined;

    words[at + STATES] = ANY_STATE;
    const valuesByField = this.#valuesByField.fill(undefined);
    const checks: Step[] = [];
    for (const step of fixed) {
      if (!isCondition(step) || !this.#pack(step, at)) checks.push(step);
    }
    const several: FieldCondition[] = [];
    for (const field of FIELDS) {
      const values = valuesByField[field];
      if (values !== undefined && !this.#setRanges(at, field, values))
        several.push(within(nameOf(field), values, false));
    }
    if (several.length === 0 && checks.length === 0 && perPacket.length === 0) return undefined;
    return { several, checks, perPacket };
  }

  /** Merges CONDITION into the ranges or states of the rule at AT. Returns false if it does not fit. */
  #pack(condition: Condition, at: number): boolean {
    if (condition.kind === 'any') return false;
    const values = valuesOf(condition);
    if (values === undefined) return false;
    const { field } = condition;
    if (field === 'ctinfo') {
      let states = 0;
      for (const { min, max } of values) for (let state = min; state <= max; state++) states |= 1 << state;
      this.words[at + STATES] &= states;
      return true;
    }
    const word = WORDS.get(field);
    if (word === undefined) return false;
    const before = this.#valuesByField[word];
    this.#valuesByField[word] = before === undefined ? values : commonRanges(before, values);
    return true;
  }

  /**
   * Stores VALUES (ascending and disjoint) as the range of a field. Returns false if there are too many for its words.
   */
  #setRanges(at: number, field: Field, values: readonly ValueRange[]): boolean {
    const highest = this.highest(field);
    // Hot for large rulesets: most rules have one range, with nothing to cut off.
    const isInside = values.length > 0 && values[values.length - 1].max <= highest;
    const ranges = isInside ? values : commonRanges(values, [{ min: 0, max: highest }]);
    if (ranges.length === 0) {
      this.words[at + STATES] = 0;
      return true;
    }
    const { words } = this;
    const first = ranges[0];
    const last = ranges[ranges.length - 1];
    const isAroundGap = ranges.length === 2 && first.min === 0 && last.max === highest;
    if (ranges.length === 1 && first.min === 0 && first.max === highest) return true;
    const [min, max] = isAroundGap ? [last.min, first.max] : [first.min, last.max];
    words[at + field] = min;
    words[at + field + 1] = max - min;
    return ranges.length === 1 || isAroundGap;
  }
}

/** The field whose first word is WORD. */
function nameOf(word: Field): IndexedField {
  return (Object.keys(FIELD_WORDS) as IndexedField[]).find((name) => FIELD_WORDS[name] === word)!;
}

/** The word offset of CONDITION's field, which must be indexed. */
export function wordOf({ field }: FieldCondition): Field {
  return FIELD_WORDS[field as IndexedField];
}
