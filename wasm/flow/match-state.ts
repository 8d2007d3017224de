// Stateful matches: limit's credit and statistic's counter. core/rules/run/match-state.ts documents the contract;
// core/rules/run/flat-state.ts declares the records.
import { nowMs } from '../conntrack/account';
import { CREDIT_PER_TICK, StateKind, TICK_MS } from '../constants';
import { clock, FlatState } from '../records';

/** The `prediction` of a state after it was used. */
const TAKEN = -1;

/** Returns 1 if the current packet matches, else 0. */
export function matchState(address: usize): i32 {
  const state = changetype<FlatState>(address);
  const predicted = state.prediction;
  if (predicted === TAKEN || state.predictedFor !== packetNumber()) return matches(state);
  state.prediction = TAKEN;
  return predicted;
}

/** Predicts what `matchState` will return for the current packet. May be called any number of times. */
export function predictState(address: usize): i32 {
  const state = changetype<FlatState>(address);
  const known = state.prediction;
  if (known !== TAKEN && state.predictedFor === packetNumber()) return known;
  const predicted = matches(state);
  state.predictedFor = packetNumber();
  state.prediction = predicted;
  return predicted;
}

function packetNumber(): f64 {
  return clock().packets;
}

function matches(state: FlatState): i32 {
  return state.kind === StateKind.LIMIT ? matchesLimit(state) : matchesNth(state);
}

/** xt_limit: all arithmetic is unsigned 32-bit and overflows like the kernel's. */
function matchesLimit(state: FlatState): i32 {
  // Conversion to a signed number is a single instruction, and time is never negative.
  const tick = <u64>(<i64>(nowMs() / <f64>TICK_MS));
  const passed = tick - state.tick;
  state.tick = tick;
  const credit = min(state.credit + <u32>(passed * CREDIT_PER_TICK), state.cap);
  const cost = state.cost;
  const isEnough = credit >= cost;
  state.credit = isEnough ? credit - cost : credit;
  return isEnough ? 1 : 0;
}

/** Every nth packet (xt_statistic). */
function matchesNth(state: FlatState): i32 {
  const count = state.count;
  const next = count === state.last ? 0 : count + 1;
  state.count = next;
  return (next === 0) !== (state.negated !== 0) ? 1 : 0;
}
