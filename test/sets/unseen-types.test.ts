/**
 * Types that the kernels which are at hand lack: hash:mac, hash:ip,mac, hash:ip,mark, hash:net,net, hash:net,port,net.
 * What is expected is worked out by hand from ipset(8).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSets } from '../../core/ipset/index.js';
import { type IpSet, PLAIN_LOOKUP, type SetLookup } from '../../core/sets/ip-set.js';
import { SetStore } from '../../core/sets/store.js';
import { packetOf } from '../packets/packet-of.js';
import { udpPacket } from '../packets/packets.js';
import { answersHere } from './set-answers.js';

const unseen = suite('types that few kernels have');

function setOf(lines: string): IpSet {
  const store = new SetStore({ clock: { nowMs: 0 }, interfaceNames: ['lo', 'eth0'], randomWord: () => 1 });
  readSets(lines.replace(/^ +/gm, ''), 'sets', store);
  const set = store.get('s');
  assert.ok(set);
  return set;
}

const lookup = (...ends: ('src' | 'dst')[]): SetLookup => ({
  ...PLAIN_LOOKUP,
  dimensions: ends.length,
  sources: ends.reduce((bits, end, i) => (end === 'src' ? bits | (1 << i) : bits), 0),
});

const packet = packetOf(udpPacket({ source: '10.0.0.2', destination: '10.1.0.2', sport: 4000, dport: 53 }));
packet.sourceMac = 0x020000000001;
packet.destinationMacHigh = 0x0200;
packet.destinationMacLow = 0x10;
packet.mark = 0x1ff;

unseen('a MAC address of the source or the destination', () => {
  const set = setOf(`create s hash:mac
    add s 02:00:00:00:00:01`);
  assert.is(set.testPacket(packet, lookup('src')), true);
  assert.is(set.testPacket(packet, lookup('dst')), false);
  const without = packetOf(udpPacket({ source: '10.0.0.2', destination: '10.1.0.2', sport: 4000, dport: 53 }));
  assert.is(set.testPacket(without, lookup('src')), false);
});

unseen('an address and a MAC address', () => {
  const set = setOf(`create s hash:ip,mac
    add s 10.0.0.2,02:00:00:00:00:01
    add s 10.1.0.2,02:00:00:00:00:01`);
  assert.is(set.testPacket(packet, lookup('src', 'src')), true);
  assert.is(set.testPacket(packet, lookup('src', 'dst')), false);
  assert.is(set.testPacket(packet, lookup('dst', 'src')), true);
  assert.is(set.testPacket(packet, lookup('src')), false);
});

unseen("an address and the packet's mark under the set's mask", () => {
  const set = setOf(`create s hash:ip,mark markmask 0xff
    add s 10.0.0.2,0x2ff`);
  assert.is(set.testPacket(packet, lookup('src', 'src')), true);
  packet.mark = 0x1fe;
  assert.is(set.testPacket(packet, lookup('src', 'src')), false);
});

unseen('two networks: the longest first one decides', () => {
  const set = setOf(`create s hash:net,net
    add s 10.0.0.0/8,10.1.0.0/16
    add s 10.0.0.0/24,10.1.0.0/24 nomatch
    add s 10.0.0.0/30,10.1.0.4/30`);
  assert.is(set.testPacket(packet, lookup('src', 'dst')), false, '10.0.0.0/24 comes before 10.0.0.0/8');
  assert.is(set.testPacket(packet, { ...lookup('src', 'dst'), returnsNomatch: true }), true);
  const other = packetOf(udpPacket({ source: '10.0.1.2', destination: '10.1.9.9', sport: 4000, dport: 53 }));
  assert.is(set.testPacket(other, lookup('src', 'dst')), true);
  assert.is(set.testPacket(other, lookup('dst', 'src')), false);
});

unseen('two networks and a port between them', () => {
  const set = setOf(`create s hash:net,port,net
    add s 10.0.0.0/8,udp:53,10.1.0.0/16
    add s 0.0.0.0/0,tcp:80,0.0.0.0/0`);
  assert.is(set.testPacket(packet, lookup('src', 'dst', 'dst')), true);
  assert.is(set.testPacket(packet, lookup('src', 'src', 'dst')), false);
});

unseen('elements are added by commands, and print as they are', () => {
  const { answers, saved } = answersHere([
    'create s hash:net,port,net initval 0x5',
    'add s 10.0.0.0/24,80-81,10.1.0.0-10.1.0.2',
    'add s 10.0.0.9/24,80,10.1.0.2',
    'create m hash:mac initval 0x5',
    'add m 00:00:00:00:00:00',
    'create k hash:ip,mark initval 0x5',
    'add k 10.0.0.0/31,7',
    'create n hash:net,net initval 0x5',
    'add n 10.0.0.0-10.0.0.2,10.1.0.0/16',
    'test n 10.0.0.1,10.1.2.3',
  ]);
  assert.equal(answers, [
    '0 ',
    '0 ',
    "1 ipset v7.17: Element cannot be added to the set: it's already added",
    '0 ',
    '1 ipset v7.17: Null-valued element, cannot be stored in a hash type of set',
    ...['0 ', '0 ', '0 ', '0 '],
    '0 Warning: 10.0.0.1,10.1.2.3 is in set n.',
  ]);
  assert.equal(saved.filter((line) => line.startsWith('add')).sort(), [
    'add k 10.0.0.0,0x00000007',
    'add k 10.0.0.1,0x00000007',
    'add n 10.0.0.0/31,10.1.0.0/16',
    'add n 10.0.0.2,10.1.0.0/16',
    'add s 10.0.0.0/24,tcp:80,10.1.0.0/31',
    'add s 10.0.0.0/24,tcp:80,10.1.0.2',
    'add s 10.0.0.0/24,tcp:81,10.1.0.0/31',
    'add s 10.0.0.0/24,tcp:81,10.1.0.2',
  ]);
});

unseen.run();
