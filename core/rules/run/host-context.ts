/** What rules reach of the emulated host: the context of its tables. */
import { type Address, addressFromHostOrder } from '../../../codecs/address.js';
import type { Answers } from '../../answers/answers.js';
import type { Clock } from '../../clock.js';
import type { ConntrackTable } from '../../conntrack/table.js';
import { Hook, Verdict } from '../../hooks.js';
import type { Host } from '../../host/host.js';
import type { Nat } from '../../nat/nat.js';
import type { Packet } from '../../packet.js';
import type { Random } from '../../random.js';
import { type AddressType, Manip, type NatRange, type RejectKind, type RuleContext } from '../context.js';

const LOCALHOST = addressFromHostOrder(0x7f000001);

export class HostContext implements RuleContext {
  readonly conntrack: ConntrackTable;
  readonly interfaceNames: readonly string[];
  readonly #host: Host;
  readonly #nat: Nat;
  readonly #answers: Answers;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(host: Host, conntrack: ConntrackTable, nat: Nat, answers: Answers, clock: Clock, random: Random) {
    this.conntrack = conntrack;
    this.interfaceNames = host.interfaceNames;
    this.#host = host;
    this.#nat = nat;
    this.#answers = answers;
    this.#clock = clock;
    this.#random = random;
  }

  get packetNumber(): number {
    return this.#clock.packets;
  }

  randomSeed(): number {
    return this.#random.uint32();
  }

  addressType(address: number, dev: number): AddressType {
    return this.#host.addressType(address, dev);
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

  log(): void {}
}

function withAddress(range: NatRange, address: Address): NatRange {
  return { ...range, minAddress: address, maxAddress: address };
}
