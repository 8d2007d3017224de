/**
 * The conditions of a long chain's rules as numbers, for packets whose layer-4 header is whole (`isWhole`).
 *
 * A rule has 16 words. For each field that a packet keeps on its way through a table they are the lowest value and how many
 * more follow it, counted in 32 bits that wrap around, so that `! --dport 80` is one range as well; then come the states;
 * the last word is the chain's own. What does not fit, or is more than a range, is in the rule's `rest`.
 */
import { toHostOrder } from '../../../codecs/byte-order.js';
import type { Packet } from '../../packet.js';
import { type AddressMatch, type DeviceMatch, deviceMatches } from '../base-match.js';
import type { RuleContext } from '../context.js';
import type { Bounds } from '../extension.js';
import type { Match, Rule } from '../model.js';
import { splitMatches } from '../reads.js';
import { commonRanges, type ListedRanges, otherRanges, type ValueRange } from './interval-lists.js';

export const RULE_SHIFT = 4;
/** Words of a rule: of each field the lowest value, and behind it how many more there are. */
export const DESTINATION = 0;
export const SOURCE = 2;
export const DPORT = 4;
export const SPORT = 6;
export const PROTOCOL = 8;
export const IN_DEV = 10;
export const OUT_DEV = 12;
/** Bits 1 << CtInfo; 0: nothing matches. */
export const STATES = 14;
/** Free. */
export const LAST_WORD = 15;

/** A field, by its first word in a rule. */
export type Field = 0 | 2 | 4 | 6 | 8 | 10 | 12;
export const FIELDS: readonly Field[] = [DESTINATION, SOURCE, DPORT, SPORT, PROTOCOL, IN_DEV, OUT_DEV];

/** What is left to ask of a packet that has what the words say. */
export interface RuleRest {
  /** Fields that have more ranges than words: one of them must hold the value. */
  readonly several: readonly { readonly field: Field; readonly ranges: readonly ValueRange[] }[];
  /** The base asks more than the words say. */
  readonly asksBase: boolean;
  /** Matches that the connection answers. */
  readonly checks: readonly Match[];
  /** Matches to be asked of each packet, in their order, after all else (see `splitMatches`). */
  readonly asked: readonly Match[];
}

/** The value of FIELD in 32 bits, as the words mean it. A packet without ports has one that is above all ports. */
export function fieldValue(field: Field, packet: Packet): number {
  switch (field) {
    case DESTINATION:
      return toHostOrder(packet.destination) | 0;
    case SOURCE:
      return toHostOrder(packet.source) | 0;
    case DPORT:
      return packet.dport;
    case SPORT:
      return packet.sport;
    case PROTOCOL:
      return packet.protocol;
    case IN_DEV:
      return packet.inDev + 1;
    case OUT_DEV:
      return packet.outDev + 1;
  }
}

const ANY_STATE = -1;
const ANY_VALUE = -1;

const known = new WeakMap<RuleContext, WeakMap<readonly Rule[], RuleWords>>();

/** RULES in words, made once for each CONTEXT: whoever runs them and whoever learns from them read the same. */
export function ruleWordsOf(rules: readonly Rule[], context: RuleContext): RuleWords {
  let ofContext = known.get(context);
  if (ofContext === undefined) {
    ofContext = new WeakMap();
    known.set(context, ofContext);
  }
  let words = ofContext.get(rules);
  if (words === undefined) {
    words = new RuleWords(rules, context);
    ofContext.set(rules, words);
  }
  return words;
}

/** RULES in words, for the interfaces of one host. */
export class RuleWords {
  readonly words: Int32Array;
  /** How many rules there are. */
  readonly length: number;
  /** By position; undefined where nothing is left to ask. */
  readonly rest: readonly (RuleRest | undefined)[];
  readonly #context: RuleContext;
  readonly #highestDevice: number;
  readonly #devices = new Map<string, readonly ValueRange[]>();

  constructor(rules: readonly Rule[], context: RuleContext) {
    this.#context = context;
    this.#highestDevice = context.interfaceNames.length;
    this.length = rules.length;
    this.words = new Int32Array(rules.length << RULE_SHIFT);
    this.rest = rules.map((rule, position) => this.#read(rule, position));
  }

  /** The highest value of FIELD. */
  highest(field: Field): number {
    if (field <= SOURCE) return 0xffffffff;
    if (field <= SPORT) return 0xffff;
    return field === PROTOCOL ? 0xff : this.#highestDevice;
  }

  /** The ranges of FIELD that rules ask for, in their order. */
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
      const several = this.rest[position]?.several.find((one) => one.field === field);
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

  #read(rule: Rule, position: number): RuleRest | undefined {
    const { words } = this;
    const { source, destination, inDev, outDev, protocol, fragment } = rule.base;
    const at = position << RULE_SHIFT;
    for (let field = 0; field < STATES; field += 2) words[at + field + 1] = ANY_VALUE;
    // What is whole is no later fragment.
    if (rule.verbatim !== undefined || fragment?.negated === false) return undefined;

    words[at + STATES] = ANY_STATE;
    const several: { field: Field; ranges: readonly ValueRange[] }[] = [];
    const restrict = (field: Field, ranges: readonly ValueRange[]): void => {
      if (!this.#setRanges(at, field, ranges)) several.push({ field, ranges });
    };
    let asksBase = false;
    if (destination !== undefined && !this.#setAddress(at + DESTINATION, destination)) asksBase = true;
    if (source !== undefined && !this.#setAddress(at + SOURCE, source)) asksBase = true;
    if (protocol !== undefined) {
      const ranges = [{ min: protocol.number, max: protocol.number }];
      restrict(PROTOCOL, protocol.negated ? otherRanges(ranges, 0xff) : ranges);
    }
    if (inDev !== undefined) restrict(IN_DEV, this.#deviceRanges(inDev));
    if (outDev !== undefined) restrict(OUT_DEV, this.#deviceRanges(outDev));
    if (rule.matches.length === 0 && !asksBase && several.length === 0) return undefined;

    const { fixed, asked } = splitMatches(rule);
    const checks: Match[] = [];
    let sport: readonly ValueRange[] | undefined;
    let dport: readonly ValueRange[] | undefined;
    const bind = (bounds: Bounds): void => {
      if (bounds.states !== undefined) words[at + STATES] &= bounds.states;
      if (bounds.sport !== undefined) sport = commonRanges(sport, bounds.sport);
      if (bounds.dport !== undefined) dport = commonRanges(dport, bounds.dport);
    };
    for (const match of fixed) {
      const bounds = match.extension.bounds?.(match.params);
      if (bounds !== undefined) bind(bounds);
      if (bounds?.isAll !== true) checks.push(match);
    }
    for (const { extension, params } of asked) {
      const bounds = extension.bounds?.(params);
      if (bounds !== undefined) bind(bounds);
      // Behind a match that leaves a mark all are asked in their order, and only if it matched.
      if (bounds === undefined || bounds.hasEffects === true) break;
    }
    if (sport !== undefined) restrict(SPORT, sport);
    if (dport !== undefined) restrict(DPORT, dport);
    if (several.length === 0 && !asksBase && checks.length === 0 && asked.length === 0) return undefined;
    return { several, asksBase, checks, asked };
  }

  /** Take in what MATCH says of an address; false where its mask is no prefix. */
  #setAddress(at: number, { address, mask, negated }: AddressMatch): boolean {
    const hostBits = ~mask.hostOrder;
    if ((hostBits & (hostBits + 1)) !== 0) return false;
    const min = address.hostOrder | 0;
    if (!negated) {
      this.words[at] = min;
      this.words[at + 1] = hostBits;
    } else if (hostBits === -1) {
      this.words[(at & -(1 << RULE_SHIFT)) + STATES] = 0;
    } else {
      this.words[at] = min + hostBits + 1;
      this.words[at + 1] = -2 - hostBits;
    }
    return true;
  }

  /** Take in the RANGES of a field, ascending and apart; false where there are too many for its words. */
  #setRanges(at: number, field: Field, ranges: readonly ValueRange[]): boolean {
    if (ranges.length === 0) {
      this.words[at + STATES] = 0;
      return true;
    }
    const { words } = this;
    const highest = this.highest(field);
    const first = ranges[0];
    const last = ranges[ranges.length - 1];
    const isAroundGap = ranges.length === 2 && first.min === 0 && last.max === highest;
    if (ranges.length === 1 && first.min === 0 && first.max === highest) return true;
    const [min, max] = isAroundGap ? [last.min, first.max] : [first.min, last.max];
    words[at + field] = min;
    words[at + field + 1] = max - min;
    return ranges.length === 1 || isAroundGap;
  }

  /** Numbers of the interfaces that MATCH lets through, one up: 0 is none. */
  #deviceRanges(match: DeviceMatch): readonly ValueRange[] {
    const key = `${match.negated ? '! ' : ''}${match.name}`;
    let ranges = this.#devices.get(key);
    if (ranges === undefined) {
      const found: { min: number; max: number }[] = [];
      for (let value = 0; value <= this.#highestDevice; value++) {
        if (!deviceMatches(match, value - 1, this.#context)) continue;
        const last = found[found.length - 1];
        if (last !== undefined && last.max === value - 1) last.max = value;
        else found.push({ min: value, max: value });
      }
      ranges = found;
      this.#devices.set(key, ranges);
    }
    return ranges;
  }
}
