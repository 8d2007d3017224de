/** Copies of packets that `-j TEE` sends to another host (nf_dup_ipv4). */
import type { Address } from '../codecs/address.js';
import { internetChecksum } from '../codecs/checksum.js';
import { IPV4_CHECKSUM_AT, IPV4_DF, IPV4_FRAGMENT_AT, IPV4_TOS_AT, IPV4_TTL_AT } from '../codecs/layouts.js';
import { Hook } from './hooks.js';
import { AddressType } from './host/address-type.js';
import type { Host } from './host/host.js';
import { NO_SOCKET } from './host/socket-numbers.js';
import type { Coalescing } from './offload/segments.js';
import { setRoute } from './own-route.js';
import { CtInfo, ORIGINAL, type Packet } from './packet.js';
import type { PacketStack } from './packet-stack.js';

/** Copies of copies that came back over lo, at most; the kernel makes them for ever. */
const MOST_COPIES = 4;

export class Tee {
  readonly #host: Host;
  readonly #stack: PacketStack;
  readonly #coalescing: Coalescing;
  readonly #send: (copy: Packet) => void;
  /** A copy is on its way out: it is not copied again (in_nf_duplicate). */
  #isCopying = false;
  #copies = 0;
  #hasStopped = false;

  /** SEND hands a routed copy to the OUTPUT hook. */
  constructor(host: Host, stack: PacketStack, coalescing: Coalescing, send: (copy: Packet) => void) {
    this.#host = host;
    this.#stack = stack;
    this.#coalescing = coalescing;
    this.#send = send;
  }

  /** Sends a copy of PACKET, as it is at its hook, to GATEWAY, by the interface DEV unless it is '' or unknown. */
  send(packet: Packet, gateway: Address, dev: string): void {
    if (this.#isCopying) return;
    if (this.#copies === MOST_COPIES) {
      this.#hasStopped = true;
      return;
    }
    const host = this.#host;
    const key = host.routeKey.towards(gateway.loaded);
    key.tos = packet.view.getUint8(packet.at + IPV4_TOS_AT);
    key.outDev = dev === '' ? -1 : host.interfaceIndex(dev);
    const route = host.routeOutput(key);
    if (route.reason !== '') return;
    const copy = this.#stack.pushCopy(packet);
    setRoute(copy, route, host.loopback);
    // Without an entry in a table, the kernel does not remember the gateway: its neighbour is who the packet is for.
    if (route.route === null || route.type === AddressType.BROADCAST) copy.nextHop = copy.destination;
    copy.teeDev = route.outDev;
    copy.hadTakenOptions = packet.hasTakenOptions;
    this.#coalescing.settle(copy, copy.routeMtu);
    copy.ct = -1;
    copy.socket = NO_SOCKET;
    copy.direction = ORIGINAL;
    copy.ctinfo = CtInfo.UNTRACKED;
    copy.fragmentMaxSize = packet.fragmentMaxSize;
    copy.fragmentHadDf = packet.fragmentHadDf;
    rewriteHeader(copy, packet.hook === Hook.PREROUTING || packet.hook === Hook.INPUT);
    this.#isCopying = true;
    this.#copies++;
    this.#send(copy);
    this.#copies--;
    this.#isCopying = false;
    this.#stack.pop();
  }

  /** Calls ARRIVE with PACKET, which comes back over lo: if it is a copy, it may be copied again. */
  comeBack(packet: Packet, arrive: (packet: Packet) => void): void {
    const isCopying = this.#isCopying;
    this.#isCopying = false;
    packet.teeDev = -1;
    arrive(packet);
    this.#isCopying = isCopying;
  }

  get warnings(): string[] {
    if (!this.#hasStopped) return [];
    return [
      `copies that TEE sends to the host itself are copied again, for ever on a real host; here ${MOST_COPIES} times`,
    ];
  }
}

/** Sets DF, and takes one from the TTL where packets may be on their way in, so that copies cannot go round forever. */
function rewriteHeader({ view, at, headerLength }: Packet, isIncoming: boolean): void {
  view.setUint16(at + IPV4_FRAGMENT_AT, view.getUint16(at + IPV4_FRAGMENT_AT) | IPV4_DF);
  if (isIncoming) view.setUint8(at + IPV4_TTL_AT, view.getUint8(at + IPV4_TTL_AT) - 1);
  view.setUint16(at + IPV4_CHECKSUM_AT, 0);
  view.setUint16(at + IPV4_CHECKSUM_AT, internetChecksum(view, at, headerLength));
}
