import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAddress } from '../../codecs/address.js';
import { formatConnection, type ListedConnection, type ListedTuple } from '../../codecs/conntrack-list.js';

const List = suite('conntrack list');

const address = (text: string) => parseAddress(text)!.loaded;
/** Wire bytes as loaded little-endian. */
const word = (...bytes: number[]) => new DataView(Uint8Array.from(bytes).buffer).getInt32(0, true);

const client = address('203.0.113.7');
const host = address('192.0.2.10');

/** A connection from the client to the host with one packet. */
function opened(
  [protocol, protocolName, tuple]: [number, string, ListedTuple],
  ports: number,
  replyPorts: number,
  bytes: number,
): ListedConnection {
  return {
    protocol,
    protocolName,
    tuple,
    timeoutSeconds: 29,
    state: undefined,
    original: { source: client, destination: host, ports, packets: 1, bytes },
    reply: { source: host, destination: client, ports: replyPorts, packets: 0, bytes: 0 },
    isSeenReply: false,
    isAssured: false,
    isAccounted: true,
    mark: 0,
  };
}

// Every expected line was printed by conntrack 1.4.7 for such a connection.

List('tcp, translated, assured', () => {
  const listed: ListedConnection = {
    protocol: 6,
    protocolName: 'tcp',
    tuple: 'ports',
    timeoutSeconds: 299,
    state: 'ESTABLISHED',
    original: { source: client, destination: host, ports: word(0xc9, 0x3b, 0x8e, 0x1b), packets: 3, bytes: 126 },
    reply: {
      source: address('172.17.0.3'),
      destination: client,
      ports: word(0x18, 0xeb, 0xc9, 0x3b),
      packets: 2,
      bytes: 87,
    },
    isSeenReply: true,
    isAssured: true,
    isAccounted: true,
    mark: 0,
  };
  assert.is(
    formatConnection(listed),
    'ipv4     2 tcp      6 299 ESTABLISHED src=203.0.113.7 dst=192.0.2.10 sport=51515 dport=36379 ' +
      'packets=3 bytes=126 src=172.17.0.3 dst=203.0.113.7 sport=6379 dport=51515 ' +
      'packets=2 bytes=87 [ASSURED] mark=0 use=1',
  );
});

List('udp, unreplied, marked', () => {
  const listed = {
    ...opened([17, 'udp', 'ports'], word(0x03, 0xe8, 0, 53), word(0, 53, 0x03, 0xe8), 32),
    mark: 0xfffffff0,
  };
  assert.is(
    formatConnection(listed),
    'ipv4     2 udp      17 29 src=203.0.113.7 dst=192.0.2.10 sport=1000 dport=53 packets=1 bytes=32 [UNREPLIED] ' +
      'src=192.0.2.10 dst=203.0.113.7 sport=53 dport=1000 packets=0 bytes=0 mark=4294967280 use=1',
  );
});

List('icmp', () => {
  assert.is(
    formatConnection(opened([1, 'icmp', 'query'], word(0, 78, 13, 0), word(0, 78, 14, 0), 40)),
    'ipv4     2 icmp     1 29 src=203.0.113.7 dst=192.0.2.10 type=13 code=0 id=78 packets=1 bytes=40 [UNREPLIED] ' +
      'src=192.0.2.10 dst=203.0.113.7 type=14 code=0 id=78 packets=0 bytes=0 mark=0 use=1',
  );
});

List('gre, with its keys', () => {
  assert.is(
    formatConnection(opened([47, 'gre', 'keys'], word(0, 0, 0, 5), word(0, 5, 0, 0), 40)),
    'ipv4     2 gre      47 29 src=203.0.113.7 dst=192.0.2.10 srckey=0x0 dstkey=0x5 packets=1 bytes=40 [UNREPLIED] ' +
      'src=192.0.2.10 dst=203.0.113.7 srckey=0x5 dstkey=0x0 packets=0 bytes=0 mark=0 use=1',
  );
});

List('dccp, sctp and udplite, by name and with ports', () => {
  assert.is(
    formatConnection({ ...opened([33, 'dccp', 'ports'], 0, 0, 44), timeoutSeconds: 599 }),
    'ipv4     2 dccp     33 599 src=203.0.113.7 dst=192.0.2.10 sport=0 dport=0 packets=1 bytes=44 [UNREPLIED] ' +
      'src=192.0.2.10 dst=203.0.113.7 sport=0 dport=0 packets=0 bytes=0 mark=0 use=1',
  );
  const ports = word(0x13, 0x88, 0x17, 0x70);
  const replyPorts = word(0x17, 0x70, 0x13, 0x88);
  assert.is(
    formatConnection({ ...opened([132, 'sctp', 'ports'], ports, replyPorts, 52), timeoutSeconds: 9, state: 'CLOSED' }),
    'ipv4     2 sctp     132 9 CLOSED src=203.0.113.7 dst=192.0.2.10 sport=5000 dport=6000 packets=1 bytes=52 ' +
      '[UNREPLIED] src=192.0.2.10 dst=203.0.113.7 sport=6000 dport=5000 packets=0 bytes=0 mark=0 use=1',
  );
  assert.is(
    formatConnection(opened([136, 'udplite', 'ports'], word(0x03, 0xe9, 0, 53), word(0, 53, 0x03, 0xe9), 32)),
    'ipv4     2 udplite  136 29 src=203.0.113.7 dst=192.0.2.10 sport=1001 dport=53 packets=1 bytes=32 [UNREPLIED] ' +
      'src=192.0.2.10 dst=203.0.113.7 sport=53 dport=1001 packets=0 bytes=0 mark=0 use=1',
  );
});

List('other protocols, unknown and without ports', () => {
  assert.is(
    formatConnection({ ...opened([103, 'unknown', 'none'], 0, 0, 52), timeoutSeconds: 599 }),
    'ipv4     2 unknown  103 599 src=203.0.113.7 dst=192.0.2.10 packets=1 bytes=52 [UNREPLIED] ' +
      'src=192.0.2.10 dst=203.0.113.7 packets=0 bytes=0 mark=0 use=1',
  );
});

List.run();
