// The functions that core/ provides to this code: `WasmImports` in core/wasm-interface.ts.

/**
 * 1 if check INDEX of PATH has the same result for the packet at AT of connection ENTRY as for the first packet, else
 * 0.
 */
export declare function check(path: i32, index: i32, at: usize, entry: i32, direction: i32): i32;

/** Reads more of INPUT. Returns its new `InputState`. */
export declare function refill(input: i32): i32;

/**
 * Sends the record of INPUT with its header at HEAD to the slow path. UPCALL is what `forward` returned, or 0 if the
 * packet is not plain and the clock has not advanced to it yet.
 */
export declare function replay(input: i32, head: usize, upcall: i32): void;

/** Writes the data gathered for WRITER, and its run. */
export declare function flush(writer: i32): void;
