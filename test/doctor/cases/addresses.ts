/** Packets that the host takes for impossible, or for its own. */
import { handshake, hostWith, rulesOf, syn } from '../clinic.js';
import {
  CLIENT,
  CONTAINER,
  DNAT_LINE,
  type DoctorCase,
  ELSEWHERE,
  FILTER,
  PUBLISH,
  PUBLISHED,
  sysctl,
} from './common.js';

const UPLINKS = { eth0: '192.0.2.10/24', eth1: '198.51.100.10/24' };
const filtering = (rpFilter: number) => hostWith(UPLINKS, sysctl({ 'net.ipv4.conf.eth1.rp_filter': rpFilter }));
const FROM_ELSEWHERE = [syn('eth1', CLIENT, '198.51.100.10:22')];
const TO_LOOPBACK = rulesOf({ nat: PUBLISH.map((line) => line.replace('172.17.0.3:80', '127.0.0.1:8080')) });
const localnet = (on: number) => hostWith(undefined, sysctl({ 'net.ipv4.conf.eth0.route_localnet': on }));
const OWN_PUBLISH = PUBLISH.map((line) => line.replace('PREROUTING -d 192.0.2.10', 'OUTPUT -d 127.0.0.1'));
const OWN = [syn('local', '127.0.0.1:40000', '127.0.0.1:8080')];
const OUT_BY_DOCKER = '-A POSTROUTING -s 127.0.0.0/8 -o docker0 -j MASQUERADE';

const ADDRESSES: DoctorCase[] = [
  {
    name: 'a packet whose answer would leave by another interface, with rp_filter 1',
    host: filtering(1),
    rules: rulesOf({ filter: FILTER }),
    traffic: FROM_ELSEWHERE,
    finds: 'reverse-path',
    packets: ['eth1:1'],
    change: /^sysctl -w net\.ipv4\.conf\.eth1\.rp_filter=2/,
  },
  {
    name: 'the same on an interface with a dot in its name',
    host: hostWith(
      { eth0: '192.0.2.10/24', 'eth1.7': '198.51.100.10/24' },
      sysctl({ 'net.ipv4.conf.eth1/7.rp_filter': 1 }),
    ),
    rules: rulesOf({ filter: FILTER }),
    traffic: [syn('eth1.7', CLIENT, '198.51.100.10:22')],
    finds: 'reverse-path',
    packets: ['eth1.7:1'],
    change: /^sysctl -w net\.ipv4\.conf\.eth1\/7\.rp_filter=2, or/,
  },
  {
    name: 'the same with rp_filter 2',
    host: filtering(2),
    rules: rulesOf({ filter: FILTER }),
    traffic: FROM_ELSEWHERE,
  },
  {
    name: 'a port that is translated to 127.0.0.1',
    host: localnet(0),
    rules: TO_LOOPBACK,
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
    finds: 'martian',
    packets: ['eth0:1'],
    lines: [DNAT_LINE],
    change: /^sysctl -w net\.ipv4\.conf\.eth0\.route_localnet=1/,
  },
  {
    name: 'such a port, asked by an interface with a dot in its name',
    host: hostWith({ eth0: '192.0.2.3/24', 'eth0.100': '192.0.2.10/24', docker0: '172.17.0.1/16' }),
    rules: TO_LOOPBACK,
    traffic: [syn('eth0.100', '192.0.2.7:50000', PUBLISHED)],
    finds: 'martian',
    change: /^sysctl -w net\.ipv4\.conf\.eth0\/100\.route_localnet=1, or/,
  },
  {
    name: 'the same with route_localnet',
    host: localnet(1),
    rules: TO_LOOPBACK,
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
  },
  {
    name: 'a packet that has the host itself as its source',
    host: hostWith(),
    rules: rulesOf({ filter: FILTER }),
    traffic: [syn('docker0', '192.0.2.10:40000', ELSEWHERE)],
    finds: 'martian',
    packets: ['docker0:1'],
  },
  {
    name: 'the host asks a published port at 127.0.0.1',
    host: hostWith(),
    rules: rulesOf({ nat: OWN_PUBLISH }),
    traffic: OWN,
    finds: 'loopback-source',
    packets: ['local:1'],
    lines: [DNAT_LINE],
    change: /route_localnet=1, and iptables -t nat -A POSTROUTING -s 127\.0\.0\.0\/8 -o docker0 -j MASQUERADE$/,
  },
  {
    name: 'the same, let out and masqueraded',
    host: hostWith(undefined, sysctl({ 'net.ipv4.conf.docker0.route_localnet': 1 })),
    rules: rulesOf({ nat: [...OWN_PUBLISH, OUT_BY_DOCKER] }),
    traffic: OWN,
  },
];

const BALANCER = { type: 'local', dst: '203.0.113.77', dev: 'eth0', table: 'local', protocol: '66', scope: 'host' };
const withLocalRoute = hostWith(undefined, {
  route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'eth0' }, BALANCER],
});
const TWINS = { eth0: '192.0.2.10/24', eth1: '192.0.2.11/24' };

const PLACES: DoctorCase[] = [
  {
    name: 'a route of type local catches packets for a balancer',
    host: withLocalRoute,
    rules: rulesOf({ filter: [...FILTER, '-A INPUT -i docker0 -j DROP'] }),
    traffic: [syn('docker0', '172.17.0.3:40000', '203.0.113.77:80')],
    finds: 'wrong-interface',
    packets: ['docker0:1'],
    lines: [5],
    change: /^ip route del local 203\.0\.113\.77 dev eth0 table local/,
  },
  {
    name: 'the same address, published',
    host: withLocalRoute,
    rules: rulesOf({ nat: PUBLISH.map((line) => line.replace('192.0.2.10', '203.0.113.77')) }),
    traffic: handshake('eth0', CLIENT, '203.0.113.77:8080', 'docker0', CONTAINER),
  },
  {
    name: 'two interfaces with one network',
    host: hostWith(TWINS),
    rules: rulesOf({ filter: FILTER }),
    traffic: [syn('eth1', '192.0.2.50:40000', '192.0.2.11:22')],
    finds: 'wrong-interface',
    packets: ['eth1:1'],
  },
  {
    name: 'the one of them by which answers leave',
    host: hostWith(TWINS),
    rules: rulesOf({ filter: FILTER }),
    traffic: [syn('eth0', '192.0.2.50:40000', '192.0.2.10:22')],
  },
];

export const ADDRESSES_CASES: readonly DoctorCase[] = [...ADDRESSES, ...PLACES];
