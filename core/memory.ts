/**
 * The memory of one emulated host: connections, remembered paths, and the blocks in which captures are read, at fixed places
 * of one WebAssembly memory. The code in `wasm/` and that in `core/` work on the same bytes.
 *
 * All of it is reserved at once, which costs nothing: the operating system gives pages as they are first written to. So nothing
 * ever moves, and views stay valid. The memory is declared shared although
 * one thread uses it: V8 counts a memory that is not shared as garbage to be, all 3 GiB, and collects the whole heap when one is made.
 */
import { readFileSync } from 'node:fs';
import { copyWords } from '../codecs/copy.js';

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const PAGE_BYTES = 64 * KIB;
const SLAB_BYTES = 64 * KIB;

/** What both sides know of the packet in hand and of time: words and float64s, see CONTROL_…. */
export const CONTROL_AT = 64 * KIB;
/** TCP's transitions, and which flags may go together: bytes (protocols/tcp-states.ts). */
export const TRANSITIONS_AT = 68 * KIB;
export const VALID_FLAGS_AT = 69 * KIB;
/**
 * SETTINGS of the trackers, float64s: time-outs in milliseconds of TCP by state, after retransmissions,
 * with unacknowledged data; of UDP, and of its streams; then the settings of protocols/tcp.ts.
 */
export const SETTINGS_AT = 72 * KIB;
export const SETTING_TCP_MS_F64 = 0;
export const SETTING_RETRANSMITTED_MS_F64 = 16;
export const SETTING_UNACKNOWLEDGED_MS_F64 = 17;
export const SETTING_UDP_MS_F64 = 18;
export const SETTING_UDP_STREAM_MS_F64 = 19;
export const SETTING_MAX_RETRANS_F64 = 20;
export const SETTING_LOOSE_F64 = 21;
export const SETTING_BE_LIBERAL_F64 = 22;
export const SETTING_IGNORE_INVALID_RST_F64 = 23;
export const SETTINGS_F64S = 24;
/** A packet that lies elsewhere is looked at here, behind room for its Ethernet header. */
export const SCRATCH_AT = 128 * KIB;
export const SCRATCH_BYTES = 128 * KIB;
export const SCRATCH_HEADROOM = 64;
/** Remembered paths (flow/path.ts). */
export const PATHS_AT = 1 * MIB;
export const PATHS_BYTES = 7 * MIB;
/** What is remembered of whole classes of packets (flow/). */
export const CLASSES_AT = 8 * MIB;
export const CLASSES_BYTES = 1 * MIB;
/** The batch of packets that is being looked at. */
export const BATCH_AT = 10 * MIB;
export const BATCH_BYTES = 1 * MIB;
/** Blocks of captures and what is to be written, as they are asked for. */
export const BUFFERS_AT = 16 * MIB;
export const BUFFERS_END = 1024 * MIB;
/** The connection table: hash slots, the index by source, records (conntrack/table.ts). */
export const SLOTS_AT = 1024 * MIB;
export const SLOTS_BYTES = 512 * MIB;
export const SOURCES_AT = 1536 * MIB;
export const RECORDS_AT = 1568 * MIB;
/** The most connections at once. */
export const MAX_RECORDS = 2 ** 23;

const MEMORY_BYTES = 3072 * MIB;

/**
 * CONTROL holds time, in float64s: milliseconds since the first packet; when fragments have waited long enough; time stamps
 * of the first packet and of that in hand; how many packets went in.
 */
export const CONTROL_NOW_MS_F64 = 0;
export const CONTROL_DEADLINE_MS_F64 = 1;
export const CONTROL_START_SEC_F64 = 2;
export const CONTROL_START_NSEC_F64 = 3;
export const CONTROL_SEC_F64 = 4;
export const CONTROL_NSEC_F64 = 5;
export const CONTROL_PACKETS_F64 = 6;
/** And of the packet in hand: the class (+ 1) that held it, but whose chain gave an answer of which no path is known; and that answer. */
export const CONTROL_PENDING_F64 = 7;
export const CONTROL_PENDING_RESULT_F64 = 8;
export const CONTROL_F64S = 16;

/**
 * An input of `step` (wasm/capture/records.ts), by byte: where its next record and the end of what was read are; its interface; how
 * many nanoseconds a unit of its time stamps has; its `InputState`; the length and the time of the record it stands on; how
 * many records were taken from it.
 */
export const INPUTS_AT = 80 * KIB;
export const INPUT_STRIDE = 64;
export const MAX_INPUTS = 256;
export const INPUT_AT = 0;
export const INPUT_END = 4;
export const INPUT_DEV = 8;
export const INPUT_FRACTION_NS = 12;
export const INPUT_STATE = 16;
export const INPUT_CAPLEN = 20;
export const INPUT_NSEC = 24;
export const INPUT_SEC = 32;
export const INPUT_READ_F64 = 40;

/** What an input can give: nothing before more is read; the record that it stands on; nothing any more. */
export const InputState = { MORE: 0, HEAD: 1, END: 2 } as const;

/**
 * The states of the writers of what leaves by interfaces (codecs/pcap-writer.ts), and of each interface (int32) which of them is
 * its own: all may have one.
 */
export const OUTPUTS_AT = 96 * KIB;
export const MAX_OUTPUTS = 1024;
export const OUTPUT_NUMBERS_AT = 76 * KIB;

/** What the code in `wasm/` offers. Addresses are bytes from the start of the memory. */
export interface WasmExports {
  [name: string]: (...values: number[]) => number;
}

/** What the code in `wasm/` calls. */
export interface WasmImports {
  /** Whether the packet at AT of connection ENTRY answers QUESTION of PATH as its first packet did: 1, else 0. */
  ask(path: number, question: number, at: number, entry: number, direction: number): number;
  /** Read more of INPUT: its new `InputState`. */
  refill(input: number): number;
  /** The record of INPUT whose header is at HEAD takes the slow path. IS_UPCALL: 1 if the fast path has declined it. */
  replay(input: number, head: number, isUpcall: number): void;
  /** Write what was gathered for OUTPUT, its run as well. */
  flush(output: number): void;
}

let compiled: WebAssembly.Module | undefined;

function readCode(): Buffer<ArrayBuffer> {
  return readFileSync(new URL('../wasm/data-plane.wasm', import.meta.url));
}

/** A memory, all zeros, with its own instance of the code. */
export class Memory {
  readonly buffer: SharedArrayBuffer;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** CONTROL_AT. */
  readonly control: Float64Array;
  /** SETTINGS_AT. */
  readonly settings: Float64Array;
  readonly wasm: WasmExports;
  /** To be set by who has them. */
  readonly host: WasmImports = { ask: unexpected, refill: unexpected, replay: unexpected, flush: unexpected };
  #buffersEnd = BUFFERS_AT;
  /** What `allocateSmall` has left of its last slab. */
  #smallEnd = 0;
  #smallLimit = 0;

  /** @throws {AddressSpaceError} */
  constructor() {
    const memory = reserve();
    this.buffer = memory.buffer;
    this.bytes = new Uint8Array(this.buffer);
    this.view = new DataView(this.buffer);
    this.control = new Float64Array(this.buffer, CONTROL_AT, CONTROL_F64S);
    this.settings = new Float64Array(this.buffer, SETTINGS_AT, SETTINGS_F64S);
    const { host } = this;
    const calls: WasmImports = {
      ask: (path, question, at, entry, direction) => host.ask(path, question, at, entry, direction),
      refill: (input) => host.refill(input),
      replay: (input, head, isUpcall) => host.replay(input, head >>> 0, isUpcall),
      flush: (output) => host.flush(output),
    };
    compiled ??= new WebAssembly.Module(readCode());
    const instance = new WebAssembly.Instance(compiled, { env: { memory }, host: { ...calls } });
    this.wasm = instance.exports as unknown as WasmExports;
  }

  /** Whether BYTES lie in this memory. */
  holds(bytes: Uint8Array): boolean {
    return bytes.buffer === this.buffer;
  }

  /**
   * Where in this memory the LENGTH bytes at AT of VIEW, which is over BYTES, can be read: where they lie, or in SCRATCH, which
   * they are copied to, with SCRATCH_HEADROOM bytes free before them.
   */
  placeOf(bytes: Uint8Array, view: DataView, at: number, length: number): number {
    if (bytes.buffer === this.buffer) return bytes.byteOffset + at;
    copyWords(this.view, SCRATCH_AT + SCRATCH_HEADROOM, view, at, length);
    return SCRATCH_AT + SCRATCH_HEADROOM;
  }

  /**
   * Where LENGTH bytes are, a multiple of 8, for something that stays as long as the memory.
   * @throws {RangeError} where none are left
   */
  allocateSmall(length: number): number {
    if (this.#smallEnd + length > this.#smallLimit) {
      const slab = this.allocate(Math.max(SLAB_BYTES, length));
      if (slab === undefined) throw new RangeError('no memory is left for what rules remember');
      this.#smallEnd = slab.byteOffset;
      this.#smallLimit = slab.byteOffset + slab.length;
    }
    this.#smallEnd += length;
    return this.#smallEnd - length;
  }

  /** LENGTH bytes for whoever asks, all zeros; undefined where none are left. */
  allocate(length: number): Uint8Array | undefined {
    const at = this.#buffersEnd;
    if (at + length > BUFFERS_END) return undefined;
    this.#buffersEnd = Math.ceil((at + length) / PAGE_BYTES) * PAGE_BYTES;
    return new Uint8Array(this.buffer, at, length);
  }
}

/** The system does not let us have the addresses that a memory takes. */
export class AddressSpaceError extends Error {
  constructor(bytes: number) {
    const size = `${bytes / (KIB * MIB)} GiB`;
    super(
      `cannot reserve ${size} of addresses (not of memory) for a host's connections; raise the limit on them: ulimit -v`,
    );
    this.name = 'AddressSpaceError';
  }
}

/** @throws {AddressSpaceError} */
function reserve(): WebAssembly.Memory {
  const pages = MEMORY_BYTES / PAGE_BYTES;
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch {
    throw new AddressSpaceError(MEMORY_BYTES);
  }
}

function unexpected(): never {
  throw new Error('the memory has nobody who answers');
}
