// What engines since 28.0.0 do beyond adding and removing rules, by release: starting again, reloads of firewalld,
// failures, and the options that golden files leave out. By the code of each release.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProgramResult } from '../../docker/engine-host.js';
import { UnsupportedError } from '../../docker/error.js';
import { type BridgeNetwork, type Firewall, FirewallError } from '../../docker/firewall/firewall.js';
import { OfflineHost } from '../../docker/offline-host.js';
import { engine, NETWORK, published, rulesOf } from './firewalls.js';

const Life = suite('rules of engines since 28, over time');

const TABLES = ['raw', 'filter', 'nat'];
const ADDRESS = '192.168.0.2';
const BINDINGS = [published(ADDRESS, '0.0.0.0', 8080), published(ADDRESS, '127.0.0.1', 8081)];
const INTERNAL: BridgeNetwork = { ...NETWORK, bridge: 'br-in', subnet: '192.168.9.0/24', isInternal: true };

function flush(host: OfflineHost): void {
  for (const table of TABLES) for (const option of ['-F', '-X']) host.iptables(['-t', table, option]);
}

/** The rules of an engine with a network, an internal one, and a container. */
function populated(release: string, host: OfflineHost): Firewall {
  const firewall = engine(release, host);
  firewall.start(false);
  firewall.addNetwork(NETWORK);
  firewall.addNetwork(INTERNAL);
  firewall.addEndpoint(NETWORK, ADDRESS);
  firewall.addPorts(NETWORK, BINDINGS);
  return firewall;
}

const ALL = [
  { network: NETWORK, addresses: [ADDRESS], bindings: BINDINGS, links: [] },
  { network: INTERNAL, addresses: [], bindings: [], links: [] },
];

const ISOLATION = [
  '-A DOCKER-ISOLATION-STAGE-1 -i br-dummy ! -o br-dummy -j DOCKER-ISOLATION-STAGE-2',
  '-A DOCKER-ISOLATION-STAGE-2 -o br-dummy -j DROP',
];
const CONTAINER = ['-A PREROUTING -d 192.168.0.2/32 ! -i br-dummy -j DROP'];

for (const [release, forgotten] of [
  ['28.0.1', ISOLATION],
  ['28.0.4', ISOLATION],
  ['28.1.1', []],
  ['28.2.0', CONTAINER],
  ['28.3.2', CONTAINER],
  ['28.3.3', []],
  ['29.7.2', []],
] as const) {
  Life(`${release} writes its rules again when firewalld has reloaded, but for what it forgets`, () => {
    const host = new OfflineHost();
    const firewall = populated(release, host);
    const before = rulesOf(host, ...TABLES);
    for (const rule of forgotten) assert.ok(before.includes(rule), rule);
    flush(host);
    firewall.reload(ALL);
    assert.equal(
      rulesOf(host, ...TABLES),
      before.filter((rule) => !forgotten.includes(rule as never)),
    );
  });
}

Life('the policy of FORWARD is DROP again after a reload where the engine has made it so', () => {
  for (const [enabled, ipForwardNoDrop, policy] of [
    [true, false, 'DROP'],
    [true, true, 'ACCEPT'],
    [false, false, 'ACCEPT'],
  ] as const) {
    const host = new OfflineHost();
    const firewall = engine('28.5.2', host, { ipForwardNoDrop });
    firewall.start(false);
    firewall.addNetwork(NETWORK, enabled);
    assert.match(host.saveRules(), `:FORWARD ${policy} `);
    host.iptables(['-P', 'FORWARD', 'ACCEPT']);
    firewall.reload([]);
    assert.match(host.saveRules(), `:FORWARD ${policy} `);
  }
});

Life('until 28.1 a reload brings networks back that were removed', () => {
  for (const [release, isBack] of [
    ['28.0.4', true],
    ['28.1.0', false],
  ] as const) {
    const host = new OfflineHost();
    const firewall = populated(release, host);
    firewall.removeNetwork(INTERNAL);
    assert.not.match(host.saveRules(), 'br-in');
    firewall.reload(ALL.slice(0, 1));
    assert.is(host.saveRules().includes('br-in'), isBack, release);
  }
});

Life('packets of a routed network skip DNAT until 28.0.1', () => {
  for (const [release, skips] of [
    ['28.0.0', true],
    ['28.0.1', true],
    ['28.0.2', false],
  ] as const) {
    const host = new OfflineHost();
    const firewall = engine(release, host, { userlandProxy: false });
    firewall.start(false);
    firewall.addNetwork({ ...NETWORK, gatewayMode: 'routed' });
    assert.is(rulesOf(host, 'nat').includes('-A DOCKER -i br-dummy -j RETURN'), skips, release);
  }
});

Life('28.0.0 keeps the subnets of its external networks in a set, which a start empties', () => {
  const host = new OfflineHost();
  const firewall = populated('28.0.0', host);
  const members = (): string[] =>
    host.ipset(['list', 'docker-ext-bridges-v4']).stdout.split('Members:\n')[1].trim().split('\n');
  assert.equal(members(), ['192.168.0.0/24']);
  const other = { ...NETWORK, bridge: 'br-2', subnet: '10.0.0.0/8' };
  firewall.addNetwork(other);
  assert.equal(members().sort(), ['10.0.0.0/8', '192.168.0.0/24']);
  firewall.removeNetwork(NETWORK);
  assert.equal(members(), ['10.0.0.0/8']);
  engine('28.0.0', host).start(false);
  assert.equal(members(), ['']);
});

Life('a start of 28.0.1 leaves DOCKER-CT and DOCKER-BRIDGE as they are, one of 28.0.2 empties them', () => {
  for (const [release, isKept] of [
    ['28.0.1', true],
    ['28.0.2', false],
  ] as const) {
    const host = new OfflineHost();
    populated(release, host);
    engine(release, host).start(false);
    const rules = rulesOf(host, 'filter');
    assert.is(rules.includes('-A DOCKER-BRIDGE -o br-dummy -j DOCKER'), isKept, release);
    assert.not.ok(
      rules.some((rule) => rule.startsWith('-A DOCKER ')),
      'DOCKER is emptied',
    );
  }
});

Life('a start puts its jumps first in FORWARD, before rules of others, and keeps DOCKER-USER', () => {
  for (const [release, user] of [
    ['28.2.1', ['-A DOCKER-USER -s 203.0.113.7/32 -j DROP', '-A DOCKER-USER -j RETURN']],
    ['28.2.2', ['-A DOCKER-USER -s 203.0.113.7/32 -j DROP']],
  ] as const) {
    const host = new OfflineHost();
    populated(release, host);
    host.iptables(['-I', 'FORWARD', '-s', '203.0.113.0/24', '-j', 'REJECT']);
    host.iptables(['-I', 'DOCKER-USER', '-s', '203.0.113.7', '-j', 'DROP']);
    engine(release, host).start(false);
    const rules = rulesOf(host, 'filter');
    assert.equal(
      rules.filter((rule) => rule.startsWith('-A FORWARD')),
      [
        '-A FORWARD -j DOCKER-USER',
        '-A FORWARD -j DOCKER-FORWARD',
        '-A FORWARD -s 203.0.113.0/24 -j REJECT --reject-with icmp-port-unreachable',
      ],
    );
    assert.equal(
      rules.filter((rule) => rule.startsWith('-A DOCKER-USER')),
      [...user],
    );
  }
});

Life('an engine that comes after an older one deletes what that had in FORWARD', () => {
  for (const older of ['28.0.0', '27.5.1']) {
    const host = new OfflineHost();
    populated(older, host);
    const newer = engine('28.5.2', host);
    newer.start(false);
    newer.addNetwork(NETWORK);
    newer.addNetwork(INTERNAL);
    assert.equal(
      rulesOf(host, 'filter').filter((rule) => rule.startsWith('-A FORWARD')),
      ['-A FORWARD -j DOCKER-USER', '-A FORWARD -j DOCKER-FORWARD'],
      older,
    );
  }
});

Life('a network whose rules fail is taken back since 28.1', () => {
  const said = /^Unable to enable jump to docker rule: {2}\(iptables failed: .*No chain\/target\/match by that name/;
  for (const [release, areLeft] of [
    ['28.0.4', true],
    ['28.1.0', false],
    ['29.7.2', false],
  ] as const) {
    const host = new OfflineHost();
    const firewall = engine(release, host);
    firewall.start(false);
    host.iptables(['-D', 'DOCKER-FORWARD', '-j', 'DOCKER-BRIDGE']);
    host.iptables(['-X', 'DOCKER-BRIDGE']);
    assert.throws(
      () => firewall.addNetwork(NETWORK),
      (error: unknown) => error instanceof FirewallError && said.test(error.message),
    );
    assert.is(host.saveRules().includes('br-dummy'), areLeft, release);
  }
});

/** A host on which the command that contains WORDS fails. */
class FailingHost extends OfflineHost {
  failing = '';

  override iptables(words: readonly string[]): ProgramResult {
    const fails = this.failing !== '' && words.join(' ').includes(this.failing);
    return fails
      ? { exitCode: 4, stdout: '', stderr: 'iptables: Resource temporarily unavailable.\n' }
      : super.iptables(words);
  }
}

Life('a start that fails takes its chains and jumps back', () => {
  for (const [failing, said] of [
    [
      '-N DOCKER-CT',
      'failed to create FILTER chain DOCKER-CT: iptables failed: iptables --wait -t filter -N DOCKER-CT: ',
    ],
    ['-N DOCKER-INTERNAL', 'failed to create FILTER internal chain: iptables failed: '],
    [
      '-A OUTPUT',
      'failed to add jump rules to ipv4 NAT table: failed to append jump rules to nat-OUTPUT:  (iptables failed: ',
    ],
    [
      '-I DOCKER-FORWARD -j DOCKER-CT',
      'unable to insert jump to DOCKER-CT rule in DOCKER-FORWARD chain:  (iptables failed: ',
    ],
  ]) {
    const host = new FailingHost();
    host.failing = failing;
    assert.throws(
      () => engine('29.7.2', host).start(false),
      (error: unknown) => error instanceof FirewallError && error.message.startsWith(said),
    );
    assert.equal(
      rulesOf(host, ...TABLES).filter((rule) => /-A (PREROUTING|OUTPUT)|:DOCKER -/.test(rule)),
      [],
      failing,
    );
  }
});

Life('ports that fail are taken back', () => {
  const host = new FailingHost();
  const firewall = engine('28.5.2', host);
  firewall.start(false);
  firewall.addNetwork(NETWORK);
  const before = rulesOf(host, ...TABLES);
  host.failing = '-A DOCKER -p tcp -d 127.0.0.1';
  assert.throws(() => firewall.addPorts(NETWORK, BINDINGS), /Unable to enable DNAT rule/);
  assert.equal(rulesOf(host, ...TABLES), before);
});

Life('29 accepts the mark of --bridge-accept-fwmark, as a decimal, until the first network goes', () => {
  for (const [mark, rule] of [
    ['1', '-A DOCKER-FORWARD -m mark --mark 0x1 -j ACCEPT'],
    ['0x10/0xf0', '-A DOCKER-FORWARD -m mark --mark 0x10/0xf0 -j ACCEPT'],
    ['010/0b1_1', '-A DOCKER-FORWARD -m mark --mark 0x8/0x3 -j ACCEPT'],
  ]) {
    const host = new OfflineHost();
    const firewall = engine('29.7.2', host, { bridgeAcceptFwMark: mark });
    firewall.start(false);
    firewall.addNetwork(NETWORK);
    firewall.addNetwork({ ...NETWORK, bridge: 'br-2', subnet: '10.0.0.0/8' });
    const marks = (): string[] => rulesOf(host, 'filter').filter((line) => line.includes('--mark'));
    assert.equal(marks(), [rule]);
    assert.is(
      rulesOf(host, 'filter').find((line) => line.startsWith('-A DOCKER-FORWARD')),
      rule,
      'it is the first',
    );
    firewall.removeNetwork(NETWORK);
    assert.equal(marks(), []);
  }
  for (const mark of ['', 'x', '0x', '4294967296', '-1', '1/', '1_', '08']) {
    const firewall = engine('29.7.2', new OfflineHost(), { bridgeAcceptFwMark: mark });
    firewall.start(false);
    if (mark === '') firewall.addNetwork(NETWORK);
    else assert.throws(() => firewall.addNetwork(NETWORK), /invalid firewall ma(rk|sk)/, mark);
  }
});

Life('the backend of nftables is refused by name', () => {
  const host = new OfflineHost();
  assert.throws(
    () => engine('29.7.2', host, { firewallBackend: 'nftables' }),
    (error: unknown) => error instanceof UnsupportedError && /--firewall-backend=nftables/.test(error.message),
  );
  engine('29.7.2', host, { firewallBackend: 'iptables' }).start(false);
  assert.match(host.saveRules(), 'DOCKER-INTERNAL');
});

Life.run();
