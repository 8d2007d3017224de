/** The parts of a random case: the host, its neighbours, and the names, networks and ports for its rules. */
import { broadcastOf, contains, formatIpv4, type Network, networkOf, parseIpv4 } from './address.js';
import type { HostDescription } from './host-description.js';
import { LOCAL } from './router.js';

export interface Subnet {
  dev: string;
  network: Network;
  /** The host's address in it. */
  own: number;
}

/** A possible sender: an address behind an interface, or the host itself (dev `local`). */
export interface Party {
  dev: string;
  address: number;
}

/** An offered service. */
export interface Service {
  address: number;
  /** IP protocol. */
  protocol: number;
  port: number;
}

/** A planned flow from an opener (`dev`, `address`, `port`) to a service. */
export interface Flow extends Party {
  /** IP protocol. */
  protocol: number;
  port: number;
  peerAddress: number;
  peerPort: number;
}

/** Names, networks and ports from which rules and traffic both draw, so that they meet. */
export interface World {
  host: HostDescription;
  subnets: Subnet[];
  /** Neighbours and far hosts. */
  parties: Party[];
  ports: number[];
  services: Service[];
  flows: Flow[];
}

/** The world around HOST, without anyone but the host itself. */
export function worldOf(host: HostDescription): World {
  const world: World = { host, subnets: [], parties: [], ports: [], services: [], flows: [] };
  for (const link of host.addr)
    for (const { local, prefixlen } of link.addr_info ?? []) {
      const own = parseIpv4(local);
      world.parties.push({ dev: LOCAL, address: own });
      if (link.ifname !== 'lo') world.subnets.push({ dev: link.ifname, network: networkOf(own, prefixlen), own });
    }
  return world;
}

export function devicesOf(world: World): string[] {
  return world.host.addr.map((link) => link.ifname).filter((name) => name !== 'lo');
}

function ownAddresses(world: World): number[] {
  return world.host.addr.flatMap((link) => (link.addr_info ?? []).map((address) => parseIpv4(address.local)));
}

export function macOf(world: World, dev: string): Uint8Array {
  const link = world.host.addr.find((candidate) => candidate.ifname === dev);
  return parseMac(link?.address ?? '02:00:00:00:00:00');
}

/** The MAC in frames from ADDRESS behind DEV. */
export function neighbourMac(world: World, dev: string, address: number): Uint8Array {
  const entry = world.host.neigh?.find((candidate) => candidate.dev === dev && candidate.dst === formatIpv4(address));
  return entry?.lladdr ? parseMac(entry.lladdr) : Uint8Array.from([2, 0, ...bytesOf(address)]);
}

/** Where a packet to ADDRESS will probably be seen without NAT: `local`, an interface, or '' for nowhere. */
export function deviceTowards(world: World, address: number): string {
  if (ownAddresses(world).includes(address)) return LOCAL;
  const subnet = world.subnets.find(({ network }) => contains(network, address));
  if (subnet) return subnet.dev;
  let best: { dev: string; length: number } | undefined;
  for (const route of world.host.route ?? []) {
    const [text, length] = route.dst === 'default' ? ['0.0.0.0', '0'] : route.dst.split('/');
    const network = networkOf(parseIpv4(text), length === undefined ? 32 : Number(length));
    const dev = route.dev ?? route.nexthops?.[0].dev;
    if (dev && contains(network, address) && network.prefixLength >= (best?.length ?? 0))
      best = { dev: dev === 'lo' ? LOCAL : dev, length: network.prefixLength };
  }
  return best?.dev ?? '';
}

/** Every broadcast address of the host's networks. */
export function broadcasts(world: World): number[] {
  return world.subnets.filter(({ network }) => network.prefixLength < 31).map(({ network }) => broadcastOf(network));
}

function parseMac(text: string): Uint8Array {
  return Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16));
}

function bytesOf(address: number): number[] {
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255];
}
