/**
 * The interface between `wasm/` and `core/`. All numbers are int32 unless noted. Addresses are byte offsets in the
 * memory, `…Ms` are float64, and booleans are returned as 1 or 0. test/memory/wasm-interface.test.ts compares this with
 * the compiled module.
 */

/** The functions exported by `wasm/`. */
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
  // conntrack/tcp.ts and udp.ts; l4: the address of the header, available: how many of its `length` bytes are present
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
  /** What the kernel would log about the last segment that was tracked: see core/protocols/tcp-remark.ts. */
  tcpTakeRemark(): number;
  tcpRemarkValue(): number;
  tcpTakeLowered(): number;
  udpOpen(entry: number): void;
  udpUpdate(entry: number, direction: number, length: number): void;
  // flow/
  /** Forwards the packet at AT. Returns its path or an upcall (below 0; see FlowCache). */
  forward(at: number, captured: number, dev: number): number;
  /** Sets the connection's `checksumDeltas` from its tuples. */
  updateChecksumDeltas(entry: number, direction: number): void;
  setMegaflows(count: number): void;
  /** The packets of ENTRY in DIRECTION ask their sets again. */
  forgetAnswers(entry: number, direction: number): void;
  /** Whether NAT is at the hooks. */
  setNat(isOn: number): void;
  /** Whether layer-4 checksums are verified, and whether those left to the network card are finished. */
  setChecksums(verifies: number, finishes: number): void;
  /** The number of packets whose checksum it has finished. A float64. */
  finishedChecksums(): number;
  /** Both return a `StateResult` (core/rules/run/flat-state.ts). */
  matchState(state: number): number;
  predictState(state: number): number;
  /** Moves the entries of a KEYED_TABLE to where there is more room. */
  growTable(table: number, entries: number, capacity: number, buckets: number, bucketMask: number): void;
  // capture/records.ts
  setInputs(count: number): void;
  step(count: number): number;
  /** SEC and NSEC are float64s. */
  stopAt(sec: number, nsec: number): void;
  /** NUMBER is a float64. */
  stopBefore(input: number, number: number): void;
  stoppedInput(): number;
  /** A float64. */
  forwardedPackets(): number;
}

/** The functions imported by `wasm/`. */
export interface WasmImports {
  /**
   * 1 if check INDEX of PATH has the same result for the packet at AT of connection ENTRY as for the first packet, else
   * 0.
   */
  check(path: number, index: number, at: number, entry: number, direction: number): number;
  /**
   * Asks the sets that PATH asks about the packet at AT of connection ENTRY (-1: it would open one), whose destination
   * after translation is DESTINATION (as loaded) and DPORT. Returns until when, in milliseconds of packet time, the
   * answers are those for the path's first packet, a float64; below 0 if they are not.
   */
  ask(path: number, at: number, entry: number, direction: number, destination: number, dport: number): number;
  /** Reads more of INPUT. Returns its new `InputState`. */
  refill(input: number): number;
  /**
   * Sends the record of INPUT with its header at HEAD to the slow path. UPCALL is what `forward` would have returned,
   * or 0 if the packet is not plain and the clock has not advanced to it yet.
   */
  replay(input: number, head: number, upcall: number): void;
  /** Writes the data gathered for WRITER, and its run. */
  flush(writer: number): void;
}

/** The number of parameters of each function. The compiler checks it against `Functions`. */
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
  tcpTakeRemark: 0,
  tcpRemarkValue: 0,
  tcpTakeLowered: 0,
  udpOpen: 1,
  udpUpdate: 3,
  forward: 3,
  updateChecksumDeltas: 2,
  setMegaflows: 1,
  forgetAnswers: 2,
  setNat: 1,
  setChecksums: 2,
  finishedChecksums: 0,
  matchState: 1,
  predictState: 1,
  growTable: 5,
  setInputs: 1,
  step: 1,
  stopAt: 2,
  stopBefore: 2,
  stoppedInput: 0,
  forwardedPackets: 0,
};

export const IMPORT_ARITIES: Arities<WasmImports> = { check: 5, ask: 6, refill: 1, replay: 3, flush: 1 };
