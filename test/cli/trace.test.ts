/** `nfreplay trace`: what people and programs are told about a packet. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { storyJson } from '../../explain/story/story-json.js';
import { StoryTeller } from '../../explain/story/story-teller.js';
import { casesIn, optionsOf } from '../../replay/golden-case.js';
import { replay } from '../../replay/replay.js';

const Trace = suite('nfreplay trace');

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'nfreplay-trace-'));

Trace.after(() => rmSync(dir, { recursive: true }));

const HOST = {
  addr: [
    { ifname: 'eth0', address: '02:00:00:00:00:10', mtu: 1500, addr_info: [net('192.0.2.10', 24)] },
    { ifname: 'docker0', address: '02:42:c0:bb:bb:1e', mtu: 1500, addr_info: [net('172.17.0.1', 16)] },
  ],
  route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'eth0' }],
  neigh: [
    { dst: '192.0.2.1', dev: 'eth0', lladdr: '02:00:00:00:00:01' },
    { dst: '172.17.0.3', dev: 'docker0', lladdr: '02:42:ac:11:00:03' },
  ],
  sysctl: { 'net.ipv4.ip_forward': 1, 'net.ipv4.icmp_ratelimit': 0, 'net.ipv4.icmp_msgs_per_sec': 1000 },
};

function net(local: string, prefixlen: number) {
  return { family: 'inet', local, prefixlen };
}

const RULES = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 36379 -j DNAT --to-destination 172.17.0.3:6379
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER-USER - [0:0]
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
-A INPUT -j REJECT --reject-with icmp-host-prohibited
-A FORWARD -j DOCKER-USER
-A FORWARD -d 172.17.0.3/32 -p tcp -m tcp --dport 6379 -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
`;

writeFileSync(join(dir, 'host.json'), JSON.stringify(HOST));
writeFileSync(join(dir, 'rules.v4'), RULES);

type Json = Readonly<Record<string, unknown>>;

interface Run {
  readonly columns?: number;
  readonly rules?: string;
}

function trace(args: readonly string[], { columns = 120, rules = 'rules.v4' }: Run = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [MAIN, 'trace', '--rules', rules, '--host', 'host.json', ...args],
    { cwd: dir, encoding: 'utf8', env: { ...process.env, COLUMNS: String(columns) } },
  );
  return { status, stdout, stderr };
}

const TO_8081 = 'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S';

Trace('says the verdict and the deciding rule first, then the way of the packet, folded, and what was sent', () => {
  const { status, stdout, stderr } = trace([TO_8081], { columns: 100 });
  assert.equal({ status, stderr }, { status: 0, stderr: '' });
  assert.is(
    stdout,
    `rejected  in filter INPUT by rule 6 (rules.v4:22)   -j REJECT --reject-with icmp-host-prohibited
          tcp 203.0.113.7:51515 → 192.0.2.10:8081 SYN, in eth0, a new connection

PREROUTING   conntrack   NEW
             nat 1       -m addrtype --dst-type LOCAL -j DOCKER          → DOCKER
               1         -i docker0 -j RETURN                            in eth0
               2         ! -i docker0 -p tcp --dport 36379 -j DNAT …     dport 8081  ← nearest
             route       192.0.2.10 is local                             → INPUT
INPUT        filter 1    -m state --state RELATED,ESTABLISHED -j ACCEPT  NEW
             filter 2-5  4 rules about icmp, lo, tcp dport 22, 80
             filter 6    -j REJECT --reject-with icmp-host-prohibited    REJECT
sent         icmp 192.0.2.10 → 203.0.113.7 host-prohibited, out eth0
same fate    new tcp in eth0 to 192.0.2.10, dport not 22, 80, 36379
changes it   an ACCEPT for tcp in eth0 dport 8081 in filter INPUT before rule 6
               iptables -I INPUT 6 -i eth0 -p tcp --dport 8081 -j ACCEPT
assumed      rp_filter 0: not in the host
             no limit of ICMP errors (icmp_msgs_burst): not in the host
chosen       ttl 64, 60 bytes
`,
  );
});

Trace('a rewrite is shown under its rule, and hooks at which nothing happens are left out', () => {
  const { stdout } = trace(['eth0 tcp 203.0.113.7:51515 > 192.0.2.10:36379 S ttl 64 len 60']);
  assert.is(
    stdout,
    `forwarded  in filter FORWARD by rule 2 (rules.v4:24)   -d 172.17.0.3/32 -p tcp -m tcp --dport 6379 -j ACCEPT
           tcp 203.0.113.7:51515 → 192.0.2.10:36379 SYN, in eth0, a new connection
           destination 192.0.2.10:36379 → 172.17.0.3:6379 by DNAT in rules.v4:10

PREROUTING   conntrack  NEW
             nat 1      -m addrtype --dst-type LOCAL -j DOCKER                                             → DOCKER
               1        -i docker0 -j RETURN                                                               in eth0
               2        ! -i docker0 -p tcp -m tcp --dport 36379 -j DNAT --to-destination 172.17.0.3:6379  DNAT
                        destination 192.0.2.10:36379 → 172.17.0.3:6379
             route      172.17.0.3 direct out docker0                                                      → FORWARD
FORWARD      filter 1   -j DOCKER-USER                                                                     comes back
             filter 2   -d 172.17.0.3/32 -p tcp -m tcp --dport 6379 -j ACCEPT                              ACCEPT
POSTROUTING  nat 1      -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE                                        out docker0
sent         tcp 203.0.113.7:51515 → 172.17.0.3:6379 SYN, out docker0
same fate    new tcp in eth0 to 192.0.2.10, dport 36379
assumed      rp_filter 0: not in the host
`,
  );
});

Trace('what the decision rests on stands at the top: the redirection, and the mark that the rule asks for', () => {
  writeFileSync(
    join(dir, 'marks.v4'),
    `*mangle
-A PREROUTING -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x1/0xff
-A PREROUTING -i eth0 -j MARK --set-xmark 0x2/0xff
COMMIT
*nat
-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080
COMMIT
*filter
-A INPUT -m mark --mark 0x2/0xff -j DROP
COMMIT
`,
  );
  const lines = (sentence: string): string[] =>
    trace([sentence], { rules: 'marks.v4' })
      .stdout.split('\n\n', 1)[0]
      .split('\n')
      .slice(2)
      .map((line) => line.trim());
  assert.equal(lines('eth0 tcp 203.0.113.7 > 192.0.2.10:80'), [
    'mark 0x1 → 0x2 by MARK in marks.v4:3',
    'destination 192.0.2.10:80 → 192.0.2.10:8080 by REDIRECT in marks.v4:6',
  ]);
});

Trace('--minimal says the verdict, what was changed, and what was sent; --then goes on where the host is', () => {
  const { stdout } = trace(['eth0 tcp 203.0.113.7:51515 > 192.0.2.10:36379 S', '--then', 'reply', '--minimal']);
  assert.is(
    stdout,
    `forwarded  in filter FORWARD by rule 2 (rules.v4:24)   -d 172.17.0.3/32 -p tcp -m tcp --dport 6379 -j ACCEPT
           tcp 203.0.113.7:51515 → 192.0.2.10:36379 SYN, in eth0, a new connection

changed      destination 192.0.2.10:36379 → 172.17.0.3:6379 (rules.v4:10)
sent         tcp 203.0.113.7:51515 → 172.17.0.3:6379 SYN, out docker0

2  --then reply
dropped  by policy of filter FORWARD (rules.v4:14)   -P FORWARD DROP
         tcp 172.17.0.3:6379 → 203.0.113.7:51515 SYN/ACK, in docker0, a reply in its connection

changes it   an ACCEPT for RELATED,ESTABLISHED in filter DOCKER-USER
               iptables -I DOCKER-USER -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
             an ACCEPT for RELATED,ESTABLISHED at the end of filter FORWARD
               iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
`,
  );
});

Trace('--all shows each rule and each policy', () => {
  const { stdout } = trace([TO_8081, '--all']);
  for (const number of [1, 2, 3, 4, 5, 6]) assert.match(stdout, `filter ${number} `);
  assert.match(stdout, 'policy ACCEPT');
});

Trace('an unsupported rule that the packet might meet is not asked, and the verdict is in doubt', () => {
  writeFileSync(
    join(dir, 'ipvs.v4'),
    RULES.replace('-A INPUT -p icmp', '-A INPUT -m ipvs --ipvs -j DROP\n-A INPUT -p icmp'),
  );
  const { stdout } = trace([TO_8081, '--lax'], { rules: 'ipvs.v4' });
  assert.match(stdout, /^rejected\? /);
  assert.match(stdout, /^uncertain +/m);
});

Trace('what sets answer and get is said, and so is what comes back to the host', () => {
  writeFileSync(join(dir, 'sets'), 'create block hash:ip\ncreate known hash:net\nadd known 10.0.0.0/8\n');
  writeFileSync(
    join(dir, 'sets.v4'),
    `*filter
:INPUT DROP [0:0]
-A INPUT -m set --match-set known src -j ACCEPT
-A INPUT -p tcp -m set ! --match-set known src -j SET --add-set block src
COMMIT
`,
  );
  const added = trace(['eth0 tcp 203.0.113.7 > 192.0.2.10:23', '--ipset', 'sets'], { rules: 'sets.v4' }).stdout;
  assert.match(added, /filter 1 .* not in set known\b/);
  assert.match(added, /^ +entries of set block 0 → 1$/m);
  const own = trace(['local udp 192.0.2.10 > 192.0.2.255:67']).stdout;
  assert.match(own, /^came back {4}udp .*: rejected in filter INPUT by rule 6 \(rules.v4:22\)$/m);
});

Trace(
  '--strict ends with 1 where something is assumed, and changes for which no packet comes late enough are said',
  () => {
    const { status, stderr } = trace([TO_8081, '--strict']);
    assert.is(status, 1);
    assert.match(stderr, '--strict: 2 assumptions');
    const late = trace([TO_8081, '--at', '5s=iptables -F INPUT']);
    assert.is(late.status, 0);
    assert.match(late.stdout, '--at 5s: not done');
    assert.not.match(trace([TO_8081, '--then', TO_8081, '--at', 'n2=iptables -F INPUT']).stdout, 'not done');
  },
);

Trace('a state is said once, and what TRACE logs of each rule only with --all', () => {
  writeFileSync(
    join(dir, 'traced.v4'),
    `*raw\n-A PREROUTING -j TRACE\nCOMMIT\n${RULES.replace('-A INPUT -p icmp', '-A INPUT -j LOG\n-A INPUT -p icmp')}`,
  );
  const to22 = 'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:22 S';
  const told = (...more: string[]): string =>
    trace([to22, '--then', 'handshake', '--then', 'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:22 A', ...more], {
      rules: 'traced.v4',
    }).stdout;
  assert.not.match(told(), 'TRACE: ');
  assert.match(told(), /log: IN=eth0/);
  assert.match(told('--all'), 'log: TRACE: raw:PREROUTING:policy:2 ');
  assert.not.match(told(), /ESTABLISHED +ESTABLISHED/);
  assert.match(told(), /conntrack +ESTABLISHED$/m);
});

Trace('rules that ask for the time meet noon (UTC) of a Wednesday, and that is said', () => {
  const at = (hours: string): string => {
    const hourly = `-A INPUT -p tcp -m time --timestart ${hours} --weekdays Wed -j ACCEPT\n-A INPUT -p icmp`;
    writeFileSync(join(dir, 'time.v4'), RULES.replace('-A INPUT -p icmp', hourly));
    return trace([TO_8081], { rules: 'time.v4' }).stdout;
  };
  const chosen = /^chosen .*, the time: Wed 2025-12-31 12:00 UTC$/m;
  const open = at('11:59 --timestop 12:01');
  assert.match(open, /^delivered/);
  assert.match(open, chosen);
  const closed = at('12:01 --timestop 13:00');
  assert.match(closed, /^rejected/);
  assert.match(closed, chosen);
  assert.not.match(trace(['eth0 icmp 203.0.113.7 > 192.0.2.10'], { rules: 'time.v4' }).stdout, 'the time:');
});

Trace('--strict holds for packets and connections of captures as well', () => {
  const capture = fileURLToPath(new URL('../../../pcaps/out-of-window-escape/in/eth0.pcap', import.meta.url));
  for (const asked of [
    ['--packet', '1'],
    ['--connection', 'tcp * > *'],
  ]) {
    const of = ['--in', `eth0=${capture}`, ...asked];
    assert.is(trace(of).status, 0);
    for (const form of [[], ['--json']]) {
      const { status, stderr } = trace([...of, '--strict', ...form]);
      assert.is(status, 1);
      assert.match(stderr, /--strict: \d+ assumptions/);
    }
  }
});

Trace('lines are no longer than the terminal is wide', () => {
  for (const columns of [60, 80, 120, 200]) {
    for (const line of trace([TO_8081], { columns }).stdout.split('\n'))
      assert.ok(line.length <= columns, `${columns}: ${line}`);
  }
});

Trace('faults of the command line say what is wrong with what', () => {
  assert.match(trace([]).stderr, 'requires a packet, such as');
  assert.match(trace(['eth0', 'tcp', '203.0.113.7']).stderr, "quote it, as in 'eth0 tcp 203.0.113.7'");
  const { status, stderr } = trace(['eth0 tcp 203.0.113.7:51515 > 192.0.2.300:8081']);
  assert.is(status, 2);
  assert.match(stderr, "'eth0 tcp 203.0.113.7:51515 > 192.0.2.300:8081', column 30: ");
});

const schema = JSON.parse(readFileSync('docs/schema/trace.schema.json', 'utf8'));
const ajv = new Ajv2020({ allErrors: true, strictTypes: false, strictRequired: false });
const validate = ajv.compile(schema);
const validateStory = ajv.compile({ $ref: `${schema.$id}#/$defs/story` });

const BLOCKED =
  'Nov 28 10:00:00 web1 kernel: [1.2] [UFW BLOCK] IN=eth0 OUT= MAC= SRC=203.0.113.7 DST=192.0.2.10 LEN=60 ' +
  'TTL=57 ID=1 PROTO=TCP SPT=51515 DPT=8081 WINDOW=9 SYN URGP=0';

Trace(
  'a dropped packet is told how to get through; one that gets through is told what would stop it with --all',
  () => {
    const accepted = 'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:80 S';
    assert.not.match(trace([accepted]).stdout, /changes it/);
    assert.not.match(trace([accepted, '--minimal']).stdout, /changes it/);
    assert.match(trace([accepted, '--all']).stdout, /^changes it {3}a DROP for tcp in eth0 from 203\.0\.113\.7 to/m);
  },
);

Trace('the nearest rule stands out', () => {
  const { stdout } = trace([TO_8081, '--color', 'always']);
  assert.ok(stdout.includes('\x1b[33mdport 8081  ← nearest\x1b[39m'), stdout);
});

Trace('--log finds the rule that wrote a line, and what came next', () => {
  const reject = '-A INPUT -j REJECT --reject-with icmp-host-prohibited';
  writeFileSync(join(dir, 'log.v4'), RULES.replace(reject, `-A INPUT -j LOG --log-prefix "[UFW BLOCK] "\n${reject}`));
  const { stdout } = trace(['--log', BLOCKED], { rules: 'log.v4' });
  assert.match(stdout, /^rejected +in filter INPUT by rule 7 \(log\.v4:23\)/);
  assert.match(stdout, /^written by +rule 6 in filter INPUT \(log\.v4:22\)/m);
  assert.match(stdout, /^then +log\.v4:23 {2}-A INPUT -j REJECT/m);
  assert.match(stdout, /^same fate {4}new tcp in eth0 to 192\.0\.2\.10, dport not 22/m);
  assert.match(stdout, /^changes it {3}an ACCEPT for tcp in eth0 dport 8081 in filter INPUT before rule 7$/m);
  assert.match(stdout, /← nearest$/m);
  const json = JSON.parse(trace(['--log', BLOCKED, '--json'], { rules: 'log.v4' }).stdout) as {
    packets: { evidence: Json }[];
  };
  assert.ok(validate(json), JSON.stringify(validate.errors, null, 1));
  assert.equal(json.packets[0].evidence.writtenBy, { file: 'log.v4', line: 22 });
  assert.match(trace(['--log', BLOCKED]).stdout, /^These rules do not write this line\./);
  assert.is(trace(['--log', 'hello']).status, 2);
  assert.is(trace(['--log', BLOCKED, TO_8081]).status, 2);
});

Trace('--json is valid, and says the same', () => {
  const { stdout } = trace([TO_8081, '--json']);
  const json = JSON.parse(stdout) as { packets: { verdict: string; decidedBy: Json; related: { left: Json }[] }[] };
  assert.ok(validate(json), JSON.stringify(validate.errors, null, 1));
  const [packet] = json.packets;
  assert.is(packet.verdict, 'rejected');
  assert.equal(packet.decidedBy.rule, { file: 'rules.v4', line: 22 });
  assert.is(packet.related[0].left.interface, 'eth0');
});

Trace('the stories of all golden cases are valid as JSON', () => {
  for (const golden of casesIn('pcaps')) {
    const teller = new StoryTeller((story) => {
      const json: unknown = JSON.parse(JSON.stringify(storyJson(story)));
      assert.ok(validateStory(json), `${golden.dir}: ${JSON.stringify(validateStory.errors?.slice(0, 5), null, 1)}`);
    });
    replay({ ...optionsOf(golden), observer: teller.hear });
    teller.finish();
  }
});

Trace.run();
