/** Rules that ask about the host: what its description says, and what is assumed where it says nothing. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createEmulator, EMULATOR_ENGINES } from '../../core/emulator.js';
import { type Host, loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';
import { buildFrame, udpPacket } from '../packets/packets.js';

const Facts = suite('facts of the host');

const WAN_PORTS = ['br0', 'p1', 'p2', 'eth0'];
/** br0 with the ports p1 and p2, and eth0. */
const BRIDGED = {
  addr: WAN_PORTS.map((ifname, i) => ({
    ifname,
    address: `02:00:00:00:00:1${i}`,
    ...(i === 1 || i === 2 ? { master: 'br0' } : {}),
    ...(ifname === 'eth0' ? { group: 'lan' } : {}),
    addr_info: ['10.0.0.1', undefined, undefined, '192.0.2.1'].flatMap((local, at) =>
      at === i && local !== undefined ? [{ family: 'inet', local, prefixlen: 24 }] : [],
    ),
  })),
};
const OTHERS: Readonly<Record<string, [dev: string, source: string, destination: string]>> = {
  out: ['br0', '10.0.0.2', '192.0.2.5'],
  own: ['br0', '10.0.0.2', '10.0.0.1'],
  in: ['eth0', '192.0.2.5', '10.0.0.2'],
};

function hostWith(facts: object): Host {
  return loadHost(JSON.stringify({ ...BRIDGED, ...facts }), 'host.json');
}

/** A frame whose source MAC is 02:00 and its address. */
function frameOf(host: Host, name: string): Frame {
  const [dev, source, destination] = OTHERS[name];
  const mac = Uint8Array.from([2, 0, ...source.split('.').map(Number)]);
  const index = host.interfaceIndex(dev);
  const packet = udpPacket({ source, destination, sport: 1, dport: 2 });
  return new Frame({ dev: index, bytes: buildFrame(host.interfaces[index].mac, mac, packet) });
}

/** Which of RULES, in CHAIN of mangle, the packets NAMES match: `1.0` for each; and what was assumed about it. */
function matched(facts: object, chain: string, rules: readonly string[], names: readonly string[]) {
  const host = hostWith(facts);
  const lines = rules.map((rule) => `-A ${chain} ${rule}`);
  const text = ['*mangle', ...lines, 'COMMIT', ''].join('\n');
  const ruleset = parseRuleset(text, 'rules.v4', { names: host.description.facts.names });
  const results = EMULATOR_ENGINES.map((engine) => {
    const output = { egress: () => {}, local: () => {}, dropped: () => {} };
    const emulator = createEmulator({ ruleset, host: hostWith(facts), engine }, output);
    for (const name of [...names, ...names, ...names]) emulator.receive(frameOf(host, name));
    const counters = emulator.counters.get('mangle')!;
    return rules.map((_, i) => counters.rules[2 * i] / 3);
  });
  for (const result of results) assert.equal(result, results[0]);
  const interpreted = createEmulator(
    { ruleset, host, engine: 'interpreter' },
    {
      egress: () => {},
      local: () => {},
      dropped: () => {},
    },
  );
  for (const name of names) interpreted.receive(frameOf(host, name));
  return { counts: results[0], assumed: host.facts.assumed };
}

const PORTS = {
  fdb: [
    { mac: '02:00:0a:00:00:02', ifname: 'p1' },
    { mac: '02:00:0a:00:00:03', ifname: 'p2' },
  ],
};
const PHYSDEV = [
  '--physdev-in p1',
  '! --physdev-in p1',
  '--physdev-in p+',
  '--physdev-is-in',
  '! --physdev-is-in',
  '--physdev-out p1',
  '! --physdev-out p1',
  '--physdev-is-out',
  '! --physdev-is-out',
  '--physdev-is-bridged',
  '! --physdev-is-bridged',
  '--physdev-in p1 ! --physdev-is-bridged',
  '! --physdev-in p2 ! --physdev-out p2',
].map((options) => `-m physdev ${options}`);

// Recorded from Linux 6.18 with br_netfilter, a bridge with two ports and their static MACs.
Facts('physdev: what fdb names is the port of a frame', () => {
  const names = ['out', 'in'];
  const filtered = { ...PORTS, sysctl: { 'net.bridge.bridge-nf-call-iptables': 1 } };
  for (const chain of ['FORWARD', 'POSTROUTING']) {
    const { counts, assumed } = matched(filtered, chain, PHYSDEV, names);
    assert.equal(counts, [1, 1, 1, 1, 1, 0, 1, 0, 2, 0, 2, 1, 1], chain);
    assert.equal(assumed, []);
  }
  assert.equal(matched(filtered, 'INPUT', PHYSDEV, ['own']).counts, [1, 0, 1, 1, 0, 0, 0, 0, 1, 0, 1, 1, 0]);
  assert.equal(matched(filtered, 'PREROUTING', PHYSDEV, ['out', 'own', 'in']).counts, [
    ...[2, 1, 2, 2, 1, 0, 1, 0, 3, 0, 3, 2, 1],
  ]);
  const off = { ...PORTS, sysctl: { 'net.bridge.bridge-nf-call-iptables': 0 } };
  assert.equal(matched(off, 'FORWARD', PHYSDEV, names).counts, [0, 2, 0, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2]);
});

Facts('physdev: without fdb no frame has a port, which is said', () => {
  const { counts, assumed } = matched({}, 'FORWARD', PHYSDEV, ['out']);
  assert.equal(counts, [0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
  assert.equal(assumed, ['no packet has a bridge port, which rules ask for (`fdb`)']);
  assert.equal(matched(PORTS, 'FORWARD', PHYSDEV, ['out']).assumed, ['net.bridge.bridge-nf-call-iptables = 1']);
});

Facts('cpu: the one that is named, or 0', () => {
  const rules = ['-m cpu --cpu 0', '-m cpu ! --cpu 0', '-m cpu --cpu 3', '-m cpu --cpu 4294967295'];
  assert.equal(matched({ cpu: 3 }, 'FORWARD', rules, ['out']), { counts: [0, 1, 1, 0], assumed: [] });
  const { counts, assumed } = matched({}, 'FORWARD', rules, ['out']);
  assert.equal(counts, [1, 0, 0, 0]);
  assert.equal(assumed, ['cpu = 0']);
  assert.equal(matched({}, 'INPUT', rules, ['out']).assumed, [], 'no packet met the rule');
});

Facts('devgroup: names of groups, whose numbers may be unknown', () => {
  const names = { names: { deviceGroups: { lan: 6, default: 0 } } };
  const rules = ['--dst-group lan', '--dst-group 2/2', '--dst-group 3/2', '! --dst-group 6', '--src-group default'];
  const texts = rules.map((options) => `-m devgroup ${options}`);
  assert.equal(matched(names, 'FORWARD', texts, ['out']), { counts: [1, 1, 1, 0, 1], assumed: [] });
  const { counts, assumed } = matched({}, 'FORWARD', texts.slice(1), ['out']);
  assert.equal(counts, [0, 0, 1, 1]);
  assert.equal(assumed, ['the interface group lan = 0, as `names` does not say its number']);
});

Facts('policy: the transforms of the packets that ipsec is about, from the innermost', () => {
  const esp = {
    proto: 'esp',
    mode: 'tunnel',
    spi: '0x10',
    reqid: 7,
    source: '198.51.100.1',
    destination: '203.0.113.1',
  };
  const ipsec = [
    { dir: 'in', source: '10.0.0.0/24', transforms: [{ proto: 'ipcomp', spi: 5 }, esp] },
    { dir: 'out', destination: '10.0.0.2', transforms: [{ proto: 51, reqid: 9 }] },
  ];
  const rules: readonly (readonly [options: string, counts: number])[] = [
    ['--dir in --pol ipsec', 1],
    ['--dir in --pol none', 1],
    ['--dir out --pol none', 1],
    ['--dir out --pol ipsec --proto ah --reqid 9', 1],
    ['--dir out --pol ipsec ! --proto ah', 0],
    ['--dir in --pol ipsec --proto esp', 1],
    ['--dir in --pol ipsec --spi 0x10 --mode tunnel --tunnel-src 198.51.0.0/16', 1],
    ['--dir in --pol ipsec --mode tunnel ! --tunnel-dst 203.0.113.1', 0],
    ['--dir in --pol ipsec --strict --proto esp', 0],
    ['--dir in --pol ipsec --strict --proto ipcomp --next --proto esp', 1],
    ['--dir in --pol ipsec --strict --proto esp --next --proto ipcomp', 0],
    ['--dir in --pol ipsec --strict --spi 5 --next --reqid 7 --mode tunnel', 1],
  ];
  const texts = rules.map(([options]) => `-m policy ${options}`);
  const { counts, assumed } = matched({ ipsec }, 'FORWARD', texts, ['out', 'in']);
  assert.equal(
    counts,
    rules.map(([, count]) => count),
  );
  assert.equal(assumed, []);
  const without = matched({}, 'FORWARD', texts, ['out', 'in']);
  assert.equal(without.counts, [0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.equal(without.assumed, ['no IPsec, which rules ask about (`ipsec`)']);
});

Facts('names of the host stand in rules, and are saved again', () => {
  const { names } = hostWith({
    names: { users: { www: 33 }, groups: { adm: 4 }, realms: { isp: 7, none: 0 }, deviceGroups: { lan: 2 } },
  }).description.facts;
  const saved = (rule: string, chain = 'FORWARD'): string =>
    /-A .*/.exec(
      saveRuleset(parseRuleset(`*filter\n-A ${chain} ${rule}\nCOMMIT\n`, 'r', { names, willRun: false })),
    )![0];
  assert.is(saved('-m realm --realm isp'), '-A FORWARD -m realm --realm isp');
  assert.is(saved('-m realm --realm 7/0xff'), '-A FORWARD -m realm --realm 0x7/0xff');
  assert.is(saved('-m realm ! --realm 0'), '-A FORWARD -m realm ! --realm none');
  assert.is(saved('-m devgroup --src-group 2'), '-A FORWARD -m devgroup --src-group lan');
  assert.is(saved('-m devgroup --src-group 0'), '-A FORWARD -m devgroup --src-group 0x0');
  const owner = saved('-m owner --uid-owner www --gid-owner adm', 'OUTPUT');
  assert.is(owner, '-A OUTPUT -m owner --uid-owner 33 --gid-owner 4');
});

Facts('faults are told by place', () => {
  const fault = (facts: object): string => {
    try {
      hostWith(facts);
    } catch (error) {
      return (error as Error).message.replace(/^host\.json:\d+:\d+: /, '');
    }
    throw new Error('no fault');
  };
  assert.match(fault({ cpu: -1 }), /cpu: expected a whole number from 0 to 65535, found -1/);
  assert.match(fault({ names: { users: { a: 'x' } } }), /names\.users\["a"\]: expected a whole number/);
  assert.match(fault({ fdb: [{ mac: 'x', ifname: 'p1' }] }), /fdb\[0\]\.mac/);
  assert.match(fault({ ipsec: [{ dir: 'into', transforms: [] }] }), /ipsec\[0\]/);
  assert.match(fault({ ipsec: [{ dir: 'in', transforms: [{ proto: 'tcp' }] }] }), /ipsec\[0\]\.transforms\[0\]\.proto/);
});

Facts.run();
