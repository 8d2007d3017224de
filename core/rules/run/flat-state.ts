/** States of matches in a host's memory, where both ways of a packet reach them: limit's credit, statistic's counter. */
import { CONTROL_NOW_MS_F64, CONTROL_PACKETS_F64, type Memory } from '../../memory.js';
import type { Packet } from '../../packet.js';
import type { RuleContext } from '../context.js';
import type { MatchState } from './match-state.js';

/** What a state is the state of. */
export const StateKind = { LIMIT: 1, NTH: 2 } as const;

/**
 * A state, by byte: what it is; whether the answer is turned round; of which packet (a float64) an answer was predicted, and
 * which, -1 once it was taken. Limit: its credit, what a match costs, the most credit, the tick it was last asked at (64 bits).
 * Nth: its count, and the last value of it before it starts again.
 */
export const STATE_BYTES = 64;
export const STATE_KIND = 0;
export const STATE_NEGATED = 4;
export const STATE_PACKET = 8;
export const STATE_ANSWER = 16;
export const STATE_CREDIT = 20;
export const STATE_COST = 24;
export const STATE_CAP = 28;
export const STATE_TICK = 32;
export const STATE_COUNT = 40;
export const STATE_LAST = 44;

/** A state in the memory of CONTEXT's connections; what it does is in wasm/match-state.ts. */
export class FlatState implements MatchState {
  /** Where in the memory it is. */
  readonly at: number;
  readonly #memory: Memory;
  readonly #context: RuleContext;

  private constructor(context: RuleContext, kind: number, words: Readonly<Record<number, number>>) {
    const { memory } = context.conntrack;
    this.#memory = memory;
    this.#context = context;
    this.at = memory.allocateSmall(STATE_BYTES);
    memory.view.setInt32(this.at + STATE_KIND, kind, true);
    memory.view.setInt32(this.at + STATE_ANSWER, -1, true);
    for (const [field, value] of Object.entries(words)) memory.view.setUint32(this.at + Number(field), value, true);
  }

  /** A bucket that holds CAP, is full, and of which each match takes COST. */
  static limit(context: RuleContext, cost: number, cap: number): FlatState {
    return new FlatState(context, StateKind.LIMIT, { [STATE_CREDIT]: cap, [STATE_COST]: cost, [STATE_CAP]: cap });
  }

  /** The packet numbered FIRST (from 0) matches, then each EVERYth after it; NEGATED: all others. */
  static nth(context: RuleContext, every: number, first: number, negated: boolean): FlatState {
    const last = every - 1;
    const words = { [STATE_COUNT]: last - first, [STATE_LAST]: last, [STATE_NEGATED]: negated ? 1 : 0 };
    return new FlatState(context, StateKind.NTH, words);
  }

  ask(packet: Packet): boolean {
    this.#setControl(packet);
    return this.#memory.wasm.askState(this.at) !== 0;
  }

  predict(packet: Packet): boolean {
    this.#setControl(packet);
    return this.#memory.wasm.predictState(this.at) !== 0;
  }

  #setControl(packet: Packet): void {
    const { control } = this.#memory;
    control[CONTROL_NOW_MS_F64] = packet.nowMs;
    control[CONTROL_PACKETS_F64] = this.#context.packetNumber;
  }
}
