/** hot: gives a captured packet back the addresses and ports with which its sender sent it. */
import { addressSum, fold, pseudoHeaderSum, sumBytes, updateChecksum } from '../../codecs/checksum.js';
import {
  ICMP_CHECKSUM_AT,
  ICMP_LENGTH,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_CHECKSUM_AT,
  IPV4_DESTINATION_AT,
  IPV4_SOURCE_AT,
  IPV4_TOTAL_LENGTH_AT,
  TCP_CHECKSUM_AT,
  UDP_CHECKSUM_AT,
} from '../../codecs/layouts.js';
import type { Tuple } from '../../core/conntrack/tuple.js';
import { mangle } from '../../core/nat/mangle.js';
import { Manip } from '../../core/nat/range.js';
import { portOf } from '../../core/nat/unique-tuple.js';
import { protocolOf } from '../../core/protocols/registry.js';

/**
 * Sets addresses and ports (ICMP: the ID) of the IPv4 packet at AT to those of TO. Checksums are updated, so a bad one
 * stays bad, and one that was left to the network card stays unfinished.
 */
export function setTuple(view: DataView, at: number, available: number, to: Tuple): void {
  const isUnfinished = hasUnfinishedChecksum(view, at, available, to.protocol);
  setEnds(view, at, available, to);
  if (isUnfinished) setUnfinishedChecksum(view, at, to.protocol);
}

/** Sets the addresses of a fragment other than the first, which has no ports. */
export function setAddresses(view: DataView, at: number, { source, destination }: Tuple): void {
  const before = addressSum(view.getInt32(at + IPV4_SOURCE_AT, true));
  const beforeToo = addressSum(view.getInt32(at + IPV4_DESTINATION_AT, true));
  view.setInt32(at + IPV4_SOURCE_AT, source, true);
  view.setInt32(at + IPV4_DESTINATION_AT, destination, true);
  const checksumAt = at + IPV4_CHECKSUM_AT;
  const after = addressSum(source) + addressSum(destination);
  view.setUint16(checksumAt, updateChecksum(view.getUint16(checksumAt), before + beforeToo, after));
}

/** Sets the tuple of the packet that the ICMP error at AT, of AVAILABLE bytes, quotes to TO. */
export function setQuotedTuple(view: DataView, at: number, available: number, to: Tuple): void {
  const l4 = at + (view.getUint8(at) & 15) * 4;
  const quoteAt = l4 + ICMP_LENGTH;
  const quoted = at + available - quoteAt;
  const before = sumBytes(view, quoteAt, quoted);
  setEnds(view, quoteAt, quoted, to);
  const checksumAt = l4 + ICMP_CHECKSUM_AT;
  const after = sumBytes(view, quoteAt, quoted);
  view.setUint16(checksumAt, updateChecksum(view.getUint16(checksumAt), before, after));
}

function setEnds(view: DataView, at: number, available: number, { source, destination, ports, protocol }: Tuple): void {
  const isShared = protocolOf(protocol).portSpace?.isShared === true;
  mangle(view, at, available, Manip.SRC, source, portOf(ports, Manip.SRC));
  mangle(view, at, available, Manip.DST, destination, portOf(ports, isShared ? Manip.SRC : Manip.DST));
}

function checksumAtOf(view: DataView, at: number, protocol: number): number {
  const l4 = at + (view.getUint8(at) & 15) * 4;
  return l4 + (protocol === IPPROTO_TCP ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT);
}

/** Whether the TCP or UDP checksum is still the sum of the pseudo header, as the sending host left it. */
function hasUnfinishedChecksum(view: DataView, at: number, available: number, protocol: number): boolean {
  if (protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP) return false;
  const checksumAt = checksumAtOf(view, at, protocol);
  return checksumAt + 2 <= at + available && view.getUint16(checksumAt) === pseudoSum(view, at, protocol);
}

function setUnfinishedChecksum(view: DataView, at: number, protocol: number): void {
  view.setUint16(checksumAtOf(view, at, protocol), pseudoSum(view, at, protocol));
}

function pseudoSum(view: DataView, at: number, protocol: number): number {
  const length = view.getUint16(at + IPV4_TOTAL_LENGTH_AT) - (view.getUint8(at) & 15) * 4;
  return fold(pseudoHeaderSum(view, at, protocol, length));
}
