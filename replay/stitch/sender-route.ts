/** hot: the interface through which a host routes to a sender. */
import type { LoadedAddress } from '../../codecs/byte-order.js';
import { AddressType } from '../../core/host/address-type.js';
import type { Host } from '../../core/host/host.js';

/** Besides the index of an interface: the sender is the host itself; no interface leads to the sender. */
export const FROM_HOST = -1;
export const FROM_NOWHERE = -2;

const SLOTS_LOG2 = 10;
const SLOTS = 1 << SLOTS_LOG2;
const EMPTY = -3;

/**
 * Routes to senders as the reverse-path check does (fib_validate_source): from the packet's destination to its source,
 * by all rules and tables of the host. As routes do not change, the last answers are kept.
 */
export class SenderRoutes {
  readonly #host: Host;
  readonly #sources = new Int32Array(SLOTS);
  readonly #destinations = new Int32Array(SLOTS);
  readonly #devs = new Int32Array(SLOTS).fill(EMPTY);

  constructor(host: Host) {
    this.#host = host;
  }

  /** The index of the interface by which a packet from SOURCE to DESTINATION arrives; FROM_HOST or FROM_NOWHERE. */
  deviceTowards(source: LoadedAddress, destination: LoadedAddress): number {
    const slot = (Math.imul(source, 0x9e3779b1) ^ Math.imul(destination, 0x85ebca6b)) >>> (32 - SLOTS_LOG2);
    if (this.#devs[slot] !== EMPTY && this.#sources[slot] === source && this.#destinations[slot] === destination)
      return this.#devs[slot];
    const dev = this.#route(source, destination);
    this.#sources[slot] = source;
    this.#destinations[slot] = destination;
    this.#devs[slot] = dev;
    return dev;
  }

  #route(source: LoadedAddress, destination: LoadedAddress): number {
    const host = this.#host;
    if (source === 0) return FROM_NOWHERE;
    const key = host.routeKey;
    key.source = destination;
    key.destination = source;
    key.protocol = 0;
    key.sport = -1;
    key.dport = -1;
    key.mark = 0;
    key.tos = 0;
    key.inDev = -1;
    const route = host.rerouteOutput(key);
    if (route.reason !== '') return FROM_NOWHERE;
    return route.type === AddressType.LOCAL ? FROM_HOST : route.outDev;
  }
}
