// hot: checksums that a sender left to its network card (core/offload/checksums.ts).
import { IPPROTO_TCP, IPV4_LENGTH, TCP_CHECKSUM_AT, UDP_CHECKSUM_AT } from '../constants';
import { fold, protocolOf } from './packet';

/** Whether the host verifies layer-4 checksums, and whether it finishes unfinished ones. Set once by `wireHost`. */
export let verifiesChecksums = true;
export let finishesChecksums = false;

export function setChecksums(verifies: bool, finishes: bool): void {
  verifiesChecksums = verifies;
  finishesChecksums = finishes;
}

/** Number of checksums finished here. */
let finished: f64 = 0;

export function finishedChecksums(): f64 {
  return finished;
}

/** The offset of the checksum in the IPv4 packet of PROTOCOL, which is TCP or UDP. */
export function checksumOffset(protocol: i32): usize {
  return IPV4_LENGTH + (protocol === IPPROTO_TCP ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT);
}

/**
 * What to add to the complement of an unfinished checksum to get that of the finished one; above 0. FIELD is the
 * unfinished checksum, SUM is that of the pseudo header and the segment including FIELD. NAT changes the complements of
 * both in the same way, so the correction is still right after it.
 */
export function correctionOf(field: u32, sum: u32): u32 {
  const checksum = ~fold(sum + (~field & 0xffff)) & 0xffff;
  return fold(field + (~checksum & 0xffff));
}

/** Finishes the checksum of the packet at AT, which has left, by its CORRECTION. */
export function finish(at: usize, correction: u32): void {
  const protocol = protocolOf(at);
  const checksumAt = at + checksumOffset(protocol);
  const checksum = ~fold((~(<u32>load<u16>(checksumAt)) & 0xffff) + correction) & 0xffff;
  store<u16>(checksumAt, checksum === 0 && protocol !== IPPROTO_TCP ? 0xffff : checksum);
  finished += 1;
}
