/** Routes with several next hops: a hash of the packet chooses one (fib_multipath_hash, fib_select_multipath). */
import { type LoadedAddress, portToLoaded } from '../../codecs/byte-order.js';
import { HostError } from '../../codecs/host/error.js';
import {
  AH_SPI_AT,
  ESP_SPI_AT,
  ICMP_ERROR_TYPES,
  ICMP_LENGTH,
  ICMP_TYPE_AT,
  IPPROTO_AH,
  IPPROTO_ESP,
  IPPROTO_ICMP,
  IPV4_DESTINATION_AT,
  IPV4_LENGTH,
  IPV4_SOURCE_AT,
} from '../../codecs/layouts.js';
import type { Packet } from '../packet.js';
import type { Route } from './route.js';
import type { RouteKey } from './route-key.js';
import { sipHash } from './siphash.js';
import type { Sysctls } from './sysctls.js';

/** One next hop of a route. */
export interface MultipathHop {
  /** The route with this next hop alone. */
  readonly route: Route;
  readonly weight: number;
  /** The address of its interface that the host's own packets prefer. */
  readonly source: LoadedAddress;
}

export class Multipath {
  /** Where the route is described. */
  readonly #path: string;
  readonly #prefersSources: boolean;
  readonly #hops: readonly MultipathHop[];
  /** The largest hash for each next hop. */
  readonly #bounds: readonly number[];

  /** At least one of HOPS, in the order of the route. PREFERS_SOURCES: that of a packet matters, not only its hash. */
  constructor(path: string, hops: readonly MultipathHop[], prefersSources: boolean) {
    this.#path = path;
    this.#prefersSources = prefersSources;
    this.#hops = hops;
    const total = hops.reduce((sum, { weight }) => sum + weight, 0);
    let weight = 0;
    this.#bounds = hops.map((hop) => {
      weight += hop.weight;
      return Math.round((weight * 2 ** 31) / total) - 1;
    });
  }

  /** The first next hop by interface DEV; undefined if there is none. */
  by(dev: number): Route | undefined {
    return this.#hops.find(({ route }) => route.dev === dev)?.route;
  }

  /** The next hop for a packet with KEY. SOURCE: next hops with this address are preferred; 0: none is. */
  choose(key: RouteKey, hash: MultipathHash, source: LoadedAddress): Route {
    const value = hash.of(key, this.#path);
    const isSourced = source !== 0 && this.#prefersSources;
    let best = this.#hops[0];
    let bestScore = -1;
    for (const [i, hop] of this.#hops.entries()) {
      const score = (isSourced && hop.source === source ? 2 : 0) + (value <= this.#bounds[i] ? 1 : 0);
      if (score <= bestScore) continue;
      best = hop;
      bestScore = score;
    }
    return best.route;
  }
}

/** `net.ipv4.fib_multipath_hash_policy` */
const Policy = { LAYER3: 0, LAYER4: 1 } as const;

/** The hashed part of struct flow_keys: only these fields are set, and four bytes follow the addresses. */
const KEY_BYTES = 48;
const PROTOCOL_AT = 2;
const PORTS_AT = 28;
const ADDRESSES_AT = 36;

/** How the host hashes packets. */
export class MultipathHash {
  readonly policy: number;
  readonly #locate: (error: HostError) => HostError;
  readonly #seed: number;
  readonly #view = new DataView(new ArrayBuffer(KEY_BYTES));

  /** LOCATE adds a file position to an error. */
  constructor(sysctls: Sysctls, locate: (error: HostError) => HostError) {
    this.#locate = locate;
    this.policy = sysctls.global('net.ipv4.fib_multipath_hash_policy');
    this.#seed = sysctls.global('net.ipv4.fib_multipath_hash_seed');
  }

  /**
   * The hash of a packet with KEY, in 31 bits.
   *
   * @throws {HostError} if it cannot be known; PATH: where the route is described
   */
  of(key: RouteKey, path: string): number {
    const { policy } = this;
    const refuse = (problem: string): never => {
      const message = `a packet takes this route with several next hops, ${problem}`;
      throw this.#locate(new HostError(path, message, '', 0, 0, true));
    };
    if (this.#seed === 0)
      refuse('but the kernel chooses at random unless net.ipv4.fib_multipath_hash_seed is set in `sysctl`');
    if (policy !== Policy.LAYER3 && policy !== Policy.LAYER4)
      refuse(`but net.ipv4.fib_multipath_hash_policy = ${policy} is not supported; expected 0 or 1`);
    new Uint8Array(this.#view.buffer).fill(0);
    if (policy === Policy.LAYER3) this.#addLayer3(key);
    else this.#addLayer4(key);
    const seed = (BigInt(this.#seed) << 32n) | BigInt(this.#seed);
    const hash = Number(sipHash(this.#view, seed, seed) & 0xffffffffn);
    return (hash === 0 ? 1 : hash) >>> 1;
  }

  #addLayer3({ source, destination, hashed }: RouteKey): void {
    if (hashed === null) return void this.#addAddresses(source, destination);
    const { view } = hashed;
    const at = quotedHeader(hashed) ?? hashed.at;
    this.#addAddresses(view.getInt32(at + IPV4_SOURCE_AT, true), view.getInt32(at + IPV4_DESTINATION_AT, true));
  }

  #addLayer4(key: RouteKey): void {
    const { source, destination, protocol } = key.hashed ?? key;
    const [sport, dport] = hashedPorts(key);
    this.#addAddresses(source, destination);
    this.#view.setUint8(PROTOCOL_AT, protocol);
    // Both directions of a connection have the same hash.
    // The kernel compares them as loaded little-endian.
    const ports = [Math.max(sport, 0), Math.max(dport, 0)].sort((a, b) => portToLoaded(a) - portToLoaded(b));
    for (const [i, port] of ports.entries()) this.#view.setUint16(PORTS_AT + 2 * i, port);
  }

  #addAddresses(a: LoadedAddress, b: LoadedAddress): void {
    const isOrdered = a >>> 0 <= b >>> 0;
    this.#view.setInt32(ADDRESSES_AT, isOrdered ? a : b, true);
    this.#view.setInt32(ADDRESSES_AT + 4, isOrdered ? b : a, true);
  }
}

/** The ports, or the halves of IPsec's security parameter index, which count as ports (proto_ports_offset). */
function hashedPorts({ hashed, sport, dport }: RouteKey): readonly [number, number] {
  if (hashed === null) return [sport, dport];
  const { protocol, view, l4, l4Available } = hashed;
  const at = protocol === IPPROTO_ESP ? ESP_SPI_AT : protocol === IPPROTO_AH ? AH_SPI_AT : -1;
  if (at < 0 || hashed.fragmentOffset !== 0 || l4Available < at + 4) return [hashed.sport, hashed.dport];
  return [view.getUint16(l4 + at), view.getUint16(l4 + at + 2)];
}

/** The offset of the IP header that PACKET, an ICMP error, quotes; undefined if it is none. */
function quotedHeader({ protocol, fragmentOffset, bytes, l4, l4Available }: Packet): number | undefined {
  if (protocol !== IPPROTO_ICMP || fragmentOffset !== 0 || l4Available < ICMP_LENGTH + IPV4_LENGTH) return undefined;
  return ICMP_ERROR_TYPES.includes(bytes[l4 + ICMP_TYPE_AT]) ? l4 + ICMP_LENGTH : undefined;
}
