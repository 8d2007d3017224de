// What core/ answers to calls from here: `WasmImports` in core/wasm-interface.ts.

/** Whether the packet at AT of connection ENTRY answers QUESTION of PATH as its first packet did: 1, else 0. */
export declare function ask(path: i32, question: i32, at: usize, entry: i32, direction: i32): i32;

/** Read more of INPUT: its new `InputState`. */
export declare function refill(input: i32): i32;

/**
 * The record of INPUT whose header is at HEAD takes the slow path. UPCALL: what `forward` would have returned; 0: the
 * packet is not plain, and the clock is not at its time yet.
 */
export declare function replay(input: i32, head: usize, upcall: i32): void;

/** Write what was gathered for WRITER, and its run. */
export declare function flush(writer: i32): void;
