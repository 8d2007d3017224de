/** hot: the interface through which a host routes to a sender. */
import { type LoadedAddress, toHostOrder } from '../../codecs/byte-order.js';
import { AddressType } from '../../core/host/address-type.js';
import type { Host } from '../../core/host/host.js';

/** Besides the index of an interface: the sender is the host itself; no interface leads to the sender. */
export const FROM_HOST = -1;
export const FROM_NOWHERE = -2;

/** How many answers are kept: a host has few networks, of which few talk to each other. */
const KEPT = 16;

/**
 * Routes to senders as the reverse-path check does (fib_validate_source): from the packet's destination to its source,
 * by all rules and tables of the host. An answer holds for all addresses that have the same routes (`Host.addressSpan`)
 * until the host changes, and the last answers are kept.
 */
export class SenderRoutes {
  readonly #host: Host;
  // The ranges of sources and destinations of the answers kept, in host order, and their interfaces.
  readonly #sourceMin = new Uint32Array(KEPT);
  readonly #sourceMax = new Uint32Array(KEPT);
  readonly #destinationMin = new Uint32Array(KEPT);
  readonly #destinationMax = new Uint32Array(KEPT);
  readonly #devs = new Int32Array(KEPT);
  #kept = 0;
  #next = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  /** The host has changed: no answer holds any more. */
  forget(): void {
    this.#kept = 0;
    this.#next = 0;
  }

  /** The index of the interface by which a packet from SOURCE to DESTINATION arrives; FROM_HOST or FROM_NOWHERE. */
  deviceTowards(source: LoadedAddress, destination: LoadedAddress): number {
    const from = toHostOrder(source);
    const to = toHostOrder(destination);
    for (let i = 0; i < this.#kept; i++) {
      if (from < this.#sourceMin[i] || from > this.#sourceMax[i]) continue;
      if (to >= this.#destinationMin[i] && to <= this.#destinationMax[i]) return this.#devs[i];
    }
    return this.#keep(source, destination);
  }

  #keep(source: LoadedAddress, destination: LoadedAddress): number {
    const i = this.#next;
    this.#next = (i + 1) % KEPT;
    this.#kept = Math.max(this.#kept, i + 1);
    const from = this.#host.addressSpan(source);
    this.#sourceMin[i] = from.min;
    this.#sourceMax[i] = from.max;
    const to = this.#host.addressSpan(destination);
    this.#destinationMin[i] = to.min;
    this.#destinationMax[i] = to.max;
    this.#devs[i] = this.#route(source, destination);
    return this.#devs[i];
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
