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
 * Replays the current packet of an input on the slow path. UPCALL: why the fast path declined it, after it set the
 * clock to the packet's time; 0: the fast path did not look at it.
 */
type Replay = (input: number, upcall: number) => void;

export class InPlaceReplay {
  readonly #memory: Memory;
  readonly #readers: readonly PcapReader[];
  readonly #writers: readonly (PcapWriter | undefined)[];
  readonly #replay: Replay;
  readonly #inputs: Records<FieldsOf<typeof INPUT>>;

  /**
   * Returns a replay of READERS, whose packets enter at DEVS; or undefined unless each is a plain pcap (`isPlain`) of
   * Ethernet frames that arrive on an interface, read into blocks of MEMORY. WRITERS, indexed by the number of their
   * state, must have their states and chunks in MEMORY too. REPLAY is called for each packet that takes the slow path.
   */
  static of(
    memory: Memory,
    readers: readonly CaptureReader[],
    devs: ArrayLike<number>,
    writers: readonly (PcapWriter | undefined)[],
    replay: Replay,
  ): InPlaceReplay | undefined {
    const plain = readers.filter(
      (reader): reader is PcapReader => reader instanceof PcapReader && isReplayable(memory, reader),
    );
    const isPossible =
      plain.length === readers.length &&
      readers.length <= REGIONS.inputs.count &&
      readers.every((_, input) => devs[input] >= 0) &&
      writers.every((writer) => writer === undefined || writer.holds(memory.bytes));
    return isPossible ? new InPlaceReplay(memory, plain, devs, writers, replay) : undefined;
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
      this.#publish(input);
    }
    memory.host.refill = (input) => this.#refill(input);
    memory.host.replay = (input, head, upcall) => this.#replayAt(input, head, upcall);
    memory.host.flush = (writer) => this.#writers[writer]?.flush();
  }

  /** Replays up to COUNT packets; returns how many. Fewer than COUNT means that the inputs have ended. */
  step(count: number): number {
    return this.#memory.wasm.step(count);
  }

  /** How many packets took the fast path. */
  get forwarded(): number {
    return this.#memory.wasm.forwardedPackets();
  }

  /** How many packets were read from INPUT. */
  readOf(input: number): number {
    return this.#inputs.get(input, 'read');
  }

  /** Reads more of INPUT, which has no complete record in memory. */
  #refill(input: number): number {
    const reader = this.#readers[input];
    this.#synchronise(input);
    const hasRecord = reader.prepare();
    this.#publish(input);
    return hasRecord ? InputState.MORE : InputState.END;
  }

  #replayAt(input: number, head: number, upcall: number): void {
    const reader = this.#readers[input];
    this.#synchronise(input);
    reader.select(head - reader.bytes.byteOffset);
    this.#replay(input, upcall);
  }

  /** Advances the reader of INPUT to the position of the data plane. */
  #synchronise(input: number): void {
    const { blocks } = this.#readers[input];
    blocks.at = this.#inputs.get(input, 'at') - blocks.bytes.byteOffset;
  }

  /** Tells the data plane which bytes the reader of INPUT has in memory. */
  #publish(input: number): void {
    const { blocks } = this.#readers[input];
    const { byteOffset } = blocks.bytes;
    this.#inputs.assign(input, { at: byteOffset + blocks.at, end: byteOffset + blocks.end, state: InputState.MORE });
  }
}

function isReplayable(memory: Memory, reader: PcapReader): boolean {
  return reader.isPlain && reader.linktype === Linktype.ETHERNET && memory.holds(reader.bytes);
}
