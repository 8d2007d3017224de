/** Runs captures through an emulator repeatedly and writes nothing: only the time matters. */

import { CAPTURE_HEADROOM_BYTES, type CaptureReader } from '../codecs/capture.js';
import type { HostText } from '../codecs/host/texts.js';
import { CaptureMerger } from '../codecs/merge.js';
import { createEmulator, type Emulator, type EmulatorOptions, type EmulatorOutput, Outcome } from '../core/emulator.js';
import { Frame } from '../core/link/frame.js';
import { IpLocation, locateIp } from '../core/link/locate-ip.js';
import { HostSets } from '../core/sets/host-sets.js';
import { openCaptureFile } from '../io/capture-file.js';
import { INPUT_LOCAL, type RunInput } from './replay-run.js';
import type { PacketSelection } from './selection.js';

/** The result of one pass through the captures. */
export interface Pass {
  /** From reading the first packet to finishing the last. */
  readonly durationMs: number;
  /** Packets read and selected, and how many of them were IPv4 and entered the host. */
  readonly read: number;
  readonly entered: number;
}

const NOWHERE: EmulatorOutput = { egress() {}, local() {}, dropped() {} };

export interface SilentOptions extends EmulatorOptions {
  /** As in `Setting`. */
  readonly moreSets?: readonly HostText[];
}

/** An emulator whose output is discarded. As in a replay, checksums may have been left to a network card. */
export function silentEmulator({ moreSets = [], ...options }: SilentOptions): Emulator {
  const sets = HostSets.of(options.host, moreSets, options.seed);
  return createEmulator({ checksums: 'auto', sets, ...options }, NOWHERE);
}

/** Captures of what arrives on a host's interfaces. */
export class Traffic {
  readonly #inputs: readonly RunInput[];
  readonly #limit: number;
  readonly #select: () => PacketSelection | undefined;
  readonly #frame = new Frame();
  readonly #location = new IpLocation();

  /** Takes only the first LIMIT packets of INPUTS, merged by time, of those that each new SELECT chooses. */
  constructor(
    inputs: readonly RunInput[],
    limit = Number.POSITIVE_INFINITY,
    select: () => PacketSelection | undefined = () => undefined,
  ) {
    this.#select = select;
    this.#inputs = inputs;
    this.#limit = limit;
  }

  /**
   * Makes one pass through EMULATOR, which must be new; without one, packets are only read and their IP headers
   * located.
   * @throws {CaptureError} if a capture cannot be read
   */
  pass(emulator?: Emulator): Pass {
    const readers: CaptureReader[] = [];
    try {
      // As in a replay, packets that are read into the emulator's memory need not be copied to it.
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
    const selection = this.#select();
    let read = 0;
    let entered = 0;
    while (read < this.#limit) {
      const index = merger.next();
      if (index < 0) break;
      if (selection !== undefined && !selection.takes(readers[index])) continue;
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

  /** Sends the frame of RECORD in; returns whether it contained a packet for the host. */
  #enter(record: CaptureReader, dev: number, emulator: Emulator): boolean {
    const frame = this.#frame;
    frame.setRecord(record, CAPTURE_HEADROOM_BYTES);
    frame.dev = dev;
    if (dev === INPUT_LOCAL) emulator.send(frame);
    else emulator.receive(frame);
    return emulator.outcome !== Outcome.SKIPPED;
  }
}
