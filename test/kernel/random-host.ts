/** Random hosts: interfaces, addresses, routes, sysctls and neighbours. */
import { broadcastOf, contains, formatIpv4, formatNetwork, type Network, networkOf, parseIpv4 } from './address.js';
import type { LinkDescription, RouteDescription } from './host-description.js';
import type { Prng } from './prng.js';
import { addPolicy } from './random-policy.js';
import { LOCAL } from './router.js';
import { isBare } from './router-setup.js';
import type { Subnet, World } from './world.js';

export interface HostTraits {
  /** The maximum number of interfaces besides lo. */
  interfaces: number;
  /** Probability of unusual routes, sysctls and MTUs. */
  oddity: number;
  /** Probability that an interface has no MAC address. */
  bare: number;
  /** Probability of policy routing. */
  policy: number;
  /** Above 0: time-outs are short. */
  pauses: number;
  /** The MTUs to choose from; left out: any. */
  mtus?: readonly number[];
}

const NAMES = ['eth0', 'docker0', 'br-4f1c', 'eth1', 'ens3', 'wlan0', 'tun7', 'veth1a2b'];
const NETWORKS = [
  '192.0.2.0',
  '172.17.0.0',
  '172.18.0.0',
  '10.0.0.0',
  '198.18.5.0',
  '192.168.7.0',
  '10.20.30.0',
  '100.64.8.0',
];
const FAR_HOSTS = ['203.0.113.7', '198.51.100.5', '8.8.4.4', '203.0.113.99'];
const PORTS = [22, 53, 80, 443, 6379, 8080, 36379, 5000];

export function randomWorld(prng: Prng, traits: HostTraits): World {
  const world: World = { host: { addr: [] }, subnets: [], parties: [], ports: [...PORTS], services: [], flows: [] };
  const names = prng.some(NAMES, prng.between(1, traits.interfaces));
  const networks = prng.shuffled(NETWORKS);
  for (const [i, name] of names.entries()) addLink(world, prng, name, i, networks[i], traits);
  addRoutes(world, prng, traits);
  addNeighbours(world, prng);
  if (prng.chance(0.3 + traits.oddity)) world.host.sysctl = randomSysctls(prng, names, traits.oddity);
  if (traits.pauses > 0) world.host.sysctl = { ...world.host.sysctl, ...shortTimeouts(prng) };
  for (const link of world.host.addr)
    for (const address of link.addr_info ?? []) world.parties.push({ dev: LOCAL, address: parseIpv4(address.local) });
  if (prng.chance(traits.policy)) addPolicy(world, prng);
  return world;
}

function addLink(world: World, prng: Prng, name: string, index: number, base: string, traits: HostTraits): void {
  const mac = `02:42:00:00:${hexByte(prng)}:${hexByte(prng).replace(/.$/, String(index))}`;
  const isBare = prng.chance(name.startsWith('tun') ? traits.bare * 4 : traits.bare);
  const flags = ['POINTOPOINT', 'MULTICAST', 'NOARP', 'UP', 'LOWER_UP'];
  const link: LinkDescription = {
    ifname: name,
    ...(isBare ? { link_type: 'none', flags } : { address: mac }),
    addr_info: [],
  };
  link.mtu = traits.mtus
    ? prng.pick(traits.mtus)
    : prng.weighted([
        [8, 1500],
        [traits.oddity * 4, 1400],
        [traits.oddity * 2, 576],
        [traits.oddity, 1280],
        [traits.oddity * 0.5, 9000],
        [traits.oddity * 0.3, 68],
      ]);
  const prefixLength = prng.weighted([
    [6, 24],
    [3, 16],
    [1, 28],
    [1, 29],
    [1, 30],
    [0.3, 25],
    [0.2, 31],
    [0.3, 20],
  ]);
  addAddress(world, prng, link, networkOf(parseIpv4(base), prefixLength));
  if (prng.chance(0.2)) addAddress(world, prng, link, networkOf(parseIpv4(base), prefixLength));
  if (prng.chance(0.15)) addAddress(world, prng, link, networkOf(parseIpv4(`10.${77 + index}.1.0`), 24));
  if (prng.chance(0.05))
    addAddress(world, prng, link, { address: parseIpv4(`10.99.0.${index + 1}`), prefixLength: 32 });
  world.host.addr.push(link);
}

const hexByte = (prng: Prng): string => prng.between(16, 255).toString(16);

function addAddress(world: World, prng: Prng, link: LinkDescription, network: Network): void {
  const { prefixLength } = network;
  const own =
    prefixLength === 32
      ? network.address
      : prefixLength === 31
        ? network.address
        : network.address + prng.pick([1, 1, 1, 2]);
  if (link.addr_info?.some((address) => address.local === formatIpv4(own))) return;
  const entry = { family: 'inet', local: formatIpv4(own), prefixlen: prefixLength };
  const withBroadcast = prefixLength < 31 && prng.chance(0.5);
  link.addr_info?.push(withBroadcast ? { ...entry, broadcast: formatIpv4(broadcastOf(network)) } : entry);
  const subnet: Subnet = { dev: link.ifname, network, own };
  world.subnets.push(subnet);
  for (const address of neighboursOf(subnet)) world.parties.push({ dev: link.ifname, address });
}

/** A few addresses of SUBNET that are not the host's. */
export function neighboursOf({ network, own }: Subnet): number[] {
  const last = broadcastOf(network);
  if (network.prefixLength === 31) return [own === last ? network.address : last];
  return [3, 4, 5, 6].map((n) => network.address + n).filter((address) => address < last && address !== own);
}

function addRoutes(world: World, prng: Prng, traits: HostTraits): void {
  const { host, parties } = world;
  const routes: RouteDescription[] = [];
  const gateways = parties.filter((party) => party.dev !== LOCAL);
  if (gateways.length > 0 && prng.chance(0.85)) {
    const gateway = prng.pick(gateways);
    const route: RouteDescription = { dst: 'default', gateway: formatIpv4(gateway.address), dev: gateway.dev };
    if (prng.chance(traits.oddity)) route.prefsrc = prng.pick(world.subnets.map((subnet) => formatIpv4(subnet.own)));
    if (prng.chance(0.2)) route.metric = prng.pick([100, 200]);
    routes.push(route);
    for (const far of FAR_HOSTS) parties.push({ dev: gateway.dev, address: parseIpv4(far) });
  }
  if (gateways.length > 0 && prng.chance(0.3)) {
    const gateway = prng.pick(gateways);
    routes.push({ dst: '10.200.0.0/16', gateway: formatIpv4(gateway.address), dev: gateway.dev });
    parties.push(
      { dev: gateway.dev, address: parseIpv4('10.200.1.5') },
      { dev: gateway.dev, address: parseIpv4('10.200.9.9') },
    );
    if (prng.chance(0.3))
      routes.push({ dst: '10.200.9.0/24', type: prng.pick(['blackhole', 'unreachable', 'prohibit', 'throw']) });
  }
  if (prng.chance(traits.oddity)) {
    const type = prng.pick(['blackhole', 'unreachable', 'prohibit', 'throw']);
    routes.push({ dst: prng.pick(['198.51.100.5', '198.51.100.0/24', '203.0.113.96/27']), type });
  }
  if (gateways.length > 0 && prng.chance(traits.oddity)) {
    const gateway = prng.pick(gateways);
    routes.push({ dst: '203.0.113.7', gateway: formatIpv4(gateway.address), dev: gateway.dev });
  }
  if (gateways.length > 0 && prng.chance(traits.oddity))
    routes.push({ dst: '100.127.0.0/24', dev: prng.pick(gateways).dev, scope: 'link' });
  host.route = routes;
}

function addNeighbours(world: World, prng: Prng): void {
  const bare = new Set(world.host.addr.filter(isBare).map(({ ifname }) => ifname));
  const near = world.parties.filter(
    (party) => party.dev !== LOCAL && !bare.has(party.dev) && world.subnets.some(({ dev }) => dev === party.dev),
  );
  world.host.neigh = prng
    .some(near, prng.below(3))
    .map(({ dev, address }, i) => ({ dst: formatIpv4(address), dev, lladdr: `02:77:00:00:00:0${i}` }));
}

function randomSysctls(prng: Prng, names: readonly string[], oddity: number): Record<string, number> {
  const sysctls: Record<string, number> = {};
  const maybe = (probability: number, name: string, value: number): void => {
    if (prng.chance(probability)) sysctls[name] = value;
  };
  const device = prng.pick(names);
  maybe(0.04, 'net.ipv4.ip_forward', 0);
  maybe(0.15, 'net.ipv4.conf.all.rp_filter', prng.pick([1, 2]));
  maybe(0.1, `net.ipv4.conf.${device}.rp_filter`, prng.pick([1, 2]));
  maybe(0.15, `net.ipv4.conf.${device}.route_localnet`, 1);
  maybe(0.05, 'net.ipv4.conf.all.route_localnet', 1);
  maybe(0.1, 'net.ipv4.conf.all.accept_local', 1);
  maybe(oddity * 0.2, `net.ipv4.conf.${device}.forwarding`, 0);
  maybe(0.4, 'net.ipv4.conf.all.accept_source_route', 1);
  maybe(0.1, 'net.netfilter.nf_conntrack_acct', 0);
  maybe(0.1, 'net.ipv4.ip_default_ttl', prng.pick([128, 255]));
  maybe(0.15, 'net.netfilter.nf_conntrack_tcp_loose', 0);
  maybe(0.15, 'net.netfilter.nf_conntrack_tcp_be_liberal', 1);
  maybe(0.1, 'net.netfilter.nf_conntrack_tcp_ignore_invalid_rst', 1);
  maybe(0.15, 'net.netfilter.nf_conntrack_checksum', 0);
  return sysctls;
}

/** The time-outs that may expire within a case, without the prefix of conntrack's time-outs. */
const TIMEOUTS = [
  'udp_timeout',
  'udp_timeout_stream',
  'icmp_timeout',
  'generic_timeout',
  'tcp_timeout_syn_sent',
  'tcp_timeout_syn_recv',
  'tcp_timeout_established',
  'tcp_timeout_fin_wait',
  'tcp_timeout_close_wait',
  'tcp_timeout_last_ack',
  'tcp_timeout_time_wait',
  'tcp_timeout_close',
  'tcp_timeout_unacknowledged',
];

/** Seconds that no sum of pauses is close to. */
const SHORT_TIMEOUTS_S = [1, 2, 4];

function shortTimeouts(prng: Prng): Record<string, number> {
  return Object.fromEntries(
    prng.some(TIMEOUTS, 9).map((name) => [`net.netfilter.nf_conntrack_${name}`, prng.pick(SHORT_TIMEOUTS_S)]),
  );
}

/** A network for a rule, as text: ADDRESS itself, its subnet or a larger one; sometimes another. */
export function networkText(prng: Prng, world: World, address: number): string {
  const subnet = world.subnets.find(({ network }) => contains(network, address));
  return prng.weighted<() => string>([
    [4, () => formatIpv4(address)],
    [4, () => formatNetwork(subnet?.network ?? networkOf(address, 24))],
    [2, () => formatNetwork(networkOf(address, prng.pick([1, 8, 12, 16, 20, 24, 28, 30])))],
    [0.5, () => formatIpv4(prng.pick(world.parties).address)],
    [0.2, () => '0.0.0.0/0'],
    [0.2, () => '127.0.0.0/8'],
    [0.2, () => '224.0.0.0/4'],
    [0.1, () => '255.255.255.255'],
  ])();
}
