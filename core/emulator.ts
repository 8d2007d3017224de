/** The public face of the emulator: what it is given, what it gives, and how it is made. */
import type { ConntrackTable } from './conntrack/table.js';
import type { TableName } from './hooks.js';
import type { Host } from './host/host.js';
import { IpStack } from './ip-stack.js';
import type { Memory } from './memory.js';
import type { Outcome } from './outcome.js';
import type { PacketType } from './packet.js';
import type { Ruleset, TableCounters } from './rules/model.js';
import { ENGINES } from './rules/run/build.js';

export { Outcome } from './outcome.js';

/**
 * Where the packets that come out go. What comes out starts at AT of BYTES, which serve for the call only; AVAILABLE of its
 * LENGTH bytes are there (fewer where a snaplen cut it).
 */
export interface EmulatorOutput {
  /** A frame leaves by interface DEV, with its Ethernet header. */
  egress(dev: number, bytes: Uint8Array, at: number, available: number, length: number): void;
  /** A packet reached the host itself, as it is after INPUT. */
  local(bytes: Uint8Array, at: number, available: number, length: number): void;
  /** A packet was dropped, as it was then. */
  dropped(reason: string, bytes: Uint8Array, at: number, available: number, length: number): void;
}

/**
 * Every way to run rules: those of a table by itself (build.ts), and 'remembered': indexed, but the packets of an established
 * connection follow the one before them without asking the rules again (flow-cache.ts).
 */
export const EMULATOR_ENGINES = ['remembered', ...ENGINES] as const;
export type EmulatorEngine = (typeof EMULATOR_ENGINES)[number];

export interface EmulatorOptions {
  readonly ruleset: Ruleset;
  readonly host: Host;
  /** Where randomness starts: the same seed gives the same run. Default 0. */
  readonly seed?: number;
  /** How rules are run; all give the same. Default 'remembered'. */
  readonly engine?: EmulatorEngine;
  /** Where everything of this host is to lie; nothing else may be there yet. Default: a memory of its own. */
  readonly memory?: Memory;
}

/** An emulated host between the packets that go in and those that come out. Several may be at work at once. */
export interface Emulator {
  /** Where its connections and paths are. Packets that lie in it too (`allocate`) are not copied on their way. */
  readonly memory: Memory;
  /** Connections, in flat memory. */
  readonly connections: ConntrackTable;
  /** What each table of the ruleset has counted. */
  readonly counters: ReadonlyMap<TableName, TableCounters>;
  /** What became of the last packet that went in, and why where it was dropped. */
  readonly outcome: Outcome;
  readonly reason: string;
  /** Milliseconds since the first packet. */
  readonly nowMs: number;
  /** Packets that did not simply follow the one before them of an established connection, but were looked at anew. */
  readonly slowPathPackets: number;
  /** Fragments that still wait for the rest of their packet. */
  readonly pendingFragments: number;
  /**
   * A frame arrives on interface DEV, holding at AT an IPv4 packet of which CAPTURED bytes are there and ON_WIRE were sent
   * (Ethernet padding may follow it). The packet is rewritten in place, and leaves behind an Ethernet header that is put into
   * the 14 bytes before AT: they must be there, and may hold anything.
   */
  receive(
    dev: number,
    type: PacketType,
    tsSec: number,
    tsNsec: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    captured: number,
    onWire: number,
  ): void;
  /** As `receive`, for a packet that the code in wasm/ has left to the slow path: the clock stands at its time already. */
  receiveOnTime(
    dev: number,
    type: PacketType,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    captured: number,
    onWire: number,
  ): void;
  /** The host itself sends the IPv4 packet at AT, as through a raw socket (IP_HDRINCL). 14 bytes before AT are overwritten here too. */
  send(
    tsSec: number,
    tsNsec: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    captured: number,
    onWire: number,
  ): void;
}

/** Compile RULESET for HOST; what comes out goes to OUTPUT. */
export function createEmulator(options: EmulatorOptions, output: EmulatorOutput): Emulator {
  return new IpStack(options, output);
}
