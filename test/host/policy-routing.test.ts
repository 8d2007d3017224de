/** What rules select and where they lead, by ip-rule(8); hashes by `ip route get` of Linux 6.18. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatLoaded } from '../../codecs/byte-order.js';
import { IPPROTO_AH, IPPROTO_ESP } from '../../codecs/layouts.js';
import type { Host } from '../../core/host/host.js';
import { RouteAction } from '../../core/host/route-decision.js';
import type { RouteKey } from '../../core/host/route-key.js';
import { packetOf } from '../packets/packet-of.js';
import { buildIpv4 } from '../packets/packets.js';
import { type HostFile, hostOf, ip, link, routeKey } from './host-file.js';

const Policy = suite('policy routing');

const DEFAULTS = [
  { priority: 0, src: 'all', table: 'local' },
  { priority: 32_766, src: 'all', table: 'main' },
  { priority: 32_767, src: 'all', table: 'default' },
];
const TWO_UPLINKS: HostFile = {
  addr: [link('lan', '10.0.0.1/24'), link('isp1', '192.0.2.2/24'), link('isp2', '198.51.100.2/24')],
  route: [
    { dst: 'default', gateway: '192.0.2.1', dev: 'isp1' },
    { dst: 'default', gateway: '198.51.100.1', dev: 'isp2', table: 200 },
  ],
};
const withRules = (...rules: unknown[]): HostFile => ({ ...TWO_UPLINKS, rule: [...DEFAULTS, ...rules] });

/** Where a packet from the LAN goes. */
function forwarded(host: Host, members: Partial<RouteKey> = {}, destination = '8.8.8.8'): string {
  const key = Object.assign(routeKey(destination, '10.0.0.9', host.interfaceIndex('lan')), members);
  const { action, outDev, nextHop, reason, icmpCode } = host.routeInput(key);
  if (action === RouteAction.LOCAL) return 'local';
  return action === RouteAction.FORWARD
    ? `${host.interfaceNames[outDev]} ${formatLoaded(nextHop)}`
    : `${reason} ${icmpCode}`;
}

const FIRST = 'isp1 192.0.2.1';
const SECOND = 'isp2 198.51.100.1';

Policy('a rule leads the packets that it selects to its table', () => {
  const second = { priority: 100, src: 'all', table: '200' };
  const way = (rule: object, members: Partial<RouteKey> = {}) =>
    forwarded(hostOf(withRules({ ...second, ...rule })), members);
  assert.is(way({}), SECOND);
  assert.is(way({ src: '10.0.0.9' }), SECOND);
  assert.is(way({ src: '10.0.0.0', srclen: 30 }), FIRST);
  assert.is(way({ src: '10.0.0.77', srclen: 8 }), SECOND, 'bits beyond the length do not matter');
  assert.is(way({ dst: '8.8.0.0', dstlen: 16 }), SECOND);
  assert.is(way({ not: null, dst: '8.8.0.0', dstlen: 16 }), FIRST);
  assert.is(way({ fwmark: '0x1' }), FIRST);
  assert.is(way({ fwmark: '0x1' }, { mark: 1 }), SECOND);
  assert.is(way({ fwmark: '0x1', fwmask: '0xf' }, { mark: 0x31 }), SECOND);
  assert.is(way({ fwmark: '0x0' }, { mark: 1 }), SECOND, 'without a mask, any mark');
  assert.is(way({ fwmark: '0x0', fwmask: '0xff' }, { mark: 1 }), FIRST);
  assert.is(way({ not: null, fwmark: '0xca6c' }), SECOND);
  assert.is(way({ iif: 'lan' }), SECOND);
  assert.is(way({ iif: 'lo' }), FIRST);
  assert.is(way({ iif: 'gone0', iif_detached: null }), FIRST);
  assert.is(way({ not: null, iif: 'gone0', iif_detached: null }), SECOND);
  assert.is(way({ tos: '0x10' }, { tos: 0x11 }), SECOND, 'without the bits of ECN');
  assert.is(way({ tos: '0x10' }, { tos: 0x30 }), SECOND, 'without the precedence');
  assert.is(way({ ipproto: 'tcp' }, { protocol: 6 }), SECOND);
  assert.is(way({ ipproto: 'ipproto-99' }, { protocol: 99 }), SECOND);
  assert.is(way({ dport: 443 }, { protocol: 6, sport: 5, dport: 443 }), SECOND);
  assert.is(way({ dport_start: 1, dport_end: 442 }, { protocol: 6, sport: 5, dport: 443 }), FIRST);
  assert.is(way({ table: '99' }), FIRST, 'an empty table');
});

Policy('a rule refuses by its action', () => {
  const refused = (action: string) => forwarded(hostOf(withRules({ priority: 100, src: 'all', action })));
  assert.is(refused('blackhole'), 'blackhole-route 0');
  assert.is(refused('unreachable'), 'unreachable-route 0');
  assert.is(refused('prohibit'), 'prohibit-route 13');
});

Policy('suppress_prefixlength and suppress_ifgroup skip routes, but no refusals', () => {
  const rules = [
    { priority: 100, src: 'all', table: 'main', suppress_prefixlen: 0 },
    { priority: 101, src: 'all', table: '200' },
  ];
  const host = hostOf(withRules(...rules));
  assert.is(forwarded(host), SECOND);
  assert.is(forwarded(host, {}, '192.0.2.9'), 'isp1 192.0.2.9');
  const refused = { dst: 'default', type: 'unreachable', table: 7 };
  const route = [...(TWO_UPLINKS.route ?? []), refused];
  const first = { priority: 99, src: 'all', table: '7', suppress_prefixlen: 0 };
  assert.is(forwarded(hostOf({ ...withRules(first, ...rules), route })), 'unreachable-route 1');
  const addr = TWO_UPLINKS.addr.map((one, i) => (i === 1 ? { ...(one as object), group: '5' } : one));
  const byGroup = [{ ...rules[0], suppress_prefixlen: undefined, suppress_ifgroup: '5' }, rules[1]];
  assert.is(forwarded(hostOf({ ...withRules(...byGroup), addr })), SECOND);
});

Policy('rules are tried by priority, and without the rule to local nothing is delivered', () => {
  const host = hostOf(withRules({ priority: 101, src: 'all', action: 'blackhole' }, { priority: 100, table: '200' }));
  assert.is(forwarded(host), SECOND);
  const rule = DEFAULTS.slice(1);
  assert.is(forwarded(hostOf({ ...TWO_UPLINKS, rule }), {}, '10.0.0.1'), 'lan 10.0.0.1');
  assert.is(forwarded(hostOf({ ...TWO_UPLINKS, rule: [] })), 'no-route 0');
});

Policy('local and main are one table only without rules of its own', () => {
  const route = [
    { type: 'local', dst: '9.0.0.0/8', dev: 'lo', table: 'local', scope: 'host' },
    { dst: '9.9.0.0/16', dev: 'isp1', scope: 'link' },
  ];
  assert.is(forwarded(hostOf({ ...TWO_UPLINKS, route }), {}, '9.9.9.9'), 'isp1 9.9.9.9');
  assert.is(forwarded(hostOf({ ...TWO_UPLINKS, route, rule: DEFAULTS }), {}, '9.9.9.9'), 'isp1 9.9.9.9');
  const custom = { ...withRules({ priority: 7, src: '1.2.3.4', table: '200' }), route };
  assert.is(forwarded(hostOf(custom), {}, '9.9.9.9'), 'local');
});

Policy('the reverse path follows rules, with the mark only if src_valid_mark is set', () => {
  const rule = { priority: 100, src: 'all', dst: '8.8.8.8', fwmark: '0x1', table: '200' };
  const from = (sysctl: Record<string, number>, mark: number) => {
    const host = hostOf({ ...withRules(rule), sysctl: { 'net.ipv4.conf.isp2.rp_filter': 1, ...sysctl } });
    return forwarded(host, { source: ip('8.8.8.8'), inDev: host.interfaceIndex('isp2'), mark }, '10.0.0.9');
  };
  assert.is(from({}, 1), 'rp-filter 0');
  assert.is(from({ 'net.ipv4.conf.all.src_valid_mark': 1 }, 1), 'lan 10.0.0.9');
  assert.is(from({ 'net.ipv4.conf.all.src_valid_mark': 1 }, 0), 'rp-filter 0');
});

Policy('what the host sends is routed by its source, protocol and mark', () => {
  const rule = { priority: 100, src: '198.51.100.2', table: '200' };
  const host = hostOf(withRules(rule, { priority: 101, src: 'all', fwmark: '0x7', table: '200' }));
  const dev = (key: RouteKey) => host.interfaceNames[host.rerouteOutput(key).outDev];
  assert.is(dev(routeKey('8.8.8.8', '198.51.100.2')), 'isp2');
  assert.is(dev(routeKey('8.8.8.8', '192.0.2.2')), 'isp1');
  assert.is(dev(Object.assign(routeKey('8.8.8.8', '192.0.2.2'), { mark: 7 })), 'isp2');
});

Policy('OUTPUT reroutes without the protocol, unless a rule about arriving packets asks for protocols', () => {
  // As Linux 6.18 routes a UDP packet of its own that mangle OUTPUT has marked.
  const own = { priority: 50, src: 'all', iif: 'lo', ipproto: 'udp', table: '200' };
  const more = { priority: 60, src: 'all', iif: 'lan', ipproto: 'tcp', table: '99' };
  const dev = (...rules: unknown[]) => {
    const host = hostOf(withRules(...rules));
    const key = Object.assign(routeKey('8.8.8.8', '198.51.100.2'), { protocol: 17, mark: 9 });
    return host.interfaceNames[host.rerouteOutput(key).outDev];
  };
  assert.is(dev(own), 'isp1');
  assert.is(dev(own, more), 'isp2');
});

Policy('routes for a TOS, with an MTU, and of type local that no address implies', () => {
  const route = [
    { dst: 'default', gateway: '192.0.2.1', dev: 'isp1' },
    { dst: '8.0.0.0/8', gateway: '198.51.100.1', dev: 'isp2', tos: '0x10', metrics: [{ mtu: 1400 }] },
    { type: 'local', dst: '203.0.113.0/24', dev: 'lo', table: 'local', scope: 'host' },
  ];
  const host = hostOf({ ...TWO_UPLINKS, route });
  assert.is(forwarded(host), FIRST);
  assert.is(forwarded(host, { tos: 0x10 }), SECOND);
  assert.is(host.routeInput(Object.assign(routeKey('8.8.8.8', '10.0.0.9', 1), { tos: 0x10 })).mtu, 1400);
  assert.is(forwarded(host, {}, '203.0.113.77'), 'local');
  const answer = host.routeOutput(routeKey('203.0.113.77'));
  assert.is(formatLoaded(answer.source), '203.0.113.77', 'without a preferred source, from itself');
});

Policy('a hash with the seed of the host chooses among next hops', () => {
  const nexthops = ['192.0.2.7', '192.0.2.8'].map((gateway) => ({ gateway, dev: 'isp1', weight: 1, flags: [] }));
  const file = { ...TWO_UPLINKS, route: [{ dst: 'default', flags: [], nexthops }] };
  const host = hostOf({ ...file, sysctl: { 'net.ipv4.fib_multipath_hash_seed': 0x12345678 } });
  const hops = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    .map((n) => formatLoaded(host.routeOutput(routeKey(`10.${n}.${(n * 7) % 256}.5`)).nextHop).slice(-1))
    .join('');
  assert.is(hops, '777878877878');
  const unseeded = hostOf(file);
  assert.throws(() => unseeded.routeOutput(routeKey('8.8.8.8')), /route\[0\].*fib_multipath_hash_seed/);
});

/** By which of three next hops the kernel of Linux 6.18 forwarded IPsec, by its security parameter index. */
const IPSEC_HOPS: readonly (readonly [protocol: number, spi: number, hop: string])[] = [
  [IPPROTO_ESP, 0x9f767c45, '192.0.2.6'],
  [IPPROTO_ESP, 0xbde5c099, '192.0.2.3'],
  [IPPROTO_ESP, 0xf17fd374, '198.51.100.4'],
  [IPPROTO_ESP, 0x92edcf45, '192.0.2.3'],
  [IPPROTO_ESP, 0x1cfb10f6, '198.51.100.4'],
  [IPPROTO_AH, 0x478c281d, '192.0.2.6'],
  [IPPROTO_AH, 0x206f5c66, '192.0.2.3'],
  [IPPROTO_AH, 0xdf561d80, '198.51.100.4'],
  [IPPROTO_AH, 0xf6236bf2, '198.51.100.4'],
  [IPPROTO_AH, 0xdf1461aa, '192.0.2.6'],
];

Policy('the security parameter index of IPsec counts as ports', () => {
  const nexthops = ['192.0.2.3', '192.0.2.6', '198.51.100.4'].map((gateway, i) => {
    return { gateway, dev: i < 2 ? 'isp1' : 'isp2', weight: 1, flags: [] };
  });
  const sysctl = {
    'net.ipv4.fib_multipath_hash_seed': 3_842_581_621,
    'net.ipv4.fib_multipath_hash_policy': 1,
  };
  const host = hostOf({ ...TWO_UPLINKS, route: [{ dst: 'default', flags: [], nexthops }], sysctl });
  for (const [protocol, spi, hop] of IPSEC_HOPS) {
    const payload = Buffer.alloc(24);
    payload.writeUInt32BE(spi, protocol === IPPROTO_AH ? 4 : 0);
    const packet = packetOf(buildIpv4({ source: '203.0.113.99', destination: '10.20.30.3', protocol }, payload));
    packet.inDev = host.interfaceIndex('lan');
    assert.is(formatLoaded(host.routeInput(host.routeKey.fromPacket(packet)).nextHop), hop, `${protocol} ${spi}`);
  }
});

Policy('an interface of a list of all routes has no others', () => {
  const kernel = { protocol: 'kernel', flags: [] };
  const route = [
    { type: 'local', dst: '127.0.0.0/8', dev: 'lo', table: 'local', scope: 'host', prefsrc: '127.0.0.1', ...kernel },
    { type: 'local', dst: '192.0.2.2', dev: 'isp1', table: 'local', scope: 'host', prefsrc: '192.0.2.2', ...kernel },
    { dst: '192.0.2.0/24', dev: 'isp1', scope: 'link', prefsrc: '192.0.2.2', metric: 100, ...kernel },
    { dst: '192.0.2.0/24', dev: 'isp2', scope: 'link', prefsrc: '198.51.100.2', metric: 50, ...kernel },
  ];
  const host = hostOf({ ...TWO_UPLINKS, route });
  assert.is(forwarded(host, {}, '192.0.2.9'), 'isp2 192.0.2.9');
  assert.is(forwarded(host, {}, '198.51.100.9'), 'no-route 0');
});

Policy('listed routes of networks replace those of addresses, and noprefixroute leaves them out', () => {
  const connected = (dev: string, metric: number, prefsrc: string) => ({
    dst: '192.168.1.0/24',
    dev,
    protocol: 'kernel',
    scope: 'link',
    prefsrc,
    metric,
  });
  const file = {
    addr: [link('wlan0', '192.168.1.51/24'), link('eth0', '192.168.1.50/24'), link('lan', '10.0.0.1/24')],
    route: [connected('wlan0', 600, '192.168.1.51'), connected('eth0', 100, '192.168.1.50')],
  };
  assert.is(forwarded(hostOf(file), {}, '192.168.1.9'), 'eth0 192.168.1.9');
  const addr = file.addr.map((one) => {
    const { addr_info, ...rest } = one as { addr_info: object[] };
    return { ...rest, addr_info: addr_info.map((info) => ({ ...info, noprefixroute: true })) };
  });
  assert.is(forwarded(hostOf({ addr }), {}, '192.168.1.9'), 'no-route 0');
});

Policy.run();
