/** Interfaces of the host that an engine makes and removes, as the kernel would show them in `ip -j -d addr`. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import type { HostNetwork } from '../host-network.js';
import { formatIpv4, formatPrefix, lastOf, networkOf, type Prefix, parsePrefix } from './prefixes.js';

const CARRIER = ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'];
const ETHERNET_MTU = 1500;
const DOWN = ['BROADCAST', 'MULTICAST'];
const NO_CARRIER = ['NO-CARRIER', 'BROADCAST', 'MULTICAST', 'UP'];

export interface BridgeLink {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
}

export interface VethLink {
  readonly name: string;
  readonly bridge: string;
  readonly mac: string;
  readonly mtu: number;
  readonly isHairpin: boolean;
  /** Its other end in the container. */
  readonly peerIndex: number;
}

/** The links, addresses, routes, neighbours and sockets of a host, which change. */
export class HostLinks {
  readonly #network: HostNetwork;
  readonly #followsPorts: boolean;
  #lastIfindex: number;

  /**
   * LAST_IFINDEX: the last one that the kernel gave out, as far as it is known. FOLLOWS_PORTS: nobody sets the MTU of
   * a bridge, so that it is the lowest one of its ports (br_mtu_auto_adjust).
   */
  constructor(network: HostNetwork, lastIfindex: number, followsPorts: boolean) {
    this.#network = network;
    this.#lastIfindex = lastIfindex;
    this.#followsPorts = followsPorts;
  }

  /** The last ifindex that the kernel has given out. */
  get lastIfindex(): number {
    return Math.max(this.#lastIfindex, ...this.#list('addr').map(({ ifindex }) => Number(ifindex ?? 0)));
  }

  /** The next ifindex, which is taken by that. */
  takeIfindex(): number {
    this.#lastIfindex = this.lastIfindex + 1;
    return this.#lastIfindex;
  }

  isIfindexTaken(ifindex: number): boolean {
    return this.#list('addr').some((link) => link.ifindex === ifindex);
  }

  /** The number of the other end of the veth NAME. */
  peerOf(name: string): number | undefined {
    const index = this.#list('addr').find(({ ifname }) => ifname === name)?.link_index;
    return typeof index === 'number' ? index : undefined;
  }

  has(name: string): boolean {
    return this.#list('addr').some(({ ifname }) => ifname === name);
  }

  /** The IPv4 addresses of the interface NAME, with their lengths, in order. */
  addressesOf(name: string): Prefix[] {
    const link = this.#list('addr').find(({ ifname }) => ifname === name);
    return addressInfo(link).flatMap(({ local, prefixlen }) => parsePrefix(`${local}/${prefixlen}`) ?? []);
  }

  /** All IPv4 addresses of the host. */
  get addresses(): string[] {
    return this.#list('addr').flatMap((link) => addressInfo(link).map(({ local }) => String(local)));
  }

  /** Whether it has an interface with an address that is neither loopback nor a bridge. */
  get isConnected(): boolean {
    return this.#list('addr').some((link) => {
      const { ifname } = link;
      return ifname !== 'lo' && kindOf(link) !== 'bridge' && addressInfo(link).length > 0;
    });
  }

  /** The destinations of on-link routes in the main table. */
  get onLinkRoutes(): Prefix[] {
    return this.#list('route').flatMap(({ dst, scope, table, type }) => {
      const isMain = (table === undefined || table === 'main') && (type === undefined || type === 'unicast');
      if (!isMain || scope !== 'link' || typeof dst !== 'string' || dst === 'default') return [];
      return parsePrefix(dst.includes('/') ? dst : `${dst}/32`) ?? [];
    });
  }

  /** A bridge, which is down. */
  addBridge({ name, mac, mtu }: BridgeLink): void {
    this.#add({
      ifindex: this.takeIfindex(),
      ifname: name,
      flags: DOWN,
      mtu,
      operstate: 'DOWN',
      group: 'default',
      link_type: 'ether',
      address: mac,
      broadcast: 'ff:ff:ff:ff:ff:ff',
      linkinfo: { info_kind: 'bridge' },
      addr_info: [],
    });
  }

  addVeth({ name, bridge, mac, mtu, isHairpin, peerIndex }: VethLink): void {
    const linkinfo = {
      info_kind: 'veth',
      info_slave_kind: 'bridge',
      info_slave_data: { state: 'forwarding', hairpin: isHairpin },
    };
    this.#add({
      ifindex: this.takeIfindex(),
      link_index: peerIndex,
      ifname: name,
      flags: CARRIER,
      mtu,
      master: bridge,
      operstate: 'UP',
      group: 'default',
      link_type: 'ether',
      address: mac,
      broadcast: 'ff:ff:ff:ff:ff:ff',
      linkinfo,
      addr_info: [],
    });
    this.#updateBridge(bridge);
  }

  /** The interface NAME is gone, with its addresses, routes, neighbours and sysctls. */
  remove(name: string): void {
    const link = this.#list('addr').find(({ ifname }) => ifname === name);
    this.#keep('addr', ({ ifname }) => ifname !== name);
    this.#keep('link', ({ ifname }) => ifname !== name);
    this.#keep('route', ({ dev }) => dev !== name);
    this.#keep('neigh', ({ dev }) => dev !== name);
    this.#network.setSysctl(routeLocalnetOf(name), undefined);
    if (typeof link?.master === 'string') this.#updateBridge(link.master);
  }

  /** The interface NAME is up, with the routes that its addresses bring. */
  setUp(name: string): void {
    if (this.#isUp(name)) return;
    this.#change(name, (link) => ({ ...link, flags: NO_CARRIER }));
    for (const prefix of this.addressesOf(name)) this.#addRoutes(onLinkRoutes(name, prefix));
    this.#updateCarrier(name);
  }

  /** PREFIX: the address and the length of its network. An interface that is down has no route but that to itself. */
  addAddress(name: string, prefix: Prefix): void {
    const local = formatIpv4(prefix.address);
    const broadcast = formatIpv4(lastOf(prefix));
    const info = {
      family: 'inet',
      local,
      prefixlen: prefix.length,
      broadcast,
      scope: 'global',
      label: name,
      valid_life_time: 4294967295,
      preferred_life_time: 4294967295,
    };
    this.#change(name, (link) => ({ ...link, addr_info: [...listOf(link.addr_info), info] }));
    this.#addRoutes([{ type: 'local', dst: local, table: 'local', scope: 'host', ...byKernel(name, prefix) }]);
    if (this.#isUp(name)) this.#addRoutes(onLinkRoutes(name, prefix));
    this.#updateCarrier(name);
  }

  #addRoutes(routes: readonly JsonObject[]): void {
    this.#network.replace('route', [...this.#list('route'), ...routes]);
  }

  #isUp(name: string): boolean {
    return this.#list('addr').some(({ ifname, flags }) => ifname === name && listOf<unknown>(flags).includes('UP'));
  }

  removeAddress(name: string, prefix: Prefix): void {
    const local = formatIpv4(prefix.address);
    const isIt = (info: JsonObject): boolean => info.local === local && info.prefixlen === prefix.length;
    this.#change(name, (link) => ({ ...link, addr_info: listOf(link.addr_info).filter((info) => !isIt(info)) }));
    this.#keep('route', ({ dev, prefsrc }) => dev !== name || prefsrc !== local);
  }

  /** A container's MAC, as the host would have learnt it. */
  addNeighbour(bridge: string, address: string, mac: string): void {
    const entry = { dst: address, dev: bridge, lladdr: mac, state: ['REACHABLE'] };
    this.#network.replace('neigh', [...this.#list('neigh'), entry]);
  }

  removeNeighbour(bridge: string, address: string): void {
    this.#keep('neigh', ({ dst, dev }) => dst !== address || dev !== bridge);
  }

  routesLocalnet(name: string): void {
    this.#network.setSysctl(routeLocalnetOf(name), 1);
  }

  /** A port of BRIDGE has come or gone. */
  #updateBridge(bridge: string): void {
    if (this.#followsPorts) {
      const ports = this.#list('addr').filter(({ master }) => master === bridge);
      const mtu = ports.length === 0 ? ETHERNET_MTU : Math.min(...ports.map((port) => Number(port.mtu)));
      this.#change(bridge, (link) => ({ ...link, mtu }));
    }
    this.#updateCarrier(bridge);
  }

  /** A bridge has a carrier while a port of it is up; without, its routes are marked. */
  #updateCarrier(bridge: string): void {
    const hasCarrier = this.#list('addr').some(({ master }) => master === bridge);
    const isBridge = this.#list('addr').some((link) => link.ifname === bridge && kindOf(link) === 'bridge');
    if (!isBridge || !this.#isUp(bridge)) return;
    const flags = hasCarrier ? CARRIER : NO_CARRIER;
    const operstate = hasCarrier ? 'UP' : 'DOWN';
    this.#change(bridge, (link) => ({ ...link, flags, operstate }));
    const routes = this.#list('route').map((route) => {
      if (route.dev !== bridge || route.type === 'local') return route;
      const others = listOf<unknown>(route.flags).filter((flag) => flag !== 'linkdown');
      return { ...route, flags: hasCarrier ? others : [...others, 'linkdown'] };
    });
    this.#network.replace('route', routes);
  }

  #list(name: 'addr' | 'link' | 'route' | 'neigh'): JsonObject[] {
    return listOf(this.#network.json[name]);
  }

  #add(link: JsonObject): void {
    this.#network.replace('addr', [...this.#list('addr'), link]);
  }

  /** CHANGE is applied to the interface NAME, where it is described. */
  #change(name: string, change: (link: JsonObject) => JsonObject): void {
    for (const member of ['addr', 'link'] as const) {
      if (!this.#list(member).some(({ ifname }) => ifname === name)) continue;
      const links = this.#list(member).map((link) => (link.ifname === name ? change(link) : link));
      this.#network.replace(member, links);
    }
  }

  #keep(name: 'addr' | 'link' | 'route' | 'neigh', isKept: (entry: JsonObject) => boolean): void {
    const entries = this.#list(name);
    if (!entries.every(isKept)) this.#network.replace(name, entries.filter(isKept));
  }
}

function byKernel(dev: string, { address }: Prefix): JsonObject {
  return { dev, protocol: 'kernel', prefsrc: formatIpv4(address), flags: [] };
}

/** The routes of an address while its interface is up (fib_add_ifaddr). */
function onLinkRoutes(dev: string, prefix: Prefix): JsonObject[] {
  const kernel = byKernel(dev, prefix);
  const dst = formatIpv4(lastOf(prefix));
  const broadcast = prefix.length > 30 ? [] : [{ type: 'broadcast', dst, table: 'local', scope: 'link', ...kernel }];
  return prefix.length === 32 ? [] : [{ dst: formatPrefix(networkOf(prefix)), scope: 'link', ...kernel }, ...broadcast];
}

function routeLocalnetOf(name: string): string {
  return `net.ipv4.conf.${name}.route_localnet`;
}

function listOf<T = JsonObject>(value: unknown): T[] {
  return Array.isArray(value) ? (value as T[]) : [];
}

function addressInfo(link: JsonObject | undefined): JsonObject[] {
  return listOf(link?.addr_info).filter(({ family }) => family === 'inet');
}

function kindOf({ linkinfo }: JsonObject): unknown {
  return (linkinfo as JsonObject | undefined)?.info_kind;
}
