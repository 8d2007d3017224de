// Matches with state: limit's credit, statistic's counter. Their contract is in core/rules/run/match-state.ts, their
// records are declared in core/rules/run/flat-state.ts.
import { nowMs } from '../conntrack/account';
import { CREDIT_PER_TICK, StateKind, TICK_MS } from '../constants';
import { clock, FlatState } from '../records';

/** The `prediction` of a state once it was taken. */
const TAKEN = -1;

/** Does the packet in hand match? 1, else 0. */
export function askState(address: usize): i32 {
  const state = changetype<FlatState>(address);
  const predicted = state.prediction;
  if (predicted === TAKEN || state.predictedFor !== packetNumber()) return answer(state);
  state.prediction = TAKEN;
  return predicted;
}

/** What `askState` will return for the packet in hand when the rules get there, however often it is predicted. */
export function predictState(address: usize): i32 {
  const state = changetype<FlatState>(address);
  const known = state.prediction;
  if (known !== TAKEN && state.predictedFor === packetNumber()) return known;
  const predicted = answer(state);
  state.predictedFor = packetNumber();
  state.prediction = predicted;
  return predicted;
}

function packetNumber(): f64 {
  return clock().packets;
}

function answer(state: FlatState): i32 {
  return state.kind === StateKind.LIMIT ? answerLimit(state) : answerNth(state);
}

/** xt_limit: all arithmetic is in unsigned 32 bits, and overflows as there. */
function answerLimit(state: FlatState): i32 {
  // The conversion to a signed number is a single instruction, and time is never below 0.
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
function answerNth(state: FlatState): i32 {
  const count = state.count;
  const next = count === state.last ? 0 : count + 1;
  state.count = next;
  return (next === 0) !== (state.negated !== 0) ? 1 : 0;
}
