/** The records of the capture loop (wasm/capture), which replays captures in place. */
import { f64, i32, layout, u32 } from '../codecs/record-layout.js';

/** A capture being replayed. */
export const INPUT = layout(
  'Input',
  {
    /** The addresses of its next record and of the end of the data read so far. */
    at: u32,
    end: u32,
    /** The ingress interface of its packets. */
    dev: i32,
    /** Nanoseconds per unit of its time stamps. */
    fractionNs: u32,
    /** An `InputState`. */
    state: i32,
    /** The captured length and the time of its current record. */
    capturedBytes: i32,
    nsec: u32,
    sec: f64,
    /** Number of records taken from it. */
    read: f64,
  },
  { bytes: 64 },
);

/**
 * The state of an input: it needs more data; it has a current record; it is finished; it goes on with records that the
 * capture loop cannot replay, which therefore ends.
 */
export const InputState = { MORE: 0, HEAD: 1, END: 2, LEAVE: 3 } as const;

/** A packet of the current batch. */
export const BATCH_ITEM = layout('BatchItem', {
  /** The address of its record header. */
  head: u32,
  input: i32,
  /** What finishes its checksum (wasm/flow/offload.ts); 0: nothing is to be finished. */
  correction: u32,
  nsec: u32,
  sec: f64,
  /** The hash of its tuple, and the reference of the connection it probably belongs to. */
  hash: u32,
  reference: i32,
});

/** What is known of an interface that packets leave by: the number of its writer, … */
export const EGRESS = layout('Egress', {
  writer: i32,
  /** How much of the Ethernet header is left out: nothing, or all of it if packets leave without one. */
  omittedBytes: i32,
  /** What stands for its name in fates (core/fate-records.ts). */
  fateId: i32,
});
