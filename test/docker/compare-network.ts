/** The interfaces, addresses and routes of two hosts, as `ip -j` prints them; IPv6 is set aside. */
import type { JsonObject } from '../../codecs/host/json-values.js';

/** Whether the MAC of an interface follows from something, so that both hosts have the same. */
type HasKnownMac = (name: string) => boolean;

export interface HostNetworkJson {
  readonly addr: readonly JsonObject[];
  readonly route: readonly JsonObject[];
}

export interface NetworkComparison {
  readonly hasKnownMac: HasKnownMac;
  /** False: carriers have just changed, and the kernel may not have noticed. */
  readonly hasSettled: boolean;
  /**
   * False: endpoints may have been made in any order, as an engine walks through a container's networks (a map of Go),
   * and starts containers again side by side. Then it is not compared which port is on which bridge.
   */
  readonly isOrderKnown: boolean;
}

/** What differs, a line each. The random names of veths are replaced by their numbers. */
export function networkDifferences(
  wanted: HostNetworkJson,
  found: HostNetworkJson,
  { hasKnownMac, hasSettled, isOrderKnown }: NetworkComparison,
): string[] {
  const [names, others] = [vethNames(wanted.addr), vethNames(found.addr)];
  const shown = (line: string): string => (hasSettled ? line : line.replaceAll(CARRIER, ''));
  const linksIn = (addr: readonly JsonObject[], veths: Map<unknown, string>): string[] => {
    const links = linksOf(addr, veths, hasKnownMac).map(shown);
    return isOrderKnown ? links : withoutPorts(links);
  };
  const links = linksIn(wanted.addr, names);
  const routes = routesOf(wanted.route, names).map(shown);
  return [
    ...listDifferences('interface', links, linksIn(found.addr, others)),
    ...listDifferences('route', routes, routesOf(found.route, others).map(shown)),
  ];
}

/** What tells of carriers in lines about links and routes. */
const CARRIER = / (?:UP|DOWN)(?= )|LOWER_UP,|NO-CARRIER,| linkdown/g;

/** Lines that only one of the two has, as sets. */
export function listDifferences(what: string, wanted: readonly string[], found: readonly string[]): string[] {
  const missing = wanted.filter((line) => !found.includes(line));
  const extra = found.filter((line) => !wanted.includes(line));
  return [...missing.map((line) => `${what} - ${line}`), ...extra.map((line) => `${what} + ${line}`)];
}

function vethNames(links: readonly JsonObject[]): Map<unknown, string> {
  const veths = links.filter(({ ifname }) => /^veth[0-9a-f]{7}$/.test(String(ifname)));
  return new Map(veths.map(({ ifname, ifindex }) => [ifname, `veth#${ifindex}`]));
}

function linksOf(links: readonly JsonObject[], names: Map<unknown, string>, hasKnownMac: HasKnownMac): string[] {
  return links.map((link) => {
    const { ifindex, ifname, mtu, master, operstate, flags, address } = link;
    const name = names.get(ifname) ?? String(ifname);
    const addresses = ofInet(link).map(
      ({ local, prefixlen, broadcast, scope }) => `${local}/${prefixlen} ${broadcast ?? ''} ${scope}`,
    );
    const peer = name.startsWith('veth#') ? `@${link.link_index ?? ''}` : '';
    const mac = hasKnownMac(String(ifname)) ? ` ${address}` : '';
    const member = master === undefined ? '' : ` in ${master}`;
    const up = [...((flags as string[] | undefined) ?? [])].sort().join(',');
    return `${ifindex} ${name}${peer} mtu ${mtu} ${operstate} ${up}${member}${mac} [${addresses.join('; ')}]`;
  });
}

function ofInet({ addr_info: addresses }: JsonObject): JsonObject[] {
  return ((addresses as JsonObject[] | undefined) ?? []).filter(({ family }) => family === 'inet');
}

function routesOf(routes: readonly JsonObject[], names: Map<unknown, string>): string[] {
  const ofIpv4 = routes.filter(({ dst }) => !String(dst).includes(':'));
  return ofIpv4.map(({ type, dst, dev, gateway, table, protocol, scope, prefsrc, flags }) => {
    const words = [type ?? 'unicast', dst, gateway && `via ${gateway}`, `dev ${names.get(dev) ?? dev}`];
    const more = [table ?? 'main', protocol ?? 'boot', scope, prefsrc, ...((flags as string[] | undefined) ?? [])];
    return [...words, ...more].filter((word) => word !== undefined && word !== '').join(' ');
  });
}

/** LINES about links, in which the veths, and the bridges that they are in, are told apart from each other. */
function withoutPorts(lines: readonly string[]): string[] {
  const ports = lines.filter((line) => line.includes(' veth#'));
  const bridges = ports.map((line) => / in (\S+)/.exec(line)?.[1] ?? '').sort();
  const others = lines.filter((line) => !line.includes(' veth#'));
  return [...others, ...ports.map((line) => line.replace(/ in \S+/, '')), `ports of ${bridges.join(' ')}`];
}
