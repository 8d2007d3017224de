/** Random hosts' rules, packets that arrive or that the host sends, and others that are much like them. */
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPV4_DF } from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import type { Emulator } from '../../core/emulator.js';
import type { ValueField } from '../../core/fields.js';
import type { Traversal } from '../../core/flow/traversal.js';
import { HOOK_NAMES, Hook, TABLE_HOOKS, type TableName } from '../../core/hooks.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { Packet, PacketType } from '../../core/packet.js';
import { setBytes } from '../packets/packet-of.js';
import { withChecksum, withHeaderChecksum } from '../packets/packets.js';
import { pick, type Random } from '../random.js';
import { randomBytes, randomConditions } from '../rules/random.js';

/** Around the addresses and interfaces of test/rules/random.ts: 10.0.0.1 is the host's own. */
export const HOST_TEXT = JSON.stringify({
  addr: [
    { ifname: 'eth0', mtu: 68, addresses: [['192.168.1.254', 24]] },
    { ifname: 'eth1', mtu: 1500, addresses: [['10.0.0.1', 24]] },
    { ifname: 'docker0', mtu: 1500, addresses: [['10.1.0.254', 16]] },
  ].map(({ ifname, mtu, addresses }, i) => ({
    ifname,
    mtu,
    address: `02:00:00:00:00:1${i}`,
    addr_info: addresses.map(([local, prefixlen]) => ({ family: 'inet', local, prefixlen })),
  })),
  route: [
    { dst: '8.0.0.0/8', gateway: '192.168.1.77', dev: 'eth0' },
    { type: 'blackhole', dst: '8.9.0.0/16' },
  ],
});
export const HOST = loadHost(HOST_TEXT, 'host.json');

const TARGETS: Readonly<Record<TableName, readonly string[]>> = {
  raw: ['-j ACCEPT', '', '', '-j DROP'],
  mangle: [
    '-j MARK --set-xmark 0x1/0xf',
    '-j CONNMARK --restore-mark',
    '-j CONNMARK --set-xmark 0x3/0x3',
    '-j CONNMARK --save-mark',
    '-j ACCEPT',
    '',
    '-j LOG',
  ],
  nat: ['-j ACCEPT', ''],
  filter: ['-j ACCEPT', '-j ACCEPT', '', '-j DROP', '-j REJECT'],
  security: ['-j ACCEPT', ''],
};
const DESTINATIONS = ['-j DNAT --to-destination 10.1.0.1', '-j DNAT --to-destination 10.0.0.2-10.0.0.3', '-j REDIRECT'];
const PORT_DESTINATIONS = [
  '-p tcp -j DNAT --to-destination 10.1.0.1:80',
  '-p udp -j REDIRECT --to-ports 53',
  '-p tcp -j DNAT --to-destination :443',
  '-p udp -j DNAT --to-destination 10.1.0.1:50-60',
];
const SOURCES = ['-j MASQUERADE', '-j SNAT --to-source 10.0.0.1', '-p tcp -j SNAT --to-source 10.0.0.1:2000-3000'];

export function randomRules(random: Random): string {
  const table = (name: TableName): string[] => [
    `*${name}`,
    ':v - [0:0]',
    ...TABLE_HOOKS[name].flatMap((hook) => {
      const chain = HOOK_NAMES[hook];
      // Only the table raw drops packets before conntrack.
      const dropsOneIn = name === 'filter' ? 4 : name === 'raw' ? 8 : 0;
      const policy = dropsOneIn > 0 && random(dropsOneIn) === 0 ? 'DROP' : 'ACCEPT';
      const isRare = name === 'raw' || name === 'security';
      const rules = Array.from({ length: random(isRare ? 2 : 5) }, () => {
        const target = pick(random, [...TARGETS[name], '-j v']);
        return `-A ${chain} ${randomConditions(random, hook, random(2) === 0)}${target}`;
      });
      if (name === 'nat') rules.push(...natRules(random, chain));
      return [`:${chain} ${policy} [0:0]`, ...rules];
    }),
    ...Array.from(
      { length: random(3) },
      () => `-A v ${randomConditions(random, Hook.FORWARD, true)}${pick(random, TARGETS[name])}`,
    ),
    'COMMIT',
  ];
  const names: TableName[] = ['raw', 'mangle', 'nat', 'filter', 'security'];
  return [...names.filter((name) => random(name === 'filter' ? 8 : 3) > 0).flatMap(table), ''].join('\n');
}

function natRules(random: Random, chain: string): string[] {
  if (random(2) === 0) return [];
  if (chain === 'PREROUTING' || chain === 'OUTPUT') {
    if (random(2) === 0) return [`-A ${chain} ${pick(random, PORT_DESTINATIONS)}`];
    return [`-A ${chain} ${pick(random, ['', '-s 10.0.0.0/8 ', '-d 8.0.0.0/8 '])}${pick(random, DESTINATIONS)}`];
  }
  return chain === 'POSTROUTING' ? [`-A ${chain} ${pick(random, SOURCES)}`] : [];
}

/** What goes into a host. */
export interface Arrival {
  readonly bytes: Buffer;
  /** Its interface; undefined: the host itself sends it. */
  readonly dev: number | undefined;
  readonly type: PacketType;
}

export function randomArrival(random: Random): Arrival {
  const bytes = Buffer.concat([randomBytes(random), Buffer.alloc(random(3) === 0 ? 4 * random(15) : 0)]);
  if (random(2) === 0) bytes.writeUInt16BE(IPV4_DF, 6);
  const type = random(8) === 0 ? pick(random, [PacketType.BROADCAST, PacketType.MULTICAST]) : PacketType.HOST;
  const isLocal = random(4) === 0;
  return isLocal
    ? { bytes: finished(bytes), dev: undefined, type: PacketType.HOST }
    : { bytes: finished(bytes), dev: 1 + random(3), type };
}

/** BYTES with lengths and checksums that fit. */
function finished(bytes: Buffer): Buffer {
  bytes.writeUInt16BE(bytes.length, 2);
  if (bytes[9] === IPPROTO_UDP && bytes.length >= 28) bytes.writeUInt16BE(bytes.length - 20, 24);
  if (bytes[9] === IPPROTO_ICMP && bytes.length >= 28) {
    bytes.writeUInt16BE(0, 22);
    let sum = 0;
    for (let at = 20; at < bytes.length; at += 2) sum += (bytes[at] << 8) | (bytes[at + 1] ?? 0);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    bytes.writeUInt16BE(~sum & 0xffff, 22);
  }
  return withHeaderChecksum([IPPROTO_TCP, IPPROTO_UDP].includes(bytes[9]) ? withChecksum(bytes) : bytes);
}

/** Where fields are in a packet without IP options, and how many bytes they have. */
const PLACES: Partial<Record<ValueField, readonly [at: number, bytes: number]>> = {
  source: [12, 4],
  destination: [16, 4],
  sport: [20, 2],
  dport: [22, 2],
  tos: [1, 1],
  ttl: [8, 1],
  tcpFlags: [33, 1],
  icmpType: [20, 2],
  protocol: [9, 1],
};
const PORT_PROTOCOLS = [IPPROTO_TCP, IPPROTO_UDP, 132];

/** ARRIVAL with some fields changed: to what TRAVERSAL allows, or to what another packet has. */
export function drawOther(random: Random, { bytes, dev, type }: Arrival, { fields }: Traversal): Arrival {
  const another = randomArrival(random);
  let made = Buffer.from(bytes);
  let [madeDev, madeType] = [dev, type];
  for (let i = 1 + random(4); i > 0; i--) {
    const name = pick(random, [...Object.keys(PLACES), 'length', 'inDev', 'packetType', 'df'] as (ValueField | 'df')[]);
    const place = name === 'df' ? undefined : PLACES[name];
    if (name === 'df') made.writeUInt16BE(made.readUInt16BE(6) ^ IPV4_DF, 6);
    else if (name === 'length') made = Buffer.concat([made, Buffer.alloc(random(40))]);
    else if (name === 'inDev') madeDev = dev === undefined ? undefined : 1 + random(3);
    else if (name === 'packetType') madeType = dev === undefined ? PacketType.HOST : another.type;
    else if (place !== undefined) {
      const [at, length] = place;
      const protocol = made[9];
      if ((name === 'sport' || name === 'dport') && !PORT_PROTOCOLS.includes(protocol)) continue;
      if ((name === 'tcpFlags' && protocol !== IPPROTO_TCP) || (name === 'icmpType' && protocol !== IPPROTO_ICMP))
        continue;
      if (at + length > Math.min(made.length, another.bytes.length)) continue;
      const ranges = fields.get(name as ValueField)?.ranges ?? [{ min: 0, max: 256 ** length - 1 }];
      if (random(4) === 0 || ranges.length === 0) another.bytes.copy(made, at, at, at + length);
      else {
        const { min, max } = pick(random, ranges);
        made.writeUIntBE(pick(random, [min, max, min + random(max - min + 1)]), at, length);
      }
    }
  }
  return { bytes: finished(made), dev: madeDev, type: madeType };
}

/** ARRIVAL from SOURCE. */
export function withSource({ bytes, ...place }: Arrival, source: string): Arrival {
  const made = Buffer.from(bytes);
  made.set(source.split('.').map(Number), 12);
  return { bytes: finished(made), ...place };
}

export function packetOfArrival({ bytes, dev, type }: Arrival): Packet {
  const packet = new Packet();
  setBytes(packet, bytes);
  packet.inDev = dev ?? -1;
  packet.type = type;
  return packet;
}

export function enter(emulator: Emulator, { bytes, dev, type }: Arrival, number: number): void {
  const frame = new Frame({ bytes: Buffer.from(bytes), linktype: Linktype.RAW, dev: dev ?? -1, tsSec: 100 + number });
  frame.packetType = type;
  if (dev === undefined) emulator.send(frame);
  else emulator.receive(frame);
}

/** The answer to ARRIVAL, as if it had left as it came. */
export function answerTo(random: Random, { bytes, dev }: Arrival): Arrival {
  const made = Buffer.from(bytes);
  bytes.copy(made, 12, 16, 20);
  bytes.copy(made, 16, 12, 16);
  if (PORT_PROTOCOLS.includes(made[9]) && made.length >= 24) {
    bytes.copy(made, 20, 22, 24);
    bytes.copy(made, 22, 20, 22);
  }
  if (made[9] === IPPROTO_TCP && made.length >= 34) made[33] = 0x12;
  if (made[9] === IPPROTO_ICMP && made.length >= 28) made[20] = 0;
  return { bytes: finished(made), dev: dev === undefined ? 1 : 1 + random(3), type: PacketType.HOST };
}
