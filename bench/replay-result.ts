/** What a timed replay in a process of its own is told, and what it says (replay-once.ts). */

export interface ReplaySpec {
  rulesPath: string;
  hostPath: string;
  inputs: { iface: string; path: string }[];
  /** An existing folder. */
  outDir: string;
  /** After so many packets `settledMs` starts. */
  settlingPackets: number;
}

export interface ReplayResult {
  /** Ruleset and host parsed, tables built, files opened. */
  prepareMs: number;
  /** From the first packet until the captures that come out are closed; and the same from `settlingPackets` on. */
  durationMs: number;
  settledMs: number;
  /** User and system time of all threads in `durationMs`, V8's compilers included. */
  cpuMs: number;
  peakMiB: number;
  /** Resident memory after each step. */
  rssMiB: number[];
  read: number;
  forwarded: number;
  connections: number;
  /** What all typed arrays have grown by, a connection. */
  connectionBytes: number;
}
