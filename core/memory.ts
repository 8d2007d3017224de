/**
 * The memory of one emulated host: connections, paths of the flow cache and blocks of captures, at fixed addresses
 * (memory-map.ts) of one WebAssembly memory. The code in `wasm/` and in `core/` works on the same bytes.
 *
 * The memory is declared shared although one thread uses it, and grows to its size when it has been made: V8 counts an
 * unshared memory as 3 GiB of used heap, that of Node 26 also a shared one which is so large from the start, and runs a
 * full garbage collection whenever one is made.
 */
import { readFileSync } from 'node:fs';
import { copyWords } from '../codecs/copy.js';
import { type Fields, type Layout, opener, Records } from '../codecs/record-layout.js';
import { CLOCK } from './clock.js';
import { TRACKER_SETTINGS } from './conntrack/tracker-settings.js';
import { drawHashKey, hashKeyWords, KeyedHash } from './keyed-hash.js';
import { MEMORY_BYTES, REGIONS } from './memory-map.js';
import type { WasmExports, WasmImports } from './wasm-interface.js';

/**
 * The limit for addresses with which Node starts a host. Node 20 and 22 take 11 GiB, as V8 reserves 10 GiB for a
 * WebAssembly memory of any size, so that no access needs a check; Node 24 and 26 make do with 5.
 */
const NEEDED_GIB = 12;
const PAGE_BYTES = 64 * 2 ** 10;
/** The part of the buffers that is left to what rules and the flow cache remember. */
const RESERVED_BYTES = 256 * 2 ** 20;
/** Small allocations are cut from slabs of this size. */
const SLAB_BYTES = 64 * 2 ** 10;

/** Room before a packet in the scratch region, for its Ethernet header. */
const SCRATCH_HEADROOM = 64;
/** The maximum length of a packet that `copyToScratch` can copy. */
export const MAX_SCRATCH_PACKET_BYTES = REGIONS.scratch.bytes - SCRATCH_HEADROOM;

let compiled: WebAssembly.Module | undefined;

function readCode(): Buffer<ArrayBuffer> {
  return readFileSync(new URL('../wasm/data-plane.wasm', import.meta.url));
}

const openClock = opener(CLOCK);
const openSettings = opener(TRACKER_SETTINGS);

/** A zeroed memory with its own instance of the code. */
export class Memory {
  readonly buffer: SharedArrayBuffer;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly clock: ReturnType<typeof openClock>;
  readonly settings: ReturnType<typeof openSettings>;
  readonly wasm: WasmExports;
  /** For all hash tables of the host. */
  readonly hash: KeyedHash;
  /** The functions that the code calls. To be set by the components that provide them. */
  readonly host: WasmImports = {
    check: unexpected,
    ask: unexpected,
    refill: unexpected,
    replay: unexpected,
    flush: unexpected,
  };
  #buffersEnd = REGIONS.buffers.start;
  /** End of the unused part of the last slab of `#allocateSmall`. */
  #smallEnd = 0;
  #smallLimit = 0;
  /** The addresses of what was released, by length. */
  readonly #released = new Map<number, number[]>();

  /** @throws {AddressSpaceError} */
  constructor(hashKey = drawHashKey()) {
    const memory = reserve();
    this.buffer = memory.buffer;
    this.bytes = new Uint8Array(this.buffer);
    this.view = new DataView(this.buffer);
    this.clock = openClock(this.buffer, REGIONS.clock.start);
    this.settings = openSettings(this.buffer, REGIONS.settings.start);
    this.hash = new KeyedHash(hashKey);
    REGIONS.hashKey.wordsOf(this.buffer).set(hashKeyWords(hashKey));
    const { host } = this;
    const calls: WasmImports = {
      check: (path, index, at, entry, direction) => host.check(path, index, at, entry, direction),
      ask: (path, at, entry, direction, destination, dport) => host.ask(path, at, entry, direction, destination, dport),
      refill: (input) => host.refill(input),
      replay: (input, head, upcall) => host.replay(input, head >>> 0, upcall),
      flush: (output) => host.flush(output),
    };
    compiled ??= new WebAssembly.Module(readCode());
    const instance = new WebAssembly.Instance(compiled, { env: { memory }, host: { ...calls } });
    this.wasm = instance.exports as unknown as WasmExports;
  }

  /** Whether BYTES are part of this memory. */
  holds(bytes: Uint8Array): boolean {
    return bytes.buffer === this.buffer;
  }

  /**
   * The address of the LENGTH bytes at AT of VIEW (over BYTES). If they are in another buffer, they are copied to the
   * scratch region.
   *
   * @throws {RangeError} if they are in another buffer and exceed MAX_SCRATCH_PACKET_BYTES
   */
  placeOf(bytes: Uint8Array, view: DataView, at: number, length: number): number {
    return this.holds(bytes) ? bytes.byteOffset + at : this.copyToScratch(view, at, length);
  }

  /**
   * Copies the LENGTH bytes at AT of VIEW to the scratch region, with SCRATCH_HEADROOM free bytes before them. Returns
   * their address.
   *
   * @throws {RangeError} if they exceed MAX_SCRATCH_PACKET_BYTES
   */
  copyToScratch(view: DataView, at: number, length: number): number {
    if (length > MAX_SCRATCH_PACKET_BYTES)
      throw new RangeError(`a packet of ${length} bytes does not fit the scratch region`);
    const place = REGIONS.scratch.start + SCRATCH_HEADROOM;
    copyWords(this.view, place, view, at, length);
    return place;
  }

  /**
   * Allocates COUNT zeroed records of LAYOUT, until they are released.
   *
   * @throws {MemoryFullError}
   */
  allocateRecords<F extends Fields>(layout: Layout<F>, count: number): Records<F> {
    return new Records(layout, this.buffer, this.#allocateSmall(layout.bytes * count), count);
  }

  /**
   * Allocates BYTES zeroed bytes, until they are released, and returns their address, a multiple of 8.
   *
   * @throws {MemoryFullError}
   */
  allocateBytes(bytes: number): number {
    return this.#allocateSmall(bytes);
  }

  /** Takes back the BYTES bytes at AT, for the next allocation of the same length. Nothing may refer to them then. */
  release(at: number, bytes: number): void {
    const length = roundedUp(bytes);
    const others = this.#released.get(length);
    if (others === undefined) this.#released.set(length, [at]);
    else others.push(at);
  }

  #allocateSmall(bytes: number): number {
    const length = roundedUp(bytes);
    const released = this.#released.get(length)?.pop();
    if (released !== undefined) {
      this.bytes.fill(0, released, released + length);
      return released;
    }
    if (this.#smallEnd + length > this.#smallLimit) {
      const slab = this.#allocate(Math.max(SLAB_BYTES, length), REGIONS.buffers.end);
      if (slab === undefined) throw new MemoryFullError();
      this.#smallEnd = slab.byteOffset;
      this.#smallLimit = slab.byteOffset + slab.length;
    }
    this.#smallEnd += length;
    return this.#smallEnd - length;
  }

  /** Allocates LENGTH zeroed bytes. Returns undefined if there is no room. */
  allocate(length: number): Uint8Array | undefined {
    return this.#allocate(length, REGIONS.buffers.end - RESERVED_BYTES);
  }

  #allocate(length: number, limit: number): Uint8Array | undefined {
    const at = this.#buffersEnd;
    if (at + length > limit) return undefined;
    this.#buffersEnd = Math.ceil((at + length) / PAGE_BYTES) * PAGE_BYTES;
    return new Uint8Array(this.buffer, at, length);
  }
}

/** The length of an allocation for BYTES bytes. */
function roundedUp(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

/** There is no room for what rules or the flow cache remember. */
export class MemoryFullError extends RangeError {
  constructor() {
    super('out of memory for the state of rules and the flow cache');
    this.name = 'MemoryFullError';
  }
}

/** The system refused to reserve the address space for a memory. */
export class AddressSpaceError extends Error {
  constructor() {
    super(
      'cannot reserve the addresses (not the memory) that a host takes; ' +
        `raise the limit to ${NEEDED_GIB} GiB (ulimit -v ${NEEDED_GIB * 2 ** 20})`,
    );
    this.name = 'AddressSpaceError';
  }
}

/** @throws {AddressSpaceError} */
function reserve(): WebAssembly.Memory {
  const pages = MEMORY_BYTES / PAGE_BYTES;
  try {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: pages, shared: true });
    memory.grow(pages - 1);
    return memory;
  } catch {
    throw new AddressSpaceError();
  }
}

function unexpected(): never {
  throw new Error('host callback is not set');
}
