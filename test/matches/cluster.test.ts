/** cluster assigns connections to nodes as the kernel does. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PacketType } from '../../core/packet.js';
import { udpPacket } from '../packets/packets.js';
import { MatchingHost } from './matching-host.js';

const cluster = suite('cluster');

/** The node of Linux 6.18 for a source, by number of nodes and seed. */
const NODES: readonly (readonly [source: string, of5: number, of2: number, of32: number])[] = [
  ['10.0.0.2', 5, 1, 29],
  ['10.0.0.3', 5, 1, 3],
  ['10.0.0.4', 2, 2, 30],
  ['10.0.0.5', 2, 2, 24],
  ['10.0.0.77', 5, 2, 15],
  ['10.0.0.200', 2, 2, 10],
  ['10.0.0.254', 4, 1, 26],
];

const node = (nodes: number, local: number, seed: number): string =>
  `-m cluster --cluster-total-nodes ${nodes} --cluster-local-node ${local} --cluster-hash-seed ${seed}`;

cluster("the source's hash chooses one node, for replies too", () => {
  for (const [source, of5, of2, of32] of NODES) {
    const ends = { source, destination: '10.1.0.2', sport: 4000, dport: 53 };
    const wanted = [node(5, of5, 0xfeedcafe), node(2, of2, 0), node(32, of32, 7)];
    const others = [node(5, (of5 % 5) + 1, 0xfeedcafe), node(2, 3 - of2, 0), node(32, 1, 7)];
    const rules = [...wanted, ...others].map((match) => `-A FORWARD ${match}`);
    const host = new MatchingHost(['*filter', ...rules, 'COMMIT', ''].join('\n'));
    assert.equal(host.receive(0, udpPacket(ends), 1), [0, 1, 2], source);
    const reply = udpPacket({ source: ends.destination, destination: source, sport: 53, dport: 4000 });
    assert.equal(host.receive(1, reply, 1), [0, 1, 2], source);
  }
});

cluster('a negated match is for all other nodes, and neither is for packets without a connection', () => {
  const rules = `*mangle
-A PREROUTING ${node(2, 1, 0)}
-A PREROUTING ${node(2, 1, 0).replace('--cluster-local', '! --cluster-local')}
COMMIT
`;
  const host = new MatchingHost(rules);
  const ends = { destination: '10.1.0.2', sport: 4000, dport: 53 };
  assert.equal(host.receive(0, udpPacket({ ...ends, source: '10.0.0.2' }), 1), [0]);
  assert.equal(host.receive(0, udpPacket({ ...ends, source: '10.0.0.4' }), 1), [1]);
  const damaged = udpPacket({ ...ends, source: '10.0.0.2' });
  damaged[damaged.length - 1] ^= 1;
  assert.equal(host.receive(0, damaged, 1), []);
});

cluster('a frame to a multicast address becomes one for the host, unless its packet is multicast itself', () => {
  const multicast = '-A PREROUTING -m pkttype --pkt-type multicast';
  const host = new MatchingHost(`*raw\n${multicast}\n-A PREROUTING ${node(2, 1, 0)}\n${multicast}\nCOMMIT\n`);
  const ends = { source: '10.0.0.2', sport: 4000, dport: 53 };
  const unicast = udpPacket({ ...ends, destination: '10.1.0.2' });
  assert.equal(host.receive(0, unicast, 1, PacketType.MULTICAST), [0]);
  const group = udpPacket({ ...ends, destination: '224.0.0.5' });
  assert.equal(host.receive(0, group, 1, PacketType.MULTICAST), [0, 2]);
});

cluster.run();
