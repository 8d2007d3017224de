// hot: notes what became of packets on the fast path (core/fate-records.ts), if whoever replays compares two hosts.
// replay/fates/fate-hash.ts computes the same hashes for packets of the slow path.
import {
  ETHERNET_LENGTH,
  FATE_HASH_FACTOR,
  FATE_HASH_FACTOR_2,
  FATE_HASH_START,
  FATE_HASHED_BYTES,
  Outcome,
} from '../constants';
import { destinationOf, portsOf, protocolOf, sourceOf, totalLength } from '../flow/packet';
import { FATES_COUNT, fateState, fatesAt } from '../records';

let hash: u32 = 0;
let hash2: u32 = 0;

function mix(word: u32): void {
  hash = (hash ^ word) * <u32>FATE_HASH_FACTOR;
  hash ^= hash >>> 15;
  hash2 = rotl<u32>(hash2 + word, 13) * <u32>FATE_HASH_FACTOR_2;
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
  hash = <u32>FATE_HASH_START;
  hash2 = <u32>FATE_HASH_START;
  mix(<u32>outDev);
  mix(<u32>length);
  const link = at - ETHERNET_LENGTH;
  mix(load<u32>(link));
  mix(load<u32>(link, 4));
  mix(load<u32>(link, 8));
  mix(<u32>load<u16>(link, 12));
  const hashed = min(length, FATE_HASHED_BYTES);
  const words = hashed & ~3;
  for (let i = 0; i < words; i += 4) mix(load<u32>(at + i));
  for (let i = words; i < hashed; i++) mix(<u32>load<u8>(at + i));
  mix(<u32>Outcome.FORWARDED);
  const fate = fatesAt(number);
  fate.hash = hash;
  fate.hash2 = hash2;
  fate.path = path;
  fateState().count = number + 1;
}
