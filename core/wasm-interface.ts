/**
 * What the code in `wasm/` offers to `core/`, and what it calls. All numbers are int32 unless said otherwise; addresses
 * are in bytes from the start of the memory, `…Ms` are float64s, and a boolean comes back as 1 or 0.
 * test/memory/wasm-interface.test.ts compares this with the compiled module.
 */

/** What the code in `wasm/` offers. */
export interface WasmExports {
  // conntrack/table.ts; see ConntrackTable
  tableSize(): number;
  recordsUsed(): number;
  /** A float64. */
  tableBytes(): number;
  create(
    source: number,
    destination: number,
    ports: number,
    replyPorts: number,
    protocol: number,
    nowMs: number,
  ): number;
  confirm(entry: number): void;
  remove(entry: number): void;
  unhash(entry: number): void;
  release(entry: number): void;
  lookUp(source: number, destination: number, ports: number, protocol: number): number;
  linkSource(entry: number): void;
  firstOfSource(source: number, ports: number, protocol: number): number;
  // conntrack/tcp.ts and udp.ts; l4: the address of the header, available: how many of its `length` bytes are there
  tcpIsValid(l4: number, length: number, available: number): number;
  tcpOpen(entry: number, l4: number, length: number, available: number): number;
  /** Returns a `TrackResult`, or why the packet is `Invalid`. */
  tcpUpdate(
    entry: number,
    direction: number,
    l4: number,
    length: number,
    available: number,
    packetLength: number,
  ): number;
  udpOpen(entry: number): void;
  udpUpdate(entry: number, direction: number, length: number): void;
  // flow/
  /** Forward the packet at AT: its path, or an upcall (below 0; see FlowCache). */
  forward(at: number, captured: number, dev: number): number;
  /** Set the connection's `checksumDeltas` from its tuples. */
  updateChecksumDeltas(entry: number, direction: number): void;
  setMegaflows(count: number): void;
  setChecksums(on: number): void;
  askState(state: number): number;
  predictState(state: number): number;
  // capture/records.ts
  setInputs(count: number): void;
  step(count: number): number;
  /** A float64. */
  forwardedPackets(): number;
}

/** What the code in `wasm/` calls. */
export interface WasmImports {
  /** Whether the packet at AT of connection ENTRY answers QUESTION of PATH as its first packet did: 1, else 0. */
  ask(path: number, question: number, at: number, entry: number, direction: number): number;
  /** Read more of INPUT: its new `InputState`. */
  refill(input: number): number;
  /**
   * The record of INPUT whose header is at HEAD takes the slow path. UPCALL: what `forward` would have returned; 0: the
   * packet is not plain, and the clock is not at its time yet.
   */
  replay(input: number, head: number, upcall: number): void;
  /** Write what was gathered for WRITER, and its run. */
  flush(writer: number): void;
}

/** How many parameters each function has: the compiler checks it against `Functions`. */
type Arities<Functions> = {
  readonly [K in keyof Functions]: Functions[K] extends (...parameters: infer P) => unknown
    ? P['length' & keyof P]
    : never;
};

export const EXPORT_ARITIES: Arities<WasmExports> = {
  tableSize: 0,
  recordsUsed: 0,
  tableBytes: 0,
  create: 6,
  confirm: 1,
  remove: 1,
  unhash: 1,
  release: 1,
  lookUp: 4,
  linkSource: 1,
  firstOfSource: 3,
  tcpIsValid: 3,
  tcpOpen: 4,
  tcpUpdate: 6,
  udpOpen: 1,
  udpUpdate: 3,
  forward: 3,
  updateChecksumDeltas: 2,
  setMegaflows: 1,
  setChecksums: 1,
  askState: 1,
  predictState: 1,
  setInputs: 1,
  step: 1,
  forwardedPackets: 0,
};

export const IMPORT_ARITIES: Arities<WasmImports> = { ask: 5, refill: 1, replay: 3, flush: 1 };
