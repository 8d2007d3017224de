// Matches that remember what they have seen: limit's credit, statistic's counter. What their functions promise stands in
// core/rules/match-state.ts, how a state is laid out in core/rules/flat-state.ts.
import { nowMs } from '../conntrack/account';
import {
  CONTROL_AT,
  CONTROL_PACKETS_F64,
  CREDIT_PER_TICK,
  STATE_ANSWER,
  STATE_CAP,
  STATE_COST,
  STATE_COUNT,
  STATE_CREDIT,
  STATE_KIND,
  STATE_LAST,
  STATE_NEGATED,
  STATE_PACKET,
  STATE_TICK,
  StateKind,
  TICK_MS,
} from '../constants';

/** What STATE_ANSWER says once the answer was taken. */
const TAKEN = -1;

/** Does the packet in hand match? 1, else 0. */
export function askState(state: usize): i32 {
  const predicted = load<i32>(state, STATE_ANSWER);
  if (predicted === TAKEN || load<f64>(state, STATE_PACKET) !== packetNumber()) return answer(state);
  store<i32>(state, TAKEN, STATE_ANSWER);
  return predicted;
}

/** What `askState` will say of the packet in hand when it comes to that: the same, however often it is asked for. */
export function predictState(state: usize): i32 {
  const known = load<i32>(state, STATE_ANSWER);
  if (known !== TAKEN && load<f64>(state, STATE_PACKET) === packetNumber()) return known;
  const predicted = answer(state);
  store<f64>(state, packetNumber(), STATE_PACKET);
  store<i32>(state, predicted, STATE_ANSWER);
  return predicted;
}

function packetNumber(): f64 {
  return load<f64>(CONTROL_AT, CONTROL_PACKETS_F64 << 3);
}

function answer(state: usize): i32 {
  return load<i32>(state, STATE_KIND) === StateKind.LIMIT ? answerLimit(state) : answerNth(state);
}

/** xt_limit: all in unsigned 32 bits, with what they lose. */
function answerLimit(state: usize): i32 {
  // By way of a signed number, which is one instruction; time is not below 0.
  const tick = <u64>(<i64>(nowMs() / <f64>TICK_MS));
  const passed = tick - load<u64>(state, STATE_TICK);
  store<u64>(state, tick, STATE_TICK);
  const credit = min(load<u32>(state, STATE_CREDIT) + <u32>(passed * CREDIT_PER_TICK), load<u32>(state, STATE_CAP));
  const cost = load<u32>(state, STATE_COST);
  const isEnough = credit >= cost;
  store<u32>(state, isEnough ? credit - cost : credit, STATE_CREDIT);
  return isEnough ? 1 : 0;
}

/** Every nth packet (xt_statistic). */
function answerNth(state: usize): i32 {
  const count = load<u32>(state, STATE_COUNT);
  const next = count === load<u32>(state, STATE_LAST) ? 0 : count + 1;
  store<u32>(state, next, STATE_COUNT);
  return (next === 0) !== (load<i32>(state, STATE_NEGATED) !== 0) ? 1 : 0;
}
