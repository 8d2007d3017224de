/** Captures that are not, or cannot be followed as, what arrived on the interface that they are given for. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import type { EmulatorEngine } from '../../core/emulator.js';
import { NotFollowedError, ReplayOptionsError } from '../../replay/errors.js';
import { replay } from '../../replay/replay.js';
import type { Summary } from '../../replay/summary.js';
import { PcapngBlocks, pcap } from '../codecs/capture-files.js';
import { buildFrame, buildIpv4, buildUdp, withChecksum } from '../packets/packets.js';

const Arrivals = suite('arrivals');

/** The data plane sees frames before JavaScript does, in batches. */
const ENGINES: readonly EmulatorEngine[] = ['remembered', 'interpreter'];

interface Link {
  readonly name: string;
  readonly last: number;
  readonly address?: string;
  readonly more?: object;
}

/** An entry of `ip -j -d addr`. The MAC address ends with LAST. */
const link = ({ name, last, address, more }: Link): object => ({
  ifname: name,
  ifindex: last,
  address: mac(last),
  ...more,
  addr_info: address === undefined ? [] : [{ family: 'inet', local: address, prefixlen: 24 }],
});

const mac = (last: number): string => `02:00:00:00:00:${last.toString(16).padStart(2, '0')}`;
const macBytes = (text: string): Buffer => Buffer.from(text.replaceAll(':', ''), 'hex');

const ETH0 = 0x10;
const LAN0 = 0x20;
const OUTSIDE = 0x99;
const PLAIN: readonly Link[] = [
  { name: 'eth0', last: ETH0, address: '203.0.113.10' },
  { name: 'lan0', last: LAN0, address: '192.168.0.1' },
];

const PACKET = withChecksum(
  buildIpv4({ source: 0xc0a8_0005, destination: 0xcb00_7105, protocol: 17 }, buildUdp(5000, 53, Buffer.from('?'))),
);

const frame = (source: number, destination: number): Buffer =>
  buildFrame(macBytes(mac(destination)), macBytes(mac(source)), PACKET);
const arrival = frame(OUTSIDE, LAN0);
const departure = frame(LAN0, OUTSIDE);

let dir = '';
Arrivals.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-arrivals-'));
});
Arrivals.after(() => rmSync(dir, { recursive: true }));

interface Given {
  readonly links?: readonly Link[];
  readonly iface?: string;
  readonly lax?: boolean;
  readonly host?: object;
}

function run(file: Uint8Array, engine: EmulatorEngine, given: Given = {}): Summary {
  const { links = PLAIN, iface = 'lan0', lax = false, host = {} } = given;
  const path = join(dir, 'in.pcap');
  const hostPath = join(dir, 'host.json');
  const rulesPath = join(dir, 'rules.v4');
  writeFileSync(path, file);
  writeFileSync(hostPath, JSON.stringify({ addr: links.map(link), sysctl: { 'net.ipv4.ip_forward': 1 }, ...host }));
  writeFileSync(rulesPath, '*filter\nCOMMIT\n');
  return replay({ rulesPath, hostPath, inputs: [{ iface, path }], engine, lax });
}

const capture = (frames: readonly Uint8Array[], linktype: number = Linktype.ETHERNET): Buffer =>
  pcap({ linktype, records: frames.map((bytes, i) => [100 + i, 0, bytes]) });

/** FILE is refused with a message like WANTED in every engine. */
function refuses(file: Uint8Array, wanted: RegExp, given: Given & { unsupported?: boolean } = {}): void {
  for (const engine of ENGINES) {
    assert.throws(
      () => run(file, engine, given),
      (error: unknown) => {
        assert.instance(error, given.unsupported ? NotFollowedError : ReplayOptionsError);
        assert.match((error as Error).message, wanted);
        return true;
      },
      engine,
    );
  }
}

/** All frames of FILE but those in SKIPPED enter the host. */
function takes(file: Uint8Array, packets: number, skipped: Record<string, number> = {}, given: Given = {}): void {
  for (const engine of ENGINES) {
    const summary = run(file, engine, given);
    assert.equal(summary.skipped, skipped, engine);
    assert.is(summary.packets.read - summary.packets.skipped, packets, engine);
  }
}

Arrivals('a frame from the interface itself is refused, by its number', () => {
  const some = Array.from({ length: 70 }, () => arrival);
  const message = /in\.pcap: frame 71 left by lan0: .*tcpdump -i lan0 -Q in.*--capture/;
  refuses(capture([...some, departure, arrival]), message);
  refuses(capture([departure]), /frame 1 left by lan0/);
  // The number is that in the file, wherever the captures in it begin.
  const [first, second] = [capture(some), capture([arrival, departure])];
  refuses(Buffer.concat([first, second]), /frame 72 left by lan0/);
  refuses(Buffer.concat([first, pcap({ isLittleEndian: false, records: [[900, 0, departure]] })]), /frame 71 left/);
});

Arrivals('what comes back to everybody, or is for the interface itself, is no departure', () => {
  const toAll = buildFrame(Buffer.alloc(6, 0xff), macBytes(mac(LAN0)), PACKET);
  takes(capture([arrival, toAll, frame(LAN0, LAN0)]), 3);
  const arp = buildFrame(macBytes(mac(OUTSIDE)), macBytes(mac(LAN0)), PACKET);
  arp.writeUInt16BE(0x0806, 12);
  takes(capture([arp]), 0, { arp: 1 });
});

const sll = (type: number): Buffer => Buffer.from(`000${type}0001000602000000999900000800`, 'hex');
const sll2 = (type: number, ifindex: number): Buffer =>
  Buffer.from(`08000000${ifindex.toString(16).padStart(8, '0')}00010${type}060200000099990000`, 'hex');

Arrivals('cooked captures are taken as far as their packets arrived on the interface', () => {
  const cooked = (header: Buffer): Buffer => Buffer.concat([header, PACKET]);
  takes(capture([cooked(sll(0)), cooked(sll(1))], Linktype.LINUX_SLL), 2);
  refuses(capture([cooked(sll(0)), cooked(sll(4))], Linktype.LINUX_SLL), /frame 2 was sent by the captured host; --in/);
  takes(capture([cooked(sll2(0, LAN0))], Linktype.LINUX_SLL2), 1);
  refuses(capture([cooked(sll2(4, LAN0))], Linktype.LINUX_SLL2), /frame 1 was sent by the captured host/);
  refuses(capture([cooked(sll2(0, ETH0))], Linktype.LINUX_SLL2), /frame 1 was captured on eth0, not on lan0/);
  refuses(capture([cooked(sll2(0, 77))], Linktype.LINUX_SLL2), /frame 1 was captured on interface 77, not on lan0/);
});

Arrivals('without ifindex in the host file, a cooked capture of several interfaces is noticed all the same', () => {
  const links = PLAIN.map((plain) => ({ ...plain, more: { ifindex: undefined } }));
  const cooked = (ifindex: number): Buffer => Buffer.concat([sll2(0, ifindex), PACKET]);
  takes(capture([cooked(7), cooked(7)], Linktype.LINUX_SLL2), 2, {}, { links });
  refuses(capture([cooked(7), cooked(8)], Linktype.LINUX_SLL2), /frame 2 was captured on interface 8, not/, { links });
  refuses(capture([cooked(1)], Linktype.LINUX_SLL2), /frame 1 was captured on interface 1, not on lan0/, { links });
});

Arrivals('a pcapng of other interfaces, or of both directions, is refused', () => {
  const blocks = new PcapngBlocks();
  const file = (names: string[], packets: [index: number, flags?: number][]): Buffer =>
    Buffer.concat([
      blocks.section(),
      ...names.map((name) => blocks.interface(1, { name })),
      ...packets.map(([index, flags], i) =>
        blocks.packet(index, BigInt(100 + i) * 1_000_000n, arrival, flags === undefined ? {} : { flags }),
      ),
    ]);
  takes(file(['lan0'], [[0], [0, 1]]), 2);
  // A name that the host does not have may be that of a mirror port.
  takes(file(['en5'], [[0]]), 1);
  refuses(
    file(
      ['lan0'],
      [
        [0, 1],
        [0, 2],
      ],
    ),
    /frame 2 was sent, as the capture says/,
  );
  refuses(file(['eth0'], [[0]]), /frame 1 was captured on eth0, as the capture says, not on lan0/);
  refuses(file(['lan0', 'en5'], [[0], [1]]), /frame 2 was captured on en5, as the capture says, not on lan0/);
});

Arrivals('NFLOG packets that the host sent are refused', () => {
  const logged = (hook: number, inDev: number): Buffer =>
    Buffer.concat([
      Buffer.from(`0200000008000100080 0${hook.toString().padStart(2, '0')}00`.replace(' ', ''), 'hex'),
      Buffer.from(`08000400${inDev.toString(16).padStart(8, '0')}`, 'hex'),
      Buffer.from([PACKET.length + 4, 0, 9, 0]),
      PACKET,
    ]);
  takes(capture([logged(0, LAN0)], Linktype.NFLOG), 1);
  refuses(capture([logged(4, LAN0)], Linktype.NFLOG), /frame 1 was sent/);
  refuses(capture([logged(1, ETH0)], Linktype.NFLOG), /frame 1 was captured on eth0/);
});

Arrivals('the port of a bridge, a bond or a VRF is refused if a packet arrives there', () => {
  const portOf = (kind: string): readonly Link[] => [
    ...PLAIN.slice(0, 1),
    { name: 'lan0', last: LAN0, more: { master: 'up0', linkinfo: { info_slave_kind: kind } } },
    { name: 'up0', last: 0x30, address: '192.168.0.1', more: { linkinfo: { info_kind: kind } } },
  ];
  for (const [kind, wanted, reason] of [
    ['bridge', /frame 1 arrives on lan0, a port of the bridge up0, .*tcpdump -i up0 -Q in\)$/, 'bridge-port'],
    ['bond', /frame 1 arrives on lan0, a port of the bond up0, .* --in up0=FILE/, 'bond-port'],
    ['vrf', /frame 1 arrives on lan0, which belongs to the VRF up0; VRFs are not supported/, 'vrf'],
  ] as const) {
    refuses(capture([arrival]), wanted, { links: portOf(kind), unsupported: true });
    takes(capture([arrival, arrival]), 0, { [reason]: 2 }, { links: portOf(kind), lax: true });
    takes(capture([]), 0, {}, { links: portOf(kind) });
  }
  refuses(capture([arrival]), /frame 1 arrives on up0, a VRF/, {
    links: portOf('vrf'),
    iface: 'up0',
    unsupported: true,
  });
  takes(capture([frame(OUTSIDE, 0x30)]), 1, {}, { links: portOf('bridge'), iface: 'up0' });
  // Without -d, ip does not say what the master is.
  const bare = portOf('bridge').map(({ more: _, ...plain }, i) =>
    i === 1 ? { ...plain, more: { master: 'up0' } } : plain,
  );
  refuses(capture([arrival]), /frame 1 arrives on lan0, a port of up0, /, { links: bare, unsupported: true });
});

Arrivals('in a capture taken on the host, the packets of a VRF are skipped', () => {
  const links: readonly Link[] = [
    ...PLAIN,
    { name: 'lan1', last: 0x21, more: { master: 'red', linkinfo: { info_slave_kind: 'vrf' } } },
    { name: 'red', last: 0x31, address: '192.168.1.1', more: { linkinfo: { info_kind: 'vrf' } } },
  ];
  const records = [LAN0, 0x21, 0x31].map((ifindex) => Buffer.concat([sll2(0, ifindex), PACKET]));
  const path = join(dir, 'any.pcap');
  const hostPath = join(dir, 'host.json');
  const rulesPath = join(dir, 'rules.v4');
  writeFileSync(path, capture(records, Linktype.LINUX_SLL2));
  writeFileSync(hostPath, JSON.stringify({ addr: links.map(link), sysctl: { 'net.ipv4.ip_forward': 1 } }));
  writeFileSync(rulesPath, '*filter\nCOMMIT\n');
  const { skipped, packets } = replay({ rulesPath, hostPath, captures: [{ path }] });
  assert.equal([skipped, packets.read - packets.skipped], [{ vrf: 2 }, 1]);
});

Arrivals('the kinds of interfaces may be in the output of ip -d link', () => {
  const links = [...PLAIN.slice(0, 1), { name: 'lan0', last: LAN0, more: { master: 'up0' } }];
  const host = {
    link: [{ ifname: 'lan0', master: 'up0', linkinfo: { info_kind: 'veth', info_slave_kind: 'bridge' } }],
  };
  // A snapshot has the paths of sysctls.
  for (const name of ['net.bridge.bridge-nf-call-iptables', 'net/bridge/bridge-nf-call-iptables']) {
    refuses(capture([arrival]), /a port of the bridge up0, .*; with net\.bridge\.bridge-nf-call-iptables=1, /, {
      links,
      host: { ...host, sysctl: { [name]: 1 } },
      unsupported: true,
    });
  }
});

Arrivals('what only passes between the ports of a bridge is skipped', () => {
  const links = [...PLAIN.slice(0, 1), { ...PLAIN[1], more: { linkinfo: { info_kind: 'bridge' } } }];
  const neigh = [{ dst: '192.168.0.7', dev: 'lan0', lladdr: mac(0x77) }];
  takes(capture([arrival, frame(OUTSIDE, 0x77), arrival]), 2, { bridged: 1 }, { links, host: { neigh } });
});

/** FRAME with a tag. */
const tagged = (bytes: Buffer, vlanId: number): Buffer =>
  Buffer.concat([bytes.subarray(0, 12), Buffer.from([0x81, 0, vlanId >> 8, vlanId & 0xff]), bytes.subarray(12)]);

Arrivals('tagged frames are refused if the host has their VLAN, else skipped', () => {
  const links: readonly Link[] = [
    ...PLAIN,
    {
      name: 'lan0.100',
      last: LAN0,
      address: '192.168.100.1',
      more: { link: 'lan0', linkinfo: { info_kind: 'vlan', info_data: { protocol: '802.1Q', id: 100 } } },
    },
  ];
  refuses(capture([tagged(arrival, 7), tagged(arrival, 100)]), /frame 2 has the tag of VLAN 100, which lan0\.100 rec/, {
    ...{ links, unsupported: true },
  });
  takes(capture([tagged(arrival, 7), arrival]), 1, { vlan: 1 }, { links });
  takes(capture([tagged(arrival, 100), arrival]), 1, { vlan: 1 }, { links, lax: true });
  takes(capture([tagged(arrival, 100), arrival]), 1, { vlan: 1 });
  const arp = tagged(arrival, 100);
  arp.writeUInt16BE(0x0806, 16);
  takes(capture([arp]), 0, { vlan: 1 }, { links });
  // What was captured on the VLAN's own interface has no tag.
  takes(capture([arrival]), 1, {}, { links, iface: 'lan0.100' });
});

Arrivals('a VLAN is known by its name if ip was asked without -d', () => {
  const links: readonly Link[] = [...PLAIN, { name: 'lan0.100', last: LAN0, more: { link: 'lan0' } }];
  refuses(capture([tagged(arrival, 100)]), /frame 1 has the tag of VLAN 100, which lan0\.100 receives/, {
    ...{ links, unsupported: true },
  });
});

Arrivals('the two ends of a veth pair take no frames from each other', () => {
  const links: readonly Link[] = [
    ...PLAIN.slice(0, 1),
    { ...PLAIN[1], more: { link: 'peer0', linkinfo: { info_kind: 'veth' } } },
    { name: 'peer0', last: 0x41, more: { link: 'lan0', linkinfo: { info_kind: 'veth' } } },
  ];
  takes(capture([frame(OUTSIDE, 0x41)]), 1, {}, { links });
});

Arrivals('a PPP interface receives the packets of PPPoE sessions, the Ethernet interface below it does not', () => {
  const session = Buffer.concat([
    arrival.subarray(0, 12),
    Buffer.from('886411000007', 'hex'),
    Buffer.from([0, PACKET.length + 2, 0, 0x21]),
    PACKET,
  ]);
  const discovery = Buffer.from(session);
  discovery.writeUInt16BE(0x8863, 12);
  const lcp = Buffer.from(session);
  lcp.writeUInt16BE(0xc021, 20);
  const ppp0 = { name: 'ppp0', last: 0x50, address: '198.51.100.7', more: { link_type: 'ppp', address: undefined } };
  const links: readonly Link[] = [...PLAIN, ppp0];
  takes(capture([session, discovery, lcp]), 1, { pppoe: 2 }, { links, iface: 'ppp0' });
  takes(capture([session, discovery, arrival]), 1, { pppoe: 2 }, { links });
});

Arrivals('frames for a macvlan are refused on the interface below it', () => {
  const links: readonly Link[] = [
    ...PLAIN,
    { name: 'mv0', last: 0x40, address: '192.168.9.1', more: { link: 'lan0', linkinfo: { info_kind: 'macvlan' } } },
  ];
  refuses(capture([arrival, frame(OUTSIDE, 0x40)]), /frame 2 is for mv0, which takes its frames from lan0/, {
    ...{ links, unsupported: true },
  });
  takes(capture([frame(OUTSIDE, 0x40)]), 1, {}, { links, iface: 'mv0' });
});

Arrivals.run();
