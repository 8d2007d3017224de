// The functions that core/ provides to this code: `WasmImports` in core/wasm-interface.ts.

/**
 * 1 if check INDEX of PATH has the same result for the packet at AT of connection ENTRY as for the first packet, else
 * 0.
 */
export declare function check(path: i32, index: i32, at: usize, entry: i32, direction: i32): i32;

/**
 * Asks the sets that PATH asks about the packet at AT of connection ENTRY (-1: it would open one), whose destination
 * after translation is DESTINATION (as loaded) and DPORT. Returns until when, in milliseconds of packet time, the
 * answers are those for the path's first packet; below 0 if they are not.
 */
export declare function ask(path: i32, at: usize, entry: i32, direction: i32, destination: i32, dport: i32): f64;

/** Reads more of INPUT. Returns its new `InputState`. */
export declare function refill(input: i32): i32;

/**
 * Sends the record of INPUT with its header at HEAD to the slow path. UPCALL is what `forward` returned, or 0 if the
 * packet is not plain and the clock has not advanced to it yet.
 */
export declare function replay(input: i32, head: usize, upcall: i32): void;

/** Writes the data gathered for WRITER, and its run. */
export declare function flush(writer: i32): void;
