import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { IPPROTO_TCP, IPPROTO_UDP, IPV4_DF, IPV4_MF } from '../../codecs/layouts.js';
import { Fragmenter } from '../../core/fragments/fragment.js';
import { FragmentGeometry } from '../../core/fragments/geometry.js';
import { FragmentQueues, FragmentUser, Reassembly } from '../../core/fragments/reassemble.js';
import { Packet } from '../../core/packet.js';
import { bytesEqual } from '../bytes.js';
import { buildIpv4 } from '../packets/packets.js';
import { load } from './small-host.js';

const Waiting = suite('what waits for the rest of its packet');
const Snaplen = suite('fragments that a snaplen cut');
const Geometry = suite('how a rewritten packet leaves');

const { CONNTRACK_IN, CONNTRACK_OUT } = FragmentUser;
const SOURCE = 0xc0000207; // 192.0.2.7
const DESTINATION = 0xc000020a; // 192.0.2.10

function fragmentAt(offset: number, data: Uint8Array, more: boolean, id = 1, source = SOURCE): Buffer {
  const fragment = (offset >> 3) | (more ? IPV4_MF : 0);
  return buildIpv4({ source, destination: DESTINATION, protocol: IPPROTO_UDP, id, fragment }, data);
}

function packetOf(bytes: Uint8Array, nowMs = 0, available = bytes.length): Packet {
  const packet = new Packet();
  load(packet, bytes, available);
  packet.nowMs = nowMs;
  return packet;
}

Waiting(
  'is given up 30 s after its first fragment, later ones notwithstanding; the first fragment is handed over',
  () => {
    const queues = new FragmentQueues();
    const given: string[] = [];
    const note = (first: Packet) => {
      given.push(Buffer.from(first.bytes.subarray(first.at, first.at + first.available)).toString('hex'));
      assert.is(first.inDev, 3, 'the interface of the newest fragment');
    };
    const first = fragmentAt(0, new Uint8Array(16).fill(7), true);
    const packet = packetOf(first, 1000);
    packet.inDev = 2;
    assert.is(queues.add(packet, CONNTRACK_IN), Reassembly.PENDING);
    const later = packetOf(fragmentAt(16, new Uint8Array(16), true), 20_000);
    later.inDev = 3;
    queues.add(later, CONNTRACK_IN);
    assert.is(queues.nextDeadlineMs, 31_000);
    assert.is(queues.expire(30_999, note), 0);
    assert.is(queues.pendingFragments, 2);
    assert.is(queues.expire(31_000, note), 2);
    assert.equal(given, [first.toString('hex')]);
    assert.is(queues.pendingFragments, 0);
    assert.is(queues.nextDeadlineMs, Number.POSITIVE_INFINITY);
    assert.is(queues.add(packetOf(fragmentAt(32, new Uint8Array(8), false), 31_001), CONNTRACK_IN), Reassembly.PENDING);
  },
);

Waiting('is not handed over without its first fragment, or where the host itself sent it', () => {
  const queues = new FragmentQueues({ timeoutMs: 2000 });
  queues.add(packetOf(fragmentAt(8, new Uint8Array(8), true, 1)), CONNTRACK_IN);
  queues.add(packetOf(fragmentAt(0, new Uint8Array(8), true, 2)), CONNTRACK_OUT);
  let handedOver = 0;
  assert.is(
    queues.expire(2000, () => handedOver++),
    2,
  );
  assert.is(handedOver, 0);
});

Waiting('never meets what another hook reassembles', () => {
  const queues = new FragmentQueues();
  assert.is(queues.add(packetOf(fragmentAt(0, new Uint8Array(8), true)), CONNTRACK_IN), Reassembly.PENDING);
  assert.is(queues.add(packetOf(fragmentAt(8, new Uint8Array(8), false)), CONNTRACK_OUT), Reassembly.PENDING);
  assert.is(queues.add(packetOf(fragmentAt(8, new Uint8Array(8), false)), CONNTRACK_IN), Reassembly.COMPLETE);
});

Waiting('says why fragments were dropped, and how many', () => {
  const queues = new FragmentQueues();
  const add = (bytes: Uint8Array) => queues.add(packetOf(bytes), CONNTRACK_IN);
  add(fragmentAt(0, new Uint8Array(16), true));
  add(fragmentAt(32, new Uint8Array(16), true));
  assert.is(add(fragmentAt(32, new Uint8Array(8), true)), Reassembly.DROPPED);
  assert.is(queues.dropReason, 'fragment-duplicate');
  assert.is(queues.droppedWaiting, 0);
  assert.is(add(fragmentAt(8, new Uint8Array(16), true)), Reassembly.DROPPED);
  assert.is(queues.dropReason, 'fragment-overlap');
  assert.is(queues.droppedWaiting, 2);
  assert.is(queues.pendingFragments, 0);
});

Waiting('takes what 65535 bytes can hold and no more', () => {
  const fill = (last: number) => {
    const queues = new FragmentQueues();
    let result: Reassembly = Reassembly.PENDING;
    const packet = new Packet();
    for (let offset = 0; offset < 65528 - 40; offset += 8192) {
      const length = Math.min(8192, 65488 - offset);
      load(packet, fragmentAt(offset, new Uint8Array(length), true));
      queues.add(packet, CONNTRACK_IN);
    }
    load(packet, fragmentAt(65488, new Uint8Array(last), false));
    result = queues.add(packet, CONNTRACK_IN);
    return { result, length: packet.length, reason: queues.dropReason, dropped: queues.droppedWaiting };
  };
  assert.equal(fill(27), { result: Reassembly.COMPLETE, length: 65535, reason: '', dropped: 0 });
  assert.equal(fill(28).reason, 'fragment-too-long');
  assert.is(fill(28).dropped, 8);
});

Waiting('holds its memory flat over a hundred thousand packets that never become whole', () => {
  const queues = new FragmentQueues({ timeoutMs: 50 });
  const bytes = fragmentAt(0, new Uint8Array(1200), true);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const packet = new Packet();
  load(packet, bytes);
  const ignore = () => {};
  let before = 0;
  for (let n = 0; n < 100_000; n++) {
    view.setUint16(4, n & 0xffff);
    packet.nowMs = n;
    queues.add(packet, CONNTRACK_IN);
    queues.expire(n, ignore);
    if (n === 20_000) before = process.memoryUsage().arrayBuffers;
  }
  assert.is(queues.pendingFragments, 50);
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.ok(grown < 4 << 20, `grown by ${grown} bytes`);
});

Snaplen('make a whole that is cut where the first byte is missing, and leave as they came', () => {
  const queues = new FragmentQueues();
  const data = Uint8Array.from({ length: 96 }, (_, i) => i + 1);
  const sent = [
    fragmentAt(0, data.subarray(0, 32), true),
    fragmentAt(32, data.subarray(32, 64), true),
    fragmentAt(64, data.subarray(64), false),
  ];
  const available = [52, 30, 52];
  const packet = new Packet();
  sent.forEach((bytes, i) => {
    load(packet, bytes, available[i]);
    queues.add(packet, CONNTRACK_IN);
  });
  assert.is(packet.length, 20 + 96);
  assert.is(packet.available, 20 + 32 + 10);
  const left: Buffer[] = [];
  new Fragmenter().fragment(packet, 1500, queues.geometry, (bytes, at, length, there) => {
    assert.is(length, 52);
    left.push(Buffer.from(bytes.subarray(at, at + there)));
  });
  assert.is(left.length, 3);
  sent.forEach((bytes, i) => {
    bytesEqual(left[i], bytes.subarray(0, available[i]), `fragment ${i}`);
  });
});

Snaplen('are as much there as their bytes, where a cut packet is fragmented', () => {
  const whole = buildIpv4(
    { source: SOURCE, destination: DESTINATION, protocol: IPPROTO_UDP },
    new Uint8Array(1000).fill(9),
  );
  const packet = packetOf(whole, 0, 600);
  const sizes: number[][] = [];
  new Fragmenter().fragment(packet, 420, null, (_bytes, _at, length, there) => sizes.push([length, there]));
  assert.equal(sizes, [
    [420, 420],
    [420, 200],
    [220, 20],
  ]);
});

/** The kernel cut such packets so: first fragments of 8 and 16 bytes under a TCP header of 20, recorded. */
Geometry('changes where a header was moved together: 20 bytes in front are no multiple of 8', () => {
  const geometry = new FragmentGeometry();
  geometry.append(0, 8, 8, 20);
  geometry.append(8, 8, 8, 20);
  geometry.append(16, 80, 80, 20);
  assert.ok(geometry.isUsable(20, 80));
  geometry.ensureWritable(20);
  assert.is(geometry.count, 2);
  assert.equal([...geometry.lengths.subarray(0, 2)], [20, 76]);
  assert.not(geometry.isUsable(20, 80));
});

Geometry('an arriving TCP header is moved together: the packet is cut anew at the size of the largest fragment', () => {
  const queues = new FragmentQueues();
  const packet = new Packet();
  const fields = { source: SOURCE, destination: DESTINATION, protocol: IPPROTO_TCP };
  load(packet, buildIpv4({ ...fields, fragment: IPV4_MF | IPV4_DF }, new Uint8Array(8)));
  queues.add(packet, CONNTRACK_IN);
  load(packet, buildIpv4({ ...fields, fragment: 1 | IPV4_DF }, new Uint8Array(82)));
  queues.add(packet, CONNTRACK_IN);
  assert.is(packet.fragmentMaxSize, 102);
  const cut: number[][] = [];
  new Fragmenter().fragment(packet, 1500, queues.geometry, (bytes, at, length) =>
    cut.push([length, (bytes[at + 6] << 8) | bytes[at + 7]]),
  );
  assert.equal(cut, [
    [100, IPV4_DF | IPV4_MF],
    [30, IPV4_DF | 10],
  ]);
});

Waiting.run();
Snaplen.run();
Geometry.run();
