/** hot: what every set can do, for rules (packets) and for commands (elements). */
import type { Packet } from '../packet.js';
import type { CreateOptions } from './create-options.js';
import type { Element } from './element.js';
import type { SetType } from './set-type.js';

/** How a counter of the element found is compared (`--packets-gt 5`). */
export const CounterOp = { NONE: 0, EQ: 1, NE: 2, LT: 3, GT: 4 } as const;
export type CounterOp = (typeof CounterOp)[keyof typeof CounterOp];

/** A number of 64 bits, in halves: as one, each comparison would make an object. */
export interface CounterValue {
  readonly low: number;
  readonly high: number;
}

export function counterValue(value: bigint): CounterValue {
  return { low: Number(value & 0xffff_ffffn), high: Number(value >> 32n) };
}

/** What is done with the counters of an element that a packet meets. */
export const MatchFlag = { ASKS_COUNTERS: 1, KEEPS_COUNTERS: 2 } as const;

/** What a rule says about a set; made once for each rule (struct ip_set_adt_opt). */
export interface SetLookup {
  /** How many directions were given (`src,dst`: 2). A set with more dimensions is never matched. */
  readonly dimensions: number;
  /** Bit i: dimension i is compared with the source. */
  readonly sources: number;
  /** `--return-nomatch`: an element with nomatch counts as found. */
  readonly returnsNomatch: boolean;
  /** `! --update-counters`. */
  readonly keepsCounters: boolean;
  /** `! --update-subcounters`: those of the members of a list:set. */
  readonly keepsSubcounters: boolean;
  readonly packetsOp: CounterOp;
  readonly packets: CounterValue;
  readonly bytesOp: CounterOp;
  readonly bytes: CounterValue;
  /** `--exist`: an element that is there is renewed. */
  readonly renews: boolean;
  /** `--timeout`, in seconds; NO_TIMEOUT: the set's own. */
  readonly timeout: number;
}

export const NO_TIMEOUT = -1;

/** A `-m set` with nothing but directions. */
export const PLAIN_LOOKUP: SetLookup = {
  dimensions: 1,
  sources: 1,
  returnsNomatch: false,
  keepsCounters: false,
  keepsSubcounters: false,
  packetsOp: CounterOp.NONE,
  packets: counterValue(0n),
  bytesOp: CounterOp.NONE,
  bytes: counterValue(0n),
  renews: false,
  timeout: NO_TIMEOUT,
};

/** The flags of LOOKUP in the set itself. */
export function matchFlags({ keepsCounters }: SetLookup): number {
  return MatchFlag.ASKS_COUNTERS | (keepsCounters ? MatchFlag.KEEPS_COUNTERS : 0);
}

/** What the element that was found last says for `--map-set`. One record, for all lookups of a store. */
export class SkbInfo {
  /** Words are int32. */
  mark = 0;
  markMask = 0;
  prio = 0;
  queue = 0;

  /** Before `--map-set`: a set without skbinfo leaves zeros. */
  clear(): void {
    this.mark = 0;
    this.markMask = 0;
    this.prio = 0;
    this.queue = 0;
  }
}

/** A set of a host. Methods for packets allocate nothing. */
export interface IpSet {
  /** Changes by `rename` and `swap`. */
  name: string;
  readonly type: SetType;
  readonly options: CreateOptions;
  /** How many elements `ipset list` counts: those that have not expired. */
  readonly size: number;
  /** What `ipset save` prints for `hashsize` and `bucketsize`, both of which grow; 0 for other types. */
  readonly hashsize: number;
  readonly bucketSize: number;

  /** `-m set`: whether PACKET is in the set (ip_set_test). May update counters. */
  testPacket(packet: Packet, lookup: SetLookup): boolean;
  /** The same as a member of a list: FLAGS (MatchFlag) say what to do with counters. */
  testMember(packet: Packet, lookup: SetLookup, flags: number): boolean;
  /** `-j SET --add-set`: whether it was added (ip_set_add). */
  addPacket(packet: Packet, lookup: SetLookup): boolean;
  /** `-j SET --del-set`: whether it was there (ip_set_del). */
  delPacket(packet: Packet, lookup: SetLookup): boolean;

  /** `ipset add`. IS_EXIST: an element that is there is no fault, but renewed. Throws a SetFault. */
  add(element: Element, isExist: boolean): void;
  /** `ipset del`. IS_EXIST: an element that is not there is no fault. Throws a SetFault. */
  del(element: Element, isExist: boolean): void;
  /** `ipset test`. Throws a SetFault for an element that cannot be in the set. */
  test(element: Element): boolean;
  flush(): void;
  /** Whether a change of the element with key CHANGED may change the answer for a packet with key ASKED. */
  covers(changed: Int32Array, asked: Int32Array): boolean;
  /** Calls EACH for each element, in the order of `ipset save`, with one record that is filled again each time. */
  forEach(each: (element: Element) => void): void;
}
