/** The part of the emulated host that is accessible to rules: the context of its tables. */
import { type Address, addressFromHostOrder } from '../../../codecs/address.js';
import { LogFlag } from '../../../codecs/kernel-log.js';
import type { Answers } from '../../answers/answers.js';
import type { RejectKind } from '../../answers/reject-kind.js';
import type { Clock } from '../../clock.js';
import { RECORD_WORDS, STATUS, Status } from '../../conntrack/record.js';
import type { ConntrackTable } from '../../conntrack/table.js';
import type { EmulatorOptions, EmulatorOutput, LoggedPacket } from '../../emulator.js';
import type { Observation } from '../../events.js';
import { Hook, type TableName, Verdict } from '../../hooks.js';
import type { AddressType } from '../../host/address-type.js';
import type { HostFacts } from '../../host/facts.js';
import type { Host } from '../../host/host.js';
import { type ProxyTarget, proxyFor } from '../../host/proxy-socket.js';
import type { ReversePath } from '../../host/route-decision.js';
import { NO_SOCKET } from '../../host/socket-numbers.js';
import { logLine } from '../../log-line.js';
import type { Nat } from '../../nat/nat.js';
import { Manip, type NatRange } from '../../nat/range.js';
import { unfinishChecksum } from '../../offload/checksums.js';
import type { Packet } from '../../packet.js';
import type { PacketStack } from '../../packet-stack.js';
import { PacketRandom, Random } from '../../random.js';
import type { SetStore } from '../../sets/store.js';
import type { ServerOffer, Synproxy } from '../../synproxy/synproxy.js';
import type { Tee } from '../../tee.js';
import type { UncertainCause, Uncertainty } from '../../uncertainty.js';
import type { RuleContext, TracedKind } from '../context.js';
import type { Rule } from '../model.js';
import { meaningOf } from '../rule-meaning.js';
import { SharedStates } from './shared-states.js';

const TRACE_LEVEL = 4;
const TRACE_FLAGS = LogFlag.TCP_SEQUENCE | LogFlag.TCP_OPTIONS | LogFlag.IP_OPTIONS | LogFlag.UID;
const LOCALHOST = addressFromHostOrder(0x7f000001);

/** The parts of an emulated host that its rules use. */
export interface HostParts {
  readonly host: Host;
  readonly conntrack: ConntrackTable;
  readonly sets: SetStore;
  readonly nat: Nat;
  readonly answers: Answers;
  readonly clock: Clock;
  readonly random: Random;
  readonly output: EmulatorOutput;
  /** Throws if no target in force proxies connections. */
  readonly synproxy: () => Synproxy;
  readonly tee: Tee;
  readonly stack: PacketStack;
  readonly uncertainty: Uncertainty;
  readonly observation: Observation;
  /** The verdict of the program that listens to the queues of NFQUEUE; undefined: none does. */
  readonly queueVerdict: 'accept' | 'drop' | undefined;
  /** What random choices depend on, as in `EmulatorOptions`. */
  readonly drawing: Pick<EmulatorOptions, 'seed' | 'packetNumber'>;
}

/** Packets that met NFQUEUE while no program listened. */
export interface UnboundQueueCounts {
  dropped: number;
  /** Accepted because of `--queue-bypass`. */
  passed: number;
}

export class HostContext implements RuleContext {
  readonly unbound: UnboundQueueCounts = { dropped: 0, passed: 0 };
  readonly conntrack: ConntrackTable;
  readonly sets: SetStore;
  readonly interfaceNames: readonly string[];
  readonly #host: Host;
  readonly #nat: Nat;
  readonly #answers: Answers;
  readonly #clock: Clock;
  readonly #random: Random;
  /** What rules share by a name. */
  readonly states = new SharedStates();
  readonly #observation: Observation;
  readonly #log: EmulatorOutput['log'];
  readonly #nflog: EmulatorOutput['nflog'];
  readonly #synproxy: HostParts['synproxy'];
  readonly #tee: Tee;
  readonly #stack: PacketStack;
  readonly #uncertainty: Uncertainty;
  readonly #queueVerdict: HostParts['queueVerdict'];
  readonly #drawing: HostParts['drawing'];
  #stateOwner: Rule | undefined;
  /** How many streams of random numbers rules of each meaning have. */
  readonly #streams = new Map<string, number>();

  constructor(parts: HostParts) {
    const { host, conntrack, sets, nat, answers, clock, random, output } = parts;
    this.#uncertainty = parts.uncertainty;
    this.#observation = parts.observation;
    this.#synproxy = parts.synproxy;
    this.#tee = parts.tee;
    this.#stack = parts.stack;
    this.#queueVerdict = parts.queueVerdict;
    this.conntrack = conntrack;
    this.sets = sets;
    this.interfaceNames = host.interfaceNames;
    this.#host = host;
    this.#nat = nat;
    this.#answers = answers;
    this.#clock = clock;
    this.#random = random;
    this.#drawing = parts.drawing;
    this.#log = output.log?.bind(output);
    this.#nflog = output.nflog?.bind(output);
  }

  get packetNumber(): number {
    return this.#clock.packets;
  }

  shared<State>(kind: string, name: string, create: () => State): State {
    return this.states.get(kind, name, create);
  }

  createsFor(rule: Rule): void {
    this.#stateOwner = rule;
  }

  randomStream(): Random {
    const { seed = 0, packetNumber } = this.#drawing;
    if (packetNumber === undefined) return new Random(this.#random.uint32());
    // The same rule makes the same choices in another ruleset, wherever it is.
    const meaning = this.#stateOwner === undefined ? '' : meaningOf(this.#stateOwner);
    const alike = this.#streams.get(meaning) ?? 0;
    this.#streams.set(meaning, alike + 1);
    return new PacketRandom(seed + hashOf(`${alike} ${meaning}`), packetNumber);
  }

  get facts(): HostFacts {
    return this.#host.facts;
  }

  reversePath(packet: Packet, withMark: boolean): ReversePath {
    return this.#host.reversePath(packet, withMark);
  }

  addressType(address: number, dev: number): AddressType {
    return this.#host.addressType(address, dev);
  }

  mtuTowards(address: number): number {
    const { mtu, reason } = this.#host.routeOutput(this.#host.routeKey.towards(address));
    return reason === '' ? mtu : Number.POSITIVE_INFINITY;
  }

  setupNat(packet: Packet, range: NatRange, manip: Manip): Verdict {
    return this.#nat.bind(packet, range, manip);
  }

  /** nf_nat_masquerade_ipv4. */
  masquerade(packet: Packet, range: NatRange): Verdict {
    if (packet.ct < 0 || packet.source === 0) return Verdict.ACCEPT;
    const address = this.#host.masqueradeAddress(packet.outDev, packet.nextHop);
    if (address === undefined) return Verdict.DROP;
    this.#nat.bindToDevice(packet);
    return this.#nat.bind(packet, withAddress(range, address), Manip.SRC);
  }

  /** nf_nat_redirect_ipv4. */
  redirect(packet: Packet, range: NatRange): Verdict {
    const address = packet.hook === Hook.OUTPUT ? LOCALHOST : this.#host.redirectAddress(packet.inDev);
    if (address === undefined) return Verdict.DROP;
    return this.#nat.bind(packet, withAddress(range, address), Manip.DST);
  }

  uncertain(packet: Packet, cause: UncertainCause): void {
    this.#uncertainty.doubt(packet, cause);
  }

  synproxy(packet: Packet, offer: ServerOffer): Verdict {
    return this.#synproxy().take(packet, offer);
  }

  tproxy(packet: Packet, to: ProxyTarget): Verdict {
    const { sockets } = this.#host.facts;
    const own = this.#host.redirectAddress(packet.inDev)?.loaded;
    const socket = sockets === undefined ? NO_SOCKET : proxyFor(packet, to, own, sockets);
    if (socket < 0 || !sockets?.descriptions[socket].isTransparent) return Verdict.DROP;
    packet.mark = (packet.mark & ~to.mark.mask) ^ to.mark.value;
    packet.socket = socket;
    return Verdict.ACCEPT;
  }

  reject(packet: Packet, kind: RejectKind): void {
    this.#answers.sendReject(packet, kind);
  }

  log(packet: Packet, level: number, prefix: string, flags: number): void {
    this.#write(packet, level, prefix, flags, false);
  }

  #write(packet: Packet, level: number, prefix: string, flags: number, isTrace: boolean): void {
    if (this.#log === undefined && this.#observation.emit === undefined) return;
    const line = logLine(packet, prefix, flags, this.#host);
    this.#observation.emit?.({ kind: 'logged', line, ...(isTrace ? { isTrace } : {}) });
    this.#log?.({ ...loggedPacket(packet, prefix), level, line });
  }

  nflog(packet: Packet, group: number, prefix: string, size: number): void {
    this.#observation.emit?.({ kind: 'logged', group, prefix });
    if (this.#nflog === undefined) return;
    const logged = loggedPacket(packet, prefix);
    const available = Math.min(size, logged.available);
    this.#nflog({ ...logged, ...(packet.hasUnfinishedChecksum ? unfinishedBytes(packet) : {}), group, available });
  }

  traceRule(packet: Packet, table: TableName, chain: string, kind: TracedKind, number: number): void {
    this.#write(packet, TRACE_LEVEL, `TRACE: ${table}:${chain}:${kind}:${number} `, TRACE_FLAGS, true);
  }

  tee(packet: Packet, gateway: Address, dev: string): void {
    this.#tee.send(packet, gateway, dev);
  }

  queue(packet: Packet, isBypassed: boolean): Verdict {
    const verdict = this.#queueVerdict;
    if (verdict === undefined) {
      this.unbound[isBypassed ? 'passed' : 'dropped']++;
      packet.queueFate = isBypassed ? 'passed' : 'queue-unbound';
    } else if (this.#isUnconfirmed(packet) && this.#stack.sharesConnection(packet)) {
      packet.queueFate = 'queue-unconfirmed';
    } else {
      if (packet.isCoalesced) this.uncertain(packet, QUEUED_IN_SEGMENTS);
      // The program is shown the packet with its checksum finished (skb_checksum_help); so it goes on.
      else if (!packet.isCut) packet.hasUnfinishedChecksum = false;
      packet.queueFate = verdict === 'accept' ? 'passed' : 'queue-verdict';
    }
    return packet.queueFate === 'passed' ? Verdict.ACCEPT : Verdict.DROP;
  }

  #isUnconfirmed({ ct }: Packet): boolean {
    return ct >= 0 && (this.conntrack.words[ct * RECORD_WORDS + STATUS] & Status.CONFIRMED) === 0;
  }
}

/** nf_queue gives each segment of its own to the program, so what comes after counts segments. */
const QUEUED_IN_SEGMENTS: UncertainCause = {
  reason: '`-j NFQUEUE` cuts a coalesced packet, and the rules after it count its segments',
  scope: 'packet',
};

function withAddress(range: NatRange, address: Address): NatRange {
  return { ...range, minAddress: address, maxAddress: address };
}

function loggedPacket(packet: Packet, prefix: string): LoggedPacket {
  const { hook, inDev, outDev, mark, bytes, at, available, length } = packet;
  return { prefix, hook, inDev, outDev, mark, bytes, at, available, length };
}

/** A copy of PACKET with the checksum that its sender left to the network card, as whoever reads it now sees it. */
function unfinishedBytes(packet: Packet): { bytes: Uint8Array; at: number } {
  const { at, available, headerLength } = packet;
  const bytes = packet.bytes.slice(at, at + available);
  unfinishChecksum(packet, new DataView(bytes.buffer), headerLength);
  return { bytes, at: 0 };
}

/** A number that TEXT decides (FNV-1a). */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
