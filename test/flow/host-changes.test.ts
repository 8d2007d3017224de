/** A host that changes while connections live: every engine follows, and nothing is left of what was before. */

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Address, parseAddress } from '../../codecs/address.js';
import { HostError } from '../../codecs/host/error.js';
import { parseHost } from '../../codecs/host/parse-host.js';
import { Linktype } from '../../codecs/linktypes.js';
import { describeCause } from '../../core/drop.js';
import { createEmulator, EMULATOR_ENGINES, type Emulator, type EmulatorEngine } from '../../core/emulator.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';
import { udpPacket } from '../packets/packets.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';
import { converse, randomRuleset, TALKS_HOST } from './random-talks.js';

const changes = suite('host changes');

interface Link {
  readonly ifname: string;
  readonly ifindex?: number;
  readonly [member: string]: unknown;
}

const BASE = JSON.parse(TALKS_HOST) as { addr: Link[]; route: { dst: string; gateway?: string; dev: string }[] };
const NETWORKS = ['10.0.0.1/24', '10.9.0.1/16', '172.18.0.1/16', '198.51.100.129/25', '203.0.113.1/24'];

/** Somewhat another host than that of the talks: which interfaces it has, how they are, and where routes lead. */
function otherHost(random: Random): string {
  const links = BASE.addr.filter(() => random(5) > 0).map((link): Link => alike(random, link));
  for (const ifname of ['br-1', 'br-2', 'later'].filter(() => random(3) === 0)) {
    const [local, prefixlen] = pick(random, NETWORKS).split('/');
    const addresses = random(4) === 0 ? [] : [{ family: 'inet', local, prefixlen: Number(prefixlen) }];
    links.push({ ifname, address: '02:00:00:00:00:99', mtu: 1500, addr_info: addresses });
  }
  const names = links.map(({ ifname }) => ifname);
  const routes = BASE.route.filter(({ dev }) => names.includes(dev) && random(4) > 0);
  if (names.includes('br-1') && random(2) === 0) routes.push({ dst: '10.9.1.0/24', dev: 'br-1' });
  const rules = [0, 32_766, 32_767].map((priority, i) => ({
    priority,
    src: 'all',
    table: ['local', 'main', 'default'][i],
  }));
  const marked = { priority: 10, src: 'all', fwmark: '0x1', fwmask: '0x1', action: 'unreachable' };
  const byDevice = { priority: 11, src: 'all', iif: 'later', action: 'blackhole' };
  const rule = random(3) === 0 ? { rule: [...rules, pick(random, [marked, byDevice])] } : {};
  const sysctl: Record<string, number> = {};
  if (random(4) === 0) sysctl['net.ipv4.conf.all.rp_filter'] = random(3);
  if (random(8) === 0) sysctl['net.ipv4.ip_forward'] = 0;
  if (random(6) === 0) sysctl['net.netfilter.nf_conntrack_udp_timeout'] = 1;
  return JSON.stringify({ addr: links, route: routes, ...rule, sysctl });
}

/** LINK, maybe set down, without a carrier, with other addresses, or made again. */
function alike(random: Random, link: Link): Link {
  const how = random(8);
  if (how === 0) return { ...link, flags: ['BROADCAST'] };
  if (how === 1) return { ...link, addr_info: [{ family: 'inet', local: '192.0.2.9', prefixlen: 24 }] };
  if (how === 2) return { ...link, addr_info: [] };
  if (how === 3) return { ...link, flags: ['NO-CARRIER', 'BROADCAST', 'UP'] };
  return how === 4 ? { ...link, ifindex: 10 + random(90) } : link;
}

/** The host changes, or becomes the first one again. */
function change(random: Random, emulator: Emulator): void {
  const next = random(3) === 0 ? TALKS_HOST : otherHost(random);
  try {
    emulator.changeHost(parseHost(next, 'changed.json'));
  } catch (error) {
    // The kernel would have refused a route.
    if (!(error instanceof HostError)) throw error;
  }
  if (random(4) === 0) emulator.deleteConnections({ protocol: pick(random, [6, 17]) });
}

/** Rules that also name interfaces that come later. */
function rulesOf(random: Random): string {
  const names = ['dmz', 'br-1', 'br-+', 'later', 'l+'];
  return randomRuleset(random).replaceAll(/(-[io]) dmz/g, (_, flag) => `${flag} ${pick(random, names)}`);
}

changes('at random moments: every engine counts, translates and sends alike', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  for (let round = 0; round < 4; round++) {
    const rules = rulesOf(seededRandom(seed + round));
    const every = pick(seededRandom(seed + round), [20, 50, 90]);
    const outcomes = EMULATOR_ENGINES.map((engine) => {
      const moments = seededRandom(seed + round + 2);
      return converse(seededRandom(seed + round + 1), engine, rules, 20, {
        beforePacket: (emulator) => {
          if (moments(every) === 0) change(moments, emulator);
        },
      });
    });
    const [remembered, ...others] = outcomes;
    for (const [i, { saved, connections, sent }] of others.entries()) {
      const where = `${EMULATOR_ENGINES[i + 1]}, seed ${seed}, round ${round}\n${rules}`;
      assert.is(remembered.saved, saved, where);
      assert.equal(remembered.connections, connections, where);
      assert.equal(remembered.sent, sent, where);
    }
  }
});

/** Three networks; the middle one is made later in most of these tests. */
function hostWith(...names: readonly string[]): string {
  const networks: Record<string, string> = { eth0: '192.0.2.1/24', 'br-a': '172.18.0.1/16', 'br-b': '172.19.0.1/16' };
  return JSON.stringify({
    addr: names.map((ifname) => {
      const [local, prefixlen] = networks[ifname].split('/');
      const addresses = [{ family: 'inet', local, prefixlen: Number(prefixlen) }];
      return { ifname, address: '02:00:00:00:00:11', addr_info: addresses };
    }),
    route: [{ dst: 'default', gateway: '192.0.2.254', dev: 'eth0' }],
  });
}

/** An emulator of EMULATED, what leaves it as `interface source > destination`, and why packets were dropped. */
function emulate(engine: EmulatorEngine, emulated: string, rules: string) {
  const left: string[] = [];
  const emulator = createEmulator(
    { ruleset: parseRuleset(rules, 'rules'), host: loadHost(emulated, 'host.json'), engine },
    {
      egress(dev, bytes, at) {
        const [source, destination] = [26, 30].map((from) => bytes.subarray(at + from, at + from + 4).join('.'));
        left.push(`${emulator.host.interfaceNames[dev]} ${source} > ${destination}`);
      },
      local: () => left.push('local'),
      dropped: ({ cause }) => left.push(cause.reason === 'rule' ? describeCause(cause) : cause.reason),
    },
  );
  let now = 0;
  /** A datagram arrives on the interface NAME. Returns what came of it. */
  const send = (name: string, source: string, destination: string, ports = [1000, 53]): string => {
    const bytes = udpPacket({ source, destination, sport: ports[0], dport: ports[1], ttl: 64 });
    left.length = 0;
    const dev = emulator.host.knownIndex(name);
    emulator.receive(new Frame({ bytes, dev, linktype: Linktype.RAW, tsSec: now++, tsNsec: 0 }));
    return emulator.skipReason ?? left.join('; ');
  };
  return { emulator, send, left, become: (next: string) => emulator.changeHost(parseHost(next, 'next.json')) };
}

const addressOf = (text: string): Address => parseAddress(text) as Address;
const filter = (...rules: string[]): string => ['*filter', ...rules, 'COMMIT', ''].join('\n');
const nat = (...rules: string[]): string => ['*nat', ...rules, 'COMMIT', ''].join('\n');

for (const engine of EMULATOR_ENGINES) {
  changes(`${engine}: rules match an interface that comes later, by name and with a wildcard, until it goes`, () => {
    const rules = filter('-A FORWARD -o br-b -j DROP', '-A FORWARD -i br-+ -j ACCEPT', ':FORWARD DROP [0:0]');
    const { emulator, send, become } = emulate(engine, hostWith('eth0', 'br-a'), rules);
    assert.is(send('br-a', '172.18.0.2', '172.19.0.2'), 'eth0 172.18.0.2 > 172.19.0.2');
    become(hostWith('eth0', 'br-a', 'br-b'));
    assert.is(send('br-a', '172.18.0.2', '172.19.0.2'), 'rules:2 filter FORWARD 1');
    assert.is(send('br-b', '172.19.0.2', '198.51.100.1'), 'eth0 172.19.0.2 > 198.51.100.1');
    assert.is(send('br-b', '172.19.0.2', '172.19.0.1'), 'local');
    const index = emulator.host.interfaceIndex('br-b');
    become(hostWith('eth0', 'br-a'));
    assert.is(emulator.host.interfaceIndex('br-b'), -1);
    assert.is(send('br-b', '172.19.0.2', '198.51.100.1'), 'no-interface');
    assert.is(send('br-a', '172.18.0.2', '172.19.0.1'), 'eth0 172.18.0.2 > 172.19.0.1');
    become(hostWith('eth0', 'br-b', 'br-a'));
    assert.is(emulator.host.interfaceIndex('br-b'), index);
    assert.is(send('br-a', '172.18.0.2', '172.19.0.2'), 'rules:2 filter FORWARD 1');
    assert.match(saveRuleset(emulator.ruleset, emulator.counters), '[2:56] -A FORWARD -o br-b -j DROP');
  });
}

changes('connections that MASQUERADE translated go with their interface, the others stay', () => {
  const rules = nat('-A POSTROUTING -o eth0 -j MASQUERADE', '-A POSTROUTING -o br-b -j SNAT --to-source 172.19.0.1');
  const { emulator, send, become } = emulate('remembered', hostWith('eth0', 'br-a', 'br-b'), rules);
  assert.is(send('br-a', '172.18.0.2', '198.51.100.1'), 'eth0 192.0.2.1 > 198.51.100.1');
  assert.is(send('br-a', '172.18.0.2', '172.19.0.2'), 'br-b 172.19.0.1 > 172.19.0.2');
  become(hostWith('eth0', 'br-a'));
  assert.is(emulator.connections.size, 2);
  become(hostWith('br-a'));
  assert.is(emulator.connections.size, 1);
});

changes('connections are deleted by what is given of them, and packets of theirs open others', () => {
  const rules = nat('-A PREROUTING -p udp -m udp --dport 53 -j DNAT --to-destination 172.18.0.2:5353');
  const { emulator, send } = emulate('remembered', hostWith('eth0', 'br-a'), rules);
  send('eth0', '198.51.100.1', '192.0.2.1');
  send('eth0', '198.51.100.2', '192.0.2.1', [1001, 54]);
  const replySource = addressOf('172.18.0.2');
  assert.is(emulator.deleteConnections({ replySource, protocol: 6 }), 0);
  assert.is(emulator.deleteConnections({ replySource, originalDport: 54 }), 0);
  assert.is(emulator.deleteConnections({ replySource, replySport: 5353, isDestinationTranslated: true }), 1);
  assert.is(emulator.connections.size, 1);
  assert.is(
    emulator.deleteConnections({ originalSource: { address: addressOf('198.51.100.0'), prefixLength: 24 } }),
    1,
  );
  send('eth0', '198.51.100.1', '192.0.2.1');
  assert.is(emulator.connections.size, 1);
});

changes('a change that the kernel would refuse, or that cannot be followed, changes nothing', () => {
  const { emulator, send, become } = emulate('remembered', hostWith('eth0', 'br-a'), filter());
  const next = JSON.parse(hostWith('eth0', 'br-b'));
  const isOf = (path: string) => (error: unknown) => error instanceof HostError && error.path === path;
  const wrong = [...next.route, { dst: '10.0.0.0/8', gateway: '203.0.113.1', dev: 'eth0' }];
  assert.throws(() => become(JSON.stringify({ ...next, route: wrong })), isOf('route[1].gateway'));
  const buckets = 'net.netfilter.nf_conntrack_buckets';
  const sysctl = { [buckets]: 16 };
  assert.throws(() => become(JSON.stringify({ ...next, sysctl })), isOf(`sysctl["${buckets}"]`));
  assert.equal(emulator.host.interfaceNames, ['lo', 'eth0', 'br-a']);
  assert.is(send('eth0', '192.0.2.9', '172.18.0.2'), 'br-a 192.0.2.9 > 172.18.0.2');
});

changes('two emulators of one host change by themselves', () => {
  const host = loadHost(hostWith('eth0', 'br-a'), 'host.json');
  const output = { egress() {}, local() {}, dropped() {} };
  const [one, other] = [1, 2].map(() => createEmulator({ ruleset: parseRuleset(filter(), 'rules'), host }, output));
  one.changeHost(parseHost(hostWith('eth0'), 'next.json'));
  other.changeHost(parseHost(hostWith('eth0', 'br-a', 'br-b'), 'next.json'));
  assert.is(one.host.interfaceIndex('br-a'), -1);
  assert.is(other.host.interfaceIndex('br-b'), 3);
  assert.equal(host.interfaceNames, ['lo', 'eth0', 'br-a']);
});

/** `hostWith`, of which br-a has nothing at the other end. */
function withoutCarrier(...names: readonly string[]): string {
  const host = JSON.parse(hostWith(...names));
  const link = host.addr.find(({ ifname }: Link) => ifname === 'br-a');
  link.flags = ['NO-CARRIER', 'BROADCAST', 'UP'];
  return JSON.stringify(host);
}

// All of it as Linux 6.18 did it: three seconds are what its tries to find the neighbour take.
for (const engine of EMULATOR_ENGINES) {
  changes(`${engine}: what leaves by a link without carrier is counted, and refused three seconds later`, () => {
    const rules = [
      ...['*nat', '-A POSTROUTING -o br-a -p udp --dport 53 -j MASQUERADE', 'COMMIT', '*filter', '-A FORWARD'],
      ...['-A OUTPUT -m conntrack --ctstate RELATED', 'COMMIT', ''],
    ].join('\n');
    const { emulator, send, become, left } = emulate(engine, hostWith('eth0', 'br-a'), rules);
    assert.is(send('eth0', '192.0.2.9', '172.18.0.2', [1000, 54]), 'br-a 192.0.2.9 > 172.18.0.2');
    become(withoutCarrier('eth0', 'br-a'));
    assert.is(send('eth0', '192.0.2.9', '172.18.0.2', [1000, 54]), 'no-carrier');
    assert.is(send('eth0', '192.0.2.9', '172.18.0.2', [1000, 53]), 'no-carrier');
    assert.is(emulator.connections.size, 2);
    left.length = 0;
    emulator.advanceTo(3, 999_999_999);
    assert.equal(left, []);
    emulator.advanceTo(4, 0);
    // The second one is masqueraded: its error comes from the address that it had then.
    assert.equal(left, ['eth0 192.0.2.1 > 192.0.2.9', 'eth0 172.18.0.1 > 192.0.2.9']);
    const saved = saveRuleset(emulator.ruleset, emulator.counters);
    assert.match(saved, '[3:84] -A FORWARD\n');
    assert.match(saved, '[2:112] -A OUTPUT -m conntrack --ctstate RELATED\n');
    for (const next of [hostWith('eth0', 'br-a'), hostWith('eth0')]) {
      become(withoutCarrier('eth0', 'br-a'));
      emulator.advanceTo(10, 0);
      assert.is(send('eth0', '192.0.2.9', '172.18.0.3', [1000, 54]), 'no-carrier');
      become(next);
      left.length = 0;
      emulator.advanceTo(20, 0);
      assert.equal(left, []);
    }
  });
}

changes('a connection is still masqueraded, and goes with its link, where that has another name since', () => {
  const named = (eth0: string): string =>
    hostWith('eth0', 'br-a').replaceAll('"eth0"', `"${eth0}"`).replace('"address"', '"ifindex":2,"address"');
  const { emulator, send, become } = emulate('remembered', named('eth0'), nat('-A POSTROUTING -j MASQUERADE'));
  assert.is(send('br-a', '172.18.0.2', '198.51.100.1'), 'eth0 192.0.2.1 > 198.51.100.1');
  become(named('wan0'));
  assert.is(send('br-a', '172.18.0.2', '198.51.100.1'), 'wan0 192.0.2.1 > 198.51.100.1');
  assert.is(emulator.connections.size, 1);
  become(hostWith('br-a'));
  assert.is(emulator.connections.size, 0);
});

changes('a connection whose masqueraded packets leave by another link is dropped', () => {
  const { emulator, send, become } = emulate(
    'remembered',
    hostWith('eth0', 'br-a', 'br-b'),
    nat('-A POSTROUTING -j MASQUERADE'),
  );
  assert.is(send('br-a', '172.18.0.2', '198.51.100.1'), 'eth0 192.0.2.1 > 198.51.100.1');
  const next = JSON.parse(hostWith('eth0', 'br-a', 'br-b'));
  become(JSON.stringify({ ...next, route: [{ dst: 'default', gateway: '172.19.0.9', dev: 'br-b' }] }));
  assert.is(send('br-a', '172.18.0.2', '198.51.100.1'), 'nat-other-interface');
  assert.is(send('br-a', '172.18.0.2', '198.51.100.1'), 'br-b 172.19.0.1 > 198.51.100.1');
  assert.is(emulator.connections.size, 1);
});

changes.run();
