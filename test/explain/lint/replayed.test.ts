// What lint says of rules holds for packets that are replayed: a rule that can match does, one that cannot never does.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../../../codecs/layouts.js';
import { Linktype } from '../../../codecs/linktypes.js';
import { createEmulator } from '../../../core/emulator.js';
import { loadHost } from '../../../core/host/host.js';
import { Frame } from '../../../core/link/frame.js';
import { CtInfo } from '../../../core/packet.js';
import type { Ruleset } from '../../../core/rules/model.js';
import { parseRuleset } from '../../../core/rules/parse/parse.js';
import type { PacketSet } from '../../../core/rules/space/diagrams.js';
import { MOST_HEADER_BYTES, type PacketValues } from '../../../core/rules/space/encoding.js';
import type { PacketSpace } from '../../../core/rules/space/packet-space.js';
import { lint, reachOf } from '../../../explain/lint/lint.js';
import { buildIcmp, buildIpv4, buildTcp, buildUdp, withChecksum } from '../../packets/packets.js';
import { pick, type Random, seededRandom, testSeed } from '../../random.js';

const Replayed = suite('lint and packets');

const HOST = loadHost(
  JSON.stringify({
    addr: [
      { ifname: 'lo', link_type: 'loopback', addr_info: [{ family: 'inet', local: '127.0.0.1', prefixlen: 8 }] },
      {
        ifname: 'eth0',
        address: '02:00:00:00:00:01',
        addr_info: [{ family: 'inet', local: '192.0.2.10', prefixlen: 24 }],
      },
    ],
    route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'eth0' }],
  }),
  'host.json',
);
const OWN = 0xc000020a;
const USERS = ['a', 'b'];
const PORTS = [22, 53, 80, 443];
const SYN = 2;
const ECHO_REQUEST = 8 << 8;
/** 203.0.113.0/29 */
const CLIENTS = { min: 0xcb007100, max: 0xcb007107 };

function randomRules(random: Random): string {
  const maybe = (text: string): string => (random(3) === 0 ? `${random(3) === 0 ? '! ' : ''}${text} ` : '');
  const conditions = (): string => {
    const protocol = pick(random, ['', 'tcp', 'tcp', 'udp', 'icmp']);
    let text =
      maybe(`-s 203.0.113.${random(8)}/${pick(random, [29, 30, 31, 32])}`) + maybe('-i eth0') + maybe('-d 192.0.2.10');
    if (protocol !== '') text += `-p ${protocol} `;
    if (protocol === 'tcp' || protocol === 'udp') {
      text += maybe(`--dport ${pick(random, [...PORTS, '1:79', '80:65535', '0:65535'])}`);
      if (random(4) === 0) text += '-m multiport --dports 22,80:443 ';
    }
    if (protocol === 'icmp') text += maybe(`--icmp-type ${pick(random, [8, 0, 'any'])}`);
    return (
      text +
      maybe(`-m conntrack --ctstate ${pick(random, ['NEW', 'ESTABLISHED', 'NEW,RELATED'])}`).replace(
        '! -m conntrack',
        '-m conntrack !',
      )
    );
  };
  const lines = ['*filter', ...USERS.map((user) => `:${user} - [0:0]`)];
  for (const [chain, level] of [
    ['INPUT', 0],
    ['a', 1],
    ['b', 2],
  ] as const)
    for (let i = 2 + random(8); i > 0; i--) {
      const targets = ['-j ACCEPT', '-j DROP', '-j REJECT', '-j RETURN', '', '-j LOG'];
      const calls = USERS.slice(level).flatMap((user) => [`-j ${user}`, `-g ${user}`]);
      // Without a condition, nothing would be left for the rules behind it.
      lines.push(`-A ${chain} ${conditions() || '-s 203.0.113.4/30 '}${pick(random, [...targets, ...calls])}`);
    }
  return [...lines, 'COMMIT', ''].join('\n');
}

/** First packets of connections from clients to the host. */
function openings(space: PacketSpace): PacketSet {
  const { sets, encoding, devices } = space;
  const protocols = [
    sets.and(space.having('protocol', IPPROTO_TCP), space.having('tcpFlags', SYN)),
    space.having('protocol', IPPROTO_UDP),
    sets.and(space.having('protocol', IPPROTO_ICMP), space.having('icmpType', ECHO_REQUEST)),
  ];
  const others = [
    space.having('inDev', devices.indexOf('eth0') + 1),
    space.having('destination', OWN),
    space.having('ctinfo', CtInfo.NEW),
    encoding.within('source', [CLIENTS]),
    space.withHeader(MOST_HEADER_BYTES),
  ];
  return others.reduce(
    (all, one) => sets.and(all, one),
    protocols.reduce((all, one) => sets.or(all, one)),
  );
}

/** The packet with VALUES; what they leave open is random. */
function packetWith(values: PacketValues, random: Random): Buffer {
  const of = (name: Parameters<PacketValues['get']>[0], other: number): number => {
    const value = values.get(name);
    return value === undefined || value < 0 ? other : value;
  };
  const protocol = of('protocol', IPPROTO_TCP);
  const ports = { sport: of('sport', 1024 + random(60_000)), dport: of('dport', pick(random, PORTS)) };
  const data = new Uint8Array(MOST_HEADER_BYTES);
  const payload =
    protocol === IPPROTO_TCP
      ? buildTcp({ ...ports, flags: of('tcpFlags', SYN), options: new Uint8Array(12) })
      : protocol === IPPROTO_UDP
        ? buildUdp(ports.sport, ports.dport, data)
        : buildIcmp(8, of('icmpType', ECHO_REQUEST) & 0xff, random(0xffff), 1, data);
  const source = of('source', CLIENTS.min + random(8));
  const packet = buildIpv4({ source, destination: of('destination', OWN), protocol }, payload);
  return protocol === IPPROTO_ICMP ? packet : withChecksum(packet);
}

/** What happens to PACKETS under RULESET: how many each rule of its table matched. */
function matchesOf(ruleset: Ruleset, packets: Iterable<Buffer>): Float64Array {
  const emulator = createEmulator({ ruleset, host: HOST }, { egress() {}, local() {}, dropped() {} });
  const dev = HOST.interfaceIndex('eth0');
  let tsSec = 100;
  for (const bytes of packets) emulator.receive(new Frame({ bytes, linktype: Linktype.RAW, dev, tsSec: tsSec++ }));
  return emulator.counters.get('filter')!.rules;
}

function* randomOpenings(random: Random): Generator<Buffer> {
  for (let i = 0; i < 10_000; i++) {
    const protocol = pick(random, [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP]);
    yield packetWith(
      new Map([
        ['protocol', protocol],
        ['dport', random(3) === 0 ? random(0x10000) : pick(random, PORTS)],
      ]),
      random,
    );
  }
}

Replayed('a rule that can match an opening packet matches its example, others match none of 10,000', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  let reached = 0;
  let never = 0;
  for (let round = 0; round < 8; round++) {
    const random = seededRandom(seed + round);
    const text = randomRules(random);
    const ruleset = parseRuleset(text, 'rules.v4');
    const [table] = ruleset.tables;
    const reach = reachOf(table, ruleset, HOST, 1 << 22);
    const opening = openings(reach.space);
    const reported = new Set(
      lint(ruleset, HOST)
        .findings.filter(({ message }) => message.startsWith('never m'))
        .map(({ rules: [{ line }] }) => line),
    );
    const counts = matchesOf(ruleset, randomOpenings(random));
    for (const rule of table.rules) {
      const about = `seed ${seed}, round ${round}, line ${rule.line}\n${text}`;
      if (reported.has(rule.line)) assert.not(reach.matches(rule), about);
      if (!reach.matches(rule, opening)) {
        never++;
        assert.is(counts[rule.index * 2], 0, about);
        continue;
      }
      reached++;
      const example = packetWith(reach.space.encoding.example(reach.matched(rule, opening)), random);
      assert.is.not(matchesOf(ruleset, [example])[rule.index * 2], 0, about);
    }
  }
  assert.ok(reached > 3 && never > 3, `${reached} reached, ${never} not`);
});

Replayed.run();
