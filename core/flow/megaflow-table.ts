/** The table of megaflows, searched by wasm/flow/megaflows.ts. */
import { portToLoaded } from '../../codecs/byte-order.js';
import type { FieldsOf, Records, ValuesOf } from '../../codecs/record-layout.js';
import type { Memory } from '../memory.js';
import type { MemoryArena } from '../memory-arena.js';
import { REGIONS } from '../memory-map.js';
import type { Probe } from './chain-probe.js';
import { CHAIN_PATH, FIRST_MISS, MEGAFLOW, VALUE_RANGE } from './records.js';

/** A packet's relation to its connection, which determines its ctinfo and whether it traverses the nat table. */
export const Phase = {
  /** It opens its connection (ctinfo NEW, entry not confirmed yet) and traverses the nat table. */
  OPENING: 0,
  /** ESTABLISHED, in the original direction. */
  ORIGINAL: 1,
  /** ESTABLISHED, in the reply direction. */
  REPLY: 2,
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** Values from `min` to `max`, unsigned 32-bit numbers. */
export interface Span {
  readonly min: number;
  readonly max: number;
}

/** What all packets of a megaflow have in common. Addresses and ports are in host order. */
export interface Megaflow {
  readonly phase: Phase;
  readonly inDev: number;
  readonly protocol: number;
  readonly source: Span;
  readonly destination: Span;
  readonly sport: Span;
  readonly dport: Span;
  /** Destination and port in FORWARD and POSTROUTING, after translation. Ignored for OPENING megaflows. */
  readonly translatedDestination: Span;
  readonly translatedDport: Span;
  /** How NAT translates an OPENING packet; undefined for the other phases. */
  readonly plan: NatPlan | undefined;
  /** A long chain that determines their path; undefined if all take the same path. */
  readonly probe: Probe | undefined;
}

/**
 * How the nat table translates a packet that opens a connection, which is the same for all packets of a megaflow.
 * Addresses are int32 as loaded, ports in host order.
 */
export interface NatPlan {
  /** There is a nat table, so connections are bound, even if to their own addresses. */
  readonly isBound: boolean;
  readonly destination: number | undefined;
  readonly dport: number | undefined;
  readonly source: number | undefined;
  /** The interface whose address becomes the source (MASQUERADE); -1 if none. */
  readonly masqueradeDev: number;
}

/** Bits of a megaflow's `plan`. */
export const PlanFlag = { BOUND: 1, DESTINATION: 2, DPORT: 4, SOURCE: 8 } as const;

const NO_PATH = -1;
/** The `FlowField`s starting here are after translation. */
const TRANSLATED_FIELDS = 4;

/** The search is linear: with more megaflows, it would cost other packets more than it saves. */
const MAX_MEGAFLOWS = REGIONS.megaflows.count;

/** The result of the chain for a megaflow's first packet, and that packet's path. */
interface FirstResult {
  readonly probe: Probe;
  readonly path: number;
}

export class MegaflowTable {
  readonly #memory: Memory;
  readonly #arena: MemoryArena;
  readonly #words: Int32Array;
  readonly #records: Records<FieldsOf<typeof MEGAFLOW>>;
  #length = 0;
  /** The hits of megaflows that were forgotten. */
  #pastHits = 0;
  /** By megaflow: the paths for the chain's results, once any was needed. */
  #chainPaths: Records<FieldsOf<typeof CHAIN_PATH>>[] = [];
  /** By megaflow: undefined if no chain determines the path. */
  #firstResults: (FirstResult | undefined)[] = [];

  constructor(memory: Memory, arena: MemoryArena) {
    this.#memory = memory;
    this.#arena = arena;
    this.#words = REGIONS.megaflows.wordsOf(memory.buffer);
    this.#records = REGIONS.megaflows.recordsOf(memory.buffer);
  }

  /** The number of packets that took a megaflow, not counting megaflows that were replaced. */
  get hits(): number {
    let hits = this.#pastHits;
    for (let index = 0; index < this.#length; index++) hits += this.#words[this.#at(index) + MEGAFLOW.word.hits] >>> 0;
    return hits;
  }

  /** Forgets all megaflows. */
  clear(): void {
    this.#pastHits = this.hits;
    this.#length = 0;
    this.#chainPaths = [];
    this.#firstResults = [];
    this.#memory.wasm.setMegaflows(0);
  }

  /**
   * Whether a megaflow with PATH matches a packet of PHASE that arrived on IN_DEV and has these field VALUES, in the
   * order of `FlowField`. If rules depend on more than these, packets in the same ranges take different paths.
   */
  holds(phase: Phase, inDev: number, protocol: number, values: readonly number[], path: number): boolean {
    for (let index = 0; index < this.#length; index++) {
      if (
        this.#words[this.#at(index) + MEGAFLOW.word.path] === path &&
        this.#isHeld(index, phase, inDev, protocol, values)
      )
        return true;
    }
    return false;
  }

  /** Whether the megaflow INDEX matches such a packet. */
  #isHeld(index: number, phase: Phase, inDev: number, protocol: number, values: readonly number[]): boolean {
    const words = this.#words;
    const at = this.#at(index);
    if (words[at + MEGAFLOW.word.phase] !== phase || words[at + MEGAFLOW.word.inDev] !== inDev) return false;
    if (words[at + MEGAFLOW.word.protocol] !== protocol) return false;
    return values.every((value, field) => {
      // The translated fields of a packet that opens a connection do not matter.
      if (phase === Phase.OPENING && field >= TRANSLATED_FIELDS) return true;
      // The ranges are in the order of `FlowField`.
      const range = at + MEGAFLOW.word.source + field * VALUE_RANGE.words;
      return (value - words[range + VALUE_RANGE.word.lowest]) >>> 0 <= words[range + VALUE_RANGE.word.more] >>> 0;
    });
  }

  /**
   * Adds FLOW, whose packets take PATH. If the table is full, it replaces the megaflow that recently had the fewest
   * hits.
   *
   * @throws {MemoryFullError}; nothing was added then
   */
  add(flow: Megaflow, path: number): void {
    const index = this.#length < MAX_MEGAFLOWS ? this.#length : this.#leastUsed();
    const { inDev, protocol, phase, plan, probe } = flow;
    const paths = probe === undefined ? undefined : this.#clearChainPaths(index, probe.rules + 1);
    this.#length = Math.max(this.#length, index + 1);
    this.#records.assign(index, { inDev, protocol, phase, path: probe === undefined ? path : NO_PATH, hits: 0 });
    this.#records.assign(index, planFields(plan));
    this.#setRange(index, MEGAFLOW.word.source, flow.source);
    this.#setRange(index, MEGAFLOW.word.destination, flow.destination);
    this.#setRange(index, MEGAFLOW.word.sport, flow.sport);
    this.#setRange(index, MEGAFLOW.word.dport, flow.dport);
    this.#setRange(index, MEGAFLOW.word.translatedDestination, flow.translatedDestination);
    this.#setRange(index, MEGAFLOW.word.translatedDport, flow.translatedDport);
    this.#firstResults[index] = probe === undefined ? undefined : { probe, path };
    if (probe === undefined || paths === undefined) {
      this.#records.set(index, 'chain', 0);
    } else {
      const { chain, isAfterRouting, outDev, state } = probe;
      this.#records.assign(index, {
        chain,
        chainPaths: paths.start,
        isAfterRouting: isAfterRouting ? 1 : 0,
        outDev,
        state,
      });
      paths.set(probe.result, 'path', path + 1);
    }
    this.#memory.wasm.setMegaflows(this.#length);
  }

  /**
   * Handles a packet that, according to UPCALL, took the slow path only because the path for a chain's result was not
   * known: other packets with the same result can now take PATH. This applies to megaflows whose first packet took the
   * same path except for the chain's result, as determined by IS_ALIKE from that path and the chain's IDs. Returns
   * whether there is one. The other parameters are the same as for `holds`.
   */
  settle(
    upcall: number,
    phase: Phase,
    inDev: number,
    protocol: number,
    values: readonly number[],
    path: number,
    isAlike: (first: number, firstId: number, rules: number) => boolean,
  ): boolean {
    if (upcall > FIRST_MISS) return false;
    const missed = this.#firstResults[(FIRST_MISS - upcall) % MAX_MEGAFLOWS]?.probe;
    if (missed === undefined) return false;
    const result = Math.floor((FIRST_MISS - upcall) / MAX_MEGAFLOWS);
    let isSettled = false;
    for (let index = 0; index < this.#length; index++) {
      const first = this.#firstResults[index];
      if (first === undefined || !isSameProbe(first.probe, missed)) continue;
      if (!this.#isHeld(index, phase, inDev, protocol, values)) continue;
      if (!isAlike(first.path, first.probe.firstId, first.probe.rules)) continue;
      this.#chainPaths[index].set(result, 'path', path + 1);
      isSettled = true;
    }
    return isSettled;
  }

  /**
   * Allocates paths for COUNT results of the chain of megaflow INDEX, all 0. Reuses those of the megaflow it replaces.
   */
  #clearChainPaths(index: number, count: number): Records<FieldsOf<typeof CHAIN_PATH>> {
    const known = this.#chainPaths[index];
    if (known !== undefined && known.count >= count) {
      known.clear();
      return known;
    }
    const paths = this.#arena.allocateRecords(CHAIN_PATH, count);
    this.#chainPaths[index] = paths;
    return paths;
  }

  #setRange(index: number, word: number, { min, max }: Span): void {
    const range = this.#at(index) + word;
    this.#words[range + VALUE_RANGE.word.lowest] = min;
    this.#words[range + VALUE_RANGE.word.more] = max - min;
  }

  #leastUsed(): number {
    const words = this.#words;
    const { hits } = MEGAFLOW.word;
    let least = 0;
    for (let index = 0; index < this.#length; index++) {
      if (words[this.#at(index) + hits] >>> 0 < words[this.#at(least) + hits] >>> 0) least = index;
    }
    // Older hits count less and less.
    for (let index = 0; index < this.#length; index++) words[this.#at(index) + hits] >>>= 1;
    return least;
  }

  #at(index: number): number {
    return index * MEGAFLOW.words;
  }
}

function planFields(plan: NatPlan | undefined): Partial<ValuesOf<typeof MEGAFLOW>> {
  return {
    plan: plan === undefined ? 0 : planFlags(plan),
    newDestination: plan?.destination ?? 0,
    newDport: portToLoaded(plan?.dport ?? 0),
    newSource: plan?.source ?? 0,
    masqueradeDev: (plan?.masqueradeDev ?? -1) + 1,
  };
}

/** Whether two probes have the same result for every packet. */
function isSameProbe(a: Probe, b: Probe): boolean {
  return a.chain === b.chain && a.isAfterRouting === b.isAfterRouting && a.outDev === b.outDev && a.state === b.state;
}

function planFlags({ isBound, destination, dport, source }: NatPlan): number {
  return (
    (isBound ? PlanFlag.BOUND : 0) |
    (destination === undefined ? 0 : PlanFlag.DESTINATION) |
    (dport === undefined ? 0 : PlanFlag.DPORT) |
    (source === undefined ? 0 : PlanFlag.SOURCE)
  );
}
