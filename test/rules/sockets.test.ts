/** owner, cgroup, socket and TPROXY by the sockets of a host.json; what the kernel does was seen on Linux 6.18. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createEmulator, EMULATOR_ENGINES } from '../../core/emulator.js';
import { type Host, loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { Outcome } from '../../core/outcome.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { buildFrame, buildIcmp, buildIpv4, tcpPacket, udpPacket, withChecksum } from '../packets/packets.js';

const Sockets = suite('sockets of the host');

const PROXY_ROUTES = {
  route: [{ type: 'local', dst: 'default', dev: 'lo', table: 100, scope: 'host' }],
  rule: [
    { priority: 0, src: 'all', table: 'local' },
    { priority: 50, src: 'all', fwmark: '0x1', fwmask: '0x1', table: '100' },
    { priority: 32_766, src: 'all', table: 'main' },
    { priority: 32_767, src: 'all', table: 'default' },
  ],
};

/** lan 10.0.0.1/24 and wan 192.0.2.1/24. */
function hostWith(members: object): Host {
  const addr = ['10.0.0.1', '192.0.2.1'].map((local, i) => ({
    ifname: ['lan', 'wan'][i],
    address: `02:00:00:00:00:1${i}`,
    addr_info: [{ family: 'inet', local, prefixlen: 24 }],
  }));
  return loadHost(JSON.stringify({ addr, ...members }), 'host.json');
}

type Sent = readonly [dev: 'lan' | 'wan' | 'local', packet: Buffer];

const tcp = (source: string, sport: number, destination: string, dport: number, flags = 0x02): Buffer =>
  withChecksum(tcpPacket({ source, sport, destination, dport, flags }));
const udp = (source: string, sport: number, destination: string, dport: number): Buffer =>
  withChecksum(udpPacket({ source, sport, destination, dport }));
/** Port unreachable from SOURCE about PACKET. */
const complaint = (source: string, destination: string, about: Buffer): Buffer =>
  buildIpv4({ source, destination, protocol: 1, ttl: 64 }, buildIcmp(3, 3, 0, 0, about));

interface Result {
  /** Packets by rule, in order. */
  readonly counts: readonly number[];
  readonly outcomes: readonly (string | number)[];
  readonly assumed: readonly string[];
}

/** What RULES (lines of mangle) make of PACKETS, in every engine. */
function run(members: object, rules: readonly string[], packets: readonly Sent[]): Result {
  const ruleset = parseRuleset(['*mangle', ...rules.map((rule) => `-A ${rule}`), 'COMMIT', ''].join('\n'), 'rules.v4');
  const results = EMULATOR_ENGINES.map((engine): Result => {
    const host = hostWith(members);
    const output = { egress: () => {}, local: () => {}, dropped: () => {} };
    const emulator = createEmulator({ ruleset, host, engine }, output);
    const outcomes = packets.map(([dev, packet]) => {
      const index = host.interfaceIndex(dev);
      const bytes = buildFrame(host.interfaces[Math.max(index, 0)].mac, Uint8Array.of(2, 0, 0, 0, 0, 9), packet);
      const frame = new Frame({ dev: index, bytes });
      if (dev === 'local') emulator.send(frame);
      else emulator.receive(frame);
      const { outcome, dropCause } = emulator;
      return outcome === Outcome.DROPPED ? `${dropCause?.reason}` : outcome;
    });
    const { rules: counters } = emulator.counters.get('mangle')!;
    const counts = ruleset.tables[0].rules.map((_, i) => counters[2 * i]);
    return { counts, outcomes, assumed: host.facts.assumed };
  });
  for (const result of results) assert.equal(result, results[0]);
  return results[0];
}

const OWNER = [
  '--socket-exists',
  '! --socket-exists',
  '--uid-owner 33',
  '! --uid-owner 33',
  '--uid-owner 30-40 --gid-owner 7',
  '! --uid-owner 33 ! --gid-owner 7',
  '--gid-owner 8',
  '--gid-owner 8 --suppl-groups',
  '! --gid-owner 8 --suppl-groups',
  '! --gid-owner 9 --suppl-groups',
];
const ownerRules = (chain: string): string[] => OWNER.map((options) => `${chain} -m owner ${options}`);
const WEB = { proto: 'tcp', local: '10.0.0.1:80', uid: 33, gid: 7, groups: [8], cgroup: '/web.slice/a', classid: 5 };

Sockets('owner: who sent a packet of the host', () => {
  const reply: Sent = ['local', tcp('10.0.0.1', 80, '10.0.0.9', 5000, 0x12)];
  const known = run({ sockets: [WEB] }, ownerRules('OUTPUT'), [reply]);
  assert.equal(known.counts, [1, 0, 1, 0, 1, 0, 0, 1, 0, 1]);
  assert.equal(known.assumed, []);
  const connected = { ...WEB, remote: '10.0.0.9:5000', uid: 34 };
  assert.equal(run({ sockets: [WEB, connected] }, ownerRules('POSTROUTING'), [reply]).counts, [
    ...[1, 0, 0, 1, 1, 0, 0, 1, 0, 1],
  ]);
  const raw = { proto: 'raw', uid: 0, gid: 0 };
  assert.equal(
    run({ sockets: [WEB, raw] }, ownerRules('OUTPUT'), [['local', udp('10.0.0.1', 80, '10.0.0.9', 1)]]).counts,
    [...[1, 0, 0, 1, 0, 1, 0, 0, 1, 1]],
  );
});

Sockets('owner: packets without a socket match what is negated, but for --suppl-groups', () => {
  const nobody = [0, 1, 0, 1, 0, 1, 0, 0, 0, 0];
  const forwarded = run({ sockets: [WEB] }, ownerRules('POSTROUTING'), [['lan', tcp('10.0.0.9', 80, '192.0.2.9', 1)]]);
  assert.equal(forwarded, { counts: nobody, outcomes: [Outcome.FORWARDED], assumed: [] });
  const own = run({}, ownerRules('OUTPUT'), [['local', tcp('10.0.0.1', 80, '10.0.0.9', 1)]]);
  assert.equal(own.counts, nobody);
  assert.equal(own.assumed, ["packets of the host's own that no entry of `sockets` sent have no owner"]);
});

Sockets('owner and cgroup: ICMP errors of the host are of a socket without owner in the root cgroup', () => {
  const rules = [
    ...ownerRules('OUTPUT'),
    'OUTPUT -m cgroup --path ""',
    'OUTPUT -m cgroup ! --path a',
    'OUTPUT -m cgroup --cgroup 0',
  ];
  const expired = udpPacket({ source: '10.0.0.9', sport: 1, destination: '192.0.2.9', dport: 2, ttl: 1 });
  assert.equal(run({}, rules, [['lan', withChecksum(expired)]]).counts, [1, 0, 0, 1, 0, 1, 0, 0, 1, 1, 1, 1, 1]);
});

Sockets('cgroup: by path and by classid, of local packets and of packets for a connection', () => {
  const rules = [
    '--path web.slice',
    '--path /web.slice/a/',
    '--path web',
    '! --path /db',
    '--cgroup 5',
    '! --cgroup 5',
  ];
  const own: Sent = ['local', tcp('10.0.0.1', 80, '10.0.0.9', 5000)];
  const lines = (chain: string): string[] => rules.map((options) => `${chain} -m cgroup ${options}`);
  assert.equal(run({ sockets: [WEB] }, lines('OUTPUT'), [own]).counts, [1, 1, 0, 1, 1, 0]);
  const incoming: Sent = ['lan', tcp('10.0.0.9', 5000, '10.0.0.1', 80)];
  assert.equal(run({ sockets: [WEB] }, lines('INPUT'), [incoming]).counts, [0, 0, 0, 0, 0, 0], 'a listening one');
  const connected = { ...WEB, remote: '10.0.0.9:5000' };
  assert.equal(run({ sockets: [connected] }, lines('INPUT'), [incoming]).counts, [1, 1, 0, 1, 1, 0]);
  const off = { sockets: [connected], sysctl: { 'net.ipv4.ip_early_demux': 0 } };
  assert.equal(run(off, lines('INPUT'), [incoming]).counts, [0, 0, 0, 0, 0, 0]);
  const forwarded: Sent = ['lan', tcp('10.0.0.9', 80, '192.0.2.9', 1)];
  assert.equal(run({ sockets: [WEB] }, lines('POSTROUTING'), [forwarded]).counts, [0, 0, 0, 0, 0, 0]);
});

Sockets('socket: connections before listening sockets, and these by how exact they are', () => {
  const rules = ['', '--nowildcard', '--transparent', '--nowildcard --transparent'];
  const lines = rules.map((options) => `PREROUTING -m socket ${options}`);
  const any = { proto: 'tcp', local: '*:80', transparent: true };
  const one: Sent = ['lan', tcp('10.0.0.9', 5000, '10.0.0.1', 80)];
  assert.equal(run({ sockets: [any] }, lines, [one]).counts, [0, 1, 0, 1]);
  assert.equal(run({ sockets: [any, WEB] }, lines, [one]).counts, [1, 1, 0, 0]);
  const connected = { proto: 'tcp', local: '10.0.0.1:80', remote: '10.0.0.9:5000', transparent: true };
  assert.equal(run({ sockets: [any, WEB, connected] }, lines, [one]).counts, [1, 1, 1, 1]);
  const gone = { ...connected, state: 'time-wait', transparent: false };
  assert.equal(run({ sockets: [any, gone] }, lines, [one]).counts, [1, 1, 0, 0]);
  const other: Sent = ['lan', tcp('10.0.0.9', 5001, '10.0.0.1', 81)];
  const none = run({ sockets: [any, WEB, connected] }, lines, [other]);
  assert.equal(none, { counts: [0, 0, 0, 0], outcomes: [Outcome.DELIVERED], assumed: [] });
  assert.equal(run({}, lines, [one]).assumed, ['no sockets, which rules ask for (`sockets`)']);
});

Sockets('socket: errors about what a socket sent, and replies to a translated one', () => {
  const lines = ['PREROUTING -m socket'];
  const client = { proto: 'udp', local: '10.0.0.1:4000', remote: '192.0.2.9:53' };
  const error = complaint('192.0.2.9', '10.0.0.1', udp('10.0.0.1', 4000, '192.0.2.9', 53));
  assert.equal(run({ sockets: [client] }, lines, [['wan', error]]).counts, [1]);
  const foreign = complaint('192.0.2.9', '10.0.0.1', udp('10.0.0.1', 4001, '192.0.2.9', 53));
  assert.equal(run({ sockets: [client] }, lines, [['wan', foreign]]).counts, [0]);
  assert.equal(run({ sockets: [client] }, lines, [['wan', error.subarray(0, 50)]]).counts, [0], 'without ports');
});

Sockets('socket --restore-skmark: the mark is set wherever the match holds', () => {
  const marked = { proto: 'udp', local: '10.0.0.1:53', mark: '0x7' };
  const lines = [
    'PREROUTING -m socket --restore-skmark --transparent',
    'PREROUTING -m mark --mark 0x7',
    'PREROUTING -m socket --restore-skmark -m length --length 9',
    'PREROUTING -m mark --mark 0x7',
  ];
  assert.equal(run({ sockets: [marked] }, lines, [['lan', udp('10.0.0.9', 1, '10.0.0.1', 53)]]).counts, [0, 0, 0, 1]);
});

const PROXY = { proto: 'tcp', local: '*:8080', transparent: true };
const TO_PROXY = 'PREROUTING -p tcp -j TPROXY --on-port 8080 --tproxy-mark 0x1/0x1';
const web: Sent = ['lan', tcp('10.0.0.9', 5000, '192.0.2.9', 80)];

Sockets('TPROXY: marks the packet, which the policy route delivers', () => {
  const rules = [TO_PROXY, 'INPUT -d 192.0.2.9 -p tcp --dport 80 -m mark --mark 0x1', 'INPUT -m socket --nowildcard'];
  const sent = run({ ...PROXY_ROUTES, sockets: [PROXY] }, rules, [web, web]);
  assert.equal(sent, { counts: [2, 2, 2], outcomes: [Outcome.DELIVERED, Outcome.DELIVERED], assumed: [] });
  const lost = run({ sockets: [PROXY] }, rules, [web]);
  assert.equal(lost, { counts: [1, 0, 0], outcomes: ['socket-not-local'], assumed: [] });
});

Sockets('TPROXY: drops what no transparent socket waits for', () => {
  const drop = (sockets: readonly object[], rule = TO_PROXY, packet = web): string | number =>
    run({ ...PROXY_ROUTES, sockets }, [rule], [packet]).outcomes[0];
  assert.is(drop([]), 'rule');
  assert.is(drop([{ ...PROXY, transparent: false }]), 'rule');
  assert.is(drop([{ ...PROXY, local: '10.0.0.1:8080' }]), Outcome.DELIVERED, 'the first address of the interface');
  assert.is(drop([{ ...PROXY, local: '192.0.2.1:8080' }]), 'rule');
  assert.is(drop([{ ...PROXY, local: '192.0.2.1:8080' }], `${TO_PROXY} --on-ip 192.0.2.1`), Outcome.DELIVERED);
  assert.is(drop([{ ...PROXY, local: '*:80' }], TO_PROXY.replace('8080', '0')), Outcome.DELIVERED, 'its own port');
  const connected = { proto: 'tcp', local: '192.0.2.9:80', remote: '10.0.0.9:5000', transparent: true };
  assert.is(drop([connected]), Outcome.DELIVERED, 'its connection');
  assert.is(drop([PROXY, { ...connected, transparent: false }]), 'rule', 'which must be transparent too');
  assert.is(drop([{ ...connected, state: 'time-wait', transparent: false }, PROXY]), Outcome.DELIVERED, 'reopened');
  assert.equal(run(PROXY_ROUTES, [TO_PROXY], [web]).assumed, ['no sockets, which rules ask for (`sockets`)']);
});

Sockets('what ss prints is read too', () => {
  const sockets = [
    'udp UNCONN 0      0              0.0.0.0%lan:82      0.0.0.0:*     ino:5 sk:42 fwmark:0x7 cgroup:/ <->',
    'tcp LISTEN 0      128                     *:81            *:*     uid:1000 ino:14 sk:47 cgroup:/a v6only:0 <->',
    'tcp ESTAB  0      0      [::ffff:10.0.0.1]:80    [::ffff:10.0.0.9]:57988',
    'tcp LISTEN 0      128                [::1]:80         [::]:*',
    'tcp LISTEN 0      128                 [::]:83         [::]:* ino:1 v6only:1',
    'tcp LISTEN 0      128              0.0.0.0:22      0.0.0.0:*',
  ].join('\n');
  const read = hostWith({ sockets }).description.facts.sockets!;
  const shown = read.map(({ protocol, state, local, localPort, remote, remotePort, isDual, dev, uid, mark }) => [
    ...[protocol, state, `${local}:${localPort}`, `${remote}:${remotePort}`, isDual, dev, uid, mark],
  ]);
  assert.equal(shown, [
    [17, 'unconnected', 'undefined:82', 'undefined:0', false, 'lan', 0, 7],
    [6, 'listening', 'undefined:81', 'undefined:0', true, undefined, 1000, 0],
    [6, 'established', '10.0.0.1:80', '10.0.0.9:57988', true, undefined, undefined, 0],
    [6, 'listening', '::1:80', 'undefined:0', false, undefined, undefined, 0],
    [6, 'listening', 'undefined:22', 'undefined:0', false, undefined, undefined, 0],
  ]);
});

Sockets('faults are told by place', () => {
  const fault = (sockets: unknown): string => {
    try {
      hostWith({ sockets });
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('no fault');
  };
  assert.match(fault([{ proto: 'sctp', local: '*:1' }]), /sockets\[0\]\.proto: .*tcp, udp or raw/);
  assert.match(fault([{ proto: 'tcp', local: '10.0.0.1' }]), /sockets\[0\]\.local: expected address:port/);
  assert.match(fault([{ proto: 'tcp', local: '*:1', state: 'established' }]), /state: expected a socket with a remote/);
  assert.match(fault([{ proto: 'tcp', local: '*:1', transparant: true }]), /transparant.*did you mean transparent/);
  assert.match(
    fault([{ proto: 'tcp', local: '*:1', dev: 'eth7' }]),
    /sockets\[0\]\.dev: the host has no interface eth7/,
  );
});

Sockets('what ss does not print is refused, not read as no sockets', () => {
  const lines = ['garbage', 'LISTEN 0 128 0.0.0.0:22 0.0.0.0:*', 'tcp LISTEN 0 128'];
  for (const line of lines) {
    const text = `udp UNCONN 0 0 *:9 *:*\n${line}\n`;
    const message = `line 2: expected a line of ss -Hntua, found "${line}"`;
    const isTold = (error: unknown): boolean => error instanceof Error && error.message.includes(message);
    assert.throws(() => hostWith({ sockets: text }), isTold);
  }
  const others = [
    'Netid State  Recv-Q Send-Q',
    '\tbbr cwnd:10',
    'u_str ESTAB 0 0 * 1 * 2',
    'icmp6 UNCONN 0 0 *:58 *:*',
    '',
  ];
  hostWith({ sockets: others.join('\r\n') });
});

Sockets.run();
