// hot: notes what became of packets on the fast path (core/fate-records.ts), if whoever replays compares two hosts.
// replay/fates/fate-recorder.ts computes the same hashes for packets of the slow path.
import {
  ETHERNET_LENGTH,
  FATE_HASH_FACTOR,
  FATE_HASH_FACTOR_2,
  FATE_HASH_START,
  FATE_HASHED_BYTES,
  Outcome,
} from '../constants';
import { destinationOf, portsOf, protocolOf, sourceOf, totalLength } from '../flow/packet';
import { egressAt, FATES_COUNT, fateState, fatesAt } from '../records';

/** A word mixed into each of the two hashes: in registers, which is why they are passed and returned. */
function mixed(hash: u32, word: u32): u32 {
  const product = (hash ^ word) * <u32>FATE_HASH_FACTOR;
  return product ^ (product >>> 15);
}

function mixed2(hash: u32, word: u32): u32 {
  return rotl<u32>(hash + word, 13) * <u32>FATE_HASH_FACTOR_2;
}

/** Begins the fate of the packet at AT, which arrives by INPUT. On the slow path, it is begun again. */
export function noteArrival(at: usize, input: i32): void {
  const number = fateState().count;
  if (number >= FATES_COUNT) return;
  const fate = fatesAt(number);
  fate.source = sourceOf(at);
  fate.destination = destinationOf(at);
  fate.ports = portsOf(at);
  fate.protocolAndInput = protocolOf(at) | (input << 8);
}

/** The packet at AT leaves by OUT_DEV, on PATH. */
export function noteForwarded(at: usize, outDev: i32, path: i32): void {
  const number = fateState().count;
  if (number >= FATES_COUNT) return;
  const length = totalLength(at);
  const link = at - ETHERNET_LENGTH;
  const id = <u32>egressAt(outDev).fateId;
  let hash: u32 = mixed(mixed(<u32>FATE_HASH_START, id), <u32>length);
  let hash2: u32 = mixed2(mixed2(<u32>FATE_HASH_START, id), <u32>length);
  for (let i = 0; i < 12; i += 4) hash = mixed(hash, load<u32>(link + i));
  hash = mixed(hash, <u32>load<u16>(link, 12));
  const hashed = min(length, FATE_HASHED_BYTES);
  const words = hashed & ~3;
  for (let i = 0; i < words; i += 4) {
    const word = load<u32>(at + i);
    hash = mixed(hash, word);
    hash2 = mixed2(hash2, word);
  }
  for (let i = words; i < hashed; i++) {
    const byte = <u32>load<u8>(at + i);
    hash = mixed(hash, byte);
    hash2 = mixed2(hash2, byte);
  }
  const fate = fatesAt(number);
  fate.hash = mixed(hash, <u32>Outcome.FORWARDED);
  fate.hash2 = mixed2(hash2, <u32>Outcome.FORWARDED);
  fate.path = path;
  fateState().count = number + 1;
}
