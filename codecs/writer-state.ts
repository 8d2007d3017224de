/** The state of a `PcapWriter`, which the capture loop (wasm/capture) changes as well. */
import { f64, layout, u32 } from './record-layout.js';

/** All places are in bytes from the start of the writer's buffer. */
export const WRITER_STATE = layout('WriterState', {
  /** Up to where its chunk is filled, and where the chunk ends. */
  filled: u32,
  chunkEnd: u32,
  /** The run: whole records in a row elsewhere in the buffer, not written yet. */
  runStart: u32,
  runEnd: u32,
  /** How many packets have been written. */
  packets: f64,
});

/** From this length on, a run is written from where it lies; shorter ones are gathered in the chunk. */
export const DIRECT_BYTES = 1 << 16;
