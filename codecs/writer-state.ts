/** The state of a `PcapWriter`, which the capture loop (wasm/capture) modifies as well. */
import { f64, layout, u32 } from './record-layout.js';

/** All positions are in bytes from the start of the writer's buffer. */
export const WRITER_STATE = layout('WriterState', {
  /** How far the chunk is filled, and where it ends. */
  filled: u32,
  chunkEnd: u32,
  /** The run: complete records in a row elsewhere in the buffer, not written yet. */
  runStart: u32,
  runEnd: u32,
  /** How many packets have been written. */
  packets: f64,
});

/** A run of at least this length is written directly; shorter ones are copied to the chunk. */
export const DIRECT_BYTES = 1 << 16;
