/**
 * Expected values from Linux 6.18: ip route show table all, ip route get, and packets through a router in a namespace.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatLoaded } from '../../codecs/byte-order.js';
import { AddressType } from '../../core/host/address-type.js';
import type { Host } from '../../core/host/host.js';
import { RouteAction } from '../../core/host/route-decision.js';
import { PacketType } from '../../core/packet.js';
import { type HostFile, hostOf, ip, link, routeKey } from './host-file.js';

const Routing = suite('routing');

const NO_ERROR = { type: 3, code: 0, tos: 0, mark: 0 };
const TYPES = ['', 'unicast', 'local', 'broadcast', '', 'multicast'];

/** The routing decision for a packet, in short: `eth1 via 10.0.1.9`, `local`, `unreachable 3/1: …`, `drop: …`. */
function fate(
  host: Host,
  dev: string,
  source: string,
  destination: string,
  type: PacketType = PacketType.HOST,
): string {
  const route = host.routeInput(
    Object.assign(routeKey(destination, source, host.interfaceIndex(dev)), { packetType: type }),
  );
  if (route.action === RouteAction.LOCAL)
    return route.type === AddressType.LOCAL ? 'local' : `local ${TYPES[route.type]}`;
  if (route.action === RouteAction.FORWARD)
    return `${host.interfaceNames[route.outDev]} to ${formatLoaded(route.nextHop)}`;
  return route.action === RouteAction.DROP ? `drop: ${route.reason}` : `3/${route.icmpCode}: ${route.reason}`;
}

/** The route of a packet that the host sends: `eth1 to 10.0.1.9 from 10.0.1.1`. */
function way(host: Host, destination: string, source = '0.0.0.0'): string {
  const route = host.routeOutput(routeKey(destination), ip(source));
  if (route.reason !== '') return route.reason;
  const loops = route.loopsBack ? ', and loops back' : '';
  const dev = host.interfaceNames[route.outDev];
  return `${TYPES[route.type]} ${dev} to ${formatLoaded(route.nextHop)} from ${formatLoaded(route.source)}${loops}`;
}

/** A router between a LAN and an uplink. */
const ROUTER: HostFile = {
  addr: [link('wan', '192.0.2.10/24'), link('lan', '10.0.0.1/24', '10.0.0.2/24')],
  route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'wan' }],
};
const router = (sysctl: Record<string, number> = {}, route: unknown[] = []) =>
  hostOf({ ...ROUTER, route: [...(ROUTER.route ?? []), ...route], sysctl });

Routing('delivers, forwards on the link and through a gateway', () => {
  const host = router();
  assert.is(fate(host, 'lan', '10.0.0.9', '10.0.0.1'), 'local');
  assert.is(fate(host, 'lan', '10.0.0.9', '192.0.2.10'), 'local', 'an address of another interface');
  assert.is(fate(host, 'wan', '8.8.8.8', '10.0.0.9'), 'lan to 10.0.0.9');
  assert.is(fate(host, 'lan', '10.0.0.9', '8.8.8.8'), 'wan to 192.0.2.1');
  assert.is(fate(host, 'lan', '10.0.0.9', '10.0.0.8'), 'lan to 10.0.0.8', 'back where it came from');
});

Routing('accepts broadcasts of any of its networks from anywhere, but no .0 address', () => {
  const host = router();
  assert.is(fate(host, 'lan', '10.0.0.9', '10.0.0.255'), 'local broadcast');
  assert.is(fate(host, 'wan', '8.8.8.8', '10.0.0.255'), 'local broadcast');
  assert.is(fate(host, 'wan', '8.8.8.8', '255.255.255.255'), 'local broadcast');
  assert.is(fate(host, 'wan', '0.0.0.0', '255.255.255.255'), 'local broadcast');
  assert.is(fate(host, 'wan', '8.8.8.8', '10.0.0.0'), 'lan to 10.0.0.0');
});

Routing('drops martians silently', () => {
  const host = router();
  for (const source of ['127.0.0.1', '10.0.0.1', '192.0.2.10', '224.0.0.1', '255.255.255.255', '0.0.0.0'])
    assert.is(fate(host, 'wan', source, '10.0.0.9'), 'drop: martian-source', source);
  for (const destination of ['0.0.0.0', '127.0.0.1'])
    assert.is(fate(host, 'wan', '8.8.8.8', destination), 'drop: martian-destination', destination);
});

Routing('forwards unusual packets that are not martian', () => {
  const host = router();
  for (const source of ['240.0.0.1', '0.0.0.5', '10.0.0.255', '10.0.0.0'])
    assert.is(fate(host, 'wan', source, '10.0.0.9'), 'lan to 10.0.0.9', source);
});

Routing('accepts 224.0.0.1 and no other group', () => {
  const host = router();
  assert.is(fate(host, 'wan', '8.8.8.8', '224.0.0.1', PacketType.MULTICAST), 'local multicast');
  assert.is(fate(host, 'wan', '0.0.0.0', '224.0.0.1', PacketType.MULTICAST), 'local multicast');
  assert.is(fate(host, 'wan', '10.0.0.1', '224.0.0.1', PacketType.MULTICAST), 'drop: martian-source');
  assert.is(fate(host, 'wan', '8.8.8.8', '224.0.0.5', PacketType.MULTICAST), 'drop: multicast-not-joined');
});

Routing('never forwards a link-layer broadcast, but delivers it', () => {
  assert.is(fate(router(), 'wan', '8.8.8.8', '10.0.0.9', PacketType.BROADCAST), 'drop: link-layer-broadcast');
  assert.is(fate(router(), 'wan', '8.8.8.8', '10.0.0.1', PacketType.BROADCAST), 'local');
  const strict = router({ 'net.ipv4.conf.all.drop_unicast_in_l2_multicast': 1 });
  assert.is(fate(strict, 'wan', '8.8.8.8', '10.0.0.1', PacketType.BROADCAST), 'drop: link-layer-broadcast');
});

Routing('accept_local and route_localnet permit what is martian otherwise', () => {
  const local = router({ 'net.ipv4.conf.wan.accept_local': 1 });
  assert.is(fate(local, 'wan', '10.0.0.1', '10.0.0.9'), 'lan to 10.0.0.9');
  assert.is(fate(local, 'lan', '10.0.0.1', '10.0.0.9'), 'drop: martian-source', 'on that interface only');
  const localnet = router({ 'net.ipv4.conf.all.route_localnet': 1 });
  assert.is(fate(localnet, 'wan', '8.8.8.8', '127.0.0.1'), 'local');
});

Routing('rp_filter is the larger of all and the interface', () => {
  const strict = router({ 'net.ipv4.conf.all.rp_filter': 0, 'net.ipv4.conf.wan.rp_filter': 1 });
  assert.is(fate(strict, 'wan', '10.0.0.9', '192.0.2.10'), 'drop: rp-filter');
  assert.is(fate(strict, 'wan', '8.8.8.8', '192.0.2.10'), 'local');
  assert.is(fate(strict, 'lan', '8.8.8.8', '192.0.2.10'), 'local', 'unchecked there');
  const loose = router({ 'net.ipv4.conf.all.rp_filter': 1, 'net.ipv4.conf.wan.rp_filter': 2 });
  assert.is(fate(loose, 'wan', '10.0.0.9', '192.0.2.10'), 'local');
  assert.is(fate(loose, 'wan', '10.0.0.255', '192.0.2.10'), 'drop: martian-source', 'a broadcast is no source then');
});

Routing('loose rp_filter requires a route back, and without rp_filter nothing is required', () => {
  const file = { addr: ROUTER.addr };
  const loose = hostOf({ ...file, sysctl: { 'net.ipv4.conf.all.rp_filter': 2 } });
  assert.is(fate(loose, 'wan', '8.8.8.8', '10.0.0.9'), 'drop: rp-filter');
  assert.is(fate(hostOf(file), 'wan', '8.8.8.8', '10.0.0.9'), 'lan to 10.0.0.9');
});

Routing('without forwarding packets are dropped silently, even without a route', () => {
  for (const sysctl of [{ 'net.ipv4.ip_forward': 0 }, { 'net.ipv4.conf.wan.forwarding': 0 }]) {
    const host = hostOf({ addr: ROUTER.addr, sysctl });
    assert.is(fate(host, 'wan', '8.8.8.8', '10.0.0.9'), 'drop: forwarding-off');
    assert.is(fate(host, 'wan', '8.8.8.8', '9.9.9.9'), 'drop: forwarding-off');
    assert.is(fate(host, 'wan', '8.8.8.8', '10.0.0.1'), 'local');
  }
});

Routing('refuses by type of route, and throw goes on to the table default', () => {
  const host = router({}, [
    { dst: '8.8.8.0/24', type: 'prohibit' },
    { dst: '8.8.8.0/24', dev: 'lan', table: 'default' },
    { dst: '8.8.9.0/24', type: 'blackhole' },
    { dst: '8.8.10.0/24', type: 'throw' },
    { dst: '8.8.10.0/24', dev: 'lan', table: 'default' },
    { dst: '8.8.11.0/24', type: 'unreachable' },
    { dst: '8.8.12.0/24', type: 'throw' },
  ]);
  assert.is(fate(host, 'wan', '8.8.8.8', '8.8.8.1'), '3/13: prohibit-route');
  assert.is(fate(host, 'wan', '8.8.8.8', '8.8.9.1'), 'drop: blackhole-route');
  assert.is(fate(host, 'wan', '8.8.8.8', '8.8.10.1'), 'lan to 8.8.10.1');
  assert.is(fate(host, 'wan', '8.8.8.8', '8.8.11.1'), '3/1: unreachable-route');
  assert.is(fate(host, 'wan', '8.8.8.8', '8.8.12.1'), '3/0: no-route');
});

Routing('the longest prefix wins, then the metric, and a later route replaces one of its metric', () => {
  const host = router({}, [
    { dst: '9.0.0.0/8', gateway: '10.0.0.8', metric: 100 },
    { dst: '9.0.0.0/8', gateway: '10.0.0.9', metric: 50 },
    { dst: '9.9.0.0/16', gateway: '10.0.0.4' },
    { dst: '9.9.0.0/16', gateway: '10.0.0.5' },
    { dst: '9.9.9.9', gateway: '10.0.0.6' },
  ]);
  assert.is(fate(host, 'wan', '8.8.8.8', '9.1.1.1'), 'lan to 10.0.0.9');
  assert.is(fate(host, 'wan', '8.8.8.8', '9.9.1.1'), 'lan to 10.0.0.5');
  assert.is(fate(host, 'wan', '8.8.8.8', '9.9.9.9'), 'lan to 10.0.0.6');
  assert.is(fate(host, 'wan', '8.8.8.8', '9.9.9.10'), 'lan to 10.0.0.5');
  assert.is(fate(host, 'wan', '8.8.8.8', '9.255.255.255'), 'lan to 10.0.0.9', 'the last address of a prefix');
  assert.is(fate(host, 'wan', '8.8.8.8', '10.1.0.0'), 'wan to 192.0.2.1', 'the first behind it');
});

Routing('local and main are one table: a longer prefix in main hides the local one', () => {
  const host = router({}, [
    { dst: '127.1.0.0/16', dev: 'lan' },
    { dst: '10.0.0.1', dev: 'wan' },
  ]);
  assert.is(way(host, '127.1.0.1'), 'unicast lan to 127.1.0.1 from 10.0.0.1');
  assert.is(way(host, '127.2.0.1'), 'local lo to 127.2.0.1 from 127.0.0.1');
  assert.is(way(host, '10.0.0.1'), 'local lo to 10.0.0.1 from 10.0.0.1', 'local first where both are as long');
});

Routing("a gateway that is the host's own address delivers nothing", () => {
  const host = router({}, [{ dst: '9.0.0.0/8', gateway: '10.0.0.1' }]);
  assert.is(fate(host, 'wan', '8.8.8.8', '9.1.1.1'), 'lan to 9.1.1.1');
});

Routing('routes what the host sends itself', () => {
  const host = router({}, [{ dst: '9.0.0.0/8', gateway: '10.0.0.9', prefsrc: '192.0.2.10' }]);
  assert.is(way(host, '8.8.8.8'), 'unicast wan to 192.0.2.1 from 192.0.2.10');
  assert.is(way(host, '9.1.1.1'), 'unicast lan to 10.0.0.9 from 192.0.2.10');
  assert.is(way(host, '10.0.0.2'), 'local lo to 10.0.0.2 from 10.0.0.1', 'a secondary address prefers its primary');
  assert.is(way(host, '10.0.0.255'), 'broadcast lan to 10.0.0.255 from 10.0.0.1, and loops back');
  assert.is(way(host, '255.255.255.255'), 'broadcast wan to 255.255.255.255 from 192.0.2.10, and loops back');
  assert.is(way(host, '224.0.0.1'), 'multicast wan to 224.0.0.1 from 192.0.2.10, and loops back');
  assert.is(way(host, '239.1.2.3'), 'multicast wan to 239.1.2.3 from 192.0.2.10');
  assert.is(way(host, '8.8.8.8', '1.2.3.4'), 'source-not-local');
  assert.is(way(host, '8.8.8.8', '127.0.0.1'), 'martian-source');
  assert.is(way(hostOf({ addr: [] }), '8.8.8.8'), 'no-route');
});

Routing('a packet that OUTPUT changed may have any unicast source', () => {
  const host = router();
  assert.is(host.rerouteOutput(routeKey('8.8.8.8', '1.2.3.4')).source, ip('1.2.3.4'));
  assert.is(host.rerouteOutput(routeKey('8.8.8.8')).source, ip('192.0.2.10'));
  assert.is(host.rerouteOutput(routeKey('8.8.8.8', '127.0.0.1')).reason, 'martian-source');
});

Routing('sends ICMP errors from the address of the route back, or from the address the packet was sent to', () => {
  const host = router();
  const error = (sender: string, destination: string, isLocal: boolean, dev: string) =>
    formatLoaded(
      host.routeIcmpError(routeKey(destination, sender, host.interfaceIndex(dev)), isLocal, NO_ERROR).source,
    );
  assert.is(error('8.8.8.8', '10.0.0.9', false, 'lan'), '192.0.2.10');
  assert.is(error('10.0.0.9', '8.8.8.8', false, 'lan'), '10.0.0.1');
  assert.is(error('8.8.8.8', '10.0.0.2', true, 'wan'), '10.0.0.2');
  const bare = hostOf({ addr: [link('wan')], route: [{ dst: 'default', dev: 'wan' }] });
  assert.is(
    formatLoaded(bare.routeIcmpError(routeKey('9.9.9.9', '8.8.8.8', 1), false, NO_ERROR).source),
    '192.0.0.8',
    'RFC 7600',
  );
});

Routing('knows the types of addresses', () => {
  const host = router({}, [{ dst: '9.0.0.0/8', type: 'blackhole' }]);
  const type = (address: string, dev = -1) => TYPES[host.addressType(ip(address), dev)];
  const wan = host.interfaceIndex('wan');
  assert.is(type('10.0.0.1'), 'local');
  assert.is(type('10.0.0.1', wan), 'unicast', 'not on that interface');
  assert.is(type('127.9.9.9'), 'local');
  assert.is(type('10.0.0.255'), 'broadcast');
  assert.is(type('255.255.255.255', wan), 'broadcast');
  assert.is(type('0.0.0.0'), 'broadcast');
  assert.is(type('224.0.0.9'), 'multicast');
  assert.is(type('8.8.8.8'), 'unicast');
  assert.is(type('9.9.9.9'), 'unicast');
});

Routing.run();
