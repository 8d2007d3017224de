/**
 * Replays captures from file to file without a detour through JavaScript: records are merged, forwarded and made anew where
 * they lie, in blocks of the emulator's memory, by wasm/capture/records.ts. Only what is not for the fast path comes back.
 */
import type { CaptureReader } from '../codecs/capture.js';
import { Linktype } from '../codecs/linktypes.js';
import { PcapReader } from '../codecs/pcap.js';
import type { PcapWriter } from '../codecs/pcap-writer.js';
import {
  INPUT_AT,
  INPUT_DEV,
  INPUT_END,
  INPUT_FRACTION_NS,
  INPUT_READ_F64,
  INPUT_STATE,
  INPUT_STRIDE,
  INPUTS_AT,
  InputState,
  MAX_INPUTS,
  type Memory,
} from '../core/memory.js';

type Replay = (input: number, isUpcall: boolean) => void;

export class InPlaceReplay {
  readonly #memory: Memory;
  readonly #readers: readonly PcapReader[];
  readonly #writers: readonly (PcapWriter | undefined)[];
  readonly #replay: Replay;

  /**
   * All of READERS, whose packets enter at DEVS, if that is possible for each of them: usual pcaps of Ethernet frames that
   * arrive at an interface, in blocks of MEMORY. WRITERS, by the number of their state, have their states and chunks there too. REPLAY is
   * called for each input whose reader is at a packet that takes the slow path; IS_UPCALL: the fast path has
   * declined it, and the clock is at its time.
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
      readers.length <= MAX_INPUTS &&
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
    memory.wasm.setInputs(readers.length);
    for (const [input, { fractionNs }] of readers.entries()) {
      this.#set(input, INPUT_DEV, devs[input]);
      this.#set(input, INPUT_FRACTION_NS, fractionNs);
      this.#show(input);
    }
    memory.host.refill = (input) => this.#refill(input);
    memory.host.replay = (input, head, isUpcall) => this.#replayAt(input, head, isUpcall !== 0);
    memory.host.flush = (output) => this.#writers[output]?.flush();
  }

  /** Replays up to COUNT packets; returns how many there were, fewer only at the end. */
  step(count: number): number {
    return this.#memory.wasm.step(count);
  }

  /** How many packets went the fast path. */
  get forwarded(): number {
    return this.#memory.wasm.forwardedPackets();
  }

  /** How many packets were taken from INPUT. */
  readOf(input: number): number {
    return this.#memory.view.getFloat64(INPUTS_AT + input * INPUT_STRIDE + INPUT_READ_F64, true);
  }

  /** Read on where INPUT has no whole record in memory any more. */
  #refill(input: number): number {
    const reader = this.#readers[input];
    this.#takeOver(input);
    const isThere = reader.prepare();
    this.#show(input);
    return isThere ? InputState.MORE : InputState.END;
  }

  #replayAt(input: number, head: number, isUpcall: boolean): void {
    const reader = this.#readers[input];
    this.#takeOver(input);
    reader.standOn(head - reader.bytes.byteOffset);
    this.#replay(input, isUpcall);
  }

  /** Let the reader of INPUT stand where the code in wasm/ has come to. */
  #takeOver(input: number): void {
    const { blocks } = this.#readers[input];
    blocks.at =
      this.#memory.view.getUint32(INPUTS_AT + input * INPUT_STRIDE + INPUT_AT, true) - blocks.bytes.byteOffset;
  }

  /** Show the code in wasm/ what the reader of INPUT has. */
  #show(input: number): void {
    const { blocks } = this.#readers[input];
    this.#set(input, INPUT_AT, blocks.bytes.byteOffset + blocks.at);
    this.#set(input, INPUT_END, blocks.bytes.byteOffset + blocks.end);
    this.#set(input, INPUT_STATE, InputState.MORE);
  }

  #set(input: number, field: number, value: number): void {
    this.#memory.view.setUint32(INPUTS_AT + input * INPUT_STRIDE + field, value, true);
  }
}

function isUsual(memory: Memory, reader: PcapReader): boolean {
  return reader.isUsual && reader.linktype === Linktype.ETHERNET && memory.holds(reader.bytes);
}
