/**
 * States of matches in a host's memory, where both ways of a packet reach them: limit's credit, statistic's counter.
 */
import { f64, i32, layout, u32, u64, type ValuesOf } from '../../../codecs/record-layout.js';
import type { Memory } from '../../memory.js';
import type { Packet } from '../../packet.js';
import type { RuleContext } from '../context.js';
import type { MatchState } from './match-state.js';

/** What a state is the state of. */
export const StateKind = { LIMIT: 1, NTH: 2 } as const;

/** A state. */
export const FLAT_STATE = layout(
  'FlatState',
  {
    /** A `StateKind`. */
    kind: i32,
    /** Whether the answer is turned round. */
    negated: i32,
    /** The number of the packet for which an answer was predicted, and the answer; -1 once it was taken. */
    predictedFor: f64,
    prediction: i32,
    /** Limit: its credit, what a match costs, the most credit, and the tick at which it was last asked. */
    credit: u32,
    cost: u32,
    cap: u32,
    tick: u64,
    /** Nth: its count, and the last value of it before it starts again. */
    count: u32,
    last: u32,
  },
  { bytes: 64 },
);

/** A state in the memory of CONTEXT's connections; what it does is in wasm/match-state.ts. */
export class FlatState implements MatchState {
  /** Where in the memory it is. */
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

  /** A bucket that holds CAP, is full, and of which each match takes COST. */
  static limit(context: RuleContext, cost: number, cap: number): FlatState {
    return new FlatState(context, { kind: StateKind.LIMIT, credit: cap, cost, cap });
  }

  /** The packet numbered FIRST (from 0) matches, then each EVERYth after it; NEGATED: all others. */
  static nth(context: RuleContext, every: number, first: number, negated: boolean): FlatState {
    const last = every - 1;
    return new FlatState(context, { kind: StateKind.NTH, count: last - first, last, negated: negated ? 1 : 0 });
  }

  ask(packet: Packet): boolean {
    this.#setClock(packet);
    return this.#memory.wasm.askState(this.at) !== 0;
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
