/**
 * Replays captures from file to file without going through JavaScript: wasm/capture/capture-loop.ts merges, forwards
 * and rewrites records in place, in blocks of the emulator's memory. Only what the fast path cannot handle comes back.
 */
import type { CaptureReader } from '../codecs/capture.js';
import { Linktype } from '../codecs/linktypes.js';
import { PcapReader } from '../codecs/pcap.js';
import type { PcapWriter } from '../codecs/pcap-writer.js';
import type { FieldsOf, Records } from '../codecs/record-layout.js';
import { type INPUT, InputState } from '../core/capture-records.js';
import type { Memory } from '../core/memory.js';
import { REGIONS } from '../core/memory-map.js';

/**
 * Replays the packet at which the reader of an input is on the slow path. UPCALL: the fast path has declined it so, and
 * the clock is at its time; 0: it was not for the fast path at all.
 */
type Replay = (input: number, upcall: number) => void;

export class InPlaceReplay {
  readonly #memory: Memory;
  readonly #readers: readonly PcapReader[];
  readonly #writers: readonly (PcapWriter | undefined)[];
  readonly #replay: Replay;
  readonly #inputs: Records<FieldsOf<typeof INPUT>>;

  /**
   * Replays all of READERS, whose packets enter at DEVS, if each is a usual pcap of Ethernet frames that arrive at an
   * interface, in blocks of MEMORY; else undefined. WRITERS, by the number of their state, have their states and chunks
   * in MEMORY too. REPLAY is called for each packet that takes the slow path.
   */
  static of(
    memory: Memory,
    readers: readonly CaptureReader[],
    devs: ArrayLike<number>,
    writers: readonly (PcapWriter | undefined)[],
    replay: Replay,
  ): InPlaceReplay | undefined {
    const usual = readers.filter(
      (reader): reader is PcapReader => reader instanceof PcapReader && isUsual(memory, reader),
    );
    const isPossible =
      usual.length === readers.length &&
      readers.length <= REGIONS.inputs.count &&
      readers.every((_, input) => devs[input] >= 0) &&
      writers.every((writer) => writer === undefined || writer.holds(memory.bytes));
    return isPossible ? new InPlaceReplay(memory, usual, devs, writers, replay) : undefined;
  }

  private constructor(
    memory: Memory,
    readers: readonly PcapReader[],
    devs: ArrayLike<number>,
    writers: readonly (PcapWriter | undefined)[],
    replay: Replay,
  ) {
    this.#memory = memory;
    this.#readers = readers;
    this.#writers = writers;
    this.#replay = replay;
    this.#inputs = REGIONS.inputs.recordsOf(memory.buffer);
    memory.wasm.setInputs(readers.length);
    for (const [input, { fractionNs }] of readers.entries()) {
      this.#inputs.assign(input, { dev: devs[input], fractionNs });
      this.#show(input);
    }
    memory.host.refill = (input) => this.#refill(input);
    memory.host.replay = (input, head, upcall) => this.#replayAt(input, head, upcall);
    memory.host.flush = (writer) => this.#writers[writer]?.flush();
  }

  /** Replays up to COUNT packets; returns how many there were, fewer only at the end. */
  step(count: number): number {
    return this.#memory.wasm.step(count);
  }

  /** How many packets took the fast path. */
  get forwarded(): number {
    return this.#memory.wasm.forwardedPackets();
  }

  /** How many packets were taken from INPUT. */
  readOf(input: number): number {
    return this.#inputs.get(input, 'read');
  }

  /** Reads more of INPUT, which has no complete record in memory. */
  #refill(input: number): number {
    const reader = this.#readers[input];
    this.#takeOver(input);
    const isThere = reader.prepare();
    this.#show(input);
    return isThere ? InputState.MORE : InputState.END;
  }

  #replayAt(input: number, head: number, upcall: number): void {
    const reader = this.#readers[input];
    this.#takeOver(input);
    reader.standOn(head - reader.bytes.byteOffset);
    this.#replay(input, upcall);
  }

  /** Advances the reader of INPUT to where the data plane is. */
  #takeOver(input: number): void {
    const { blocks } = this.#readers[input];
    blocks.at = this.#inputs.get(input, 'at') - blocks.bytes.byteOffset;
  }

  /** Tells the data plane what the reader of INPUT has in memory. */
  #show(input: number): void {
    const { blocks } = this.#readers[input];
    const { byteOffset } = blocks.bytes;
    this.#inputs.assign(input, { at: byteOffset + blocks.at, end: byteOffset + blocks.end, state: InputState.MORE });
  }
}

function isUsual(memory: Memory, reader: PcapReader): boolean {
  return reader.isUsual && reader.linktype === Linktype.ETHERNET && memory.holds(reader.bytes);
}
