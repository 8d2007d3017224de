/** Runs captures through an emulator again and again and writes nothing: only the time matters. */
import { CAPTURE_HEADROOM_BYTES, type CaptureReader } from '../codecs/capture.js';
import { CaptureMerger } from '../codecs/merge.js';
import { createEmulator, type Emulator, type EmulatorOptions, type EmulatorOutput, Outcome } from '../core/emulator.js';
import { Frame } from '../core/link/frame.js';
import { IpLocation, locateIp } from '../core/link/locate-ip.js';
import { openCaptureFile } from '../io/capture-file.js';
import { INPUT_LOCAL, type RunInput } from './replay-run.js';

/** What one pass through the captures gave. */
export interface Pass {
  /** From the first packet read to the last one done. */
  readonly durationMs: number;
  /** Packets read, and those of them that were IPv4 and went in. */
  readonly read: number;
  readonly entered: number;
}

const NOWHERE: EmulatorOutput = { egress() {}, local() {}, dropped() {} };

/** An emulator whose packets go nowhere. */
export function silentEmulator(options: EmulatorOptions): Emulator {
  return createEmulator(options, NOWHERE);
}

/** Captures of what arrives at a host's interfaces. */
export class Traffic {
  readonly #inputs: readonly RunInput[];
  readonly #limit: number;
  readonly #frame = new Frame();
  readonly #location = new IpLocation();

  /** Only the first LIMIT packets of INPUTS, merged by time. */
  constructor(inputs: readonly RunInput[], limit = Number.POSITIVE_INFINITY) {
    this.#inputs = inputs;
    this.#limit = limit;
  }

  /**
   * One pass, into EMULATOR, a new one; without it the packets are only read and their IP headers found.
   * @throws {CaptureError} where a capture cannot be read
   */
  pass(emulator?: Emulator): Pass {
    const readers: CaptureReader[] = [];
    try {
      // Packets that lie in the host's memory need not be copied to it, as in a replay.
      const allocate = (length: number): Uint8Array | undefined => emulator?.memory.allocate(length);
      for (const { path } of this.#inputs) readers.push(openCaptureFile(path, { allocate }));
      const startedMs = performance.now();
      const { read, entered } = this.#run(readers, emulator);
      return { durationMs: performance.now() - startedMs, read, entered };
    } finally {
      for (const reader of readers) reader.close();
    }
  }

  #run(readers: readonly CaptureReader[], emulator: Emulator | undefined): { read: number; entered: number } {
    const merger = new CaptureMerger(readers);
    let read = 0;
    let entered = 0;
    while (read < this.#limit) {
      const index = merger.next();
      if (index < 0) break;
      read++;
      const record = readers[index];
      const isPacket =
        emulator === undefined
          ? locateIp(record, this.#location)
          : this.#enter(record, this.#inputs[index].dev, emulator);
      if (isPacket) entered++;
    }
    return { read, entered };
  }

  /** Whether there was a packet for the host in the frame of RECORD. */
  #enter(record: CaptureReader, dev: number, emulator: Emulator): boolean {
    const frame = this.#frame;
    frame.setRecord(record, CAPTURE_HEADROOM_BYTES);
    frame.dev = dev;
    if (dev === INPUT_LOCAL) emulator.send(frame);
    else emulator.receive(frame);
    return emulator.outcome !== Outcome.SKIPPED;
  }
}
