/** The classes of packets that wasm/classes.ts looks through, written down where it finds them. */
import { swap16 } from '../../codecs/address.js';
import { CLASSES_AT, CLASSES_BYTES, type Memory } from '../memory.js';

/** What relation to its connection a packet has; what conntrack says of it, and whether NAT asks its rules, follow from it. */
export const Phase = {
  /** It opens its connection (ctinfo NEW, the entry not confirmed yet): the nat table is asked. */
  OPENING: 0,
  /** ESTABLISHED, in the original direction. */
  ORIGINAL: 1,
  /** ESTABLISHED, in the reply's direction. */
  REPLY: 2,
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** Values from `min` to `max`, unsigned 32-bit numbers. */
export interface Span {
  readonly min: number;
  readonly max: number;
}

/** All that packets of a class have in common. Addresses and ports in host order. */
export interface FlowClass {
  readonly phase: Phase;
  readonly inDev: number;
  readonly protocol: number;
  readonly source: Span;
  readonly destination: Span;
  readonly sport: Span;
  readonly dport: Span;
  /** Destination and its port in FORWARD and POSTROUTING, once translated. Of an OPENING class: anything. */
  readonly laterDestination: Span;
  readonly laterDport: Span;
  /** What NAT makes of an OPENING packet; undefined for the other phases. */
  readonly plan: NatPlan | undefined;
}

/** What the nat table makes of a packet that opens a connection: always the same of a class. Addresses int32 as loaded, ports in host order. */
export interface NatPlan {
  /** There is a nat table: connections are bound, if to what they are. */
  readonly isBound: boolean;
  readonly destination: number | undefined;
  readonly dport: number | undefined;
  readonly source: number | undefined;
  /** The interface that the source's address is of (MASQUERADE), -1: none. */
  readonly masqueradeDev: number;
}

/**
 * A class in memory, by byte: its key; its path; of each field the lowest value and how many more there are; its plan (flags,
 * addresses as loaded, the port as it is on the wire, the interface + 1); how many packets it has taken.
 */
export const CLASS_BYTES = 128;
export const CLASS_IN_DEV = 0;
export const CLASS_PROTOCOL = 4;
export const CLASS_PHASE = 8;
export const CLASS_PATH = 12;
export const CLASS_SOURCE = 16;
export const CLASS_DESTINATION = 24;
export const CLASS_SPORT = 32;
export const CLASS_DPORT = 40;
export const CLASS_LATER_DESTINATION = 48;
export const CLASS_LATER_DPORT = 56;
export const CLASS_PLAN = 64;
export const CLASS_NEW_DESTINATION = 68;
export const CLASS_NEW_DPORT = 72;
export const CLASS_NEW_SOURCE = 76;
export const CLASS_MASQUERADE_DEV = 80;
export const CLASS_HITS = 84;

/** Bits of CLASS_PLAN. */
export const PlanFlag = { BOUND: 1, DESTINATION: 2, DPORT: 4, SOURCE: 8 } as const;

/** From this `BoxField` on they are the later ones. */
const LATER_FIELDS = 4;

/** The search looks at one after the other: more would cost others more than they spare. */
const MOST_CLASSES = Math.min(48, CLASSES_BYTES / CLASS_BYTES);

export class ClassTable {
  readonly #memory: Memory;
  readonly #words: Int32Array;
  #length = 0;

  constructor(memory: Memory) {
    this.#memory = memory;
    this.#words = new Int32Array(memory.buffer, CLASSES_AT, (MOST_CLASSES * CLASS_BYTES) / 4);
  }

  /** How many packets classes have taken, but for those whose classes had to give way. */
  get hits(): number {
    let hits = 0;
    for (let index = 0; index < this.#length; index++) hits += this.#words[this.#at(index, CLASS_HITS)];
    return hits;
  }

  /**
   * Whether a class that takes PATH holds a packet of PHASE that came in by IN_DEV, whose fields have these VALUES, in the order
   * of `BoxField`. Where rules ask what only each packet can answer, packets of one box take different paths.
   */
  holds(phase: Phase, inDev: number, protocol: number, values: readonly number[], path: number): boolean {
    const words = this.#words;
    for (let index = 0; index < this.#length; index++) {
      const at = this.#at(index, 0);
      if (words[at + CLASS_PHASE / 4] !== phase || words[at + CLASS_IN_DEV / 4] !== inDev) continue;
      if (words[at + CLASS_PROTOCOL / 4] !== protocol || words[at + CLASS_PATH / 4] !== path) continue;
      const isWithin = (value: number, field: number): boolean => {
        const span = at + CLASS_SOURCE / 4 + field * 2;
        return (value - words[span]) >>> 0 <= words[span + 1] >>> 0;
      };
      // Of an opening packet no class asks for the later fields.
      if (values.every((value, field) => isWithin(value, field) || (phase === Phase.OPENING && field >= LATER_FIELDS)))
        return true;
    }
    return false;
  }

  /** Let packets of ONE take PATH. Where there is no room, the class that has taken the fewest packets of late gives way. */
  add(one: FlowClass, path: number): void {
    const index = this.#length < MOST_CLASSES ? this.#length++ : this.#leastUsed();
    const words = this.#words;
    const set = (field: number, value: number): void => {
      words[this.#at(index, field)] = value;
    };
    const setSpan = (field: number, { min, max }: Span): void => {
      set(field, min);
      set(field + 4, max - min);
    };
    set(CLASS_IN_DEV, one.inDev);
    set(CLASS_PROTOCOL, one.protocol);
    set(CLASS_PHASE, one.phase);
    set(CLASS_PATH, path);
    setSpan(CLASS_SOURCE, one.source);
    setSpan(CLASS_DESTINATION, one.destination);
    setSpan(CLASS_SPORT, one.sport);
    setSpan(CLASS_DPORT, one.dport);
    setSpan(CLASS_LATER_DESTINATION, one.laterDestination);
    setSpan(CLASS_LATER_DPORT, one.laterDport);
    const { plan } = one;
    set(CLASS_PLAN, plan === undefined ? 0 : planFlags(plan));
    set(CLASS_NEW_DESTINATION, plan?.destination ?? 0);
    set(CLASS_NEW_DPORT, swap16(plan?.dport ?? 0));
    set(CLASS_NEW_SOURCE, plan?.source ?? 0);
    set(CLASS_MASQUERADE_DEV, (plan?.masqueradeDev ?? -1) + 1);
    set(CLASS_HITS, 0);
    this.#memory.machine.setClasses(this.#length);
  }

  #leastUsed(): number {
    const words = this.#words;
    let least = 0;
    for (let index = 0; index < this.#length; index++) {
      if (words[this.#at(index, CLASS_HITS)] < words[this.#at(least, CLASS_HITS)]) least = index;
    }
    // What was taken long ago counts less and less.
    for (let index = 0; index < this.#length; index++) words[this.#at(index, CLASS_HITS)] >>>= 1;
    return least;
  }

  #at(index: number, field: number): number {
    return (index * CLASS_BYTES + field) >> 2;
  }
}

function planFlags({ isBound, destination, dport, source }: NatPlan): number {
  return (
    (isBound ? PlanFlag.BOUND : 0) |
    (destination === undefined ? 0 : PlanFlag.DESTINATION) |
    (dport === undefined ? 0 : PlanFlag.DPORT) |
    (source === undefined ? 0 : PlanFlag.SOURCE)
  );
}
