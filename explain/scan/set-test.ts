/** Which packets get the same answer when they are looked up in a set of ipset. */
import { toLoaded } from '../../codecs/byte-order.js';
import { IPV4_LENGTH, TCP_LENGTH } from '../../codecs/layouts.js';
import type { SetReference } from '../../core/matches/set-reference.js';
import { Packet } from '../../core/packet.js';
import type { RuleContext } from '../../core/rules/context.js';
import type { Match } from '../../core/rules/model.js';
import { normalRanges, type ValueRange } from '../../core/rules/ranges.js';
import { setsAsked } from '../../core/rules/run/set-lookup.js';
import type { Element } from '../../core/sets/element.js';
import { NONE } from '../../core/sets/element.js';
import type { IpSet } from '../../core/sets/ip-set.js';
import type { Dimension } from '../../core/sets/set-type.js';
import { LAST_ADDRESS, LAST_PORT } from './model.js';

/** The ends of a packet, in host order. */
export interface Ends {
  readonly source: number;
  readonly destination: number;
  readonly sport: number;
  readonly dport: number;
}

type End = keyof Ends;
type SameEnds = readonly (readonly [end: End, values: readonly ValueRange[]])[];

const ADDRESS_BITS = 32;

/** What is known of the sets of one host, of which scans ask again and again. */
const known = new WeakMap<RuleContext, Map<Match, SetTest>>();

/** The test of MATCH, which looks packets up in a set of the host of CONTEXT. */
export function setTestOf(match: Match, context: RuleContext): SetTest {
  let ofContext = known.get(context);
  if (ofContext === undefined) {
    ofContext = new Map();
    known.set(context, ofContext);
  }
  let test = ofContext.get(match);
  if (test === undefined) {
    test = new SetTest(match, context);
    ofContext.set(match, test);
  }
  return test;
}

export class SetTest {
  /** What of a packet each dimension of the set, or of a member of it, is compared with. */
  readonly #ends: ReadonlySet<End>;
  /** Elements have nothing but addresses and ports, without odd masks, and asking changes nothing. */
  readonly #isPlain: boolean;
  readonly #answer: ((packet: Packet) => boolean) | undefined;
  readonly #addressStarts: readonly number[];
  readonly #portStarts: readonly number[];
  /** With one end that is looked at: the values with an answer. */
  readonly #byAnswer = new Map<string, readonly ValueRange[]>();

  constructor({ extension, params }: Match, context: RuleContext) {
    const references = (extension.sets?.(params) ?? []) as readonly SetReference[];
    const sets = references.flatMap(({ name }) => setsAsked(context.sets, name));
    const lookup = extension.createState?.(params, context)?.lookup;
    this.#ends = new Set(references.flatMap(({ ends }) => sets.flatMap(({ type }) => endsOf(type.dimensions, ends))));
    this.#isPlain =
      lookup?.isPure === true &&
      sets.every(({ type, options }) => type.dimensions.every(isPlainPart) && options.bitmask === undefined);
    this.#answer = lookup && ((packet) => lookup.answer(packet));
    const starts = startsIn(sets);
    this.#addressStarts = starts.addresses;
    this.#portStarts = starts.ports;
  }

  /**
   * The values of ends, in any combination, of packets with the same answer as one with OWN of PROTOCOL. AS_ARRIVED:
   * the ends that are looked up as they arrived; all others are the same for all packets.
   */
  same(own: Ends, protocol: number, asArrived: readonly End[]): SameEnds {
    const asked = [...this.#ends];
    const varying = asked.filter((end) => asArrived.includes(end));
    const isKnown = varying.length === asked.length;
    if (!this.#isPlain) return varying.map((end) => [end, only(own[end])]);
    // Of several ends, one may differ widely; the others stay between two borders of elements.
    const wide = isKnown ? (varying.find((end) => end === 'dport') ?? varying.at(0)) : undefined;
    return varying.map((end) => {
      if (end === wide) return [end, this.#withAnswer(own, protocol, end, varying.length === 1)];
      return [end, end.endsWith('port') ? only(own[end]) : [intervalAt(this.#addressStarts, own[end], LAST_ADDRESS)]];
    });
  }

  /** The values of END with which a packet that else is like OWN gets the same answer. IS_ONLY: no other is asked. */
  #withAnswer(own: Ends, protocol: number, end: End, isOnly: boolean): readonly ValueRange[] {
    const packet = packetOf(own, protocol);
    const expected = this.#ask(packet);
    const key = `${end} ${protocol} ${expected}`;
    const before = isOnly ? this.#byAnswer.get(key) : undefined;
    if (before !== undefined) return before;
    const isPort = end.endsWith('port');
    const [starts, highest] = isPort ? [this.#portStarts, LAST_PORT] : [this.#addressStarts, LAST_ADDRESS];
    const found: ValueRange[] = [];
    for (const [i, min] of starts.entries()) {
      packet[end] = isPort ? min : toLoaded(min);
      if (this.#ask(packet) === expected) found.push({ min, max: (starts[i + 1] ?? highest + 1) - 1 });
    }
    const values = normalRanges(found);
    if (isOnly) this.#byAnswer.set(key, values);
    return values;
  }

  #ask(packet: Packet): boolean {
    return this.#answer?.(packet) === true;
  }
}

const only = (value: number): readonly ValueRange[] => [{ min: value, max: value }];

function isPlainPart(dimension: Dimension): boolean {
  return dimension === 'ip' || dimension === 'net' || dimension === 'port' || dimension === 'set';
}

/** What of a packet DIMENSIONS are compared with, as a rule says with ENDS. */
function endsOf(dimensions: readonly Dimension[], ends: SetReference['ends']): End[] {
  return dimensions.flatMap((dimension, i): End[] => {
    const isSource = ends[i] === 'src';
    switch (dimension) {
      case 'ip':
      case 'net':
        return [isSource ? 'source' : 'destination'];
      case 'port':
        return [isSource ? 'sport' : 'dport'];
      case 'mac':
        // The sender's follows from its address here.
        return isSource ? ['source'] : [];
      default:
        return [];
    }
  });
}

function packetOf({ source, destination, sport, dport }: Ends, protocol: number): Packet {
  const ends = { source: toLoaded(source), destination: toLoaded(destination), sport, dport };
  return Object.assign(new Packet(), ends, { protocol, l4: IPV4_LENGTH, available: IPV4_LENGTH + TCP_LENGTH });
}

/** The addresses and ports from which on other elements of SETS apply; ascending, the first is 0. */
function startsIn(sets: readonly IpSet[]): { addresses: readonly number[]; ports: readonly number[] } {
  const addresses = new Set([0]);
  const ports = new Set([0]);
  for (const set of sets) {
    const length = set.options.netmask ?? ADDRESS_BITS;
    const add = (first: number, last: number, cidr: number): void => {
      if (first === NONE) return;
      const size = 2 ** (ADDRESS_BITS - (cidr === NONE ? length : Math.min(cidr, length)));
      const min = Math.floor(first / size) * size;
      addresses.add(min);
      const behind = Math.max(min + size, (last === NONE ? 0 : last) + 1);
      if (behind <= LAST_ADDRESS) addresses.add(behind);
    };
    set.forEach((element: Element) => {
      add(element.ip, element.ipTo, element.cidr);
      add(element.ip2, element.ip2To, element.cidr2);
      if (element.port === NONE) return;
      ports.add(element.port);
      const behind = Math.max(element.port, element.portTo) + 1;
      if (behind <= LAST_PORT) ports.add(behind);
    });
  }
  return { addresses: ascending(addresses), ports: ascending(ports) };
}

const ascending = (values: ReadonlySet<number>): number[] => [...values].sort((a, b) => a - b);

/** The values around VALUE up to the next of STARTS. */
function intervalAt(starts: readonly number[], value: number, highest: number): ValueRange {
  let at = 0;
  let end = starts.length;
  while (end - at > 1) {
    const middle = (at + end) >>> 1;
    if (starts[middle] <= value) at = middle;
    else end = middle;
  }
  return { min: starts[at], max: (starts[at + 1] ?? highest + 1) - 1 };
}
