/**
 * hot: sets of packets as binary decision diagrams (Bryant 1986).
 *
 * A packet is a row of bits, its variables, which are asked in a fixed order. A set is a node: a variable and the two
 * sets that remain for its two values. Equal sets are the same node, so comparing sets is comparing numbers, and set
 * algebra is exact however many conditions a ruleset combines.
 */

/** A set of packets: the number of its node. */
export type PacketSet = number;

export const NO_PACKETS: PacketSet = 0;
export const ALL_PACKETS: PacketSet = 1;

/** Thrown if sets need more nodes than are allowed. */
export class TooManyNodes extends Error {
  constructor() {
    super('the sets of packets are too complex');
  }
}

const AND = 1;
const MINUS = 2;
const OR = 3;

const START_NODES = 1 << 14;
const MAX_CACHE = 1 << 20;
const MISSES = 1 << 16;
/** How many steps one question may take. */
const MAX_STEPS = 2e7;
/** The variable of the two constant sets: behind all others. */
const CONSTANT = 0x7fffffff;

function hashOf(a: number, b: number, c: number): number {
  let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}

const isOneOrAll = (set: PacketSet, one: PacketSet): boolean => set === one || set === ALL_PACKETS;

export class Diagrams {
  readonly #maxNodes: number;
  #variables = new Int32Array(START_NODES);
  #lows = new Int32Array(START_NODES);
  #highs = new Int32Array(START_NODES);
  #count = 2;
  /** Nodes by their hash; 0: none. */
  #buckets = new Int32Array(START_NODES * 2);
  /** Results that were computed last: operation and operands, and the result. */
  #cacheKeys = new Int32Array(START_NODES * 3);
  #cacheResults = new Int32Array(START_NODES);
  /** Four sets each that have no packet in common. */
  #misses = new Int32Array(MISSES * 4);
  #steps = 0;

  /** MAX_NODES: how many nodes all sets may have together. A node takes about 40 bytes. */
  constructor(maxNodes: number) {
    this.#maxNodes = maxNodes;
    this.#variables[0] = CONSTANT;
    this.#variables[1] = CONSTANT;
  }

  /** How many nodes there are. */
  get size(): number {
    return this.#count;
  }

  /** The packets in LOW with 0 in VARIABLE, and those in HIGH with 1; both sets ask later variables only. */
  node(variable: number, low: PacketSet, high: PacketSet): PacketSet {
    if (low === high) return low;
    const mask = this.#buckets.length - 1;
    for (let at = hashOf(variable, low, high) & mask; ; at = (at + 1) & mask) {
      const found = this.#buckets[at];
      if (found === 0) return this.#add(at, variable, low, high);
      if (this.#variables[found] === variable && this.#lows[found] === low && this.#highs[found] === high) return found;
    }
  }

  #add(at: number, variable: number, low: PacketSet, high: PacketSet): PacketSet {
    if (this.#count >= this.#maxNodes) throw new TooManyNodes();
    const added = this.#count++;
    this.#variables[added] = variable;
    this.#lows[added] = low;
    this.#highs[added] = high;
    this.#buckets[at] = added;
    if (this.#count === this.#variables.length) this.#grow();
    return added;
  }

  #grow(): void {
    const length = this.#variables.length * 2;
    const grown = (from: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => {
      const to = new Int32Array(length);
      to.set(from);
      return to;
    };
    this.#variables = grown(this.#variables);
    this.#lows = grown(this.#lows);
    this.#highs = grown(this.#highs);
    this.#buckets = new Int32Array(length * 2);
    const mask = length * 2 - 1;
    for (let node = 2; node < this.#count; node++) {
      let at = hashOf(this.#variables[node], this.#lows[node], this.#highs[node]) & mask;
      while (this.#buckets[at] !== 0) at = (at + 1) & mask;
      this.#buckets[at] = node;
    }
    if (this.#cacheResults.length >= MAX_CACHE) return;
    this.#cacheKeys = new Int32Array(length * 3);
    this.#cacheResults = new Int32Array(length);
  }

  /** The packets in both A and B. */
  and(a: PacketSet, b: PacketSet): PacketSet {
    if (a === b || b === ALL_PACKETS) return a;
    if (a === ALL_PACKETS) return b;
    if (a === NO_PACKETS || b === NO_PACKETS) return NO_PACKETS;
    return a < b ? this.#apply(AND, a, b) : this.#apply(AND, b, a);
  }

  /** The packets in A or B. */
  or(a: PacketSet, b: PacketSet): PacketSet {
    if (a === b || b === NO_PACKETS) return a;
    if (a === NO_PACKETS) return b;
    if (a === ALL_PACKETS || b === ALL_PACKETS) return ALL_PACKETS;
    return a < b ? this.#apply(OR, a, b) : this.#apply(OR, b, a);
  }

  /** The packets in A but not in B. */
  minus(a: PacketSet, b: PacketSet): PacketSet {
    if (a === b || a === NO_PACKETS || b === ALL_PACKETS) return NO_PACKETS;
    if (b === NO_PACKETS) return a;
    return this.#apply(MINUS, a, b);
  }

  /** All packets that are not in A. */
  not(a: PacketSet): PacketSet {
    return this.minus(ALL_PACKETS, a);
  }

  /** Whether all packets in A are in B. */
  isWithin(a: PacketSet, b: PacketSet): boolean {
    return this.minus(a, b) === NO_PACKETS;
  }

  #apply(operation: number, a: PacketSet, b: PacketSet): PacketSet {
    const hash = hashOf(operation, a, b);
    const slot = hash & (this.#cacheResults.length - 1);
    const keys = this.#cacheKeys;
    if (keys[slot * 3] === operation && keys[slot * 3 + 1] === a && keys[slot * 3 + 2] === b)
      return this.#cacheResults[slot];
    const [first, second] = [this.#variables[a], this.#variables[b]];
    const variable = first < second ? first : second;
    const [lowA, highA] = first === variable ? [this.#lows[a], this.#highs[a]] : [a, a];
    const [lowB, highB] = second === variable ? [this.#lows[b], this.#highs[b]] : [b, b];
    const low = this.#operate(operation, lowA, lowB);
    const high = this.#operate(operation, highA, highB);
    const result = this.node(variable, low, high);
    // The cache may have grown.
    const at = hash & (this.#cacheResults.length - 1);
    this.#cacheKeys[at * 3] = operation;
    this.#cacheKeys[at * 3 + 1] = a;
    this.#cacheKeys[at * 3 + 2] = b;
    this.#cacheResults[at] = result;
    return result;
  }

  /**
   * Whether some packet is in all of A, B, C and D. Makes no nodes, and looks no further than at the first packet that
   * it finds.
   * @throws {TooManyNodes} if that takes too many steps
   */
  meet(a: PacketSet, b: PacketSet, c: PacketSet = ALL_PACKETS, d: PacketSet = ALL_PACKETS): boolean {
    this.#steps = 0;
    return this.#findCommon(a, b, c, d);
  }

  #findCommon(a: PacketSet, b: PacketSet, c: PacketSet, d: PacketSet): boolean {
    if (a === NO_PACKETS || b === NO_PACKETS || c === NO_PACKETS || d === NO_PACKETS) return false;
    const most = Math.max(a, b, c, d);
    // At most one set is left that is not all packets.
    if (isOneOrAll(a, most) && isOneOrAll(b, most) && isOneOrAll(c, most) && isOneOrAll(d, most)) return true;
    const at = (hashOf(hashOf(a, b, 0), c, d) & (MISSES - 1)) * 4;
    const misses = this.#misses;
    if (misses[at] === a && misses[at + 1] === b && misses[at + 2] === c && misses[at + 3] === d) return false;
    if (++this.#steps > MAX_STEPS) throw new TooManyNodes();
    const variables = this.#variables;
    const [ofA, ofB, ofC, ofD] = [variables[a], variables[b], variables[c], variables[d]];
    const variable = Math.min(ofA, ofB, ofC, ofD);
    for (const branches of [this.#highs, this.#lows]) {
      const nextA = ofA === variable ? branches[a] : a;
      const nextB = ofB === variable ? branches[b] : b;
      const nextC = ofC === variable ? branches[c] : c;
      const nextD = ofD === variable ? branches[d] : d;
      if (this.#findCommon(nextA, nextB, nextC, nextD)) return true;
    }
    misses[at] = a;
    misses[at + 1] = b;
    misses[at + 2] = c;
    misses[at + 3] = d;
    return false;
  }

  #operate(operation: number, a: PacketSet, b: PacketSet): PacketSet {
    if (operation === AND) return this.and(a, b);
    return operation === OR ? this.or(a, b) : this.minus(a, b);
  }

  /** The packets that are in A for some value of the variables from FIRST to LAST, whatever they have there. */
  forAny(a: PacketSet, first: number, last: number): PacketSet {
    const known = new Map<PacketSet, PacketSet>();
    const visit = (node: PacketSet): PacketSet => {
      const variable = this.#variables[node];
      if (variable > last) return node;
      let result = known.get(node);
      if (result === undefined) {
        const [low, high] = [visit(this.#lows[node]), visit(this.#highs[node])];
        result = variable >= first ? this.or(low, high) : this.node(variable, low, high);
        known.set(node, result);
      }
      return result;
    };
    return visit(a);
  }

  /** The packets that have the values of the variables up to LAST of some packet in A, whatever the others are. */
  upTo(a: PacketSet, last: number): PacketSet {
    const known = new Map<PacketSet, PacketSet>();
    const visit = (node: PacketSet): PacketSet => {
      if (node === NO_PACKETS) return NO_PACKETS;
      const variable = this.#variables[node];
      if (variable > last) return ALL_PACKETS;
      let result = known.get(node);
      if (result === undefined) {
        result = this.node(variable, visit(this.#lows[node]), visit(this.#highs[node]));
        known.set(node, result);
      }
      return result;
    };
    return visit(a);
  }

  /**
   * One packet of A, which must not be empty: the values of its variables, by number. Variables that do not matter are
   * left out.
   */
  pick(a: PacketSet): ReadonlyMap<number, boolean> {
    if (a === NO_PACKETS) throw new RangeError('no packet to pick');
    const values = new Map<number, boolean>();
    for (let node = a; node !== ALL_PACKETS; ) {
      const isHigh = this.#lows[node] === NO_PACKETS;
      values.set(this.#variables[node], isHigh);
      node = isHigh ? this.#highs[node] : this.#lows[node];
    }
    return values;
  }
}
