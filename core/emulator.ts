/** The public interface of the emulator: its input, its output, and how to create one. */
import type { ConntrackTable } from './conntrack/table.js';
import type { Drop, DropCause } from './drop.js';
import type { Observer } from './events.js';
import type { Hook, HookEntry, TableName } from './hooks.js';
import type { Host } from './host/host.js';
import { IpStack } from './ip-stack.js';
import type { Frame } from './link/frame.js';
import type { LinkSkip } from './link/locate-ip.js';
import type { Memory } from './memory.js';
import type { Outcome } from './outcome.js';
import type { Ruleset, TableCounters } from './rules/model.js';
import { ENGINES } from './rules/run/build.js';

export { Outcome } from './outcome.js';

/** What `-j LOG` says of a packet: the rule's options, and the packet as it was at the rule, at AT of BYTES. */
export interface LogEntry {
  /** From 0, emergency, to 7, debug. */
  readonly level: number;
  readonly prefix: string;
  readonly hook: Hook;
  /** Interfaces, -1: none. */
  readonly inDev: number;
  readonly outDev: number;
  /** The packet mark, an int32. */
  readonly mark: number;
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly available: number;
  readonly length: number;
}

/**
 * Receives what comes out. It starts at AT of BYTES, which are valid during the call only; AVAILABLE of its LENGTH bytes are
 * there (fewer if a snaplen cut it).
 */
export interface EmulatorOutput {
  /** A frame leaves by interface DEV, with its Ethernet header. */
  egress(dev: number, bytes: Uint8Array, at: number, available: number, length: number): void;
  /** A packet reached the host itself; it is as it was after INPUT. */
  local(bytes: Uint8Array, at: number, available: number, length: number): void;
  /** A rule with `-j LOG` matched. */
  log?(entry: LogEntry): void;
  /** A packet was dropped, as it was then. DROP serves for the call only. */
  dropped(drop: Drop, bytes: Uint8Array, at: number, available: number, length: number): void;
}

/**
 * Every way to run rules: those for a single table (build.ts), and 'remembered': indexed, but the packets of an established
 * connection take the path of the one before them without running the rules again (flow-cache.ts).
 */
export const EMULATOR_ENGINES = ['remembered', ...ENGINES] as const;
export type EmulatorEngine = (typeof EMULATOR_ENGINES)[number];

export interface EmulatorOptions {
  readonly ruleset: Ruleset;
  readonly host: Host;
  /** Seed for random choices: the same seed gives the same run. Default 0. */
  readonly seed?: number;
  /** How rules are run; the results are the same. Default 'remembered'. */
  readonly engine?: EmulatorEngine;
  /** What happens at the hooks besides what the ruleset and conntrack do there. Default: nothing. */
  readonly hookEntries?: readonly HookEntry[];
  /** Is told what happens to each packet, see events.ts. The interpreter then runs the rules, whatever `engine` says. */
  readonly observer?: Observer;
  /** Holds the state of this host; it must be unused. Default: a new memory. */
  readonly memory?: Memory;
}

/** An emulated host. Several may be in use at once. */
export interface Emulator {
  /** Holds its connections and paths. Packets in memory allocated from it (`allocate`) are not copied for the fast path. */
  readonly memory: Memory;
  /** Connections, in flat memory. */
  readonly connections: ConntrackTable;
  /** What each table of the ruleset has counted. */
  readonly counters: ReadonlyMap<TableName, TableCounters>;
  /** What became of the last frame that went in; what dropped it, if it was dropped or rejected; why it was skipped, if it was. */
  readonly outcome: Outcome;
  readonly dropCause: DropCause | null;
  readonly skipReason: LinkSkip | null;
  /** Milliseconds since the first packet. */
  readonly nowMs: number;
  /** Packets that took the slow path. */
  readonly slowPathPackets: number;
  /** Fragments that are waiting for the rest of their packet. */
  readonly pendingFragments: number;
  /**
   * FRAME arrives on its interface. Its packet may be rewritten in place, and leaves with an Ethernet header before it: the
   * packet is copied if the frame has no room for that (see `Frame.headroom`).
   * @throws {RangeError} if the host has no such interface
   */
  receive(frame: Frame): void;
  /**
   * The host itself sends the IPv4 packet in FRAME, as through a raw socket (IP_HDRINCL). What precedes the packet in the
   * frame says only where the packet starts.
   */
  send(frame: Frame): void;
}

/** How what the fast path declined goes on, when whole captures are replayed within the memory (wasm/capture/capture-loop.ts). */
export interface UpcallReceiver {
  /** As `receive`, for a frame that the fast path has declined with UPCALL (flow/records.ts). The clock is at its time. */
  receiveUpcall(frame: Frame, upcall: number): void;
}

/** Compile RULESET for HOST; what comes out goes to OUTPUT. */
export function createEmulator(options: EmulatorOptions, output: EmulatorOutput): Emulator {
  return new IpStack(options, output);
}
