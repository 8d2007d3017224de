/**
 * Match states in the host's memory, accessible to both the slow path and the fast path: limit's credit, statistic's
 * counter, hashlimit's and recent's view of their tables.
 */
import {
  area,
  type Fields,
  f64,
  i32,
  type Layout,
  layout,
  Records,
  u32,
  u64,
  type Values,
} from '../../../codecs/record-layout.js';
import type { Memory } from '../../memory.js';
import { REGIONS } from '../../memory-map.js';
import type { Packet } from '../../packet.js';
import type { RuleContext } from '../context.js';
import type { KeyedTable } from './keyed-table.js';
import type { MatchState } from './match-state.js';
import { showPacket } from './matched-packet.js';

/** The kinds of states. */
export const StateKind = { LIMIT: 1, NTH: 2, QUOTA: 3, TIME: 4, HASHLIMIT: 5, RECENT: 6 } as const;

/** What a state says about a packet. */
export const StateResult = {
  MISS: 0,
  MATCH: 1,
  /** The packet is dropped at once (hotdrop). */
  DROP: 2,
  /** Nothing yet: its table has to grow first. */
  GROW: 3,
} as const;

/** The kinds that look at the packet (matched-packet.ts), not only at the time. */
const READS_PACKET: ReadonlySet<number> = new Set([StateKind.QUOTA, StateKind.HASHLIMIT, StateKind.RECENT]);

/** A state. Each kind has its own part. */
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
    own: area(40),
  },
  { bytes: 64 },
);

const ofKind = { within: { base: FLAT_STATE, area: 'own' } } as const;

/** Its credit, the cost of a match, the maximum credit, and the tick of its last use. */
export const LIMIT_STATE = layout('LimitState', { credit: u32, cost: u32, cap: u32, tick: u64 }, ofKind);

/** Its count, and the value after which it wraps around. */
export const NTH_STATE = layout('NthState', { count: u32, last: u32 }, ofKind);

/** How many bytes are left. */
export const QUOTA_STATE = layout('QuotaState', { bytes: f64 }, ofKind);

/** As in `TimeParams` (core/matches/time.ts). */
export const TIME_STATE = layout(
  'TimeState',
  {
    start: u32,
    stop: u32,
    dayStart: u32,
    dayStop: u32,
    monthdays: u32,
    weekdays: u32,
    isContiguous: i32,
    /** How far the time zone is ahead of UTC, in seconds. */
    zoneSec: i32,
  },
  ofKind,
);

/** The address of a HASHLIMIT_TABLE (core/matches/hashlimit-table.ts), and what a rule asks of it. */
export const HASHLIMIT_STATE = layout('HashlimitState', { table: u32, isBytes: i32 }, ofKind);

/** The address of a RECENT_LIST (core/matches/recent-list.ts), and what a rule asks of it. */
export const RECENT_STATE = layout(
  'RecentState',
  {
    list: u32,
    /** A `RecentAction`. */
    action: i32,
    isDestination: i32,
    checksTtl: i32,
    isReaping: i32,
    /** 0: any time; and the same in ticks, of 32 bits as in the kernel. */
    seconds: u32,
    ticks: u32,
    /** 0: once is enough. */
    hitcount: u32,
  },
  ofKind,
);

export interface StateParts {
  /** A `StateKind`. */
  readonly kind: number;
  readonly negated?: boolean;
  /** Where it looks packets up. */
  readonly table?: KeyedTable;
}

/** A state in the memory of CONTEXT's connections. wasm/flow/match-state.ts implements it. */
export class FlatState implements MatchState {
  /** Its address in the memory. */
  readonly at: number;
  readonly #memory: Memory;
  readonly #context: RuleContext;
  /** Where it expects the packet, if it looks at that. */
  readonly #matched: Int32Array | undefined;
  readonly #table: KeyedTable | undefined;

  private constructor(context: RuleContext, at: number, { kind, negated, table }: StateParts) {
    const { memory } = context.conntrack;
    this.at = at;
    this.#memory = memory;
    this.#context = context;
    this.#matched = READS_PACKET.has(kind) ? REGIONS.matched.wordsOf(memory.buffer) : undefined;
    this.#table = table;
    const state = new Records(FLAT_STATE, memory.buffer, at, 1);
    state.assign(0, { kind, negated: negated === true ? 1 : 0, prediction: -1 });
  }

  /** Creates a state of PARTS with these VALUES of its kind's LAYOUT. */
  static create<F extends Fields>(
    context: RuleContext,
    parts: StateParts,
    ofKind: Layout<F>,
    values: Partial<Values<F>>,
  ): FlatState {
    const own = context.conntrack.memory.allocateRecords(ofKind, 1);
    own.assign(0, values);
    return new FlatState(context, own.start, parts);
  }

  matches(packet: Packet): boolean {
    this.#show(packet);
    let result = this.#memory.wasm.matchState(this.at);
    if (result === StateResult.GROW) {
      this.#table?.grow();
      result = this.#memory.wasm.matchState(this.at);
    }
    return answer(packet, result);
  }

  predict(packet: Packet): boolean {
    this.#show(packet);
    let result = this.#memory.wasm.predictState(this.at);
    if (result === StateResult.GROW) {
      this.#table?.grow();
      result = this.#memory.wasm.predictState(this.at);
    }
    return answer(packet, result);
  }

  release(): void {
    this.#memory.release(this.at, FLAT_STATE.bytes);
  }

  #show(packet: Packet): void {
    const { clock } = this.#memory;
    clock.nowMs = packet.nowMs;
    clock.packets = this.#context.packetNumber;
    if (this.#matched !== undefined) showPacket(this.#matched, packet);
  }
}

function answer(packet: Packet, result: number): boolean {
  if (result === StateResult.DROP) packet.hotdrop = true;
  return result === StateResult.MATCH;
}
