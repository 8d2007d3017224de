/** Builds the host of a description in a network namespace: links, addresses, sysctls, routes and neighbours. */
import { writeFileSync } from 'node:fs';
import { run } from './command.js';
import type { HostDescription, LinkDescription, RouteDescription, RuleDescription } from './host-description.js';
import type { Namespace } from './namespace.js';

/** How many addresses after the host's own may be those of others. */
const PARTIES = 8;

/** The default sysctls of a host: a router that sends answers without rate limits. */
const SYSCTLS: Record<string, number> = {
  'net.ipv4.ip_forward': 1,
  'net.ipv4.conf.all.rp_filter': 0,
  'net.ipv4.conf.default.rp_filter': 0,
  'net.ipv4.icmp_ratelimit': 0,
  'net.ipv4.icmp_msgs_per_sec': 1_000_000_000,
  'net.ipv4.icmp_msgs_burst': 1_000_000_000,
  'net.netfilter.nf_conntrack_acct': 1,
  'net.netfilter.nf_conntrack_checksum': 1,
};

/** The kernel refuses a route or a rule of the host. */
export class RefusedHost extends Error {}

/** The interfaces built as links: all but lo. */
export function linksOf(host: HostDescription): LinkDescription[] {
  return host.addr.filter((link) => link.ifname !== 'lo');
}

/** Whether packets on LINK have no link header: it is a tun interface. */
export function isBare(link: LinkDescription): boolean {
  return link.link_type === 'none';
}

/** The far end of the link at INDEX of `linksOf`, in the namespace of the peers. */
export function peerName(index: number): string {
  return `p${index}`;
}

/**
 * Builds HOST in FIREWALL, with the far ends of its links in PEERS. CREATE_TUN makes a tun interface. Interfaces are
 * made in the order of the description, as the kernel looks for an address to borrow in the order of their making.
 */
export function buildHost(
  host: HostDescription,
  firewall: Namespace,
  peers: Namespace,
  createTun: (name: string) => void,
): void {
  const links = linksOf(host);
  peers.run(() => writeSysctls({ 'net.ipv6.conf.all.disable_ipv6': 1, 'net.ipv6.conf.default.disable_ipv6': 1 }));
  firewall.run(() => {
    writeSysctls({ 'net.ipv6.conf.all.disable_ipv6': 1, 'net.ipv6.conf.default.disable_ipv6': 1 });
    let commands = ['link set lo up'];
    for (const [i, link] of links.entries()) {
      if (isBare(link)) {
        ipBatch(commands);
        commands = [];
        createTun(link.ifname);
      }
      commands.push(...linkCommands(link, i, peers.path));
    }
    ipBatch(commands);
  });
  const wires = links.flatMap((link, i) => (isBare(link) ? [] : [peerName(i)]));
  // Far ends are set up first, so that each link has its carrier and its queue as soon as the near end is up.
  peers.run(() => ipBatch(wires.map((name) => `link set ${name} mtu 65535 promisc on up`)));
  firewall.run(() => {
    ipBatch(links.flatMap(addressCommands), true);
    applySysctls(host, links);
    for (const name of host.nfacct ?? []) run('nfacct', ['add', name]);
    try {
      ipBatch([...(host.route ?? []).filter(isAdded).map(routeCommand), ...neighbourCommands(host)]);
      if (host.rule !== undefined) setRules(host.rule);
    } catch (error) {
      throw new RefusedHost((error as Error).message);
    }
  });
}

function linkCommands(link: LinkDescription, index: number, peers: string): string[] {
  if (isBare(link)) return [`link set ${link.ifname} mtu ${link.mtu ?? 1500}`];
  if (!link.address) throw new Error(`interface ${link.ifname} has no MAC (address)`);
  return [
    `link add name ${link.ifname} type veth peer name ${peerName(index)} netns ${peers}`,
    `link set ${link.ifname} address ${link.address}`,
    `link set ${link.ifname} mtu ${link.mtu ?? 1500}`,
  ];
}

function addressCommands(link: LinkDescription): string[] {
  const addresses = (link.addr_info ?? []).filter((address) => address.family === 'inet');
  return [
    ...(link.group === undefined ? [] : [`link set ${link.ifname} group ${link.group}`]),
    `link set ${link.ifname} up`,
    ...addresses.map((address) => {
      const broadcast = address.broadcast ? ` brd ${address.broadcast}` : '';
      return `addr add ${address.local}/${address.prefixlen} dev ${link.ifname}${broadcast}`;
    }),
  ];
}

function applySysctls(host: HostDescription, links: readonly LinkDescription[]): void {
  const asked = host.sysctl ?? {};
  const sysctls: Record<string, number | string> = { ...SYSCTLS };
  for (const { ifname } of links) {
    sysctls[`net.ipv4.conf.${ifname}.rp_filter`] = asked['net.ipv4.conf.default.rp_filter'] ?? 0;
    sysctls[`net.ipv4.conf.${ifname}.send_redirects`] = 0;
  }
  sysctls['net.ipv4.conf.all.send_redirects'] = 0;
  writeSysctls({ ...sysctls, ...asked });
}

/** Sets sysctls in this thread's network namespace like sysctl(8): dots and slashes in a name may be swapped. */
function writeSysctls(sysctls: Record<string, number | string>): void {
  for (const [name, value] of Object.entries(sysctls)) {
    const path = name.replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'));
    try {
      writeFileSync(`/proc/sys/${path}`, `${value}\n`);
    } catch (error) {
      throw new Error(`sysctl ${name}=${value}: ${(error as Error).message}`);
    }
  }
}

/** Whether to add a route: those of addresses already exist, and IPv6 is disabled. */
function isAdded(route: RouteDescription): boolean {
  return route.protocol !== 'kernel' && !route.dst.includes(':') && !route.gateway?.includes(':');
}

function routeCommand(route: RouteDescription): string {
  const words = ['route', 'replace'];
  if (route.type !== undefined && route.type !== 'unicast') words.push(route.type);
  words.push(route.dst);
  const options = {
    tos: route.tos,
    via: route.gateway,
    dev: route.dev,
    src: route.prefsrc,
    metric: route.metric,
    mtu: route.metrics?.[0].mtu,
    table: route.table,
    proto: route.protocol,
    scope: route.scope,
    realm: realmsText(route.flow?.from, route.flow?.to),
  };
  for (const [word, value] of Object.entries(options))
    if (value !== undefined && value !== '') words.push(word, String(value));
  for (const { gateway, dev, weight } of route.nexthops ?? [])
    words.push('nexthop', ...(gateway === undefined ? [] : ['via', gateway]), 'dev', dev, 'weight', String(weight));
  return words.join(' ');
}

function realmsText(from: string | undefined, to: string | undefined): string | undefined {
  return from === undefined ? to : `${from}/${to}`;
}

/** Makes RULES, in their order, all rules of this thread's network namespace. */
function setRules(rules: readonly RuleDescription[]): void {
  ipBatch(['rule flush', 'rule del priority 0', ...rules.map(ruleCommand)]);
}

function ruleCommand(rule: RuleDescription): string {
  const prefix = (text: string | undefined, length: number | undefined): string | undefined =>
    text === undefined || length === undefined ? text : `${text}/${length}`;
  const range = (one: number | undefined, first: number | undefined, last: number | undefined) =>
    first === undefined ? one : `${first}-${last}`;
  const options = {
    priority: rule.priority,
    from: prefix(rule.src, rule.srclen),
    to: prefix(rule.dst, rule.dstlen),
    fwmark: rule.fwmask === undefined ? rule.fwmark : `${rule.fwmark}/${rule.fwmask}`,
    iif: rule.iif,
    oif: rule.oif,
    tos: rule.tos,
    ipproto: rule.ipproto,
    sport: range(rule.sport, rule.sport_start, rule.sport_end),
    dport: range(rule.dport, rule.dport_start, rule.dport_end),
    lookup: rule.table,
    suppress_prefixlength: rule.suppress_prefixlen,
    realms: realmsText(rule.flow_from, rule.flow_to),
  };
  const words = ['rule', 'add', ...(rule.not === undefined ? [] : ['not'])];
  for (const [word, value] of Object.entries(options)) if (value !== undefined) words.push(word, String(value));
  return [...words, ...(rule.action === undefined ? [] : [rule.action])].join(' ');
}

function neighbourCommands(host: HostDescription): string[] {
  return (host.neigh ?? [])
    .filter((neighbour) => neighbour.lladdr && !neighbour.dst.includes(':'))
    .map(({ dst, dev, lladdr }) => `neigh replace ${dst} lladdr ${lladdr} dev ${dev} nud permanent`);
}

/**
 * Tells HOST, in this thread's network namespace, the MACs of the gateways to which RULES send copies, on every
 * interface: packets that wait for an answer to an ARP request leave later than those behind them.
 */
export function addTeeNeighbours(host: HostDescription, rules: string): void {
  const gateways = [...rules.matchAll(/--gateway ([\d.]+)/g)].map(([, gateway]) => gateway);
  if (gateways.length === 0) return;
  const hops = new Set([
    ...gateways,
    ...(host.route ?? []).flatMap(({ gateway }) => gateway ?? []),
    ...partiesOf(host),
  ]);
  const isKnown = (hop: string, dev: string): boolean =>
    host.neigh?.some((known) => known.dst === hop && known.dev === dev && known.lladdr !== undefined) === true;
  const devs = linksOf(host).filter((link) => !isBare(link));
  ipBatch(
    devs.flatMap(({ ifname }) =>
      [...hops]
        .filter((hop) => !hop.includes(':') && !isKnown(hop, ifname))
        .map((hop) => `neigh replace ${hop} lladdr ${defaultMac(hop)} dev ${ifname} nud permanent`),
    ),
    true,
  );
}

/** The addresses after those of HOST, where the other parties of random cases are. */
function partiesOf(host: HostDescription): string[] {
  const own = linksOf(host).flatMap(({ addr_info = [] }) => addr_info.map(({ local }) => local));
  const isOwn = new Set(own);
  return own
    .filter((address) => !address.includes(':'))
    .flatMap((address) => {
      const bytes = address.split('.').map(Number);
      return Array.from({ length: PARTIES }, (_, i) => [...bytes.slice(0, 3), bytes[3] + 1 + i].join('.'));
    })
    .filter((address) => !isOwn.has(address) && Number(address.split('.')[3]) < 255);
}

/** The MAC of a neighbour that the description leaves out. */
function defaultMac(address: string): string {
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return ['02', '00', ...bytes].join(':');
}

function ipBatch(commands: readonly string[], ignoreFailure = false): void {
  if (commands.length === 0) return;
  run('ip', [...(ignoreFailure ? ['-force'] : []), '-batch', '-'], `${commands.join('\n')}\n`, ignoreFailure);
}
