/** Where published ports lead, and sources that are translated or not. */
import { handshake, hostWith, portUnreachable, rst, rulesOf, syn, synAck, udp } from '../clinic.js';
import {
  CLIENT,
  CONTAINER,
  DNAT_LINE,
  type DoctorCase,
  ELSEWHERE,
  FILTER,
  MASQUERADE,
  PUBLISH,
  PUBLISHED,
  PUBLISHED_RULES,
  ROUTER,
} from './common.js';

const LOCALLY_PUBLISHED = rulesOf({
  nat: PUBLISH.map((line) => line.replace('-d 192.0.2.10/32', '-d 127.0.0.1/32')),
  filter: [...FILTER, '-A INPUT -i eth0 -j DROP'],
});
const socket = (local: string) => ({ sockets: [{ proto: 'tcp', local }] });

const UDP_PUBLISHED = rulesOf({ nat: PUBLISH.map((line) => line.replaceAll('tcp', 'udp')) });
const DATAGRAM = udp('eth0', CLIENT, PUBLISHED);
/** The datagram as the container got it is what it quotes. */
const REFUSAL = portUnreachable('docker0', udp('eth0', CLIENT, CONTAINER));

const PUBLISHING: DoctorCase[] = [
  {
    name: 'a port that is published on 127.0.0.1 only',
    host: hostWith(),
    rules: LOCALLY_PUBLISHED,
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
    finds: 'published-elsewhere',
    packets: ['eth0:1'],
    lines: [DNAT_LINE],
  },
  {
    name: 'a service that listens to another address',
    host: hostWith({ eth0: '192.0.2.10/24' }, socket('127.0.0.1:8080')),
    rules: rulesOf({ filter: FILTER }),
    traffic: [syn('eth0', CLIENT, PUBLISHED), rst('local', PUBLISHED, CLIENT)],
    finds: 'published-elsewhere',
    packets: ['eth0:1'],
  },
  {
    name: 'a service that is bound to another interface',
    host: hostWith(undefined, { sockets: [{ proto: 'tcp', local: '0.0.0.0:8080', dev: 'docker0' }] }),
    rules: rulesOf({ filter: FILTER }),
    traffic: [syn('eth0', CLIENT, PUBLISHED), rst('local', PUBLISHED, CLIENT)],
    finds: 'published-elsewhere',
    packets: ['eth0:1'],
    says: /bound to the interface docker0/,
  },
  {
    name: 'a service that is bound to the interface by which it is asked',
    host: hostWith(undefined, { sockets: [{ proto: 'tcp', local: '0.0.0.0:8080', dev: 'eth0' }] }),
    rules: rulesOf({ filter: FILTER }),
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
  },
  {
    name: 'a service of the host on the port that is published on 127.0.0.1',
    host: hostWith(undefined, socket('192.0.2.10:8080')),
    rules: LOCALLY_PUBLISHED.replace('-A INPUT -i eth0 -j DROP\n', ''),
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
  },
  {
    name: 'another port is published on 127.0.0.1',
    host: hostWith(),
    rules: LOCALLY_PUBLISHED,
    traffic: [syn('eth0', CLIENT, '192.0.2.10:8081')],
  },
  {
    name: 'a container that answers with a RST',
    host: hostWith(),
    rules: PUBLISHED_RULES,
    traffic: [syn('eth0', CLIENT, PUBLISHED), rst('docker0', CONTAINER, CLIENT)],
    finds: 'not-listening',
    packets: ['eth0:1', 'docker0:1'],
    lines: [DNAT_LINE],
  },
  {
    name: 'a container that refuses two datagrams of one flow',
    host: hostWith(),
    rules: UDP_PUBLISHED,
    traffic: [DATAGRAM, REFUSAL, DATAGRAM, REFUSAL],
    finds: 'not-listening',
    packets: ['eth0:1', 'docker0:1', 'docker0:2'],
  },
  {
    name: 'a container that resets a connection which was open',
    host: hostWith(),
    rules: PUBLISHED_RULES,
    traffic: [...handshake('eth0', CLIENT, PUBLISHED, 'docker0', CONTAINER), rst('docker0', CONTAINER, CLIENT, 901)],
  },
  {
    name: 'a server elsewhere that refuses a container',
    host: hostWith(),
    rules: PUBLISHED_RULES,
    traffic: [syn('docker0', '172.17.0.3:40000', ELSEWHERE), rst('eth0', ELSEWHERE, '192.0.2.10:40000')],
  },
];

const LAN_SERVER = '192.168.1.20:80';
const LAN_PUBLISH = PUBLISH.map((line) => line.replace('172.17.0.3', '192.168.1.20'));

const SOURCES: DoctorCase[] = [
  {
    name: 'a container that leaves with its own address',
    host: hostWith(),
    rules: rulesOf({ nat: PUBLISH }),
    traffic: [syn('docker0', '172.17.0.3:40000', ELSEWHERE)],
    finds: 'masquerade',
    packets: ['docker0:1'],
    change: /^iptables -t nat -A POSTROUTING -s 172\.17\.0\.0\/16 -o eth0 -j MASQUERADE$/,
  },
  {
    name: 'a MASQUERADE for another interface',
    host: hostWith(),
    rules: rulesOf({ nat: [...PUBLISH, MASQUERADE.replace('eth0', 'eth1')] }),
    traffic: [syn('docker0', '172.17.0.3:40000', ELSEWHERE)],
    finds: 'masquerade',
    packets: ['docker0:1'],
    lines: [7],
  },
  {
    name: 'somebody else translates what leaves: it is answered',
    host: hostWith(),
    rules: rulesOf({ nat: PUBLISH }),
    traffic: [
      syn('docker0', '172.17.0.3:40000', ELSEWHERE),
      synAck('eth0', ELSEWHERE, '172.17.0.3:40000'),
      syn('docker0', '172.17.0.3:40001', ELSEWHERE),
    ],
  },
  {
    name: 'a container that asks a private network',
    host: hostWith(),
    rules: rulesOf({ nat: PUBLISH }),
    traffic: [syn('docker0', '172.17.0.3:40000', '10.1.2.3:443')],
  },
  {
    name: 'a client that asks the public address of a server beside it',
    host: hostWith(ROUTER),
    rules: rulesOf({ nat: LAN_PUBLISH }),
    traffic: [syn('lan', '192.168.1.50:40000', PUBLISHED)],
    finds: 'hairpin',
    packets: ['lan:1'],
    lines: [DNAT_LINE],
    change: /^iptables -t nat -A POSTROUTING -s 192\.168\.1\.0\/24 -d 192\.168\.1\.20 -o lan -j MASQUERADE$/,
  },
  {
    name: 'the same, masqueraded',
    host: hostWith(ROUTER),
    rules: rulesOf({ nat: [...LAN_PUBLISH, '-A POSTROUTING -s 192.168.1.0/24 -o lan -j MASQUERADE'] }),
    traffic: [syn('lan', '192.168.1.50:40000', PUBLISHED), synAck('lan', LAN_SERVER, '192.168.1.1:40000')],
  },
  {
    name: 'a client elsewhere that asks the same server',
    host: hostWith(ROUTER),
    rules: rulesOf({ nat: LAN_PUBLISH }),
    traffic: handshake('eth0', CLIENT, PUBLISHED, 'lan', LAN_SERVER),
  },
];

const OWN_SERVICE = rulesOf({
  nat: [...PUBLISH, '-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE'],
  mangle: ['-A PREROUTING -s 172.17.0.3/32 -j MARK --set-mark 0x4000'],
});
const FOREIGN = rulesOf({ nat: [...PUBLISH.slice(0, 4), '-A POSTROUTING -o eth0 -j SNAT --to-source 192.0.2.99'] });
const OUTWARDS = syn('docker0', '172.17.0.3:40000', ELSEWHERE);

const TRANSLATED: DoctorCase[] = [
  {
    name: 'a container that asks itself by the published port, and gets no answer',
    host: hostWith(),
    rules: OWN_SERVICE,
    traffic: [syn('docker0', '172.17.0.3:40000', PUBLISHED)],
    finds: 'hairpin',
    packets: ['docker0:1'],
    change: /hairpin on/,
  },
  {
    name: 'a container that asks itself, and is answered',
    host: hostWith(),
    rules: OWN_SERVICE,
    traffic: [syn('docker0', '172.17.0.3:40000', PUBLISHED), synAck('docker0', CONTAINER, '172.17.0.1:40000')],
  },
  {
    name: 'a MASQUERADE of everything hides who asks a published port',
    host: hostWith(),
    rules: rulesOf({ nat: [...PUBLISH, '-A POSTROUTING -j MASQUERADE'] }),
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
    finds: 'masquerade',
    packets: ['eth0:1'],
    lines: [7],
    change: /-o eth0/,
  },
  {
    name: 'SNAT to an address that the host does not have, without an answer',
    host: hostWith(),
    rules: FOREIGN,
    traffic: [OUTWARDS, udp('eth0', '192.0.2.1:5000', '192.0.2.10:5000')],
    finds: 'masquerade',
    packets: ['docker0:1'],
    lines: [6],
  },
  {
    name: 'SNAT to an address that is routed to the host',
    host: hostWith(),
    rules: FOREIGN,
    traffic: [OUTWARDS, synAck('eth0', ELSEWHERE, '192.0.2.99:40000')],
  },
];

export const NAT_CASES: readonly DoctorCase[] = [...PUBLISHING, ...SOURCES, ...TRANSLATED];
