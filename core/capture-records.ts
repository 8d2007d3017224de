/** The records of the capture loop (wasm/capture), which replays captures where they lie in memory. */
import { f64, i32, layout, u32 } from '../codecs/record-layout.js';

/** A capture that is replayed. */
export const INPUT = layout(
  'Input',
  {
    /** The addresses of its next record, and of the end of what has been read. */
    at: u32,
    end: u32,
    /** The interface that its packets come in by. */
    dev: i32,
    /** How many nanoseconds a unit of its time stamps has. */
    fractionNs: u32,
    /** An `InputState`. */
    state: i32,
    /** The record that it stands on: its captured length, and its time. */
    capturedBytes: i32,
    nsec: u32,
    sec: f64,
    /** How many records were taken from it. */
    read: f64,
  },
  { bytes: 64 },
);

/** What an input offers: nothing before more is read; the record that it stands on; nothing any more. */
export const InputState = { MORE: 0, HEAD: 1, END: 2 } as const;

/** A packet of the batch in hand. */
export const BATCH_ITEM = layout('BatchItem', {
  /** The address of its record's header. */
  head: u32,
  input: i32,
  capturedBytes: i32,
  nsec: u32,
  sec: f64,
  /** The hash of its tuple, and the reference of the connection that it seems to belong to. */
  hash: u32,
  reference: i32,
});

/** Which writer an interface has, by the number of its state. */
export const EGRESS = layout('Egress', { writer: i32 });
