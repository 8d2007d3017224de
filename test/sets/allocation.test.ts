/** Looking a packet up in a set of any type makes no objects, once the code is compiled. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSets } from '../../core/ipset/index.js';
import { type IpSet, PLAIN_LOOKUP } from '../../core/sets/ip-set.js';
import { SetStore } from '../../core/sets/store.js';
import { packetOf } from '../packets/packet-of.js';
import { udpPacket } from '../packets/packets.js';

const allocation = suite('allocation of lookups');

const SETS = `
create bitmap:ip bitmap:ip range 10.0.0.0/24 timeout 1000
add bitmap:ip 10.0.0.2
create bitmap:ip,mac bitmap:ip,mac range 10.0.0.0/24
add bitmap:ip,mac 10.0.0.2,02:00:00:00:00:01
create bitmap:port bitmap:port range 0-1000 counters
add bitmap:port 53
create hash:ip hash:ip counters timeout 1000
add hash:ip 10.0.0.2
create hash:mac hash:mac
add hash:mac 02:00:00:00:00:01
create hash:ip,mark hash:ip,mark
add hash:ip,mark 10.0.0.2,0
create hash:ip,port hash:ip,port skbinfo
add hash:ip,port 10.0.0.2,udp:4000 skbmark 0x1
create hash:net hash:net
add hash:net 10.0.0.0/8
add hash:net 10.2.0.0/24
create hash:net,net hash:net,net
add hash:net,net 10.0.0.0/8,10.0.0.0/9
create hash:net,port,net hash:net,port,net
add hash:net,port,net 10.0.0.0/8,udp:4000,10.0.0.0/9
create hash:net,iface hash:net,iface
add hash:net,iface 10.0.0.0/8,eth0
create list:set list:set counters
add list:set hash:ip
add list:set hash:net
`;

const WARM_UP = 60_000;
const WINDOWS = 8;
const PACKETS = 20_000;
/** An object for every other packet would take more. */
const MOST_BYTES = 4;

const packet = packetOf(udpPacket({ source: '10.0.0.2', destination: '10.1.0.2', sport: 4000, dport: 53 }));
packet.sourceMac = 0x020000000001;
packet.inDev = 1;
const lookup = { ...PLAIN_LOOKUP, dimensions: 3, sources: 0b111 };

function lookUp(set: IpSet, count: number): void {
  for (let i = 0; i < count; i++) set.testPacket(packet, lookup);
}

/** The bytes of heap that a lookup takes in the best of some stretches: others may compile or collect meanwhile. */
function bytesPerLookup(set: IpSet): number {
  lookUp(set, WARM_UP);
  let least = Number.POSITIVE_INFINITY;
  for (let window = 0; window < WINDOWS; window++) {
    const before = process.memoryUsage().heapUsed;
    lookUp(set, PACKETS);
    const bytes = (process.memoryUsage().heapUsed - before) / PACKETS;
    if (bytes >= 0) least = Math.min(least, bytes);
  }
  return least;
}

const store = new SetStore({ clock: { nowMs: 5 }, interfaceNames: ['lo', 'eth0'], randomWord: () => 1 });
readSets(SETS, 'sets', store);
for (const set of store) {
  allocation(set.name, () => {
    const bytes = bytesPerLookup(set);
    assert.ok(bytes < MOST_BYTES, `${bytes} bytes a packet`);
  });
}

allocation.run();
