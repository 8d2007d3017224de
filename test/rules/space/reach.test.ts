// Sets of packets say exactly what the interpreter does: which packets a rule matches, of random rules and packets.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ABSENT, readField, type ValueField } from '../../../core/fields.js';
import { HOOK_NAMES, TABLE_HOOKS } from '../../../core/hooks.js';
import type { Packet } from '../../../core/packet.js';
import type { RuleContext } from '../../../core/rules/context.js';
import { createCounters, type Table } from '../../../core/rules/model.js';
import { parseRuleset } from '../../../core/rules/parse/parse.js';
import { buildTable } from '../../../core/rules/run/build.js';
import { deviceNames } from '../../../core/rules/space/devices.js';
import { ALL_PACKETS, NO_PACKETS, type PacketSet } from '../../../core/rules/space/diagrams.js';
import { HEADER_BYTES, MOST_HEADER_BYTES } from '../../../core/rules/space/encoding.js';
import { PacketSpace } from '../../../core/rules/space/packet-space.js';
import { testedFields } from '../../../core/rules/space/rule-sets.js';
import { TableReach } from '../../../core/rules/space/table-reach.js';
import { pick, type Random, seededRandom, testSeed } from '../../random.js';
import { dressPacket, INTERFACES, packetOf, randomBytes, randomConditions, sharing, testContext } from '../random.js';

const Reach = suite('sets of packets');

const CONNECTIONS = 20;
const TARGETS = [
  '-j ACCEPT',
  '-j DROP',
  '-j REJECT',
  '-j RETURN',
  '',
  '-j MARK --set-xmark 0x1/0xf',
  '-j TOS --set-tos 8/63',
];
const USERS = ['a', 'b', 'c'];

/** A table of random rules. CONDITIONS makes those of one rule. */
function randomTable(
  random: Random,
  name: 'filter' | 'mangle',
  conditions: (hook: 0 | 1 | 2 | 3 | 4) => string,
): string {
  const lines = [`*${name}`, ...USERS.map((user) => `:${user} - [0:0]`)];
  const targets = name === 'filter' ? TARGETS.slice(0, 5) : TARGETS.filter((target) => target !== '-j REJECT');
  const chains = [
    ...TABLE_HOOKS[name].map((hook) => [HOOK_NAMES[hook], hook, 0] as const),
    ...USERS.map((user, i) => [user, 2, i + 1] as const),
  ];
  for (const [chain, hook, level] of chains)
    for (let i = random(8); i > 0; i--) {
      const calls = USERS.slice(level).flatMap((user) => [`-j ${user}`, `-g ${user}`]);
      const tests = level === 0 ? conditions(hook) : conditions(hook).replace(/(! )?-[io] \S+ /g, '');
      lines.push(`-A ${chain} ${tests}${pick(random, [...targets, ...calls])}`);
    }
  return [...lines, 'COMMIT', ''].join('\n');
}

function reachOf(table: Table): TableReach {
  const space = new PacketSpace({
    fields: testedFields([table]),
    devices: deviceNames([table], INTERFACES),
    addresses: undefined,
    maxNodes: 1 << 22,
  });
  return new TableReach(table, space, () => ALL_PACKETS);
}

/** The value of NAME; undefined: the packet is cut before it. */
function fieldValue(name: ValueField, packet: Packet, context: RuleContext): number | undefined {
  try {
    const value = readField(name, packet, context);
    return Number.isInteger(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The set that holds what PACKET is to rules, and nothing else. */
function setOf({ encoding, sets, devices }: PacketSpace, packet: Packet, context: RuleContext): PacketSet {
  let set = ALL_PACKETS;
  for (const name of encoding.dimensions) {
    let value =
      name === HEADER_BYTES ? Math.min(packet.l4Available, MOST_HEADER_BYTES) : fieldValue(name, packet, context);
    // Not there, so that no rule gets to it.
    if (value === undefined) continue;
    // Interfaces have other numbers in the space.
    if (name === 'inDev' || name === 'outDev') value = value === 0 ? 0 : devices.indexOf(INTERFACES[value - 1]) + 1;
    const part =
      value === ABSENT ? sets.not(encoding.present(name)) : encoding.within(name, [{ min: value, max: value }]);
    set = sets.and(set, part);
  }
  return set;
}

/** Runs PACKETS random packets through TABLE; TELL hears which rules matched each. */
function runPackets(
  table: Table,
  random: Random,
  packets: number,
  tell: (packet: () => PacketSet, matched: readonly boolean[]) => void,
  space: PacketSpace,
): void {
  const context = { ...testContext(random, CONNECTIONS), shared: sharing() };
  const counters = createCounters(table);
  const program = buildTable(table, context, counters, 'interpreter');
  for (let i = 0; i < packets; i++) {
    const packet = packetOf(randomBytes(random));
    if (random(20) === 0) packet.view.setUint16(6, pick(random, [1, 2]));
    packet.reload();
    const hook = pick(random, TABLE_HOOKS[table.name]);
    dressPacket(packet, random, hook, CONNECTIONS);
    const before = Float64Array.from(counters.rules);
    const set = setOf(space, packet, context);
    program.run(packet, hook);
    // A chain may be traversed twice.
    tell(
      () => set,
      table.rules.map((rule) => counters.rules[rule.index * 2] > before[rule.index * 2]),
    );
  }
}

Reach('hold every packet that a rule matches, whatever rules test and change', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  for (let round = 0; round < 15; round++) {
    const random = seededRandom(seed + round);
    const text = randomTable(random, pick(random, ['filter', 'mangle']), (hook) => randomConditions(random, hook));
    const table = parseRuleset(text, 'random', { backend: pick(random, ['legacy', 'nft']) }).tables[0];
    const reach = reachOf(table);
    runPackets(
      table,
      random,
      100,
      (set, matched) => {
        // Every base chain may be the one that the packet was in.
        for (const rule of table.rules.filter(({ index }) => matched[index]))
          assert.ok(reach.matches(rule, set()), `seed ${seed}, round ${round}: rule in line ${rule.line}\n${text}`);
      },
      reach.space,
    );
  }
});

/** Conditions that sets say exactly. */
function exactConditions(random: Random): string {
  const not = (): string => (random(3) === 0 ? '! ' : '');
  const maybe = (text: string): string => (random(3) === 0 ? `${not()}${text} ` : '');
  const addresses = ['10.0.0.1', '10.0.0.2', '10.1.0.1', '192.168.1.1'];
  let text = maybe(`-s ${pick(random, addresses)}/${pick(random, [8, 16, 24, 32, '255.0.255.0'])}`);
  text += maybe(`-d ${pick(random, addresses)}/${pick(random, [8, 16, 31, '0.0.0.3'])}`);
  if (random(3) === 0) text += `-m iprange ${not()}--src-range 10.0.0.${random(2)}-10.1.0.0 `;
  const protocol = pick(random, ['', 'tcp', 'tcp', 'udp', 'icmp']);
  if (protocol !== '') text += `-p ${protocol} `;
  if (protocol === 'tcp' || protocol === 'udp') {
    const ports = pick(random, ['22', '80:443', '0:1024', '53:65535']);
    text += `-m ${protocol} ${maybe(`--dport ${ports}`)}`;
    if (random(3) === 0)
      text += `-m multiport ${not()}${pick(random, ['--sports', '--dports', '--ports'])} 22,80:443,1024 `;
  }
  if (protocol === 'tcp') text += maybe(pick(random, ['--syn', '--tcp-flags SYN,ACK SYN']));
  if (protocol === 'icmp') text += `-m icmp ${not()}--icmp-type ${pick(random, ['8', '3/1', 'any', '3/1:9'])} `;
  const states = ['NEW', 'ESTABLISHED,RELATED', 'INVALID', 'DNAT', 'NEW,SNAT'];
  if (random(3) === 0) text += `-m conntrack ${not()}--ctstate ${pick(random, states)} `;
  if (random(5) === 0) text += `-m mark ${not()}--mark ${pick(random, ['0x1', '0x10/0xf0', '0xff/0xff'])} `;
  if (random(5) === 0) text += `-m ttl ${pick(random, ['--ttl-lt 64', '--ttl-eq 64', '--ttl-gt 63'])} `;
  if (random(5) === 0) text += `-m connmark ${not()}--mark 0x1/0x3 `;
  return text;
}

Reach('are exact: a packet in the set of a rule is matched by it, and no other is', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  for (let round = 0; round < 20; round++) {
    const random = seededRandom(seed + round);
    const text = randomTable(random, 'filter', () => exactConditions(random));
    const table = parseRuleset(text, 'random', { backend: pick(random, ['legacy', 'nft']) }).tables[0];
    const context = { ...testContext(random, CONNECTIONS), shared: sharing() };
    const counters = createCounters(table);
    const program = buildTable(table, context, counters, 'interpreter');
    for (const hook of TABLE_HOOKS.filter) {
      const space = new PacketSpace({
        fields: testedFields([table]),
        devices: deviceNames([table], INTERFACES),
        addresses: undefined,
        maxNodes: 1 << 22,
      });
      const reach = new TableReach(table, space, (at) => (at === hook ? ALL_PACKETS : NO_PACKETS));
      for (let i = 0; i < 40; i++) {
        const packet = packetOf(randomBytes(random));
        dressPacket(packet, random, hook, CONNECTIONS);
        const before = Float64Array.from(counters.rules);
        const set = setOf(space, packet, context);
        program.run(packet, hook);
        for (const rule of table.rules) {
          const isMatched = counters.rules[rule.index * 2] > before[rule.index * 2];
          const isIn = reach.matches(rule, set);
          assert.is(isIn, isMatched, `seed ${seed}, round ${round}: packet ${i}, rule in line ${rule.line}\n${text}`);
        }
      }
    }
  }
});

Reach.run();
