/**
 * Replays captures from file to file without going through JavaScript: wasm/capture/capture-loop.ts merges, forwards
 * and rewrites records in place, in blocks of the emulator's memory. Only what the fast path cannot handle comes back.
 */
import type { CaptureReader, CaptureRecord } from '../codecs/capture.js';
import { CaptureStream } from '../codecs/capture-stream.js';
import { Linktype } from '../codecs/linktypes.js';
import type { PcapReader } from '../codecs/pcap.js';
import { PCAP_RECORD, PCAP_RECORD_HEADER_BYTES } from '../codecs/pcap-record.js';
import type { PcapWriter } from '../codecs/pcap-writer.js';
import type { FieldsOf, Records } from '../codecs/record-layout.js';
import { type INPUT, InputState } from '../core/capture-records.js';
import type { Interface } from '../core/host/interfaces.js';
import type { Memory } from '../core/memory.js';
import { REGIONS } from '../core/memory-map.js';
import type { Time } from './time.js';

/**
 * Replays RECORD of an input on the slow path. UPCALL: why the fast path declined it, after it set the
 * clock to the packet's time; 0: the fast path did not look at it.
 */
type Replay = (record: CaptureRecord, input: number, upcall: number) => void;

export class InPlaceReplay {
  readonly #memory: Memory;
  readonly #streams: readonly CaptureStream[];
  readonly #writers: readonly (PcapWriter | undefined)[];
  readonly #replay: Replay;
  readonly #inputs: Records<FieldsOf<typeof INPUT>>;
  #hasLeft = false;
  /** The offset of the record that was last passed on. */
  #head = 0;

  /**
   * Returns a replay of READERS, whose packets enter at DEVS; or undefined unless each is a plain pcap (`isPlain`) of
   * Ethernet frames that arrive on one of the host's INTERFACES, read into blocks of MEMORY, and none of these
   * interfaces is without Ethernet headers. It ends early (`hasLeft`) where one of the readers goes on with another
   * kind of capture. WRITERS, indexed by the number of their state, must have their states and chunks in MEMORY too.
   * REPLAY is called for each packet that takes the slow path.
   */
  static of(
    memory: Memory,
    readers: readonly CaptureReader[],
    devs: ArrayLike<number>,
    interfaces: readonly Interface[],
    writers: readonly (PcapWriter | undefined)[],
    replay: Replay,
  ): InPlaceReplay | undefined {
    const plain = readers.filter(
      (reader): reader is CaptureStream => reader instanceof CaptureStream && isReplayable(memory, reader),
    );
    const isPossible =
      plain.length === readers.length &&
      readers.length <= REGIONS.inputs.count &&
      readers.every((_, input) => interfaces[devs[input]]?.linkLength > 0) &&
      writers.every((writer) => writer === undefined || writer.holds(memory.bytes));
    return isPossible ? new InPlaceReplay(memory, plain, devs, writers, replay) : undefined;
  }

  private constructor(
    memory: Memory,
    streams: readonly CaptureStream[],
    devs: ArrayLike<number>,
    writers: readonly (PcapWriter | undefined)[],
    replay: Replay,
  ) {
    this.#memory = memory;
    this.#streams = streams;
    this.#writers = writers;
    this.#replay = replay;
    this.#inputs = REGIONS.inputs.recordsOf(memory.buffer);
    memory.wasm.setInputs(streams.length);
    for (let input = 0; input < streams.length; input++) {
      this.#inputs.assign(input, { dev: devs[input] });
      this.#publish(input);
    }
    memory.host.refill = (input) => this.#refill(input);
    memory.host.replay = (input, head, upcall) => this.#replayAt(input, head, upcall);
    memory.host.flush = (writer) => this.#writers[writer]?.flush();
  }

  /**
   * Replays up to COUNT packets, but none at SEC and NSEC or after it; returns how many. Fewer than COUNT means that
   * the inputs have ended, or that it has stopped before such a packet (`stoppedAt`).
   */
  step(count: number, sec = Number.POSITIVE_INFINITY, nsec = 0): number {
    this.#memory.wasm.stopAt(sec, nsec);
    return this.#memory.wasm.step(count);
  }

  /** Makes `step` stop before the record of INPUT with this NUMBER, from 1; undefined: before none. */
  stopBefore(place: { readonly input: number; readonly number: number } | undefined): void {
    this.#memory.wasm.stopBefore(place?.input ?? -1, place?.number ?? 0);
  }

  /** Whether the last `step` has stopped at the record of INPUT with this NUMBER. */
  hasStoppedBefore({ input, number }: { readonly input: number; readonly number: number }): boolean {
    return this.#memory.wasm.stoppedInput() === input && this.readOf(input) === number - 1;
  }

  /** The time of the packet before which the last `step` has stopped; undefined if it has not. */
  get stoppedAt(): Time | undefined {
    const input = this.#memory.wasm.stoppedInput();
    return input < 0 ? undefined : { sec: this.#inputs.get(input, 'sec'), nsec: this.#inputs.get(input, 'nsec') };
  }

  /** The time of the next packet; undefined if the inputs have ended. May read more of them. */
  get next(): Time | undefined {
    this.step(1, Number.NEGATIVE_INFINITY);
    return this.stoppedAt;
  }

  /** How many packets took the fast path. */
  get forwarded(): number {
    return this.#memory.wasm.forwardedPackets();
  }

  /** How many packets were read from INPUT. */
  readOf(input: number): number {
    return this.#inputs.get(input, 'read');
  }

  /**
   * The number of the record of INPUT that was last passed on, from 1. The records of its batch that follow it have
   * been taken already.
   */
  numberOf(input: number): number {
    const { bytes, view } = this.#pcapOf(input);
    const end = this.#inputs.get(input, 'at') - bytes.byteOffset;
    let number = this.readOf(input);
    for (let head = this.#head; ; number--) {
      head += PCAP_RECORD_HEADER_BYTES + view.getUint32(head + PCAP_RECORD.at.capturedBytes, true);
      if (head >= end) return number;
    }
  }

  /** Whether the replay has ended before the inputs: their remaining records are to be replayed one by one. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** Reads more of INPUT, which has no complete record in memory. */
  #refill(input: number): number {
    const stream = this.#streams[input];
    this.#synchronise(input);
    const hasMore = stream.prepare();
    if (!hasMore || isReplayable(this.#memory, stream)) {
      this.#publish(input);
      return hasMore ? InputState.MORE : InputState.END;
    }
    for (let other = 0; other < this.#streams.length; other++) if (other !== input) this.#synchronise(other);
    this.#hasLeft = true;
    return InputState.LEAVE;
  }

  #replayAt(input: number, head: number, upcall: number): void {
    const pcap = this.#pcapOf(input);
    this.#synchronise(input);
    this.#head = head - pcap.bytes.byteOffset;
    pcap.select(this.#head);
    this.#replay(pcap, input, upcall);
  }

  /** Advances the reader of INPUT to the position of the data plane. */
  #synchronise(input: number): void {
    const { blocks } = this.#pcapOf(input);
    const stream = this.#streams[input];
    stream.packets = this.readOf(input);
    stream.tsSec = this.#inputs.get(input, 'sec');
    stream.tsNsec = this.#inputs.get(input, 'nsec');
    blocks.at = this.#inputs.get(input, 'at') - blocks.bytes.byteOffset;
  }

  /** Tells the data plane which bytes the reader of INPUT has in memory. */
  #publish(input: number): void {
    const { blocks, fractionNs } = this.#pcapOf(input);
    const { byteOffset } = blocks.bytes;
    this.#inputs.assign(input, {
      at: byteOffset + blocks.at,
      end: byteOffset + blocks.end,
      fractionNs,
      state: InputState.MORE,
    });
  }

  #pcapOf(input: number): PcapReader {
    const { pcap } = this.#streams[input];
    if (pcap === undefined) throw new Error(`input ${input} is no pcap`);
    return pcap;
  }
}

function isReplayable(memory: Memory, { pcap }: CaptureStream): boolean {
  return pcap?.isPlain === true && pcap.linktype === Linktype.ETHERNET && memory.holds(pcap.bytes);
}
