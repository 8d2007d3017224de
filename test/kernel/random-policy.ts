/** Random policy routing: tables, rules, and routes with whatever a route can have. */
import { formatIpv4, formatNetwork, networkOf, parseIpv4 } from './address.js';
import type { NextHop, RouteDescription, RuleDescription } from './host-description.js';
import type { Prng } from './prng.js';
import { markText } from './random-matches.js';
import { LOCAL } from './router.js';
import { devicesOf, type Party, type World } from './world.js';

const TABLES = [7, 100, 51_820];
const DEFAULTS: RuleDescription[] = [
  { priority: 0, src: 'all', table: 'local' },
  { priority: 32_766, src: 'all', table: 'main' },
  { priority: 32_767, src: 'all', table: 'default' },
];
const TOS = ['0x10', '0x8', '0x4', '0x1c'];
const REFUSALS = ['blackhole', 'unreachable', 'prohibit', 'throw'];
const PROTOCOLS = ['tcp', 'udp', 'icmp'];
/** Larger than that of any interface of a random host where it is larger. */
const MTUS = [576, 1000, 1280, 1400];

/** Adds rules and tables to the host of WORLD. */
export function addPolicy(world: World, prng: Prng): void {
  const { host } = world;
  const tables = prng.some(TABLES, prng.between(1, TABLES.length));
  for (const table of tables) for (let n = prng.between(1, 3); n > 0; n--) addRoute(world, prng, table);
  for (let n = prng.below(3); n > 0; n--) addRoute(world, prng, 254);
  if (prng.chance(0.1)) addRoute(world, prng, 253);
  if (prng.chance(0.3)) addLocalRoute(world, prng);
  if (prng.chance(0.85)) host.rule = randomRules(world, prng, tables);
  host.sysctl = { ...host.sysctl, ...randomSysctls(world, prng) };
}

function randomRules(world: World, prng: Prng, tables: readonly number[]): RuleDescription[] {
  const rules = [...DEFAULTS];
  for (let n = prng.between(1, 5); n > 0; n--) {
    const priority = prng.pick([10, 90, 100, 100, 200, 32_000]);
    const later = rules.findIndex((rule) => rule.priority > priority);
    const rule = randomRule(world, prng, priority, tables);
    // The kernel refuses duplicates.
    if (!rules.some((other) => selectorsOf(other) === selectorsOf(rule)))
      rules.splice(later < 0 ? rules.length : later, 0, rule);
  }
  if (prng.chance(0.05)) rules.splice(0, 1, ...(prng.chance(0.5) ? [] : [{ ...DEFAULTS[0], priority: 0 }]));
  return prng.chance(0.03) ? rules.filter(({ table }) => table !== 'main') : rules;
}

const selectorsOf = ({ suppress_prefixlen: _, not: __, ...rule }: RuleDescription): string => JSON.stringify(rule);

function randomRule(world: World, prng: Prng, priority: number, tables: readonly number[]): RuleDescription {
  const rule: RuleDescription = { priority, src: 'all' };
  if (prng.chance(0.1)) rule.not = null;
  if (prng.chance(0.35)) Object.assign(rule, prefix(world, prng, 'src'));
  if (prng.chance(0.3)) Object.assign(rule, prefix(world, prng, 'dst'));
  if (prng.chance(0.3)) {
    const [mark, mask] = markText(prng).split('/');
    rule.fwmark = mark;
    if (mask !== undefined) rule.fwmask = mask;
  }
  if (prng.chance(0.2)) rule.iif = prng.pick([...devicesOf(world), 'lo']);
  if (prng.chance(0.05)) rule.oif = prng.pick(devicesOf(world));
  if (prng.chance(0.1)) rule.tos = prng.pick(TOS);
  if (prng.chance(0.15)) rule.ipproto = prng.pick(PROTOCOLS);
  // A raw socket has no ports, so the host's own packets must not be chosen by them.
  if (prng.chance(0.12)) Object.assign(rule, ports(world, prng), { iif: prng.pick(devicesOf(world)) });
  if (prng.chance(0.12)) rule.action = prng.pick(['blackhole', 'unreachable', 'prohibit']);
  else {
    rule.table = String(prng.pick([...tables, ...tables, 'main', 99]));
    if (prng.chance(0.15)) rule.suppress_prefixlen = prng.pick([0, 0, 8, 24, 32]);
  }
  return rule;
}

function prefix(world: World, prng: Prng, key: 'src' | 'dst'): Partial<RuleDescription> {
  const { address } = prng.pick(world.parties);
  const length = prng.pick([32, 32, 24, 24, 16, 8, 30, 1]);
  const network = formatIpv4(networkOf(address, length).address);
  return { [key]: network, ...(length === 32 ? {} : { [`${key}len`]: length }) };
}

function ports(world: World, prng: Prng): Partial<RuleDescription> {
  const key = prng.pick(['sport', 'dport'] as const);
  if (prng.chance(0.5)) return { [key]: prng.pick(world.ports) };
  const first = prng.pick([1, 80, 40_000]);
  return { [`${key}_start`]: first, [`${key}_end`]: first + prng.pick([100, 20_000]) };
}

function addRoute(world: World, prng: Prng, table: number): void {
  const route: RouteDescription = { dst: destination(world, prng), table };
  if (prng.chance(0.1)) route.type = prng.pick(REFUSALS);
  else if (prng.chance(0.2)) route.nexthops = [nextHop(world, prng), nextHop(world, prng), nextHop(world, prng)];
  else Object.assign(route, hop(world, prng));
  if (prng.chance(0.2)) route.metric = prng.pick([50, 100]);
  if (prng.chance(0.15)) route.tos = prng.pick(TOS);
  if (route.type === undefined && prng.chance(0.2)) route.metrics = [{ mtu: prng.pick(MTUS) }];
  if (route.type === undefined && prng.chance(0.2) && world.subnets.length > 0)
    route.prefsrc = formatIpv4(prng.pick(world.subnets).own);
  const { route: routes = [] } = world.host;
  const isSame = (other: RouteDescription): boolean =>
    other.dst === route.dst &&
    (other.table ?? 254) === table &&
    other.tos === route.tos &&
    other.metric === route.metric;
  if (!routes.some(isSame)) world.host.route = [...routes, route];
}

function destination(world: World, prng: Prng): string {
  const { address } = prng.pick(world.parties);
  return prng.weighted([
    [3, 'default'],
    [2, formatNetwork(networkOf(address, 24))],
    [1, formatIpv4(address)],
    [1, formatNetwork(networkOf(address, 16))],
    [0.5, '0.0.0.0/1'],
  ]);
}

/** A gateway on a link of the host, or the link itself. */
function hop(world: World, prng: Prng): { gateway?: string; dev: string; scope?: string } {
  const near = neighbours(world);
  if (near.length === 0 || prng.chance(0.2)) return { dev: prng.pick(devicesOf(world)), scope: 'link' };
  const { dev, address } = prng.pick(near);
  return { gateway: formatIpv4(address), dev };
}

function nextHop(world: World, prng: Prng): NextHop {
  const { gateway, dev } = hop(world, prng);
  return { ...(gateway === undefined ? {} : { gateway }), dev, weight: prng.pick([1, 1, 2, 5]), flags: [] };
}

function neighbours(world: World): Party[] {
  return world.parties.filter(({ dev, address }) =>
    world.subnets.some((subnet) => subnet.dev === dev && address >>> 8 === subnet.own >>> 8),
  );
}

/** An address or a network of the host that no interface has. */
function addLocalRoute(world: World, prng: Prng): void {
  const address = parseIpv4(prng.pick(['203.0.113.77', '198.51.100.5', '10.200.9.0']));
  const dst = address % 256 === 0 ? formatNetwork(networkOf(address, 24)) : formatIpv4(address);
  const dev = prng.pick(['lo', ...devicesOf(world)]);
  world.host.route = [
    ...(world.host.route ?? []),
    { type: 'local', dst, dev, table: 'local', protocol: '66', scope: 'host' },
  ];
  world.parties.push({ dev: LOCAL, address });
}

function randomSysctls(world: World, prng: Prng): Record<string, number> {
  const sysctls: Record<string, number> = {
    'net.ipv4.fib_multipath_hash_seed': prng.between(1, 0xffffffff),
    'net.ipv4.fib_multipath_hash_policy': prng.pick([0, 0, 1]),
  };
  const dev = prng.pick(devicesOf(world));
  if (prng.chance(0.3)) sysctls[`net.ipv4.conf.${prng.pick(['all', dev])}.rp_filter`] = prng.pick([1, 1, 2]);
  if (prng.chance(0.3)) sysctls[`net.ipv4.conf.${prng.pick(['all', dev])}.src_valid_mark`] = 1;
  if (prng.chance(0.3)) sysctls['net.ipv4.fwmark_reflect'] = 1;
  return sysctls;
}
