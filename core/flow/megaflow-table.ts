/** The classes of packets that wasm/flow/megaflows.ts looks through, written down where it finds them. */
import { swap16 } from '../../codecs/address.js';
import { CLASSES_AT, CLASSES_BYTES, CONTROL_PENDING_F64, CONTROL_PENDING_RESULT_F64, type Memory } from '../memory.js';
import type { Probe } from './chain-probe.js';

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
export interface Megaflow {
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
  /** A long chain that says which path they take; undefined: all take the same. */
  readonly probe: Probe | undefined;
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
/**
 * The chain that its packets ask (chain-probe.ts; 0: none), where the paths are that its answers lead to (+ 1, by position; 0: not
 * known yet), and what rules see there: whether the destination is translated, the interface that packets leave by, their state.
 */
export const CLASS_PROBE = 88;
export const CLASS_PROBE_PATHS = 92;
export const CLASS_PROBE_IS_LATER = 96;
export const CLASS_PROBE_OUT_DEV = 100;
export const CLASS_PROBE_STATE = 104;

/** Bits of CLASS_PLAN. */
export const PlanFlag = { BOUND: 1, DESTINATION: 2, DPORT: 4, SOURCE: 8 } as const;

const NO_PATH = -1;
/** From this `FlowField` on they are the later ones. */
const LATER_FIELDS = 4;

/** The search looks at one after the other: more would cost others more than they spare. */
const MOST_CLASSES = Math.min(48, CLASSES_BYTES / CLASS_BYTES);

export class MegaflowTable {
  readonly #memory: Memory;
  readonly #words: Int32Array;
  #length = 0;
  /** Where the paths of classes are that ask a chain, and how many there is room for; by the class's number. */
  readonly #rooms: { readonly at: number; readonly count: number }[] = [];

  /** Of classes that ask a chain, by their number: what, and the path that their first packet took. */
  readonly #asked: ({ readonly probe: Probe; readonly path: number } | undefined)[] = [];

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
   * of `FlowField`. Where rules ask what only each packet can answer, packets of one box take different paths.
   */
  holds(phase: Phase, inDev: number, protocol: number, values: readonly number[], path: number): boolean {
    for (let index = 0; index < this.#length; index++) {
      if (this.#words[this.#at(index, CLASS_PATH)] === path && this.#isHeld(index, phase, inDev, protocol, values))
        return true;
    }
    return false;
  }

  /** Whether the class INDEX holds such a packet. */
  #isHeld(index: number, phase: Phase, inDev: number, protocol: number, values: readonly number[]): boolean {
    const words = this.#words;
    const at = this.#at(index, 0);
    if (words[at + CLASS_PHASE / 4] !== phase || words[at + CLASS_IN_DEV / 4] !== inDev) return false;
    if (words[at + CLASS_PROTOCOL / 4] !== protocol) return false;
    return values.every((value, field) => {
      const span = at + CLASS_SOURCE / 4 + field * 2;
      // Of an opening packet no class asks for the later fields.
      if (phase === Phase.OPENING && field >= LATER_FIELDS) return true;
      return (value - words[span]) >>> 0 <= words[span + 1] >>> 0;
    });
  }

  /** Let packets of ONE take PATH. Where there is no room, the class that has taken the fewest packets of late gives way. */
  add(one: Megaflow, path: number): void {
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
    const { probe } = one;
    set(CLASS_PROBE, probe?.chain ?? 0);
    this.#asked[index] = probe === undefined ? undefined : { probe, path };
    if (probe !== undefined) {
      set(CLASS_PATH, NO_PATH);
      set(CLASS_PROBE_PATHS, this.#pathsFor(index, probe.rules + 1));
      set(CLASS_PROBE_IS_LATER, probe.isLater ? 1 : 0);
      set(CLASS_PROBE_OUT_DEV, probe.outDev);
      set(CLASS_PROBE_STATE, probe.state);
      this.#setPath(index, probe.result, path);
    }
    this.#memory.wasm.setClasses(this.#length);
  }

  /**
   * Where the packet in hand, of which the others are as for `holds`, was left to the slow path only because nobody had taken the way
   * that a chain's answer leads to: let others that get this answer take PATH. That holds for the classes whose first packet took
   * the same way but for what the chain said, as IS_ALIKE says of that one's path and the chain's ids. False where there is none.
   */
  settle(
    phase: Phase,
    inDev: number,
    protocol: number,
    values: readonly number[],
    path: number,
    isAlike: (first: number, firstId: number, rules: number) => boolean,
  ): boolean {
    const { control } = this.#memory;
    const pending = this.#asked[control[CONTROL_PENDING_F64] - 1]?.probe;
    if (pending === undefined) return false;
    let isSettled = false;
    for (let index = 0; index < this.#length; index++) {
      const asked = this.#asked[index];
      if (asked === undefined || !asksTheSame(asked.probe, pending)) continue;
      if (!this.#isHeld(index, phase, inDev, protocol, values)) continue;
      if (!isAlike(asked.path, asked.probe.firstId, asked.probe.rules)) continue;
      this.#setPath(index, control[CONTROL_PENDING_RESULT_F64], path);
      isSettled = true;
    }
    return isSettled;
  }

  /** Room for so many paths of the class INDEX, all 0: what the class had that it takes the place of, if that is enough. */
  #pathsFor(index: number, count: number): number {
    let room = this.#rooms[index];
    if (room === undefined || room.count < count) {
      room = { at: this.#memory.allocateSmall(((count + 1) >> 1) * 8), count };
      this.#rooms[index] = room;
    } else {
      this.#memory.bytes.fill(0, room.at, room.at + count * 4);
    }
    return room.at;
  }

  #setPath(index: number, result: number, path: number): void {
    const paths = this.#words[this.#at(index, CLASS_PROBE_PATHS)];
    this.#memory.view.setInt32(paths + result * 4, path + 1, true);
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

/** Whether two probes get the same answer for each packet. */
function asksTheSame(a: Probe, b: Probe): boolean {
  return a.chain === b.chain && a.isLater === b.isLater && a.outDev === b.outDev && a.state === b.state;
}

function planFlags({ isBound, destination, dport, source }: NatPlan): number {
  return (
    (isBound ? PlanFlag.BOUND : 0) |
    (destination === undefined ? 0 : PlanFlag.DESTINATION) |
    (dport === undefined ? 0 : PlanFlag.DPORT) |
    (source === undefined ? 0 : PlanFlag.SOURCE)
  );
}
