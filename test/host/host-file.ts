/** Host files for tests, in the format of `ip -j`. */
import { parseAddress } from '../../codecs/address.js';
import { type Host, loadHost } from '../../core/host/host.js';
import { RouteKey } from '../../core/host/route-key.js';

export interface HostFile {
  addr: unknown[];
  route?: unknown[];
  rule?: unknown[];
  nexthop?: unknown[];
  neigh?: unknown[];
  sysctl?: Record<string, number | string>;
}

/** An interface with addresses such as `10.0.0.1/24`. */
export function link(ifname: string, ...addresses: string[]): unknown {
  const addr_info = addresses.map((text) => {
    const [local, length] = text.split('/');
    return { family: 'inet', local, prefixlen: Number(length) };
  });
  return { ifname, address: '02:00:00:00:00:01', mtu: 1500, addr_info };
}

export function hostOf(file: HostFile): Host {
  return loadHost(JSON.stringify(file), 'host.json');
}

/** A host with `wan` (192.0.2.10/24) and `lan` (172.17.0.1/16), connected routes and ROUTE. */
export function wanLanHost(route: unknown[]): Host {
  const addr = [
    ['wan', '192.0.2.10', 24],
    ['lan', '172.17.0.1', 16],
  ].map(([ifname, local, prefixlen], i) => ({
    ifname,
    address: `02:00:00:00:00:1${i}`,
    addr_info: [{ family: 'inet', local, prefixlen }],
  }));
  return hostOf({ addr, route });
}

/** The address in TEXT, as loaded little-endian. */
export function ip(text: string): number {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`no address: ${text}`);
  return address.loaded;
}

/**
 * The route key of a packet from SOURCE (0.0.0.0: chosen by the route) to DESTINATION that arrived on IN_DEV (-1: the
 * host's own).
 */
export function routeKey(destination: string, source = '0.0.0.0', inDev = -1): RouteKey {
  return Object.assign(new RouteKey(), { source: ip(source), destination: ip(destination), inDev });
}

/** The MAC that frames to NEXT_HOP on DEV get, in hexadecimal. */
export function macOf(host: Host, dev: string, nextHop: string): string {
  const bytes = new Uint8Array(8);
  host.writeMac(host.interfaceIndex(dev), ip(nextHop), bytes, 1);
  return Buffer.from(bytes.subarray(1, 7)).toString('hex');
}
