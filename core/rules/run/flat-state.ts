/**
 * Match states in the host's memory, accessible to both the slow path and the fast path: limit's credit, statistic's
 * counter.
 */
import { f64, i32, layout, u32, u64, type ValuesOf } from '../../../codecs/record-layout.js';
import type { Memory } from '../../memory.js';
import type { Packet } from '../../packet.js';
import type { RuleContext } from '../context.js';
import type { MatchState } from './match-state.js';

/** The kinds of states. */
export const StateKind = { LIMIT: 1, NTH: 2 } as const;

/** A state. */
export const FLAT_STATE = layout(
  'FlatState',
  {
    /** A `StateKind`. */
    kind: i32,
    /** Whether the result is inverted. */
    negated: i32,
    /** The number of the packet whose result was predicted, and the result; -1 after it was used. */
    predictedFor: f64,
    prediction: i32,
    /** Limit: its credit, the cost of a match, the maximum credit, and the tick of its last use. */
    credit: u32,
    cost: u32,
    cap: u32,
    tick: u64,
    /** Nth: its count, and the value after which it wraps around. */
    count: u32,
    last: u32,
  },
  { bytes: 64 },
);

/** A state in the memory of CONTEXT's connections. wasm/flow/match-state.ts implements it. */
export class FlatState implements MatchState {
  /** Its address in the memory. */
  readonly at: number;
  readonly #memory: Memory;
  readonly #context: RuleContext;

  private constructor(context: RuleContext, values: Partial<ValuesOf<typeof FLAT_STATE>>) {
    const { memory } = context.conntrack;
    this.#memory = memory;
    this.#context = context;
    const state = memory.allocateRecords(FLAT_STATE, 1);
    state.assign(0, { prediction: -1, ...values });
    this.at = state.start;
  }

  /** A bucket with capacity CAP that starts full. Each match costs COST. */
  static limit(context: RuleContext, cost: number, cap: number): FlatState {
    return new FlatState(context, { kind: StateKind.LIMIT, credit: cap, cost, cap });
  }

  /** Matches packet number FIRST (from 0), then every EVERYth. NEGATED: all others. */
  static nth(context: RuleContext, every: number, first: number, negated: boolean): FlatState {
    const last = every - 1;
    return new FlatState(context, { kind: StateKind.NTH, count: last - first, last, negated: negated ? 1 : 0 });
  }

  matches(packet: Packet): boolean {
    this.#setClock(packet);
    return this.#memory.wasm.matchState(this.at) !== 0;
  }

  predict(packet: Packet): boolean {
    this.#setClock(packet);
    return this.#memory.wasm.predictState(this.at) !== 0;
  }

  #setClock(packet: Packet): void {
    const { clock } = this.#memory;
    clock.nowMs = packet.nowMs;
    clock.packets = this.#context.packetNumber;
  }
}
