/** The part of the emulated host that is accessible to rules: the context of its tables. */
import { type Address, addressFromHostOrder } from '../../../codecs/address.js';
import type { Answers } from '../../answers/answers.js';
import type { RejectKind } from '../../answers/reject-kind.js';
import type { Clock } from '../../clock.js';
import type { ConntrackTable } from '../../conntrack/table.js';
import type { EmulatorOutput } from '../../emulator.js';
import { Hook, Verdict } from '../../hooks.js';
import type { AddressType } from '../../host/address-type.js';
import type { Host } from '../../host/host.js';
import type { Nat } from '../../nat/nat.js';
import { Manip, type NatRange } from '../../nat/range.js';
import type { Packet } from '../../packet.js';
import type { Random } from '../../random.js';
import type { RuleContext } from '../context.js';

const LOCALHOST = addressFromHostOrder(0x7f000001);

/** The parts of an emulated host that its rules use. */
export interface HostParts {
  readonly host: Host;
  readonly conntrack: ConntrackTable;
  readonly nat: Nat;
  readonly answers: Answers;
  readonly clock: Clock;
  readonly random: Random;
  readonly output: EmulatorOutput;
}

export class HostContext implements RuleContext {
  readonly conntrack: ConntrackTable;
  readonly interfaceNames: readonly string[];
  readonly #host: Host;
  readonly #nat: Nat;
  readonly #answers: Answers;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #shared = new Map<string, unknown>();
  readonly #log: EmulatorOutput['log'];

  constructor({ host, conntrack, nat, answers, clock, random, output }: HostParts) {
    this.conntrack = conntrack;
    this.interfaceNames = host.interfaceNames;
    this.#host = host;
    this.#nat = nat;
    this.#answers = answers;
    this.#clock = clock;
    this.#random = random;
    this.#log = output.log?.bind(output);
  }

  get packetNumber(): number {
    return this.#clock.packets;
  }

  shared<State>(kind: string, name: string, create: () => State): State {
    const key = `${kind} ${name}`;
    if (!this.#shared.has(key)) this.#shared.set(key, create());
    return this.#shared.get(key) as State;
  }

  randomSeed(): number {
    return this.#random.uint32();
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

  reject(packet: Packet, kind: RejectKind): void {
    this.#answers.sendReject(packet, kind);
  }

  log(packet: Packet, level: number, prefix: string): void {
    if (this.#log === undefined) return;
    const { hook, inDev, outDev, mark, bytes, at, available, length } = packet;
    this.#log({ level, prefix, hook, inDev, outDev, mark, bytes, at, available, length });
  }
}

function withAddress(range: NatRange, address: Address): NatRange {
  return { ...range, minAddress: address, maxAddress: address };
}
