/** The public interface of the emulator: input, output and creation. */
import type { HostDescription } from '../codecs/host/description.js';
import type { ConnectionSelector } from './conntrack/delete.js';
import type { ListedConnections, RestoredConnections } from './conntrack/restore.js';
import type { ConntrackTable } from './conntrack/table.js';
import type { Drop, DropCause } from './drop.js';
import type { Observer } from './events.js';
import type { Hook, HookEntry, TableName } from './hooks.js';
import type { Host } from './host/host.js';
import { IpStack } from './ip-stack.js';
import type { Frame } from './link/frame.js';
import type { LinkSkip } from './link/locate-ip.js';
import type { Memory } from './memory.js';
import type { ChecksumCounts, ChecksumMode } from './offload/checksums.js';
import type { CoalescedCounts } from './offload/segments.js';
import type { Outcome } from './outcome.js';
import type { AccountingObject } from './rules/accounting.js';
import type { Ruleset, TableCounters } from './rules/model.js';
import type { RuleChange } from './rules/rule-change.js';
import { ENGINES } from './rules/run/build.js';
import type { UnboundQueueCounts } from './rules/run/host-context.js';
import { refuseIpv6 } from './rules-in-force.js';
import type { HostSets } from './sets/host-sets.js';
import type { SetStore } from './sets/store.js';
import type { CookieCounts } from './synproxy/cookies.js';
import type { UncertainCause, UncertainPackets } from './uncertainty.js';

export { Outcome } from './outcome.js';
export type { UnboundQueueCounts } from './rules/run/host-context.js';

/** The packet as it was at a rule that told somebody about it, at AT of BYTES. */
export interface LoggedPacket {
  readonly prefix: string;
  readonly hook: Hook;
  /** Interface indexes; -1 if there is none. */
  readonly inDev: number;
  readonly outDev: number;
  /** The packet mark, an int32. */
  readonly mark: number;
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly available: number;
  readonly length: number;
}

/** A message from `-j LOG`, or about a packet that `-j TRACE` marked. */
export interface LogEntry extends LoggedPacket {
  /** From 0 (emergency) to 7 (debug). */
  readonly level: number;
  /** The whole message as in the kernel's log (/dev/kmsg): printable ASCII, from the prefix on. */
  readonly line: string;
}

/** A packet that `-j NFLOG` or `-j ULOG` passed to a program: the first `available` bytes of it. */
export interface NflogEntry extends LoggedPacket {
  /** The netlink group. */
  readonly group: number;
}

/**
 * Receives the output. The data starts at AT of BYTES, which are only valid during the call. AVAILABLE of its LENGTH
 * bytes are present (fewer if truncated by a snaplen).
 */
export interface EmulatorOutput {
  /** A frame leaves by interface DEV, with its Ethernet header; a bare packet if the interface has no MAC address. */
  egress(dev: number, bytes: Uint8Array, at: number, available: number, length: number): void;
  /** A packet reached the host itself. It is passed as it was after INPUT. */
  local(bytes: Uint8Array, at: number, available: number, length: number): void;
  /** A rule with `-j LOG` matched, or any rule for a packet that is traced. */
  log?(entry: LogEntry): void;
  /** A rule with `-j NFLOG` or `-j ULOG` matched. */
  nflog?(entry: NflogEntry): void;
  /** The host has changed, or there are more interfaces with an index: HOST, the emulator's own, as it is now. */
  hostChanged?(host: Host): void;
  /** The received or sent packet is uncertain. Called once for each cause. */
  uncertain?(cause: UncertainCause): void;
  /** A packet was dropped. It is passed as it was at that moment. DROP is only valid during the call. */
  dropped(drop: Drop, bytes: Uint8Array, at: number, available: number, length: number): void;
}

/**
 * The engines: those that run a single table (build.ts), and 'remembered', which runs 'indexed' but lets packets of an
 * established connection follow the path of the previous packet without traversing the rules (flow-cache.ts).
 */
export const EMULATOR_ENGINES = ['remembered', ...ENGINES] as const;
export type EmulatorEngine = (typeof EMULATOR_ENGINES)[number];

export interface EmulatorOptions {
  readonly ruleset: Ruleset;
  readonly host: Host;
  /** Seed for random choices. The same seed produces the same run. Default: 0. */
  readonly seed?: number;
  /**
   * The number of the current packet, from 1; before the first one 0. Random choices then depend on the seed and this
   * number, not on the choices made before, so that hosts can be compared. Default: each choice follows from the last.
   */
  readonly packetNumber?: () => number;
  /** The engine that runs rules. All engines produce the same results. Default: 'remembered'. */
  readonly engine?: EmulatorEngine;
  /** Additional hook entries, besides those of the ruleset and conntrack. Default: none. */
  readonly hookEntries?: readonly HookEntry[];
  /** What becomes of layer-4 checksums. Default: 'verify', as a kernel does with frames from a wire. */
  readonly checksums?: ChecksumMode;
  /** What the program answers that listens to the queues of NFQUEUE. Default: no program listens. */
  readonly queueVerdict?: 'accept' | 'drop' | undefined;
  /** The sets before the first packet; used and changed by this emulator only. Default: those that HOST brings. */
  readonly sets?: HostSets;
  /** Connections that the host has before the first packet, as listed by `conntrack -L` (readConntrackList). */
  readonly connections?: ListedConnections | undefined;
  /** Receives events (see events.ts) from the first packet on. See `Emulator.observe`. */
  readonly observer?: Observer;
  /** Memory for the state of this host. Must be unused. Default: a new memory. */
  readonly memory?: Memory;
}

/** An emulated host. Several hosts can coexist. */
export interface Emulator {
  /** Holds connections and paths. Packets in memory allocated from it (`allocate`) are not copied for the fast path. */
  readonly memory: Memory;
  /** Connections, in flat memory. */
  readonly connections: ConntrackTable;
  /** What became of the connections in the options. */
  readonly restored: RestoredConnections;
  /** The host as it is now. */
  readonly host: Host;
  /** The rules in force. */
  readonly ruleset: Ruleset;
  /** The counters of each table in it. */
  readonly counters: ReadonlyMap<TableName, TableCounters>;
  /** The outcome of the last frame, with the cause if it was dropped or rejected, or the reason if it was skipped. */
  readonly outcome: Outcome;
  readonly dropCause: DropCause | null;
  readonly skipReason: LinkSkip | null;
  /** Milliseconds since the first packet. */
  readonly nowMs: number;
  /** Number of packets that took the slow path. */
  readonly slowPathPackets: number;
  /** What the real host may have done differently, in words. */
  readonly warnings: readonly string[];
  /** How many packets had checksums that were left to the network card, or bad ones. */
  readonly checksums: ChecksumCounts;
  /** The packets of which the emulation cannot be sure what becomes of them. */
  readonly uncertain: UncertainPackets;
  /** How many packets were coalesced, by what the length of their segments was concluded from. */
  readonly coalesced: CoalescedCounts;
  /** How many ports NAT drew at random, where the wanted one was taken or a rule says so: the kernel draws others. */
  readonly drawnPorts: number;
  /** SYN cookies of SYNPROXY. */
  readonly cookies: CookieCounts;
  /** Packets that met NFQUEUE while no program listened. */
  readonly unboundQueues: UnboundQueueCounts;
  /** The accounting objects that the host or its rules name, with what was counted in them. */
  readonly accounting: readonly Readonly<AccountingObject>[];
  /** The host's sets. */
  readonly sets: SetStore;
  /** Number of fragments waiting for the rest of their packets. */
  readonly pendingFragments: number;
  /**
   * Receives FRAME on its interface. Its packet may be rewritten in place and leaves behind an Ethernet header. Without
   * room for that header, the packet is copied (see `Frame.headroom`).
   *
   * @throws {RangeError} if the host has no such interface, or if FRAME cannot exist (see `checkFrame`). Nothing has
   * changed then.
   */
  receive(frame: Frame): void;
  /**
   * Sends the IPv4 packet in FRAME from the host itself, as through a raw socket (IP_HDRINCL). The frame's link header
   * is only used to find the packet. The route of a raw packet does not depend on its source; if IS_SOURCED, it does,
   * as for the packets of other sockets. The source must then be an address of the host.
   *
   * @throws {RangeError} if FRAME cannot exist (see `checkFrame`)
   */
  send(frame: Frame, isSourced?: boolean): void;
  /**
   * Puts the rules of CHANGE in force, from the next packet on. Connections, bindings of NAT, waiting fragments and
   * what rules share by a name (lists of recent, tables of hashlimit) live on, as in the kernel.
   *
   * @throws {RulesetError} if the rules are for ip6tables, or name a set or an accounting object that the host does
   * not have. Nothing has changed then.
   */
  replaceRules(change: RuleChange): void;
  /**
   * From the next packet on, OBSERVER receives the events of packets (see events.ts), in place of the one before;
   * undefined: nobody does. While there is an observer, the interpreter runs the rules, regardless of `engine`, and
   * no packet takes the fast path. Nothing else changes: rules go on with their counters and states. Call it between
   * two packets.
   */
  observe(observer: Observer | undefined): void;
  /**
   * The host becomes HOST, or the one that it describes, from the next packet on. Interfaces that it has already keep
   * their indexes; new ones follow; on those that are gone nothing arrives any more (a frame is skipped), until they
   * come back under their names. What the kernel does by itself is done: routes and neighbours go with their interface
   * or address, come with it, and so do the connections that MASQUERADE has translated. Rules match interfaces that
   * came later. Call it between two packets.
   *
   * @throws {HostError} if there can be no such host, or if it has a setting that cannot be followed where it changes
   * (`HostError.isUnsupported`). Nothing has changed then.
   */
  changeHost(host: Host | HostDescription): void;
  /** Gives indexes to the interfaces NAMES, which may come later (`Host.knownIndex`). */
  expectInterfaces(names: readonly string[]): void;
  /** Deletes the connections that SELECTOR selects, as `conntrack -D` does. Returns how many. */
  deleteConnections(selector: ConnectionSelector): number;
  /**
   * Conntrack was off and is on again, between two packets, as after a moment without any rule that needs it: of open
   * connections, TCP windows are no longer known.
   */
  restartTracking(): void;
  /** Time passes, without a packet: up to this time stamp (seconds since 1970, nanoseconds), unless it is past. */
  advanceTo(tsSec: number, tsNsec: number): void;
}

/** Receives what the fast path declined, when whole captures are replayed in memory (wasm/capture/capture-loop.ts). */
export interface UpcallReceiver {
  /**
   * Same as `receive`, for a frame that the fast path declined with UPCALL (flow/records.ts). The clock is already set.
   */
  receiveUpcall(frame: Frame, upcall: number): void;
}

/**
 * Creates an emulator for RULESET on HOST that sends its output to OUTPUT.
 *
 * @throws {RulesetError} if the rules are for ip6tables, which are only parsed and saved, or name a set that is missing
 * @throws {IpsetError} if the host's sets cannot be restored
 * @throws {AddressSpaceError} if the system has no address space left for its memory
 */
export function createEmulator(options: EmulatorOptions, output: EmulatorOutput): Emulator {
  refuseIpv6(options.ruleset);
  return new IpStack(options, output);
}
