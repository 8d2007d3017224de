// Stateful matches. core/rules/run/match-state.ts documents the contract; core/rules/run/flat-state.ts declares the
// records.
import { CREDIT_PER_TICK, StateKind, StateResult } from '../constants';
import { matchHashlimit } from '../matches/hashlimit';
import { matchRecent } from '../matches/recent';
import { currentTick } from '../matches/tick';
import { matchTime } from '../matches/time';
import {
  clock,
  FlatState,
  HashlimitState,
  LimitState,
  matched,
  NthState,
  QuotaState,
  RecentState,
  TimeState,
} from '../records';

/** The `prediction` of a state after it was used. */
const TAKEN = -1;

/** Returns what the state says about the current packet: a `StateResult`. */
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
  if (predicted === StateResult.GROW) return predicted;
  state.predictedFor = packetNumber();
  state.prediction = predicted;
  return predicted;
}

function packetNumber(): f64 {
  return clock().packets;
}

function matches(state: FlatState): i32 {
  switch (state.kind) {
    case StateKind.LIMIT:
      return matchesLimit(changetype<LimitState>(state));
    case StateKind.NTH:
      return matchesNth(changetype<NthState>(state));
    case StateKind.QUOTA:
      return matchesQuota(changetype<QuotaState>(state));
    case StateKind.TIME:
      return matchTime(changetype<TimeState>(state)) ? StateResult.MATCH : StateResult.MISS;
    case StateKind.HASHLIMIT:
      return matchHashlimit(changetype<HashlimitState>(state));
    default:
      return matchRecent(changetype<RecentState>(state));
  }
}

/** xt_limit: all arithmetic is unsigned 32-bit and overflows like the kernel's. */
function matchesLimit(state: LimitState): i32 {
  const tick = currentTick();
  const passed = tick - state.tick;
  state.tick = tick;
  const credit = min(state.credit + <u32>(passed * CREDIT_PER_TICK), state.cap);
  const cost = state.cost;
  const isEnough = credit >= cost;
  state.credit = isEnough ? credit - cost : credit;
  return isEnough ? StateResult.MATCH : StateResult.MISS;
}

/** Every nth packet (xt_statistic). */
function matchesNth(state: NthState): i32 {
  const count = state.count;
  const next = count === state.last ? 0 : count + 1;
  state.count = next;
  return (next === 0) !== (state.negated !== 0) ? StateResult.MATCH : StateResult.MISS;
}

/** As long as there are enough bytes left (xt_quota): a packet that is too long uses them up. */
function matchesQuota(state: QuotaState): i32 {
  const length = <f64>matched().length;
  const isEnough = state.bytes >= length;
  state.bytes = isEnough ? state.bytes - length : 0;
  return isEnough === (state.negated === 0) ? StateResult.MATCH : StateResult.MISS;
}
