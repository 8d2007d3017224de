/**
 * What became of each packet of a batch, for whoever compares two hosts: written by the capture loop (wasm/capture) for
 * packets of the fast path, and by replay/fates for all others.
 */
import { i32, layout } from '../codecs/record-layout.js';

export const FATE = layout('Fate', {
  /** Hashes of the outcome and of all that left because of the packet: with link headers, and without. */
  hash: i32,
  hash2: i32,
  /** The path that it took on the fast path; -1: it took the slow path. */
  path: i32,
  /** On the slow path: the number of what replay/fates has noted besides. */
  details: i32,
  /** As it arrived, as loaded; 0 if it has none, or no packet arrived. */
  source: i32,
  destination: i32,
  ports: i32,
  /** Its protocol in the lowest byte, and the number of its input above. */
  protocolAndInput: i32,
});

/** The state of the fates. */
export const FATE_STATE = layout('FateState', {
  /** 1: fates are written. */
  isOn: i32,
  /** How many there are. */
  count: i32,
});

/** How the hashes of fates are computed: both start as the first number, and each word is mixed in by a factor. */
export const FATE_HASH_START = 0x2545f491;
export const FATE_HASH_FACTOR = 0x5bd1e995;
export const FATE_HASH_FACTOR_2 = 0x27d4eb2d;
/** How much of a packet is hashed: all headers. Nothing changes what is behind them but with their checksums. */
export const FATE_HASHED_BYTES = 120;
