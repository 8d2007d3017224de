import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { IPPROTO_UDP } from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { createEmulator, EMULATOR_ENGINES, type Emulator, type EmulatorEngine, Outcome } from '../../core/emulator.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { PacketType } from '../../core/packet.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { bytesEqual } from '../bytes.js';
import { buildFrame, buildIpv4, buildUdp, withChecksum } from '../packets/packets.js';

const Receive = suite('receive');

const ETH0_MAC = Buffer.from('020000000010', 'hex');
const LAN0_MAC = Buffer.from('020000000020', 'hex');
const CLIENT_MAC = Buffer.from('020000000021', 'hex');
const GATEWAY_MAC = Buffer.from('020000000001', 'hex');
const CLIENT = 0xc0a8_0005;
const SERVER = 0xc633_6409;

const host = loadHost(
  JSON.stringify({
    addr: [
      { ifname: 'eth0', address: '02:00:00:00:00:10', addr_info: [{ local: '203.0.113.10', prefixlen: 24 }] },
      { ifname: 'lan0', address: '02:00:00:00:00:20', addr_info: [{ local: '192.168.0.1', prefixlen: 24 }] },
    ].map((one) => ({ ...one, addr_info: one.addr_info.map((address) => ({ family: 'inet', ...address })) })),
    route: [{ dst: 'default', gateway: '203.0.113.1', dev: 'eth0' }],
    neigh: [{ dst: '203.0.113.1', dev: 'eth0', lladdr: '02:00:00:00:00:01' }],
    sysctl: { 'net.ipv4.ip_forward': 1 },
  }),
  'host.json',
);
const LAN0 = host.interfaceIndex('lan0');

function datagram(source: number, destination: number, ttl = 64): Buffer {
  return withChecksum(
    buildIpv4({ source, destination, ttl, protocol: IPPROTO_UDP }, buildUdp(5000, 53, Buffer.from('a question'))),
  );
}

/** An emulator without rules, and the frames that leave it. */
function router(engine: EmulatorEngine = 'remembered'): { emulator: Emulator; sent: Buffer[]; dropped: string[] } {
  const sent: Buffer[] = [];
  const dropped: string[] = [];
  const emulator = createEmulator(
    { ruleset: parseRuleset('*filter\nCOMMIT\n', 'rules.v4'), host, engine },
    {
      egress: (_dev, bytes, at, available) => sent.push(Buffer.from(bytes.subarray(at, at + available))),
      local() {},
      dropped: ({ cause }) => dropped.push(cause.reason),
    },
  );
  return { emulator, sent, dropped };
}

/** What the router sends for the packet, made by hand: with its MAC, the gateway's MAC, and the TTL decremented. */
const FORWARDED = buildFrame(GATEWAY_MAC, ETH0_MAC, datagram(CLIENT, SERVER, 63));

Receive('accepts frames of every supported link type', () => {
  const packet = datagram(CLIENT, SERVER);
  const headers: readonly (readonly [linktype: number, header: string])[] = [
    [Linktype.ETHERNET, '0200000000200200000000210800'],
    [Linktype.ETHERNET, '02000000002002000000002181000000' + '0800'],
    [Linktype.RAW, ''],
    [Linktype.IPV4, ''],
    [Linktype.NULL, '02000000'],
    [Linktype.LOOP, '00000002'],
    [Linktype.LINUX_SLL, '000000010006020000000021' + '00000800'],
    [Linktype.LINUX_SLL2, '080000000000000200010006020000000021' + '0000'],
  ];
  for (const [linktype, header] of headers) {
    const { emulator, sent } = router();
    emulator.receive(new Frame({ bytes: Buffer.concat([Buffer.from(header, 'hex'), packet]), dev: LAN0, linktype }));
    assert.is(emulator.outcome, Outcome.FORWARDED, `${linktype}: ${emulator.dropCause?.reason}`);
    bytesEqual(sent[0], FORWARDED, `link type ${linktype}`);
  }
});

Receive('does not modify bytes before a frame unless the caller permits it', () => {
  const packet = datagram(CLIENT, SERVER);
  for (const headroom of [0, 4, 13, 14, 20]) {
    const { emulator, sent } = router();
    const bytes = Buffer.concat([Buffer.alloc(20, 0xee), packet]);
    const frame = new Frame({ bytes, dev: LAN0, linktype: Linktype.RAW });
    frame.at = 20;
    frame.caplen = frame.wirelen = packet.length;
    frame.headroom = headroom;
    emulator.receive(frame);
    bytesEqual(sent[0], FORWARDED);
    const untouched = headroom >= 14 ? 20 - headroom : 20;
    bytesEqual(bytes.subarray(0, untouched), Buffer.alloc(untouched, 0xee), `headroom ${headroom}`);
  }
});

Receive('copies a packet that would need room before the start of the buffer', () => {
  const { emulator, sent } = router();
  const frame = new Frame({ bytes: datagram(CLIENT, SERVER), dev: LAN0, linktype: Linktype.RAW });
  frame.headroom = 14;
  emulator.receive(frame);
  bytesEqual(sent[0], FORWARDED);
});

Receive('accepts frames in a part of a larger buffer', () => {
  const { emulator, sent } = router();
  const pool = Buffer.alloc(200);
  const frame = buildFrame(LAN0_MAC, CLIENT_MAC, datagram(CLIENT, SERVER));
  pool.set(frame, 77);
  emulator.receive(new Frame({ bytes: pool.subarray(77, 77 + frame.length), dev: LAN0 }));
  bytesEqual(sent[0], FORWARDED);
});

Receive('reports why it skips a frame, and leaves the rest of the host unchanged', () => {
  const { emulator, sent, dropped } = router();
  emulator.receive(
    new Frame({ bytes: buildFrame(LAN0_MAC, CLIENT_MAC, datagram(CLIENT, SERVER)), dev: LAN0, tsSec: 7 }),
  );
  const arp = Buffer.from(`ffffffffffff0200000000210806${'00'.repeat(28)}`, 'hex');
  for (const enter of ['receive', 'send'] as const) {
    emulator[enter](new Frame({ bytes: arp, dev: LAN0, tsSec: 1000 }));
    assert.is(emulator.outcome, Outcome.SKIPPED);
    assert.is(emulator.skipReason, 'arp');
  }
  emulator.receive(new Frame({ bytes: arp, dev: LAN0, linktype: 105 }));
  assert.is(emulator.skipReason, 'unknown-linktype');
  assert.is(emulator.nowMs, 0);
  assert.is(emulator.slowPathPackets, 1);
  assert.is(sent.length, 1);
  assert.equal(dropped, []);
});

Receive('uses the destination of the frame, or the packet type that the caller specifies', () => {
  const { emulator, dropped } = router();
  const packet = datagram(CLIENT, SERVER);
  const broadcast = new Frame({ bytes: buildFrame(Buffer.alloc(6, 0xff), CLIENT_MAC, packet), dev: LAN0 });
  emulator.receive(broadcast);
  const elsewhere = new Frame({ bytes: buildFrame(LAN0_MAC, CLIENT_MAC, packet), dev: LAN0 });
  elsewhere.packetType = PacketType.OTHERHOST;
  emulator.receive(elsewhere);
  assert.equal(dropped, ['link-layer-broadcast', 'other-host']);
});

Receive('sends packets of the host itself, whatever link they were captured on', () => {
  const bare = datagram(0xcb00_710a, SERVER);
  for (const [linktype, bytes] of [
    [Linktype.RAW, bare],
    [Linktype.ETHERNET, buildFrame(GATEWAY_MAC, ETH0_MAC, bare)],
  ] as const) {
    const { emulator, sent } = router();
    emulator.send(new Frame({ bytes: Buffer.from(bytes), linktype }));
    assert.is(emulator.outcome, Outcome.SENT);
    bytesEqual(sent[0], buildFrame(GATEWAY_MAC, ETH0_MAC, bare));
  }
});

Receive('refuses a frame on an interface that the host does not have', () => {
  const { emulator } = router();
  const bytes = buildFrame(LAN0_MAC, CLIENT_MAC, datagram(CLIENT, SERVER));
  for (const dev of [-1, host.interfaces.length, Number.NaN]) {
    assert.throws(() => emulator.receive(new Frame({ bytes, dev })), /no interface of this index/);
  }
});

/** What makes a frame impossible, and the field that the error names. */
const IMPOSSIBLE: readonly (readonly [field: string, spoil: (frame: Frame) => void])[] = [
  ['at', (frame) => Object.assign(frame, { at: -1 })],
  ['at', (frame) => Object.assign(frame, { at: 0.5 })],
  ['caplen', (frame) => Object.assign(frame, { caplen: frame.bytes.length + 1, wirelen: 1500 })],
  ['caplen', (frame) => Object.assign(frame, { at: 1 })],
  ['caplen', (frame) => Object.assign(frame, { caplen: -1 })],
  ['caplen', (frame) => Object.assign(frame, { caplen: Number.NaN })],
  ['wirelen', (frame) => Object.assign(frame, { wirelen: frame.caplen - 1 })],
  ['wirelen', (frame) => Object.assign(frame, { wirelen: Number.POSITIVE_INFINITY })],
  ['headroom', (frame) => Object.assign(frame, { headroom: -1 })],
  ['headroom', (frame) => Object.assign(frame, { headroom: Number.NaN })],
  ['tsSec', (frame) => Object.assign(frame, { tsSec: Number.NaN })],
  ['tsSec', (frame) => Object.assign(frame, { tsSec: Number.POSITIVE_INFINITY })],
  ['tsNsec', (frame) => Object.assign(frame, { tsNsec: Number.NaN })],
  ['tsNsec', (frame) => Object.assign(frame, { tsNsec: -1 })],
  ['tsNsec', (frame) => Object.assign(frame, { tsNsec: 1_000_000_000 })],
];

for (const engine of EMULATOR_ENGINES) {
  Receive(`refuses an impossible frame and leaves the host unchanged: ${engine}`, () => {
    const { emulator, sent } = router(engine);
    for (const enter of ['receive', 'send'] as const) {
      for (const [field, spoil] of IMPOSSIBLE) {
        const bytes = buildFrame(LAN0_MAC, CLIENT_MAC, datagram(CLIENT, SERVER));
        const frame = new Frame({ bytes, dev: LAN0, tsSec: 1000 });
        const before = bytes.toString('hex');
        spoil(frame);
        assert.throws(
          () => emulator[enter](frame),
          (error: unknown) =>
            error instanceof RangeError && error.message.startsWith(`impossible frame: its ${field} `),
          `${enter}: ${spoil}`,
        );
        assert.is(bytes.toString('hex'), before);
      }
    }
    assert.is(emulator.slowPathPackets, 0);
    assert.is(sent.length, 0);
    // The clock starts with the first possible frame.
    const bytes = buildFrame(LAN0_MAC, CLIENT_MAC, datagram(CLIENT, SERVER));
    emulator.receive(new Frame({ bytes, dev: LAN0, tsSec: 2000 }));
    assert.is(emulator.nowMs, 0);
    bytesEqual(sent[0], FORWARDED);
  });
}

Receive.run();
