// What the kernel would log about the last segment (nf_conntrack_log_invalid), for whoever observes the packet
// (core/protocols/tcp-remark.ts).
import { REMARK_DIRECTION_SHIFT, REMARK_KIND_SHIFT, TcpRemark } from '../constants';
import { kind } from './tcp-segment';

let remark: i32 = TcpRemark.NONE;
let value: i32 = 0;
/** As the value of a remark about a state, with the kind of the segment before, if that one and this close in vain. */
let lowered: i32 = -1;

/** VALUE: the bound that the segment is beyond, or by how many bytes. */
export function note(about: i32, amount: i32): void {
  remark = about;
  value = amount;
}

/** The segment in DIRECTION does not fit to STATE. */
export function noteState(about: i32, direction: i32, state: i32): void {
  note(about, (kind << REMARK_KIND_SHIFT) | (direction << REMARK_DIRECTION_SHIFT) | state);
}

/** Both ends, with a segment of LAST_KIND and this one in DIRECTION, have closed in vain. */
export function noteLowered(direction: i32, lastKind: i32): void {
  lowered = (kind << REMARK_KIND_SHIFT) | (direction << REMARK_DIRECTION_SHIFT) | lastKind;
}

/** The `TcpRemark` about the last segment, once. */
export function tcpTakeRemark(): i32 {
  const taken = remark;
  remark = TcpRemark.NONE;
  return taken;
}

/** What it is about, as in `note` and `noteState`. */
export function tcpRemarkValue(): i32 {
  return value;
}

/** As in `noteLowered`, once; -1: nothing. */
export function tcpTakeLowered(): i32 {
  const taken = lowered;
  lowered = -1;
  return taken;
}
