// hot: sends a packet whose path is known: counts it, translates it, and writes its Ethernet header.
import { recordAt } from '../conntrack/table';
import {
  ETHERNET_LENGTH,
  IPPROTO_TCP,
  IPV4_LENGTH,
  IPV4_SOURCE_AT,
  IPV4_TTL_AT,
  NAT_MASK,
  ORIGINAL,
  TCP_CHECKSUM_AT,
  UDP_CHECKSUM_AT,
} from '../constants';
import { Connection, Path, Tuple } from '../records';
import { fold, protocolOf } from './packet';

/** What a TTL decrement adds to the header's little-endian ones' complement sum. */
const TTL_DELTA: u32 = 0xfffe;

/** The tuple of the other direction. Packets in DIRECTION are translated to its inverse. */
export function otherTuple(record: Connection, direction: i32): Tuple {
  return direction === ORIGINAL ? record.reply : record.original;
}

/** Counts the packet at AT on its path, and rewrites it for transmission. */
export function leave(at: usize, path: Path, record: Connection, direction: i32, length: i32): void {
  path.packets += 1;
  path.bytes += <f64>length;
  rewrite(at, record, direction, protocolOf(at) === IPPROTO_TCP);
  // The Ethernet header, in pieces of eight, four and two bytes.
  const link = at - ETHERNET_LENGTH;
  const pathAt = changetype<usize>(path);
  store<u64>(link, load<u64>(pathAt, Path.linkAt));
  store<u32>(link, load<u32>(pathAt, Path.linkAt + 8), 8);
  store<u16>(link, load<u16>(pathAt, Path.linkAt + 12), 12);
}

/**
 * Decrements the TTL and translates both ends to the inverse of the other direction's tuple. Updates the checksums (RFC
 * 1624).
 */
function rewrite(at: usize, record: Connection, direction: i32, isTcp: bool): void {
  // TTL and protocol in the lower half, the header checksum in the upper half.
  const third = load<u32>(at, IPV4_TTL_AT);
  let headerDelta = TTL_DELTA;
  if ((record.status & NAT_MASK) !== 0) {
    const other = otherTuple(record, direction);
    const deltas = record.checksumDeltas(direction);
    headerDelta += deltas >>> 16;
    // Both addresses at once, and both ports.
    store<u64>(at, rotl<u64>(load<u64>(changetype<usize>(other)), 32), IPV4_SOURCE_AT);
    store<u32>(at, rotl<u32>(other.ports, 16), IPV4_LENGTH);
    const checksumAt = at + IPV4_LENGTH + (isTcp ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT);
    const checksum = <u32>load<u16>(checksumAt);
    if (isTcp || checksum !== 0) {
      const updated = ~fold((~checksum & 0xffff) + (deltas & 0xffff)) & 0xffff;
      store<u16>(checksumAt, updated === 0 && !isTcp ? 0xffff : updated);
    }
  }
  const checksum = ~fold((~(third >>> 16) & 0xffff) + headerDelta) & 0xffff;
  store<u32>(at, ((third - 1) & 0xffff) | (checksum << 16), IPV4_TTL_AT);
}

export function updateChecksumDeltas(entry: i32, direction: i32): void {
  updateDeltas(recordAt(entry), direction);
}

/** Sets the `checksumDeltas` for DIRECTION: what its translation adds to the IP header's and the layer-4 sum. */
export function updateDeltas(record: Connection, direction: i32): void {
  const own = direction === ORIGINAL ? record.original : record.reply;
  const other = otherTuple(record, direction);
  const addresses = difference(own.source, other.destination) + difference(own.destination, other.source);
  const ports = difference(own.ports, other.ports);
  record.setChecksumDeltas(direction, (fold(addresses) << 16) | fold(addresses + ports));
}

/** The ones' complement sum of the halves of AFTER minus those of BEFORE. */
function difference(before: u32, after: u32): u32 {
  return (~before & 0xffff) + (~before >>> 16) + (after & 0xffff) + (after >>> 16);
}
