/**
 * What the first packet of one of the host's own connections was before NAT. The kernel captures it afterwards, so this
 * can only be concluded: from its source, which an unbound socket takes from the route to what it asks for, and from
 * the rules, of which one must make of it what was captured.
 */

import { portToLoaded, toLoaded } from '../../codecs/byte-order.js';
import type { HostText } from '../../codecs/host/texts.js';
import { IPPROTO_TCP, IPV4_LENGTH, IPV4_PROTOCOL_AT, TCP_FLAGS_AT, TCP_LENGTH, TCP_SYN } from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { Tuple } from '../../core/conntrack/tuple.js';
import { createEmulator, type Emulator, type EmulatorOutput } from '../../core/emulator.js';
import { Hook, type HookEntry, Priority, Verdict } from '../../core/hooks.js';
import type { Host } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import type { NatRange } from '../../core/nat/range.js';
import type { Packet } from '../../core/packet.js';
import { lowerRule } from '../../core/rules/lower.js';
import type { Rule, Ruleset } from '../../core/rules/model.js';
import { HostSets } from '../../core/sets/host-sets.js';
import type { CapturedFrame } from './captured-frame.js';
import { readdress, type Untranslated } from './connection-lookup.js';
import type { PacketBytes } from './packet-identity.js';

type Addressed = Pick<Untranslated, 'source' | 'destination' | 'ports'>;

/** What a rule that translates destinations applies to: a destination and a port in host order, if it says one. */
interface DestinationRule {
  readonly destination: number | undefined;
  readonly dport: number | undefined;
}

/** The interface that a packet left by, and when. */
type LeavingFrame = Pick<CapturedFrame, 'dev' | 'tsSec' | 'tsNsec'>;

const DESTINATION_TARGETS: readonly string[] = ['DNAT', 'REDIRECT'];
const SOURCE_TARGETS: readonly string[] = ['SNAT', 'MASQUERADE'];
const TCP_OPTION_MSS = 2;
/** An IPv4 and a TCP header: by how much the MSS is below the MTU. */
const HEADERS_BYTES = IPV4_LENGTH + TCP_LENGTH;
const NOTHING: EmulatorOutput = { egress() {}, local() {}, dropped() {} };

export class NatUndo {
  /** Connections of which the first packet was concluded from the rules. */
  undone = 0;
  /** Of these, those that may also have been something else. */
  ambiguous = 0;

  #host: Host;
  #ruleset: Ruleset;
  readonly #moreSets: readonly HostText[];
  #destinations: readonly DestinationRule[] = [];
  /** Whether the rules translate sources. */
  translatesSources = false;
  #own: readonly number[] = [];
  readonly #tuple = new Tuple();
  /** An emulated host of which every packet ends behind POSTROUTING; made when it is needed. */
  #trial: Emulator | undefined;
  #left: (Addressed & { dev: number }) | undefined;

  /** MORE_SETS: what the sets are made of besides the host's own. */
  constructor(ruleset: Ruleset, host: Host, moreSets: readonly HostText[]) {
    this.#host = host;
    this.#ruleset = ruleset;
    this.#moreSets = moreSets;
    this.useHost(host);
  }

  /** From now on, packets leave HOST. */
  useHost(host: Host): void {
    this.#host = host;
    this.#own = host.interfaces.flatMap(({ addresses }) => addresses.map(({ local }) => local.loaded));
    this.useRules(this.#ruleset);
  }

  /** From now on, packets meet the rules of RULESET. */
  useRules(ruleset: Ruleset): void {
    this.#ruleset = ruleset;
    this.#trial = undefined;
    const rules = ruleset.tables.find(({ name }) => name === 'nat')?.rules ?? [];
    const targets = (names: readonly string[]): Rule[] =>
      rules.filter(({ target }) => target.kind === 'extension' && names.includes(target.extension.name));
    this.#destinations = targets(DESTINATION_TARGETS).map((rule) => destinationOf(rule, this.#host));
    this.translatesSources = targets(SOURCE_TARGETS).length > 0;
  }

  /** Whether the host's own packets may have been translated at all. */
  get hasRules(): boolean {
    return this.translatesSources || this.#destinations.length > 0;
  }

  /**
   * How PACKET, captured as FRAME and the first of a connection, was addressed before NAT; undefined if it most likely
   * left as it was, or nothing can be concluded. KNOWN_SOURCE: its source before NAT, if it is known.
   */
  undo(packet: PacketBytes, frame: LeavingFrame, knownSource: number | undefined): Untranslated | undefined {
    const tuple = this.#tuple;
    if (!this.hasRules || !tuple.read(packet.view, packet.at, packet.available)) return undefined;
    const captured = { source: tuple.source, destination: tuple.destination, ports: tuple.ports };
    const isAsked = this.#sourceTowards(captured.destination) === captured.source;
    const isElsewhere = wasRoutedElsewhere(packet, this.#host.interfaces[frame.dev].mtu);
    if (isAsked && !isElsewhere && (knownSource ?? captured.source) === captured.source) return undefined;
    const fitting = this.#candidates(captured).filter(
      (candidate) =>
        (knownSource === undefined || candidate.source === knownSource) &&
        this.#becomes(candidate, captured, packet, frame),
    );
    // A socket that asks for an address of the host has that address itself.
    const found = fitting.find(({ source, destination }) => source === destination) ?? fitting[0];
    if (found === undefined) return undefined;
    this.undone++;
    if (fitting.length > 1) this.ambiguous++;
    return { ...found, isSame: false };
  }

  /** The source that an unbound socket has towards DESTINATION; undefined if there is no route. */
  #sourceTowards(destination: number): number | undefined {
    const { reason, source } = this.#host.routeOutput(this.#host.routeKey.towards(destination));
    return reason === '' ? source : undefined;
  }

  /** What may have been sent, given what was CAPTURED: the most likely first. */
  #candidates(captured: Addressed): Addressed[] {
    const destinations: { destination: number; dport: number | undefined }[] = [
      { destination: captured.destination, dport: undefined },
    ];
    for (const { destination, dport } of this.#destinations) {
      const possible = destination === undefined ? [captured.source, ...this.#own] : [destination];
      for (const address of new Set(possible)) destinations.push({ destination: address, dport });
    }
    return destinations.flatMap(({ destination, dport }) => {
      const source = this.#sourceTowards(destination);
      if (source === undefined) return [];
      if (source !== captured.source && !this.translatesSources) return [];
      const ports = dport === undefined ? captured.ports : (captured.ports & 0xffff) | (portToLoaded(dport) << 16);
      return [{ source, destination, ports }];
    });
  }

  /** Whether the host makes CAPTURED of PACKET if it is addressed as CANDIDATE. */
  #becomes(
    candidate: Addressed,
    captured: Addressed,
    packet: PacketBytes,
    { dev, tsSec, tsNsec }: LeavingFrame,
  ): boolean {
    const { source, destination, ports } = candidate;
    if (source === captured.source && destination === captured.destination && ports === captured.ports) return false;
    const bytes = new Uint8Array(packet.view.buffer.slice(packet.view.byteOffset)).slice(packet.at);
    const view = new DataView(bytes.buffer);
    readdress({ view, at: 0, available: packet.available, length: packet.length }, candidate);
    const frame = new Frame({ linktype: Linktype.RAW, tsSec, tsNsec });
    frame.setBytes(bytes.subarray(0, packet.available), packet.length);
    this.#left = undefined;
    this.#trial ??= this.#createTrial();
    this.#trial.send(frame, true);
    const left = this.#left as (Addressed & { dev: number }) | undefined;
    if (left === undefined || left.dev !== dev) return false;
    // The port of the source may be one that NAT drew.
    const isSamePort = left.ports >>> 16 === captured.ports >>> 16;
    return left.source === captured.source && left.destination === captured.destination && isSamePort;
  }

  #createTrial(): Emulator {
    const end: HookEntry = {
      name: 'trial',
      hook: Hook.POSTROUTING,
      // Before the connection is confirmed: every trial is the first.
      priority: Priority.HELPER,
      run: (packet) => this.#end(packet),
    };
    const sets = HostSets.of(this.#host, this.#moreSets);
    return createEmulator(
      { ruleset: this.#ruleset, host: this.#host, sets, engine: 'interpreter', hookEntries: [end] },
      NOTHING,
    );
  }

  #end({ view, at, available, routeDev, isLocal }: Packet): Verdict {
    const tuple = new Tuple();
    if (isLocal && this.#left === undefined && tuple.read(view, at, available)) {
      this.#left = { source: tuple.source, destination: tuple.destination, ports: tuple.ports, dev: routeDev };
    }
    return Verdict.DROP;
  }
}

/** What RULE, which translates destinations, asks of them. */
function destinationOf(rule: Rule, host: Host): DestinationRule {
  const only = (field: 'destination' | 'dport'): number | undefined => {
    for (const step of lowerRule(rule, host.interfaceNames)) {
      if (step.kind !== 'field' || step.field !== field || step.negated || step.mask !== undefined) continue;
      const [range, ...others] = step.ranges;
      if (others.length === 0 && range?.min === range?.max) return range?.min;
    }
    return undefined;
  };
  const destination = only('destination');
  // A rule without ports of its own leaves the port as it is.
  const hasPorts = rule.target.kind === 'extension' && (rule.target.params as NatRange).minPort !== undefined;
  return {
    destination: destination === undefined ? undefined : toLoaded(destination),
    dport: hasPorts ? only('dport') : undefined,
  };
}

/**
 * Whether PACKET is a SYN with an MSS for a larger MTU than that of the interface it left by: its connection was routed
 * by another one first, as to an address of the host itself, by lo.
 */
function wasRoutedElsewhere({ view, at, available }: PacketBytes, mtu: number): boolean {
  const headerLength = (view.getUint8(at) & 15) << 2;
  const l4 = at + headerLength;
  if (view.getUint8(at + IPV4_PROTOCOL_AT) !== IPPROTO_TCP || available < headerLength + TCP_LENGTH + 4) return false;
  if ((view.getUint8(l4 + TCP_FLAGS_AT) & TCP_SYN) === 0) return false;
  // Linux writes it first (RFC 9293, section 3.2: kind, length, value).
  const mssAt = l4 + TCP_LENGTH;
  return view.getUint8(mssAt) === TCP_OPTION_MSS && view.getUint16(mssAt + 2) > mtu - HEADERS_BYTES;
}
