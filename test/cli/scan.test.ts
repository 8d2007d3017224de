/** `nfreplay scan`: what people and programs are told about the ports of a host. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const Scan = suite('nfreplay scan');

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'nfreplay-scan-'));
const schema = JSON.parse(readFileSync('docs/schema/scan.schema.json', 'utf8'));
const validate = new Ajv2020({ allErrors: true, strictTypes: false }).compile(schema);

Scan.after(() => rmSync(dir, { recursive: true }));

const net = (local: string, prefixlen: number) => ({ family: 'inet', local, prefixlen });

/** A host that publishes a container's port, as Docker does, behind ufw's rules for INPUT. */
const HOST = {
  addr: [
    { ifname: 'eth0', address: '02:00:00:00:00:10', mtu: 1500, addr_info: [net('192.0.2.10', 24)] },
    { ifname: 'docker0', address: '02:42:c0:bb:bb:1e', mtu: 1500, addr_info: [net('172.17.0.1', 16)] },
  ],
  route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'eth0' }],
  neigh: [{ dst: '172.17.0.3', dev: 'docker0', lladdr: '02:42:ac:11:00:03' }],
  sysctl: { 'net.ipv4.ip_forward': 1 },
  sockets: [
    { proto: 'tcp', local: '*:22' },
    { proto: 'tcp', local: '127.0.0.1:25' },
  ],
};
const RULES = `*nat
-A PREROUTING -m addrtype --dst-type LOCAL -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:80
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
-A INPUT -s 198.51.100.0/24 -j REJECT
-A INPUT -p tcp -m tcp --dport 20:25 -j ACCEPT
-A FORWARD -d 172.17.0.3/32 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
`;

const HOST_FILE = join(dir, 'host.json');
const RULES_FILE = join(dir, 'rules.v4');
writeFileSync(HOST_FILE, JSON.stringify(HOST));
writeFileSync(RULES_FILE, RULES);

function run(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, COLUMNS: '80', NO_COLOR: '1' };
  return spawnSync(process.execPath, [MAIN, 'scan', '--host', HOST_FILE, ...args], { encoding: 'utf8', env });
}

interface Verdict {
  verdict: string;
  to: string | null;
  rule: { line: number } | null;
}

interface Where {
  from: string;
  address: string;
  protocol: string;
  first: number;
  last: number;
}

interface ScanJson {
  sources: readonly { from: string; interface: string; networks: readonly string[] }[];
  ports: readonly (Where & Verdict)[];
  findings: readonly { code: string; message: string }[];
  changes: readonly (Where & { change: string; before: Verdict; after: Verdict })[];
}

function jsonOf(...args: readonly string[]): ScanJson {
  const { status, stdout, stderr } = run('--rules', RULES_FILE, '--json', ...args);
  assert.is(status, 0, stderr);
  const json = JSON.parse(stdout);
  assert.ok(validate(json), JSON.stringify(validate.errors, null, 1));
  return json as ScanJson;
}

/** `0-19 dropped 6`, `8080 translated 172.17.0.3:80 9`. */
function said({ ports }: ScanJson, from: string, address: string, protocol = 'tcp'): string[] {
  return ports
    .filter((one) => one.from === from && one.address === address && one.protocol === protocol)
    .map(({ first, last, verdict, to, rule }) =>
      [first === last ? first : `${first}-${last}`, verdict, ...(to === null ? [] : [to]), rule?.line].join(' '),
    );
}

Scan('all ports: open where somebody listens, accepted where nobody does, translated past the rules of INPUT', () => {
  const json = jsonOf('--source', 'eth0');
  assert.equal(said(json, 'eth0', '192.0.2.10'), [
    '0-19 dropped 5',
    '20-21 accepted 8',
    '22 open 8',
    // Of 127.0.0.1:25, nothing is seen from outside.
    '23-25 accepted 8',
    '26-8079 dropped 5',
    '8080 translated 172.17.0.3:80 9',
    '8081-65535 dropped 5',
  ]);
  assert.equal(said(json, 'eth0', '192.0.2.10', 'udp'), ['0-65535 dropped 5']);
  // The container by its own address: it is routed, and FORWARD lets port 80 pass.
  assert.equal(said(json, 'eth0', '172.17.0.3'), ['0-79 dropped 6', '80 accepted 9', '81-65535 dropped 6']);
});

Scan(
  'addresses that only filtering rules or routes of type local name are scanned, of a network one, and that is said',
  () => {
    const route = [...HOST.route, { type: 'local', dst: '198.18.0.7', dev: 'eth0', table: 'local' }];
    writeFileSync(join(dir, 'local.json'), JSON.stringify({ ...HOST, route }));
    const rules =
      '*filter\n:FORWARD DROP [0:0]\n-A FORWARD -d 172.17.0.9/32 -p tcp -m tcp --dport 443 -j ACCEPT\n' +
      '-A FORWARD -d 172.17.128.0/20 -p tcp -m tcp --dport 25 -j ACCEPT\nCOMMIT\n';
    writeFileSync(join(dir, 'named.v4'), rules);
    const given = ['--rules', join(dir, 'named.v4'), '--host', join(dir, 'local.json'), '--source', 'eth0', '--json'];
    const { stdout } = spawnSync(process.execPath, [MAIN, 'scan', ...given], { encoding: 'utf8' });
    const json = JSON.parse(stdout) as ScanJson & { notes: readonly string[] };
    assert.equal(said(json, 'eth0', '172.17.0.9'), ['0-442 dropped 2', '443 accepted 3', '444-65535 dropped 2']);
    assert.equal(said(json, 'eth0', '172.17.128.1'), ['0-24 dropped 2', '25 accepted 4', '26-65535 dropped 2']);
    assert.ok(json.ports.some(({ address }) => address === '198.18.0.7'));
    assert.ok(json.notes.some((note) => /172\.17\.128\.0\/20.* only 172\.17\.128\.1 was scanned/.test(note)));
  },
);

Scan('senders that rules treat in another way are told apart', () => {
  const json = jsonOf();
  assert.equal(
    json.sources.map(({ from }) => from),
    ['eth0', 'eth0 198.51.100.0/24', 'docker0'],
  );
  assert.equal(said(json, 'eth0 198.51.100.0/24', '192.0.2.10'), [
    '0-8079 rejected 7',
    '8080 translated 172.17.0.3:80 9',
    '8081-65535 rejected 7',
  ]);
  // The container reaches the host by the bridge; its own address it reaches without the host.
  assert.equal(said(json, 'docker0', '172.17.0.3'), []);
});

Scan('a network as the source: only what is behind the interface that the host routes to it by', () => {
  const json = jsonOf('--source', '198.51.100.128/25');
  assert.equal(json.sources[0].interface, 'eth0');
  assert.equal(json.sources[0].networks, ['198.51.100.128/25']);
  assert.is(said(json, '198.51.100.128/25', '192.0.2.10')[0], '0-8079 rejected 7');
});

Scan('what a change opens and closes', () => {
  const change = ['--apply', 'iptables -I INPUT -p tcp --dport 443 -j ACCEPT', '--apply', 'iptables -t nat -F'];
  const json = jsonOf('--source', 'eth0', ...change);
  const changes = json.changes
    .filter(({ from, address }) => from === 'eth0' && address === '192.0.2.10')
    .map((one) => [one.first, one.last, one.change, one.before.verdict, one.after.verdict]);
  // Nobody listens on 443: it is accepted now, and answered by a reset.
  assert.equal(changes, [
    [443, 443, 'differs', 'dropped', 'accepted'],
    [8080, 8080, 'closes', 'translated', 'dropped'],
  ]);
  assert.equal(jsonOf('--apply', 'iptables -I INPUT -m comment --comment moved').changes, []);
  const { stdout } = run('--rules', RULES_FILE, '--source', 'eth0', ...change);
  assert.match(stdout, /- closes +tcp +8080\s+→ 172\.17\.0\.3:80 out docker0 ⇒ dropped/);
});

Scan('--apply is for both sides if two rulesets are given', () => {
  const open = join(dir, 'open-443.v4');
  writeFileSync(
    open,
    RULES.replace('-A INPUT -p tcp', '-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT\n-A INPUT -p tcp'),
  );
  const ports = (...args: string[]): number[] => [
    ...new Set(jsonOf('--rules', open, '--source', 'eth0', ...args).changes.map(({ first }) => first)),
  ];
  assert.equal(ports(), [443]);
  assert.equal(ports('--apply', 'iptables -I INPUT -p tcp --dport 444 -j ACCEPT'), [443]);
  assert.equal(ports('--apply', 'iptables -I INPUT -p tcp --dport 443 -j ACCEPT'), []);
});

Scan('the text fits the terminal, and says what is not known', () => {
  for (const width of [60, 200]) {
    const env = { ...process.env, COLUMNS: String(width), NO_COLOR: '1' };
    const args = [MAIN, 'scan', '--host', HOST_FILE, '--rules', RULES_FILE];
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
    const longest = Math.max(...stdout.split('\n').map((line) => line.length));
    assert.ok(longest <= width, `${longest} of ${width} columns`);
    assert.match(stdout, /22 +open/);
  }
  writeFileSync(join(dir, 'bare.json'), JSON.stringify({ ...HOST, sockets: undefined }));
  const { stdout } = run('--rules', RULES_FILE, '--host', join(dir, 'bare.json'));
  assert.is(stdout, '');
  const bare = spawnSync(process.execPath, [MAIN, 'scan', '--host', join(dir, 'bare.json'), '--rules', RULES_FILE], {
    encoding: 'utf8',
  });
  assert.match(bare.stdout, /who listens on the host is not known/);
});

/** Code, message without places, and example of what is found with EXPECTED. */
function findingsWith(expected: string, ...args: readonly string[]): string[] {
  const file = join(dir, 'ports.yaml');
  writeFileSync(file, expected);
  const { status, stdout, stderr } = run('--rules', RULES_FILE, '--json', '--expect', file, ...args);
  assert.is(stderr, '');
  const json: ScanJson = JSON.parse(stdout);
  assert.ok(validate(json), JSON.stringify(validate.errors, null, 1));
  assert.is(status, json.findings.length > 0 ? 1 : 0);
  return json.findings.map(({ code, message }) => `${code}: ${message}`.replaceAll(file, 'ports.yaml'));
}

Scan('what is open must be listed, and what is listed must be open', () => {
  const source = ['--source', '203.0.113.0/24'];
  assert.equal(
    findingsWith('open:\n- tcp * > *:22\n- eth0 tcp * > 192.0.2.10:8080\n- tcp * > 172.17.0.3:80\n', ...source),
    ['unexpected-open: tcp 172.17.0.1:8080 from 203.0.113.0/24: → 172.17.0.3:80 out docker0; not listed as open'],
  );
  const listed = '- tcp * > *:22\n- tcp * > *:8080\n- tcp * > 172.17.0.3:80\n';
  assert.equal(findingsWith(`open:\n${listed}`, ...source), []);
  assert.equal(
    findingsWith(`open:\n${listed}- tcp * > 192.0.2.10:443\nclosed:\n- tcp * > 192.0.2.10:8080\n`, ...source),
    [
      'unexpected-open: tcp 192.0.2.10:8080 from 203.0.113.0/24: → 172.17.0.3:80 out docker0; ' +
        'listed as closed (ports.yaml:7)',
      'unexpected-closed: tcp 192.0.2.10:443 from 203.0.113.0/24: dropped; listed as open (ports.yaml:5)',
    ],
  );
  // Of any address, one has to be open.
  assert.equal(findingsWith(`open:\n${listed}- udp * > *:53\n`, ...source), [
    'unexpected-closed: listed as open (ports.yaml:5): udp * > *:53: at none of the addresses open: udp 53',
  ]);
});

/** What of LISTED is found to be closed, with what else is open out of the way. */
const closedOf = (listed: string, ...args: readonly string[]): string[] =>
  findingsWith(listed, '--source', '203.0.113.0/24', ...args).filter((line) => !line.startsWith('unexpected-open'));

Scan('no port, any port and a range are alike: each port that is named has to be open', () => {
  const closed = (ports: string): string =>
    `unexpected-closed: tcp 192.0.2.10:${ports} from 203.0.113.0/24: dropped; listed as open (ports.yaml:2)`;
  const accepted =
    'unexpected-closed: tcp 192.0.2.10:20-21, 23-25 from 203.0.113.0/24: accepted, nobody listens; ' +
    'listed as open (ports.yaml:2)';
  const all = [closed('0-19, 26-8079, 8081-65535'), accepted];
  for (const end of ['192.0.2.10', '192.0.2.10:*', '192.0.2.10:0-65535'])
    assert.equal(closedOf(`open:\n- eth0 tcp * > ${end}\n`), all, end);
  assert.equal(closedOf('open:\n- tcp * > 192.0.2.10:22-30\n'), [
    'unexpected-closed: tcp 192.0.2.10:23-25 from 203.0.113.0/24: accepted, nobody listens; ' +
      'listed as open (ports.yaml:2)',
    closed('26-30'),
  ]);
  // Any protocol: both that are scanned.
  assert.equal(closedOf('open:\n- eth0 ip * > 192.0.2.10\n'), [
    ...all,
    'unexpected-closed: udp 192.0.2.10:0-65535 from 203.0.113.0/24: dropped; listed as open (ports.yaml:2)',
  ]);
  // Of several addresses, each port has to be open at one.
  assert.equal(closedOf('open:\n- eth0 tcp * > *\n'), [
    'unexpected-closed: listed as open (ports.yaml:2): eth0 tcp * > *: ' +
      'at none of the addresses open: tcp 0-21, 23-79, 81-8079, 8081-65535',
  ]);
});

Scan('a sentence that fits nothing that is scanned is a finding, whether it is listed as open or as closed', () => {
  const unfit = [
    ['tcp * > 192.0.2.99:22', 'no address that is scanned fits'],
    ['tcp 198.51.100.7 > 192.0.2.10:22', 'no address that is scanned fits'],
  ];
  const lists = ['open', 'closed'];
  const text = lists.map((list) => `${list}:\n${unfit.map(([sentence]) => `- ${sentence}\n`).join('')}`).join('');
  assert.equal(
    closedOf(text),
    lists.flatMap((list, i) =>
      unfit.map(
        ([sentence, why], j) => `not-scanned: listed as ${list} (ports.yaml:${i * 3 + j + 2}): ${sentence}: ${why}`,
      ),
    ),
  );
});

Scan('of senders of whom only some are listed, the others are a finding', () => {
  const listed = 'open:\n- tcp * > *:22\n- tcp 203.0.113.0/25 > *:8080\n- tcp * > 172.17.0.3:80\n';
  assert.equal(findingsWith(listed, '--source', '203.0.113.0/24'), [
    'unexpected-open: tcp 192.0.2.10:8080 (and at 172.17.0.1) from eth0: 203.0.113.128/25: ' +
      '→ 172.17.0.3:80 out docker0; not listed as open',
  ]);
});

Scan('what is open only to packets that are not as those of clients is no less open', () => {
  const rules = join(dir, 'condition.v4');
  const expected = join(dir, 'ports.yaml');
  const check = (...lines: readonly string[]): { status: number | null; codes: string[]; text: string } => {
    writeFileSync(rules, `*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n${lines.join('\n')}\nCOMMIT\n`);
    writeFileSync(expected, 'closed:\n- eth0 tcp * > *\n- docker0 tcp * > *\n');
    const { status, stdout } = run('--rules', rules, '--expect', expected, '--json');
    const { findings, notes } = JSON.parse(stdout);
    const messages = findings.map(({ message }: { message: string }) => message);
    const codes = [...new Set<string>(findings.map(({ code }: { code: string }) => code))];
    return { status, codes, text: [...messages, ...notes].join('\n') };
  };
  for (const [match, condition] of [
    ['-p tcp -m mac --mac-source 02:00:00:00:00:77', 'source MAC address 02:00:00:00:00:77'],
    ['-p tcp -m ttl --ttl-gt 128', 'TTL 129'],
    ['-p tcp -m tos --tos 0x10/0xff', 'TOS 0x10'],
    ['-p tcp -m length --length 40', 'length 40'],
    ['-s 10.0.0.0/8 -p tcp -m tcp --sport 53', 'source port 53'],
    ['-p tcp -m tcp --sport 53 -m ttl --ttl-gt 128', 'TTL 129'],
  ]) {
    const { status, codes, text } = check(`-A INPUT ${match} -j ACCEPT`);
    assert.is(status, 1, match);
    assert.equal(codes, ['unexpected-open'], match);
    assert.match(text, new RegExp(`open to packets with .*${condition}`), match);
  }
  for (const match of [
    '-p tcp -m tcp --tcp-option 30',
    '-m pkttype --pkt-type broadcast',
    '-p tcp -m tcp --tcp-flags ALL ACK',
  ]) {
    const { status, codes, text } = check(`-A INPUT ${match} -j ACCEPT`);
    assert.is(status, 1, match);
    assert.ok(codes.length > 0, match);
    assert.match(text, /condition\.v4:4/, match);
  }
  // These rules only stop packets, or say something about them, and marks are 0 on arrival.
  for (const rule of [
    '-m ttl --ttl-gt 128 -j DROP',
    '-p tcp -m tcp ! --syn -j DROP',
    '-p tcp -m tcp --sport 53 -j LOG',
    '-p tcp -m mark --mark 0x7 -j ACCEPT',
  ]) {
    const { status, text } = check(`-A INPUT ${rule}`);
    assert.is(status, 0, `${rule}: ${text}`);
  }
  const { text } = check('-A INPUT -p tcp -m tcp --sport 53 -j ACCEPT', '-A INPUT -m ttl --ttl-lt 32 -j ACCEPT');
  assert.match(text, /condition\.v4:4 looks at the source port: the result is for packets from port 51515/);
  assert.match(text, /open only to packets with TTL 31/);
  assert.is(run('--rules', rules, '--strict').status, 1);
});

Scan('a rule that looks addresses up in a set asks for no other field of packets', () => {
  const rules = join(dir, 'set.v4');
  const sets = join(dir, 'set.ipset');
  writeFileSync(sets, 'create friends hash:ip\nadd friends 203.0.113.9\n');
  writeFileSync(
    rules,
    '*filter\n:INPUT DROP [0:0]\n-A INPUT -m set --match-set friends src -p udp -j ACCEPT\nCOMMIT\n',
  );
  const { stdout, stderr } = run('--rules', rules, '--ipset', sets, '--source', 'eth0', '--json');
  assert.is(stderr, '');
  assert.not.match(JSON.parse(stdout).notes.join('\n'), /set\.v4/);
});

Scan('what is expected of interfaces that --source leaves out is not checked, and that is said', () => {
  const file = join(dir, 'ports.yaml');
  writeFileSync(file, 'open:\n- docker0 tcp * > *:53\n- tcp * > *:22\n- tcp * > *:8080\n- tcp * > 172.17.0.3:80\n');
  const args = ['--rules', RULES_FILE, '--expect', file, '--source', '203.0.113.0/24', '--json'];
  const { status, stdout } = run(...args);
  const { findings, notes } = JSON.parse(stdout);
  assert.equal(findings, []);
  assert.is(status, 0);
  assert.match(notes.join('\n'), /not checked: docker0 tcp \* > \*:53 \(.*ports\.yaml:2\): docker0 was not scanned/);
  assert.is(run(...args, '--strict').status, 1);
});

Scan('senders whom rules name are scanned first, and the others are said as what they are', () => {
  const rules = join(dir, 'named.v4');
  writeFileSync(rules, '*filter\n:INPUT DROP [0:0]\n-A INPUT -s 10.1.2.3/32 -j ACCEPT\nCOMMIT\n');
  const { stdout } = run('--rules', rules, '--json');
  const { sources, notes } = JSON.parse(stdout);
  assert.ok(sources.some(({ networks }: { networks: string[] }) => networks.includes('10.1.2.3')));
  assert.not.match(notes.join('\n'), /that rules name/);
});

Scan('an expectation that scan cannot tell is refused by name', () => {
  const file = join(dir, 'ports.yaml');
  for (const [text, message, code] of [
    ['open:\n- icmp * > *\n', /ports\.yaml:2:3: only ports of tcp and udp are scanned/, 3],
    ['open:\n- tcp *:53 > *:53\n', /leave out the port of the source/, 3],
    ['open:\n- eth1 tcp * > *:53\n', /no interface eth1 \(eth0, docker0\); did you mean eth0\?/, 2],
  ] as const) {
    writeFileSync(file, text);
    const { status, stderr } = run('--rules', RULES_FILE, '--expect', file);
    assert.is(status, code);
    assert.match(stderr, message);
  }
});

Scan('sources that cannot be are refused, with what is wanted', () => {
  const refused = (source: string): string => {
    const { status, stderr } = run('--rules', RULES_FILE, '--source', source);
    assert.is(status, 2);
    return stderr;
  };
  assert.match(
    refused('eth9'),
    /no such interface; expected an interface \(eth0, docker0\) or a network.*did you mean eth0\?/,
  );
  assert.match(refused('lo'), /scan looks from outside/);
  assert.match(refused('10.0.0.0/33'), /no such interface/);
  assert.match(refused('192.0.2.10'), /no route to it/);
});

Scan.run();
