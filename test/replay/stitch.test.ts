import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAddress } from '../../codecs/address.js';
import { portToHostOrder, portToLoaded } from '../../codecs/byte-order.js';
import { internetChecksum, pseudoHeaderSum } from '../../codecs/checksum.js';
import { IPPROTO_TCP, TCP_ACK } from '../../codecs/layouts.js';
import { STITCH_LOCAL, STITCH_NOWHERE, Stitcher } from '../../replay/stitch.js';
import { unfinished } from '../offload/unfinished.js';
import { buildIpv4, buildUdp, tcpPacket, withChecksum } from '../packets/packets.js';

const Stitch = suite('stitch');

const ETH0 = 1;
const DOCKER0 = 2;
const VPN = 3;
const address = (text: string) => parseAddress(text)!.loaded;

/**
 * The stitcher of a Docker host, with a more specific route within the default route of eth0, and a second route that
 * must not win.
 */
function dockerHost(): Stitcher {
  return new Stitcher(
    [address('127.0.0.1'), address('192.0.2.10'), address('172.17.0.1')],
    [
      { network: address('0.0.0.0'), prefixLength: 0, dev: ETH0 },
      { network: address('192.0.2.10'), prefixLength: 24, dev: ETH0 },
      { network: address('172.17.0.1'), prefixLength: 16, dev: DOCKER0 },
      { network: address('198.51.100.0'), prefixLength: 25, dev: VPN },
      { network: address('198.51.100.0'), prefixLength: 25, dev: ETH0 },
    ],
  );
}

interface Flow {
  source: string;
  destination: string;
  sport: number;
  dport: number;
  protocol?: 6 | 17;
  /** UDP: leave the checksum out. */
  unchecked?: boolean;
  fragment?: number;
}

/** A packet of 44 (TCP) or 32 (UDP) bytes with correct checksums. */
function packet({ protocol = IPPROTO_TCP, unchecked = false, ...flow }: Flow): Uint8Array {
  const data = new Uint8Array(4);
  if (protocol === IPPROTO_TCP) return tcpPacket({ ...flow, flags: TCP_ACK, data });
  const datagram = buildIpv4({ ...flow, protocol }, buildUdp(flow.sport, flow.dport, data));
  return unchecked ? datagram : withChecksum(datagram);
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const place = (stitcher: Stitcher, bytes: Uint8Array) => stitcher.place(viewOf(bytes), 0, bytes.length);

/** Addresses and ports of a packet, as text. */
function flowOf(bytes: Uint8Array): string {
  const view = viewOf(bytes);
  const end = (at: number, portAt: number) => `${bytes.slice(at, at + 4).join('.')}:${view.getUint16(portAt)}`;
  return `${end(12, 20)} > ${end(16, 22)}`;
}

function hasRightChecksums(bytes: Uint8Array): boolean {
  const view = viewOf(bytes);
  const pseudo = pseudoHeaderSum(view, 0, bytes[9], bytes.length - 20);
  return internetChecksum(view, 0, 20) === 0 && internetChecksum(view, 20, bytes.length - 20, pseudo) === 0;
}

const request: Flow = { source: '203.0.113.7', destination: '192.0.2.10', sport: 51515, dport: 36379 };
const translated: Flow = { source: '203.0.113.7', destination: '172.17.0.3', sport: 51515, dport: 6379 };
/** The reply as it is in a client's capture. */
const reply: Flow = { source: '192.0.2.10', destination: '203.0.113.7', sport: 36379, dport: 51515 };

Stitch('places a packet where the host routes to its sender', () => {
  const stitcher = dockerHost();
  const from = (source: string) => place(stitcher, packet({ ...request, source }));
  assert.is(from('203.0.113.7'), ETH0);
  assert.is(from('172.17.9.9'), DOCKER0);
  assert.is(from('192.0.2.10'), STITCH_LOCAL);
  assert.is(from('127.0.0.1'), STITCH_LOCAL);
  assert.is(from('198.51.100.127'), VPN, 'the first of two equal prefixes');
  assert.is(from('198.51.100.128'), ETH0);
  const alone = new Stitcher([], [{ network: address('10.0.0.0'), prefixLength: 8, dev: ETH0 }]);
  assert.is(place(alone, packet(request)), STITCH_NOWHERE);
});

for (const protocol of [6, 17] as const) {
  Stitch(`the reply to a translated packet is what its sender would send, protocol ${protocol}`, () => {
    const stitcher = dockerHost();
    assert.is(place(stitcher, packet({ ...request, protocol })), ETH0);
    const out = packet({ ...translated, protocol });
    stitcher.learn(out, 0, out.length);

    const bytes = packet({ ...reply, protocol });
    assert.is(place(stitcher, bytes), DOCKER0);
    assert.is(flowOf(bytes), '172.17.0.3:6379 > 203.0.113.7:51515');
    assert.ok(hasRightChecksums(bytes));
  });
}

Stitch('a UDP reply without a checksum stays without one', () => {
  const stitcher = dockerHost();
  place(stitcher, packet({ ...request, protocol: 17 }));
  const out = packet({ ...translated, protocol: 17 });
  stitcher.learn(out, 0, out.length);
  const bytes = packet({ ...reply, protocol: 17, unchecked: true });
  place(stitcher, bytes);
  assert.is(flowOf(bytes), '172.17.0.3:6379 > 203.0.113.7:51515');
  assert.is(viewOf(bytes).getUint16(26), 0);
});

Stitch('a wrong checksum stays wrong by the same difference', () => {
  const stitcher = dockerHost();
  place(stitcher, packet(request));
  const out = packet(translated);
  stitcher.learn(out, 0, out.length);
  const right = packet(reply);
  const wrong = packet(reply);
  // In one's complement, 0x4000 more or less.
  const offBy = right[36] & 0x40 ? 0xffff - 0x4000 : 0x4000;
  wrong[36] ^= 0x40;
  place(stitcher, right);
  place(stitcher, wrong);
  assert.not(hasRightChecksums(wrong));
  const checksum = (bytes: Uint8Array) => viewOf(bytes).getUint16(36);
  assert.is((checksum(wrong) - checksum(right) + 0xffff) % 0xffff, offBy);
});

Stitch('the translation is learned from the first output of the same protocol, and only once', () => {
  const stitcher = dockerHost();
  place(stitcher, packet(request));
  const foreign = packet({ ...translated, protocol: 17 });
  stitcher.learn(foreign, 0, foreign.length);
  for (const dport of [6379, 7000]) {
    const out = packet({ ...translated, dport });
    stitcher.learn(out, 0, out.length);
  }
  place(stitcher, packet(request));
  const later = packet({ ...translated, dport: 8000 });
  stitcher.learn(later, 0, later.length);
  const bytes = packet(reply);
  place(stitcher, bytes);
  assert.is(flowOf(bytes), '172.17.0.3:6379 > 203.0.113.7:51515');
});

Stitch('fragments are neither learned from nor rewritten', () => {
  const stitcher = dockerHost();
  place(stitcher, packet({ ...request, fragment: 0x2000 }));
  const out = packet(translated);
  stitcher.learn(out, 0, out.length);
  const bytes = packet(reply);
  assert.is(place(stitcher, bytes), STITCH_LOCAL);
  assert.is(flowOf(bytes), '192.0.2.10:36379 > 203.0.113.7:51515');
});

Stitch('distinguishes many translations', () => {
  const stitcher = dockerHost();
  const ports = Array.from({ length: 20_000 }, (_, n) => 1024 + n);
  for (const sport of ports) {
    place(stitcher, packet({ ...request, sport }));
    const out = packet({ ...translated, sport, dport: portToLoaded(sport) });
    stitcher.learn(out, 0, out.length);
  }
  for (const dport of ports) {
    const bytes = packet({ ...reply, dport });
    assert.is(place(stitcher, bytes), DOCKER0);
    assert.is(flowOf(bytes), `172.17.0.3:${portToHostOrder(dport)} > 203.0.113.7:${dport}`);
  }
});

Stitch('a reply whose checksum was left to the network card is rewritten unfinished', () => {
  for (const protocol of [6, 17] as const) {
    const stitcher = dockerHost();
    place(stitcher, packet({ ...request, protocol }));
    stitcher.learn(packet({ ...translated, protocol }), 0, 44);
    const { source, destination, sport, dport } = request;
    const reply = unfinished(
      packet({ source: destination, destination: source, sport: dport, dport: sport, protocol }),
    );
    place(stitcher, reply);
    assert.is(flowOf(reply), '172.17.0.3:6379 > 203.0.113.7:51515');
    assert.equal([...reply], [...unfinished(reply)]);
  }
});

Stitch.run();
