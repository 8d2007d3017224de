import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatLoaded, portToHostOrder } from '../../codecs/byte-order.js';
import { ConntrackListError } from '../../codecs/conntrack-list-error.js';
import { readConntrackList } from '../../codecs/conntrack-reader.js';

const Reader = suite('lists of connections');

const read = (text: string) => readConntrackList(text, 'list.txt');

// Lines as conntrack 1.4.7 and the kernel print them.
const TCP =
  'ipv4     2 tcp      6 431999 ESTABLISHED src=203.0.113.7 dst=192.0.2.10 sport=51515 dport=36379 ' +
  'packets=3 bytes=180 src=172.17.0.3 dst=203.0.113.7 sport=6379 dport=51515 packets=2 bytes=112 [ASSURED] ' +
  'mark=4294967295 use=1';
const UDP =
  'udp      17 29 src=10.0.0.7 dst=192.0.2.53 sport=4000 dport=53 [UNREPLIED] src=192.0.2.53 dst=10.0.0.7 ' +
  'sport=53 dport=4000 mark=0 helper=tftp use=1';
const PROC =
  'ipv4     2 icmp     1 22 src=10.0.0.7 dst=192.0.2.1 type=8 code=0 id=77 src=192.0.2.1 dst=10.0.0.7 ' +
  'type=0 code=0 id=78 mark=0 zone=0 use=2';
const GRE =
  'ipv4     2 gre      47 179 src=10.0.0.7 dst=192.0.2.1 srckey=0x1 dstkey=0x8002 src=192.0.2.1 ' +
  'dst=10.0.0.7 srckey=0x8002 dstkey=0x1 [ASSURED] mark=0 use=1';
const IGMP =
  'ipv4     2 unknown  2 599 src=172.17.0.1 dst=224.0.0.22 packets=1 bytes=40 [UNREPLIED] src=224.0.0.22 ' +
  'dst=172.17.0.1 packets=0 bytes=0 mark=0 use=1';

Reader('a line has the connection that it shows', () => {
  const [connection] = read(`${TCP}\n`).connections;
  const { original, reply, ...rest } = connection;
  assert.equal(rest, {
    ...{ line: 1, protocolColumn: 12, stateColumn: 30, protocol: 6, protocolName: 'tcp', timeoutSeconds: 431_999 },
    ...{ state: 'ESTABLISHED', isSeenReply: true, isAssured: true, mark: -1, helper: undefined },
  });
  const ends = [original, reply].map(({ source, destination, ports, packets, bytes }) => {
    const [sport, dport] = [portToHostOrder(ports & 0xffff), portToHostOrder(ports >>> 16)];
    return `${formatLoaded(source)}:${sport} ${formatLoaded(destination)}:${dport} ${packets}/${bytes}`;
  });
  assert.equal(ends, ['203.0.113.7:51515 192.0.2.10:36379 3/180', '172.17.0.3:6379 203.0.113.7:51515 2/112']);
});

Reader('lines without a family, of /proc, and of other protocols', () => {
  const [udp, icmp, gre, igmp] = read([UDP, PROC, GRE, IGMP].join('\n')).connections;
  assert.equal([udp.state, udp.isSeenReply, udp.helper], [undefined, false, 'tftp']);
  assert.is(icmp.original.ports, portToHostOrder(77) | (8 << 16));
  assert.is(icmp.reply.ports, portToHostOrder(78));
  assert.is(gre.original.ports, portToHostOrder(1) | (portToHostOrder(0x8002) << 16));
  assert.equal([igmp.protocol, igmp.original.ports, igmp.original.packets], [2, 0, 1]);
});

Reader('the number of a connection (-o id) and times (-o timestamp) do not matter', () => {
  const more = `${PROC} id=4711 [start=Fri Nov 27 11:00:00 2026] [stop=Fri Nov 27 11:00:01 2026] delta-time=1`;
  assert.equal(read(more).connections[0].original, read(PROC).connections[0].original);
});

Reader('IPv6 and other zones are left out and counted; the footer of conntrack is not', () => {
  const ipv6 =
    'ipv6     10 udp      17 29 src=::1 dst=::1 sport=1 dport=2 src=::1 dst=::1 sport=2 dport=1 mark=0 use=1';
  const footer = 'conntrack v1.4.7 (conntrack-tools): 5 flow entries have been shown.';
  const list = read([TCP, ipv6, ipv6.slice(12), UDP.replace('mark=0', 'mark=0 zone=7'), '', footer].join('\n'));
  assert.equal([list.connections.length, list.ipv6, list.zoned], [1, 2, 1]);
});

Reader('the lists that the kernel made of all golden cases are read', () => {
  const lines = readFileSync('pcaps/docker/want/conntrack.txt', 'utf8').trim().split('\n');
  assert.is(read(lines.join('\n')).connections.length, lines.length);
});

for (const [what, line, column, message] of [
  [
    'offloaded',
    TCP.replace('[ASSURED]', '[OFFLOAD]'),
    TCP.indexOf('[ASSURED]') + 1,
    '[OFFLOAD]: connections of a flowtable are not supported',
  ],
  [
    'events',
    `    [NEW] ${UDP}`,
    5,
    'these are events of conntrack -E; expected the output of conntrack -L -o extended',
  ],
  ['save', '-A -s 10.0.0.1', 1, 'this is the output of conntrack -L -o save'],
  ['XML', '<?xml version="1.0"?>', 1, 'this is XML'],
  ['no list', 'hello world', 7, '"world" is not a number from 0 to 255'],
  ['no address', UDP.replace('10.0.0.7', '10.0.0'), 20, '"10.0.0" is not an IPv4 address'],
  ['port', UDP.replace('4000', '70000'), 50, '"70000" is not a number from 0 to 65535'],
  ['twice', UDP.replace('sport=4000', 'sport=4000 sport=1'), 61, 'sport is given twice for one direction'],
  ['flag', TCP.replace('[ASSURED]', '[ASURED]'), TCP.indexOf('[ASSURED]') + 1, 'unknown flag [ASURED]'],
  [
    'one direction',
    'udp 17 29 src=10.0.0.7 dst=192.0.2.53 sport=1 dport=2',
    54,
    'src= of the reply direction is missing',
  ],
  ['three', `${UDP} src=1.2.3.4`, UDP.length + 2, 'a third src=: a connection has two directions'],
  ['unknown', UDP.replace('use=1', 'used=1'), UDP.indexOf('use=1') + 1, '"used=1" is not understood'],
  ['cut', 'ipv4     2 tcp', 15, 'the line ends; expected the number of the protocol'],
] as const) {
  Reader(`an error says where and what: ${what}`, () => {
    try {
      read(`\n${line}`);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, ConntrackListError);
      assert.equal(
        (error as Error).message.slice(0, message.length + `list.txt:2:${column}: `.length),
        `list.txt:2:${column}: ${message}`,
      );
      assert.is((error as ConntrackListError).isUnsupported, what === 'offloaded');
    }
  });
}

Reader.run();
