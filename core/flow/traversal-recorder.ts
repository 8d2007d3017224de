/**
 * Follows each packet through an emulated host and determines which other packets must take the same path (see
 * traversal.ts). Each table is examined just before it runs, with the packet and its connection in their current state.
 */
import { ICMP_LENGTH, IPPROTO_ICMP, IPPROTO_TCP, IPV4_LENGTH, TCP_LENGTH } from '../../codecs/layouts.js';
import { createEmulator, type Emulator, type EmulatorOptions, type EmulatorOutput } from '../emulator.js';
import type { DroppedEvent, LeftEvent, PacketEvent } from '../events.js';
import { readField, type ValueField } from '../fields.js';
import { HOOK_NAMES, Hook, type HookEntry, Priority, TABLE_HOOKS, type TableName, Verdict } from '../hooks.js';
import type { Host } from '../host/host.js';
import { CtInfo, type Packet } from '../packet.js';
import type { Reason } from '../reasons.js';
import type { RuleContext } from '../rules/context.js';
import type { Ruleset, Table } from '../rules/model.js';
import type { ValueRange } from '../rules/ranges.js';
import {
  learnOutcome,
  type NativeResult,
  type OutcomeInterest,
  type SameOutcome,
  type StatefulResult,
} from './same-outcome.js';
import type { Traversal, TraversalEnd } from './traversal.js';
import { TraversalSet } from './traversal-set.js';

/** The tables that each hook runs at these priorities. The nat table's priority depends on what it rewrites there. */
const TABLES_AT: readonly (readonly [priority: number, table: TableName, hooks: readonly Hook[]])[] = [
  [Priority.RAW, 'raw', TABLE_HOOKS.raw],
  [Priority.MANGLE, 'mangle', TABLE_HOOKS.mangle],
  [Priority.DNAT, 'nat', [Hook.PREROUTING, Hook.OUTPUT]],
  [Priority.FILTER, 'filter', TABLE_HOOKS.filter],
  [Priority.SECURITY, 'security', TABLE_HOOKS.security],
  [Priority.SNAT, 'nat', [Hook.INPUT, Hook.POSTROUTING]],
];

/** Drop reasons that depend only on what a `TraversalSet` covers. */
const COVERED_REASONS: ReadonlySet<Reason> = new Set([
  ...(['rule', 'policy', 'rule-header', 'nat-rule', 'ttl-exceeded', 'fragmentation-needed'] as const),
  ...(['martian-source', 'martian-destination', 'rp-filter', 'forwarding-off', 'no-route'] as const),
  ...(['unreachable-route', 'prohibit-route', 'blackhole-route', 'multicast-not-joined'] as const),
  ...(['link-layer-broadcast', 'source-not-local', 'queue-unbound', 'queue-verdict', 'synproxy'] as const),
]);

/** What a packet's headers say; the layer-4 fields of a protocol are only read of its packets. */
const HEADER_FIELDS = ['source', 'destination', 'protocol', 'sport', 'dport', 'tos', 'ttl', 'length'] as const;
const PROTOCOL_FIELDS = new Map<number, { readonly name: ValueField; readonly headerLength: number }>([
  [IPPROTO_TCP, { name: 'tcpFlags', headerLength: TCP_LENGTH }],
  [IPPROTO_ICMP, { name: 'icmpType', headerLength: ICMP_LENGTH }],
]);

/** An emulator that knows which packets share the path of the last packet. */
export interface TraversalEmulator {
  readonly emulator: Emulator;
  /** Undefined if the last frame reached no hook or is held as a fragment. */
  readonly last: Traversal | undefined;
  /** What rules see of packets and their connections. Read-only. */
  readonly context: RuleContext;
}

/** What is taken for granted about the other packets. */
export interface TraversalAssumptions extends OutcomeInterest {
  /**
   * The results of tests that depend on more than the packet. Whoever gives them has to see to it that other packets
   * have the same ones (`Traversal.givenResults`).
   */
  readonly resultOf?: StatefulResult;
  /** It makes no difference which source NAT gives to packets with ports. */
  readonly anySource?: boolean;
  /**
   * The destination ports with which a packet, else as it is, has the same RESULT of a test that looks at ports in its
   * own way. Left out: nothing is said of other packets there, unless they are as they arrived.
   */
  readonly portsWith?: (test: NativeResult, packet: Packet, context: RuleContext) => readonly ValueRange[];
}

export function createTraversalEmulator(
  options: Omit<EmulatorOptions, 'hookEntries' | 'engine'>,
  output: EmulatorOutput,
  assumptions: TraversalAssumptions = {},
): TraversalEmulator {
  const recorder = new TraversalRecorder(options.ruleset, options.host, assumptions);
  const observer = (event: PacketEvent): void => {
    recorder.hear(event);
    options.observer?.(event);
  };
  const emulator = createEmulator({ ...options, hookEntries: recorder.entries, observer }, output);
  recorder.follow(emulator);
  return {
    emulator,
    context: recorder.context,
    get last() {
      return recorder.last;
    },
  };
}

/** Follows the packets of an emulator that is created with its `entries`, and whose events it hears. */
export class TraversalRecorder {
  /** See `TraversalEmulator`. */
  last: Traversal | undefined;
  context!: RuleContext;
  readonly entries: readonly HookEntry[];
  readonly #host: Host;
  /** The tables that are followed: those of the emulator until its rules are replaced. */
  readonly #tables: readonly Table[];
  #emulator: Pick<Emulator, 'ruleset'> | undefined;
  readonly #hasNat: boolean;
  readonly #assumptions: TraversalAssumptions;
  /** The set of the packet being followed; undefined if there is none yet. */
  #set: TraversalSet | undefined;
  #packet: Packet | undefined;
  #own: ReadonlyMap<ValueField, number> = new Map();
  /** Whether a packet is being heard of: of others nothing is noted. */
  #isFollowing = false;
  #isLocal = false;
  #isMadeOfFragments = false;
  /** The depth of the hook entered last. */
  #depth = 0;
  /** What the nat table would do, until it is known whether it ran. */
  #nat: SameOutcome | undefined;
  #hasNatRun = false;
  #isNatNext = false;

  /** Of an emulator with these rules on HOST. ASSUMPTIONS: about the others, see also `learnOutcome`. */
  constructor({ tables }: Pick<Ruleset, 'tables'>, host: Host, assumptions: TraversalAssumptions = {}) {
    this.#host = host;
    this.#tables = tables;
    this.#assumptions = assumptions;
    this.#hasNat = tables.some(({ name }) => name === 'nat');
    this.entries = HOOK_NAMES.flatMap((_, at) => {
      const hook = at as Hook;
      // Every hook is observed, regardless of its tables.
      const entries = [entryOf(hook, Priority.RAW - 1, (packet) => this.#enter(packet, hook))];
      for (const [priority, name, hooks] of TABLES_AT) {
        const table = tables.find((one) => one.name === name);
        if (table === undefined || !hooks.includes(hook)) continue;
        entries.push(entryOf(hook, priority - 1, () => this.#meet(table, hook)));
        // At the same priority, the entries of the tables run first.
        if (name === 'nat') entries.push(entryOf(hook, priority, () => this.#settleNat()));
      }
      const isTracked = hook === Hook.PREROUTING || hook === Hook.OUTPUT;
      // After conntrack's own entry.
      return isTracked ? [...entries, entryOf(hook, Priority.CONNTRACK, () => this.#track())] : entries;
    });
  }

  /** EMULATOR has been created. */
  follow(emulator: Pick<Emulator, 'connections' | 'sets' | 'ruleset'>): void {
    this.#emulator = emulator;
    this.context = readingContext(this.#host, emulator);
  }

  hear(event: PacketEvent): void {
    if (event.kind === 'hook') this.#depth = event.depth;
    if (event.depth > 0) return;
    switch (event.kind) {
      case 'frame':
        this.last = undefined;
        this.#set = undefined;
        this.#isFollowing = true;
        this.#isLocal = event.dev === undefined;
        this.#isMadeOfFragments = false;
        this.#isNatNext = false;
        return;
      case 'reassembled':
        this.#isMadeOfFragments = true;
        return;
      case 'rule':
      case 'policy':
        if (this.#isNatNext && event.table === 'nat') this.#hasNatRun = true;
        return;
      case 'routed':
        this.#settleNat();
        return void this.#set?.route();
      case 'dropped':
      case 'left':
        this.#settleNat();
        return void this.#finish(event);
      default:
    }
  }

  /** The first entry of each hook. */
  #enter(packet: Packet, hook: Hook): void {
    if (this.#depth > 0 || !this.#isFollowing) return;
    if (this.#set === undefined) this.#start(packet);
    else if (hook === Hook.FORWARD) {
      this.#set.spendTtl(true);
      this.#set.compareWithMtu();
    }
  }

  #start(packet: Packet): void {
    const set = new TraversalSet(this.#host, this.context, packet, this.#isLocal, this.#assumptions);
    this.#set = set;
    this.#packet = packet;
    this.#own = this.#valuesOf(packet);
    if (this.#hasOtherRules) set.leaveAlone('other-rules');
    if (packet.headerLength > IPV4_LENGTH) set.leaveAlone('ip-options');
    if (this.#isMadeOfFragments) set.leaveAlone('reassembled');
    if (!this.#isLocal) return;
    if (packet.isToMany) set.leaveAlone('broadcast');
    set.haveSource();
    set.route();
    set.compareWithMtu();
  }

  get #hasOtherRules(): boolean {
    const { tables = this.#tables } = this.#emulator?.ruleset ?? {};
    return tables.length !== this.#tables.length || tables.some((table) => !this.#tables.includes(table));
  }

  #valuesOf(packet: Packet): ReadonlyMap<ValueField, number> {
    const more = PROTOCOL_FIELDS.get(packet.protocol);
    const isThere = more !== undefined && packet.l4Available >= more.headerLength && packet.fragmentOffset === 0;
    const names: readonly ValueField[] = isThere ? [...HEADER_FIELDS, more.name] : HEADER_FIELDS;
    return new Map(names.map((one) => [one, readField(one, packet, this.context)]));
  }

  #track(): void {
    if (this.#depth > 0 || !this.#isFollowing || this.#set === undefined || this.#set.given !== undefined) return;
    this.#set.track();
    const { ctinfo, protocol } = this.#packet!;
    if (this.#hasNat && ctinfo === CtInfo.RELATED && protocol === IPPROTO_ICMP)
      this.#set.leaveAlone('quoted-connection');
  }

  /** Called before TABLE runs. */
  #meet(table: Table, hook: Hook): void {
    const set = this.#set;
    if (this.#depth > 0 || set === undefined) return;
    const { resultOf } = this.#assumptions;
    const outcome = learnOutcome(table, hook, this.#packet!, this.context, resultOf, this.#assumptions);
    if (outcome !== undefined) set.answer(outcome);
    if (table.name === 'nat') {
      this.#isNatNext = true;
      this.#hasNatRun = false;
      this.#nat = outcome;
    } else if (outcome === undefined) set.leaveAlone('rule-state', table.name, hook);
    else set.pass(outcome);
  }

  /** Called once it is known whether the nat table ran and whether the packet was translated. */
  #settleNat(): void {
    const set = this.#set;
    if (!this.#isNatNext || set === undefined) return;
    this.#isNatNext = false;
    const outcome = this.#hasNatRun ? this.#nat : undefined;
    if (outcome !== undefined) set.pass(outcome);
    else if (this.#hasNatRun) set.leaveAlone('rule-state', 'nat', this.#packet?.hook);
    set.translate(outcome !== undefined && 'target' in outcome.decidedBy ? outcome.decidedBy : undefined);
  }

  #finish(event: DroppedEvent | LeftEvent): void {
    const set = this.#set;
    const packet = this.#packet;
    this.#isFollowing = false;
    if (set === undefined || packet === undefined || this.last !== undefined) return;
    if (event.kind === 'dropped') this.#drop(set, event.cause.reason);
    else if (event.dev !== undefined) set.compareWithMtu();
    this.last = {
      end: this.#endOf(event, packet),
      matched: set.matched,
      connection: set.given,
      alone: set.alone,
      isLocal: this.#isLocal,
      own: this.#own,
      fields: set.arrival.fields,
      connectionFields: set.connection.fields,
      narrowedBy: new Map([...set.arrival.narrowedBy, ...set.connection.narrowedBy]),
      conditions: set.conditions,
      nativeResults: set.nativeResults,
      givenResults: set.givenResults,
      header: set.header,
      translatedEnds: set.translatedEnds,
      isTranslated: set.isTranslated,
      dontFragment: set.dontFragment,
    };
  }

  #drop(set: TraversalSet, reason: Reason): void {
    if (!COVERED_REASONS.has(reason)) return void set.leaveAlone('dropped');
    if (reason === 'ttl-exceeded') set.spendTtl(false);
    if (reason !== 'fragmentation-needed') return;
    if (!this.#isLocal && !set.isTtlSpent) set.spendTtl(true);
    set.compareWithMtu();
  }

  #endOf(event: DroppedEvent | LeftEvent, { isRejected }: Packet): TraversalEnd {
    if (event.kind === 'dropped') return { kind: isRejected ? 'rejected' : 'dropped', cause: event.cause };
    if (event.dev === undefined) return { kind: 'delivered' };
    return { kind: this.#isLocal ? 'sent' : 'forwarded', dev: event.dev };
  }
}

function entryOf(hook: Hook, priority: number, notice: (packet: Packet) => void): HookEntry {
  return {
    name: 'traversal',
    hook,
    priority,
    run(packet) {
      notice(packet);
      return Verdict.ACCEPT;
    },
    // It does nothing to a packet.
    learn: () => true,
  };
}

/** A context that only allows reading. */
function readingContext(host: Host, { connections, sets }: Pick<Emulator, 'connections' | 'sets'>): RuleContext {
  const refuse = (): never => {
    throw new Error('rules are only examined here, not run');
  };
  return {
    conntrack: connections,
    sets,
    interfaceNames: host.interfaceNames,
    packetNumber: 0,
    shared: refuse,
    randomStream: refuse,
    addressType: (address, dev) => host.addressType(address, dev),
    facts: host.facts,
    reversePath: (packet, withMark) => host.reversePath(packet, withMark),
    mtuTowards: refuse,
    tproxy: refuse,
    setupNat: refuse,
    masquerade: refuse,
    redirect: refuse,
    synproxy: refuse,
    reject: refuse,
    log: refuse,
    nflog: refuse,
    tee: refuse,
    queue: refuse,
    traceRule: refuse,
    uncertain: () => {},
  };
}
