/** The command diff: what it finds, how it groups it, and what it says. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createPcapFile } from '../../io/capture-file.js';
import { Scratch } from '../codecs/capture-files.js';
import { buildFrame, udpPacket } from '../packets/packets.js';

const Diff = suite('nfreplay diff');

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const DOCKER = 'pcaps/docker';
const RULES = `${DOCKER}/rules.v4`;
const HOST = `${DOCKER}/host.json`;
const INPUTS = ['eth0', 'docker0', 'local'].flatMap((iface) => ['--in', `${iface}=${DOCKER}/in/${iface}.pcap`]);
const SCHEMA = JSON.parse(readFileSync('docs/schema/diff.schema.json', 'utf8'));

const scratch = new Scratch();
Diff.after(() => scratch.remove());

const validate = new Ajv2020({ allErrors: true, strictTypes: false, strictRequired: false }).compile(SCHEMA);

function diff(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, 'diff', ...args], { encoding: 'utf8' });
}

// biome-ignore lint/suspicious/noExplicitAny: the schema says what it is
function json(...args: string[]): any {
  const { stdout, stderr } = diff(...args, '--json');
  assert.ok(stdout.startsWith('{'), stderr);
  const value = JSON.parse(stdout);
  assert.ok(validate(value), JSON.stringify(validate.errors, null, 1));
  return value;
}

/** The rules of the example after CHANGE, in a file. */
function rulesFile(name: string, change: (text: string) => string, from = RULES): string {
  const path = scratch.path(name);
  const text = readFileSync(from, 'utf8');
  const changed = change(text);
  writeFileSync(path, changed);
  return path;
}

const example = (...sides: string[]): string[] => [...sides, '--host', HOST, ...INPUTS];

Diff('a rule that is gone: the connection that it let through, with what follows, and the rules of both sides', () => {
  const without = rulesFile('without.v4', (text) => text.replace(/^-A DOCKER -d 172\.17\.0\.3.*\n/m, ''));
  const args = example('--rules', RULES, '--rules', without);
  const { differences, packets, connections } = json(...args);
  assert.is(differences.length, 1);
  const [{ kind, reply, old, new: now, services, following }] = differences;
  // tcpdump counts eight packets of the client, and four of the container.
  assert.equal([kind, reply, packets.different, following, connections.different], ['newly-dropped', false, 12, 11, 1]);
  assert.is(old.verdict, 'forwarded');
  assert.equal(old.decidedBy.rule, { file: RULES, line: 31 });
  assert.is(now.verdict, 'rejected');
  assert.equal(now.decidedBy.text, '-j REJECT --reject-with icmp-host-prohibited');
  const [service] = services.listed;
  assert.equal([service.protocol, service.port, service.source], [6, 36379, '203.0.113.7']);
  const { status, stdout } = diff(...args);
  assert.is(status, 1);
  assert.match(stdout, 'different: 12 packets of 35 in 1 connection\n');
  assert.match(stdout, /newly dropped {3}1 connection, 12 packets, 11 of them in consequence/);
});

Diff('rules that are moved, commented, or in chains of other names make no difference', () => {
  const same = rulesFile('same.v4', (text) =>
    text
      .replace(/^(-A INPUT -p icmp.*)\n(-A INPUT -i lo.*)\n/m, '$2\n$1\n')
      .replaceAll('DOCKER', 'CONTAINERS')
      .replace(
        /^-A FORWARD -j REJECT/m,
        '-A FORWARD -s 198.18.0.0/15 -j DROP\n-A FORWARD -m comment --comment last -j REJECT',
      ),
  );
  const { status, stdout } = diff(...example('--rules', RULES, '--rules', same));
  assert.is(status, 0);
  assert.match(stdout, 'nothing differs: 35 packets compared');
});

Diff('another rule that decides is a difference only if it is asked for', () => {
  const other = rulesFile('other.v4', (text) =>
    text.replace(
      /^-A FORWARD -o docker0 -j DOCKER$/m,
      '-A FORWARD -s 203.0.113.7/32 -o docker0 -p tcp -m tcp --dport 6379 -j ACCEPT\n$&',
    ),
  );
  const args = example('--rules', RULES, '--rules', other);
  assert.is(diff(...args).status, 0);
  const { differences } = json(...args, '--only', 'decided-differently');
  assert.equal(
    differences.map(({ kind, old, new: now }: Record<string, { decidedBy: { rule: { line: number } } }>) => [
      kind,
      old.decidedBy.rule.line,
      now.decidedBy.rule.line,
    ]),
    [['decided-differently', 31, 26]],
  );
});

Diff('--apply is for the new side, and --only chooses kinds', () => {
  const args = example('--rules', RULES, '--apply', 'iptables -I FORWARD -s 203.0.113.7 -p tcp --dport 6379 -j DROP');
  const { differences } = json(...args);
  assert.equal(
    differences.map(({ kind }: { kind: string }) => kind),
    ['newly-dropped'],
  );
  assert.is(diff(...args, '--only', 'newly-accepted').status, 0);
  assert.is(diff(...args, '--only', 'newly-accepted', '--only', 'newly-dropped').status, 1);
});

Diff('--apply is for both sides if two rulesets are given', () => {
  const drop = 'iptables -I FORWARD -p tcp --dport 6379 -j DROP';
  const stricter = rulesFile('stricter.v4', (text) =>
    text.replace(/^-A FORWARD -o docker0 -j DOCKER$/m, '-A FORWARD -p tcp -m tcp --dport 6379 -j DROP\n$&'),
  );
  const pair = example('--rules', RULES, '--rules', stricter);
  assert.is(diff(...pair).status, 1);
  // Both drop these packets then, so that what the second drops further below is no difference.
  assert.is(diff(...pair, '--apply', drop).status, 0);
});

Diff('two hosts: what the host itself decides', () => {
  const host = JSON.parse(readFileSync(HOST, 'utf8'));
  const still = scratch.path('still.json');
  writeFileSync(still, JSON.stringify({ ...host, sysctl: { ...host.sysctl, 'net.ipv4.ip_forward': 0 } }));
  const { differences } = json('--rules', RULES, '--host', HOST, '--host', still, ...INPUTS);
  assert.ok(differences.length > 0);
  for (const { kind, new: now } of differences) {
    if (kind !== 'newly-dropped') continue;
    assert.equal(now.decidedBy, { kind: 'host', reason: 'forwarding-off' });
  }
  assert.ok(differences.some(({ kind }: { kind: string }) => kind === 'newly-dropped'));
});

Diff('two hosts: interfaces are known by their names, and neighbours by their addresses', () => {
  const host = JSON.parse(readFileSync(HOST, 'utf8'));
  const other = scratch.path('other-host.json');
  const addr = [...host.addr].reverse().map((link: Record<string, unknown>) => ({ ...link, ifindex: undefined }));
  writeFileSync(other, JSON.stringify({ ...host, addr, neigh: [] }));
  assert.ok(host.neigh.length > 0);
  const { status, stdout } = diff('--rules', RULES, '--host', HOST, '--host', other, ...INPUTS);
  assert.is(status, 0, stdout);
  // By another gateway, it is another way.
  const route = host.route.map((one: Record<string, unknown>) =>
    one.dst === 'default' ? { ...one, gateway: '192.0.2.254' } : one,
  );
  writeFileSync(other, JSON.stringify({ ...host, route }));
  const { differences } = json('--rules', RULES, '--host', HOST, '--host', other, ...INPUTS);
  // What is rejected is answered by that way.
  const kinds = new Set(differences.map(({ kind }: { kind: string }) => kind));
  assert.equal([...kinds], ['routed-differently', 'answered-differently']);
});

Diff('whole conversations: what would not have been sent belongs to the packet that was dropped', () => {
  const without = rulesFile('stitch.v4', (text) => text.replace(/^-A DOCKER -d 172\.17\.0\.3.*\n/m, ''));
  const capture = `${DOCKER}/in/eth0.pcap`;
  const { differences } = json('--rules', RULES, '--rules', without, '--host', HOST, '--stitch', capture);
  assert.equal(
    differences.map((one: Record<string, number>) => [one.kind, one.connections, one.packets, one.following]),
    [['newly-dropped', 1, 8, 7]],
  );
});

Diff('a capture of a host: what is translated differently', () => {
  const host = 'test/replay/hosts/docker24';
  const rules = `${host}/iptables-save.txt`;
  const without = rulesFile('host.v4', (text) => text.replace(/^-A POSTROUTING -s 172\.17\.0\.0.*\n/m, ''), rules);
  const args = ['--rules', rules, '--rules', without, '--host', `${host}/host.json`, '--capture', `${host}/any.pcap`];
  const { differences } = json(...args);
  assert.equal(
    differences.map((one: Record<string, number>) => [one.kind, one.connections]),
    [['translated-differently', 1]],
  );
});

Diff('random choices are the same on both sides, although one draws more than the other', () => {
  const nat = (more: string): string =>
    `*nat\n-A POSTROUTING -o eth0 -j MASQUERADE --random-fully\nCOMMIT\n*filter\n${more}` +
    '-A INPUT -m statistic --mode random --probability 0.5 -j DROP\n' +
    '-A FORWARD -m statistic --mode random --probability 0.3 -j DROP\nCOMMIT\n';
  const [old, now] = [scratch.path('old.v4'), scratch.path('new.v4')];
  writeFileSync(old, nat('-A FORWARD -m statistic --mode random --probability 0.7 -m length --length 2000 -j DROP\n'));
  writeFileSync(now, nat('-A INPUT -m statistic --mode random --probability 0.9 -m comment --comment x\n'));
  const { status, stdout } = diff(...example('--rules', old, '--rules', now));
  assert.is(status, 0, stdout);
});

Diff('a port that NAT draws on both sides is no difference, whichever is still free', () => {
  const capture = scratch.path('two.pcap');
  const writer = createPcapFile(capture, 1);
  const mac = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
  for (const sport of [1111, 2222]) {
    const ends = { source: '172.17.0.3', destination: '198.51.100.5', sport, dport: 53 };
    const frame = buildFrame(
      mac(2, 0x42, 0xc0, 0xbb, 0xbb, 0x1e),
      mac(2, 0x42, 0xac, 0x11, 0, 3),
      udpPacket({ ...ends, ttl: 64 }),
    );
    writer.write(sport, 0, frame, 0, frame.length, frame.length);
  }
  writer.close();
  const rules = (more: string): string =>
    `*nat\n-A POSTROUTING -o eth0 -p udp -j MASQUERADE --to-ports 5000-5001 --random\nCOMMIT\n*filter\n${more}COMMIT\n`;
  const [old, now] = [scratch.path('both.v4'), scratch.path('second.v4')];
  writeFileSync(old, rules(''));
  writeFileSync(now, rules('-A FORWARD -p udp -m udp --sport 1111 -j DROP\n'));
  for (const seed of ['1', '2', '3', '4', '5', '6']) {
    const args = ['--rules', old, '--rules', now, '--host', HOST, '--in', `docker0=${capture}`, '--seed', seed];
    const { differences } = json(...args);
    const found = differences.map((one: Record<string, number>) => [one.kind, one.connections]);
    assert.equal(found, [['newly-dropped', 1]], `seed ${seed}`);
  }
});

Diff('what it cannot compare is said', () => {
  const fails = (says: string, ...args: string[]): void => {
    const { status, stderr } = diff(...args);
    assert.match(stderr, says);
    assert.is(status, 2);
  };
  fails('nothing to compare', ...example('--rules', RULES));
  fails('--rules was given 3 times', ...example(...Array.from({ length: 3 }, () => ['--rules', RULES]).flat()));
  fails('standard input can be read only once', '--rules', RULES, '--rules', RULES, '--host', HOST, '--in', 'eth0=-');
  fails('did you mean newly-dropped', ...example('--rules', RULES, '--rules', RULES, '--only', 'newly-droped'));
});

Diff.run();
