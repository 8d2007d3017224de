/**
 * A rule's conditions taken apart for an index: sets of values of the fields that a packet keeps on its way through a
 * table, and what else has to be asked. For packets whose layer-4 header is whole (`isWhole`).
 */
import type { Packet } from '../packet.js';
import { type AddressMatch, type DeviceMatch, deviceMatches } from './base-match.js';
import type { RuleContext } from './context.js';
import type { Bounds } from './extension.js';
import type { Match, Rule } from './model.js';
import { splitMatches } from './reads.js';
import { commonRanges, otherRanges, type ValueRange } from './split-lists.js';
import { swapAddress } from './values.js';

/** In the order in which packets are compared with a rule: that which tells most first. */
export const INDEX_FIELDS = ['destination', 'source', 'dport', 'sport', 'protocol', 'inDev', 'outDev'] as const;
export type IndexField = (typeof INDEX_FIELDS)[number];

export interface RuleNeeds {
  /** The values that match, ascending, apart and not empty; undefined: any. */
  readonly ranges: Readonly<Record<IndexField, readonly ValueRange[] | undefined>>;
  /** Bits 1 << CtInfo. */
  readonly states: number;
  /** Whether the rule's base asks what the ranges do not say. */
  readonly asksBase: boolean;
  /** Matches that the connection answers, and that ask what ranges and states do not say. */
  readonly checks: readonly Match[];
  /** Matches to be asked of each packet, in their order and after all else (see `splitMatches`). */
  readonly asked: readonly Match[];
}

/** What the value of FIELD is for PACKET, as the ranges of a rule mean it; -1: a packet without ports. */
export function fieldValue(field: IndexField, packet: Packet): number {
  switch (field) {
    case 'source':
    case 'destination':
      return swapAddress(packet[field]) >>> 0;
    case 'inDev':
    case 'outDev':
      return packet[field] + 1;
    default:
      return packet[field];
  }
}

/** Reads rules for one host. */
export class NeedsReader {
  readonly #context: RuleContext;
  readonly #highest: Readonly<Record<IndexField, number>>;
  readonly #devices = new Map<string, readonly ValueRange[]>();

  constructor(context: RuleContext) {
    this.#context = context;
    const devices = context.interfaceNames.length;
    this.#highest = {
      destination: 0xffffffff,
      source: 0xffffffff,
      dport: 0xffff,
      sport: 0xffff,
      protocol: 0xff,
      inDev: devices,
      outDev: devices,
    };
  }

  /** The highest value of FIELD. */
  highest(field: IndexField): number {
    return this.#highest[field];
  }

  /** The needs of RULE; undefined: no whole packet matches. */
  read(rule: Rule): RuleNeeds | undefined {
    const { source, destination, inDev, outDev, protocol, fragment } = rule.base;
    // What is whole is no later fragment.
    if (rule.verbatim !== undefined || fragment?.negated === false) return undefined;
    const number = protocol && { min: protocol.number, max: protocol.number };
    const ranges: Record<IndexField, readonly ValueRange[] | undefined> = {
      source: source && addressRanges(source),
      destination: destination && addressRanges(destination),
      inDev: inDev && this.#deviceRanges(inDev),
      outDev: outDev && this.#deviceRanges(outDev),
      protocol: number && (protocol.negated ? otherRanges([number], this.#highest.protocol) : [number]),
      sport: undefined,
      dport: undefined,
    };
    const { fixed, asked } = splitMatches(rule);
    const checks: Match[] = [];
    let states = -1;
    let isOrdered = false;
    for (const match of [...fixed, ...asked]) {
      const { extension, params } = match;
      // Behind a match that leaves a mark all are asked in their order, and only if it matched.
      const bounds: Bounds | undefined = isOrdered ? undefined : extension.bounds?.(params);
      if (asked.includes(match)) isOrdered ||= bounds === undefined || bounds.hasEffects === true;
      else if (bounds?.isAll !== true) checks.push(match);
      if (bounds?.states !== undefined) states &= bounds.states;
      for (const port of ['sport', 'dport'] as const) {
        const bound = bounds?.[port];
        if (bound !== undefined) ranges[port] = commonRanges(ranges[port], bound);
      }
    }
    for (const field of INDEX_FIELDS) {
      const values = ranges[field];
      if (values === undefined) continue;
      if (values.length === 0) return undefined;
      if (values[0].min === 0 && values[0].max === this.#highest[field]) ranges[field] = undefined;
    }
    const asksBase =
      (source !== undefined && addressRanges(source) === undefined) ||
      (destination !== undefined && addressRanges(destination) === undefined);
    return { ranges, states, asksBase, checks, asked };
  }

  /** Numbers of the interfaces that MATCH means, one up: 0 is none. */
  #deviceRanges(match: DeviceMatch): readonly ValueRange[] {
    const key = `${match.negated ? '! ' : ''}${match.name}`;
    let ranges = this.#devices.get(key);
    if (ranges === undefined) {
      const found: { min: number; max: number }[] = [];
      for (let value = 0; value <= this.#highest.inDev; value++) {
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

/** In host order; undefined where the mask is no prefix. */
function addressRanges({ address, mask, negated }: AddressMatch): readonly ValueRange[] | undefined {
  const hostBits = ~swapAddress(mask) >>> 0;
  if ((hostBits & (hostBits + 1)) !== 0) return undefined;
  const min = swapAddress(address) >>> 0;
  const ranges = [{ min, max: (min | hostBits) >>> 0 }];
  return negated ? otherRanges(ranges, 0xffffffff) : ranges;
}
