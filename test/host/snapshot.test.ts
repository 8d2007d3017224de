/**
 * `--host` takes a snapshot and a folder of outputs. snapshots/docker-nft.txt was taken in a network namespace with the
 * rules of a Docker host.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HostError } from '../../codecs/host/error.js';
import { parseHost } from '../../codecs/host/parse-host.js';
import { SNAPSHOT_SCRIPT } from '../../codecs/host/snapshot-script.js';
import { loadHost } from '../../core/host/host.js';
import { RulesetError } from '../../core/rules/parse/error.js';
import { ReplayOptionsError } from '../../replay/errors.js';
import { replay } from '../../replay/replay.js';
import { bytesEqual } from '../bytes.js';

const Snapshot = suite('snapshot');

const EXAMPLE = fileURLToPath(new URL('../../../pcaps/docker/', import.meta.url));
const DOCKER_NFT = readFileSync(
  fileURLToPath(new URL('../../../test/host/snapshots/docker-nft.txt', import.meta.url)),
  'utf8',
);

let dir = '';
Snapshot.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-snapshot-'));
});
Snapshot.after(() => rmSync(dir, { recursive: true }));

/** A snapshot with OUTPUTS by name. */
function snapshotOf(outputs: Record<string, string>): string {
  const parts = Object.entries(outputs).map(
    ([name, text]) => `#nfreplay output ${name}: x\n${text}\n\n#nfreplay exit 0\n`,
  );
  return `#nfreplay snapshot 1\n#nfreplay taken now on web1\n${parts.join('')}#nfreplay end\n`;
}

/** The members of the example's host.json as the outputs of commands. */
function exampleOutputs(): Record<string, string> {
  const host = JSON.parse(readFileSync(join(EXAMPLE, 'host.json'), 'utf8'));
  const sysctls = Object.entries(host.sysctl ?? {}).map(([name, value]) => `${name} = ${value}`);
  return {
    'addr.json': JSON.stringify(host.addr),
    'route.json': JSON.stringify(host.route),
    'neigh.json': JSON.stringify(host.neigh ?? []),
    'sysctl.txt': sysctls.join('\n'),
    'iptables-save.txt': readFileSync(join(EXAMPLE, 'rules.v4'), 'utf8'),
  };
}

const INPUTS = ['eth0', 'docker0', 'local'].map((iface) => ({ iface, path: join(EXAMPLE, 'in', `${iface}.pcap`) }));

function written(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

function writtenFolder(name: string, files: Record<string, string>): string {
  const folder = join(dir, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

function errorOf(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error('no error');
}

const refusalOf = (text: string) => errorOf(() => parseHost(text, 'host.txt')).message;

Snapshot('a snapshot and a folder, with their own rules, replay as host.json with the rules does', () => {
  const want = join(dir, 'want');
  replay({ rulesPath: join(EXAMPLE, 'rules.v4'), hostPath: join(EXAMPLE, 'host.json'), inputs: INPUTS, outDir: want });
  const outputs = exampleOutputs();
  const folder = writtenFolder('outputs', outputs);
  const crlf = snapshotOf(outputs).replaceAll('\n', '\r\n');
  const host = {
    ...JSON.parse(readFileSync(join(EXAMPLE, 'host.json'), 'utf8')),
    iptables: outputs['iptables-save.txt'],
  };
  const hosts = [
    written('snapshot.txt', snapshotOf(outputs)),
    written('crlf.txt', `\ufeff${crlf}`),
    written('noise.txt', `[sudo] password for joe: \n${snapshotOf(outputs)}`),
    folder,
    written('own.json', JSON.stringify(host)),
  ];
  for (const hostPath of hosts) {
    const got = join(dir, 'got');
    const summary = replay({ hostPath, inputs: INPUTS, outDir: got });
    assert.equal(summary.warnings, [], hostPath);
    assert.is(summary.run.rules.backend, 'legacy');
    for (const name of readdirSync(want).filter((file) => file !== 'summary.json'))
      bytesEqual(readFileSync(join(got, name)), readFileSync(join(want, name)), `${hostPath} ${name}`);
  }
});

Snapshot('reads what the script printed on a host', () => {
  const host = loadHost(DOCKER_NFT, 'docker-nft.txt');
  assert.equal(host.interfaceNames, ['lo', 'eth0', 'docker0', 'veth1a2b3c4']);
  assert.equal(host.warnings, []);
  assert.equal(host.assumed(), []);
  const { taken, texts } = host.description;
  assert.match(taken, /^2026-\S+ on \S+, Linux 6\S+, by user 0$/);
  assert.match(texts.ipset?.text ?? '', /^create bad hash:net .*\nadd bad 198\.51\.100\.0\/24$/m);
  assert.match(texts.conntrack?.text ?? '', /^ipv4 +2 tcp +6 \d+ TIME_WAIT src=192\.0\.2\.50 dst=192\.0\.2\.10 /m);
  const [legacy, nft] = texts.savedRules;
  assert.equal([legacy.backend, legacy.text.trim(), nft.backend], ['legacy', '', 'nft']);
  const lines = DOCKER_NFT.split('\n');
  const rule = nft.text.split('\n').findIndex((line) => line.includes('--dport 22'));
  assert.is(lines[rule], nft.text.split('\n')[rule], 'the rule has the line number that it has in the snapshot');
  assert.match(nft.text, /--comment "#nfreplay end"/, 'what looks like a marker is text');
});

Snapshot('a rule is called by its line in the snapshot', () => {
  const hostPath = written('docker-nft.txt', DOCKER_NFT);
  const { dropped, run } = replay({ hostPath, inputs: INPUTS.slice(0, 1) });
  const [ssh] = dropped;
  const line = DOCKER_NFT.split('\n').findIndex((text) => text.includes('ssh from the office')) + 1;
  assert.equal([ssh.file, ssh.line, ssh.comment], [hostPath, line, 'ssh from the office']);
  assert.equal([run.rules.path, run.rules.backend, run.rules.sha256], [hostPath, 'nft', run.host.sha256]);
  const broken = written('broken.txt', DOCKER_NFT.replace('--dport 22', '--dprt 22'));
  const error = errorOf(() => replay({ hostPath: broken, inputs: INPUTS.slice(0, 1) }));
  assert.ok(error instanceof RulesetError);
  assert.match(error.message, `${broken}:${line}:`);
});

Snapshot('errors name the file, the line and the column in it', () => {
  const said: [string, string, RegExp][] = [
    [
      'addr.json',
      '[\n{"ifname":"eth0","address":"02:00:00:00:00:01",\n "mtu":"x"}]',
      /^host\.txt:6:8: addr\[0\]\.mtu: expected a whole number/,
    ],
    ['addr.json', '[{"ifname":"eth0"', /^host\.txt:5:1: not JSON/],
    [
      'addr.json',
      'Object "addr" is unknown, try "ip help".',
      /^host\.txt:4:1: "Object .* is a message, not the output of ip -j addr show/,
    ],
    ['rule.json', 'null', /^host\.txt:\d+:1: rule: expected a list, found null/],
    ['sysctl.txt', 'net.ipv4.ip_forward = 1\nxyz', /^host\.txt:\d+:1: expected NAME = VALUE, found "xyz"/],
    [
      'sysctl.txt',
      '\nnet.ipv4.ip_forward = no',
      /^host\.txt:\d+:1: sysctl\["net\.ipv4\.ip_forward"\]: expected a whole number/,
    ],
  ];
  for (const [name, text, message] of said) {
    const outputs = { 'addr.json': '[]', 'route.json': '[]', [name]: text };
    assert.match(errorOf(() => loadHost(snapshotOf(outputs), 'host.txt')).message, message, text);
  }
});

Snapshot('a snapshot that is cut, damaged or two is refused', () => {
  const whole = snapshotOf({ 'addr.json': '[]', 'route.json': '[]', 'nft.txt': '' });
  assert.is(parseHost(whole, 'host.txt').links.length, 0);
  const lines = whole.split('\n');
  for (let count = 1; count < lines.length - 1; count++)
    assert.match(refusalOf(`${lines.slice(0, count).join('\n')}\n`), /^host\.txt:\d+:1: the snapshot is cut/);
  assert.match(refusalOf(whole + whole), /^host\.txt:16:1: a second snapshot begins here; give one host a file/);
  assert.match(
    refusalOf(lines.slice(1).join('\n')),
    /the first line of the snapshot, "#nfreplay snapshot 1", is missing/,
  );
  assert.match(refusalOf(whole.replace('#nfreplay exit 0\n', '')), /output addr\.json has no end/);
  assert.match(refusalOf(whole.replace(/#nfreplay output route.*\n/, '')), /a line that belongs to no output: "\[\]"/);
  assert.match(refusalOf(whole.replace('snapshot 1', 'snapshot 2')), /of version 2; this nfreplay reads version 1/);
  assert.match(refusalOf(whole.replace('route.json', 'addr.json')), /a second output addr\.json/);
  assert.match(refusalOf(Buffer.from(whole, 'utf16le').toString('latin1')), /UTF-16|not JSON/);
});

Snapshot('what a command said in place of its output is said', () => {
  const failed = (name: string, said: string) => {
    const outputs = snapshotOf({ 'addr.json': '[]', 'route.json': '[]', 'neigh.json': '[]' });
    return outputs.replace(
      new RegExp(`(#nfreplay output ${name}: x\n)[^]*?#nfreplay exit 0`),
      `$1#nfreplay said: ${said}\n#nfreplay exit 1`,
    );
  };
  assert.match(
    refusalOf(failed('addr.json', 'Cannot open netlink socket')),
    /^host\.txt:4:1: addr: ip -j addr show failed on the host: Cannot open netlink socket/,
  );
  assert.equal(parseHost(failed('neigh.json', 'Dump terminated'), 'h').warnings, [
    'ip -j neigh show failed on the host: Dump terminated',
  ]);
  const rules = snapshotOf({ 'addr.json': '[]', 'route.json': '[]', 'rule.json': '[]' });
  assert.equal(parseHost(rules, 'h').rules, []);
  const unknown = rules.replace(/(rule\.json: x\n)\[\]\n\n#nfreplay exit 0/, '$1#nfreplay exit 255');
  assert.is(parseHost(unknown, 'h').rules, undefined, 'the rules that every host has');
  const missing = failed('route.json', 'x').replace(
    /#nfreplay said: x\n#nfreplay exit 1/,
    '#nfreplay missing: ip is not installed',
  );
  assert.match(refusalOf(missing), /ip -j route show table all failed on the host: ip is not installed/);
});

Snapshot('a folder is read by the names of its files', () => {
  const outputs = exampleOutputs();
  const { 'addr.json': addr, 'route.json': route } = outputs;
  const folder = writtenFolder('named', {
    'ip-addr.json': addr,
    'routes.json': route,
    'sysctl-a.txt':
      'sysctl: permission denied on key "net.ipv6.conf.all.stable_secret"\n# a comment\nnet.ipv4.ip_forward = 1\n',
    'rules.v4': outputs['iptables-save.txt'],
    'notes.txt': 'anything',
    'any.pcap': 'anything',
  });
  assert.is(replay({ hostPath: folder, inputs: INPUTS.slice(0, 1) }).packets.read, 20);
  writeFileSync(join(folder, 'addr.json'), addr);
  assert.match(
    errorOf(() => replay({ hostPath: folder, inputs: INPUTS })).message,
    /ip-addr\.json: both this and \S+\/addr\.json are the output of ip -j addr show/,
  );
  const empty = writtenFolder('empty', { 'any.pcap': '', 'adr.json': '[]' });
  const { message } = errorOf(() => replay({ hostPath: empty, inputs: INPUTS }));
  assert.match(
    message,
    /empty: no addr\.json .* and no host\.json; of a folder, the files addr\.json, route\.json, .* are read/,
  );
});

Snapshot('what is not a regular file in a folder is refused, not left out', () => {
  for (const name of ['addr.json', 'neigh.json', 'host.json']) {
    const { [name]: _, ...others } = exampleOutputs();
    const folder = writtenFolder('irregular', others);
    spawnSync('mkfifo', [join(folder, name)]);
    const { message } = errorOf(() => replay({ hostPath: folder, inputs: INPUTS }));
    assert.is(message, `${join(folder, name)} is a pipe; expected a file`);
  }
});

Snapshot('in a folder, what host.json has counts; what it has not, other files add', () => {
  const outputs = exampleOutputs();
  const folder = writtenFolder('both', { 'addr.json': '[]', 'iptables-save.txt': outputs['iptables-save.txt'] });
  cpSync(join(EXAMPLE, 'host.json'), join(folder, 'host.json'));
  const { warnings, rules, run } = replay({ hostPath: folder, inputs: INPUTS });
  writeFileSync(join(folder, 'addr.json'), outputs['addr.json']);
  assert.equal(replay({ hostPath: folder, inputs: INPUTS }).warnings, [], 'it is the same');
  assert.ok(rules.length > 5);
  assert.equal(warnings, [`${folder}: host.json has what is in addr.json, and is read in place of it`]);
  assert.equal(
    run.host.files?.map(({ path }) => path),
    ['addr.json', 'host.json', 'iptables-save.txt'].map((name) => join(folder, name)),
  );
});

/** The rules of a host with legacy and nft tables, and an nft ruleset. */
function hostWith(legacy: string, nft: string, ruleset = ''): string {
  const table = (rules: string) =>
    rules === '' ? '' : `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${rules}COMMIT`;
  const { 'addr.json': addr, 'route.json': route } = exampleOutputs();
  return snapshotOf({
    'addr.json': addr,
    'route.json': route,
    'sysctl.txt': 'net.ipv4.ip_forward = 1',
    'iptables-legacy-save.txt': table(legacy),
    'iptables-nft-save.txt': table(nft),
    'nft.txt': ruleset,
  });
}

function replayed(text: string, lax = false) {
  return replay({ hostPath: written('kinds.txt', text), inputs: INPUTS.slice(0, 1), lax });
}

Snapshot('the kind of iptables that has rules is followed; both are refused', () => {
  const drop = '-A INPUT -j DROP\n';
  assert.equal(
    [replayed(hostWith(drop, '')).run.rules.backend, replayed(hostWith('', drop)).run.rules.backend],
    ['legacy', 'nft'],
  );
  assert.is(replayed(hostWith('-P INPUT ACCEPT\n'.replace(/.*\n/, ''), drop)).ruleCount, 1);
  assert.is(replayed(hostWith('', '')).ruleCount, 0);
  const both = errorOf(() => replayed(hostWith(drop, drop)));
  assert.ok(both instanceof HostError && both.isUnsupported);
  assert.match(
    both.message,
    /has rules of iptables-legacy \(\S+:\d+\) and iptables-nft \(\S+:\d+\); the kernel follows both/,
  );
});

Snapshot("tables of nft that are not iptables' own are refused by name, if they do something to IPv4 packets", () => {
  const own =
    'table ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority 0; policy accept;\n\t\tdrop\n\t}\n}\n';
  const chain = (text: string) =>
    `table inet fw {\n\tset s {\n\t\ttype ipv4_addr\n\t\telements = { 192.0.2.1 }\n\t}\n\n\tchain c {\n${text}\t}\n}`;
  const hook = '\t\ttype filter hook forward priority 0; policy accept;\n';
  const drop = '-A INPUT -j DROP\n';
  for (const harmless of [
    '',
    own,
    own + chain(hook),
    own + chain('\t\tdrop\n'),
    `table ip6 x {\n\tchain c {\n${hook}\t\tdrop\n\t}\n}`,
  ])
    assert.equal(replayed(hostWith('', drop, harmless)).warnings, [], harmless);
  for (const acting of [hook.replace('accept', 'drop'), `${hook}\t\tip saddr 192.0.2.1 drop\n`]) {
    const text = hostWith('', drop, own + chain(acting));
    const error = errorOf(() => replayed(text));
    const line = text.split('\n').indexOf('table inet fw {') + 1;
    assert.ok(error instanceof HostError && error.isUnsupported);
    assert.match(
      error.message,
      new RegExp(`kinds\\.txt:${line}:1: tables of nft are not supported: inet fw \\(forward\\); with --lax`),
    );
    assert.match(replayed(text, true).warnings.join(), /nft tables are not followed: inet fw \(forward\)/);
  }
  // Without rules of iptables-nft, a table with the name of one of theirs is somebody else's.
  assert.match(errorOf(() => replayed(hostWith(drop, '', own))).message, /not supported: ip filter \(input\)/);
});

Snapshot('a message in place of rules or tables is no empty output', () => {
  const { 'addr.json': addr, 'route.json': route } = exampleOutputs();
  const folderWith = (file: string, text: string) =>
    writtenFolder('message', { 'addr.json': addr, 'route.json': route, 'iptables-save.txt': '', [file]: text });
  const messages = [
    'iptables-save v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)',
    'sudo: iptables-save: command not found',
    'iptables-save v1.8.9 (legacy): Cannot initialize: Permission denied (you must be root)',
  ];
  for (const message of messages) {
    const hostPath = folderWith('iptables-save.txt', `${message}\n`);
    const { message: said } = errorOf(() => replay({ hostPath, inputs: INPUTS.slice(0, 1) }));
    assert.ok(said.includes(`failed on the host: ${message}; take it as root`), said);
  }
  const empty = replay({ hostPath: folderWith('iptables-save.txt', ''), inputs: INPUTS.slice(0, 1) });
  assert.match(empty.assumed.join(), /the host has no rules \(\S+iptables-save\.txt is empty\)/);
  const nft = folderWith('nft.txt', 'Operation not permitted (you must be root)\n');
  assert.match(
    replay({ hostPath: nft, inputs: INPUTS.slice(0, 1) }).assumed.join(),
    /no tables of nft but those of iptables \(there: Operation not permitted/,
  );
});

Snapshot('what is not known of the rules of a host is assumed, and said', () => {
  const drop = '-A INPUT -j DROP\n';
  const missing = (name: string) =>
    hostWith('', drop).replace(
      new RegExp(`(#nfreplay output ${name}: x\n)[^]*?#nfreplay exit 0`),
      '$1#nfreplay missing: it is not installed',
    );
  const assumedOf = (text: string) => replayed(text).assumed.filter((line) => line.startsWith('the host'));
  assert.equal(assumedOf(hostWith('', drop)), []);
  assert.equal(assumedOf(missing('iptables-legacy-save.txt')), [
    'the host has no rules of iptables-legacy (there: it is not installed)',
  ]);
  assert.equal(assumedOf(missing('nft.txt')), [
    'the host has no tables of nft but those of iptables (there: it is not installed)',
  ]);
  const hostPath = written('given.txt', hostWith(drop, drop));
  const { warnings } = replay({ hostPath, rulesPath: join(EXAMPLE, 'rules.v4'), inputs: INPUTS.slice(0, 1) });
  assert.match(
    warnings.join(),
    /the host has rules of iptables-legacy .* and iptables-nft .*; of both, only those that are given are followed/,
  );
});

Snapshot('a host without rules requires --rules', () => {
  const host = snapshotOf({ 'addr.json': '[]', 'route.json': '[]' });
  const error = errorOf(() => replay({ hostPath: written('bare.txt', host), inputs: INPUTS }));
  assert.ok(error instanceof ReplayOptionsError);
  assert.match(error.message, /--rules is required: .*bare\.txt has no rules/);
  const output = '#nfreplay output iptables-legacy-save.txt: x\n#nfreplay missing: run this as root\n';
  const denied = host.replace('#nfreplay end\n', `${output}#nfreplay end\n`);
  assert.match(
    errorOf(() => replay({ hostPath: written('bare.txt', denied), inputs: INPUTS })).message,
    /iptables-legacy-save failed on the host: run this as root; take it as root, or give the rules with --rules/,
  );
});

/** The script is for Unix. */
const isUnix = process.platform !== 'win32';
const SHELLS = [['dash'], ['busybox', 'sh'], ['bash', '--posix'], ['ksh'], ['sh']];

Snapshot('the script runs in every shell, also where tools are missing or fail', () => {
  if (!isUnix) return;
  const tools = writtenFolder('tools', {});
  for (const tool of ['cat', 'date', 'find', 'grep', 'id', 'sed', 'sort', 'uname', 'timeout']) {
    const path = spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).stdout.trim();
    if (path !== '') writeFileSync(join(tools, tool), `#!/bin/sh\nexec ${path} "$@"\n`, { mode: 0o755 });
  }
  const stubs = writtenFolder('stubs', {});
  const stub = (name: string, text: string) =>
    writeFileSync(join(stubs, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  stub(
    'ip',
    `case "$*" in
    *addr*) echo '[]' ;;
    *rule*) echo 'Object "rule" is unknown' >&2; exit 255 ;;
    *) echo '#nfreplay end' >&2; printf '[]' ;;
    esac`,
  );
  stub('ss', 'cat; echo "tcp LISTEN 0 4096 0.0.0.0:22 0.0.0.0:*"');
  const script = SNAPSHOT_SCRIPT.replace(/^ *PATH=.*\n/m, '').replaceAll('/proc/sys', dir);
  for (const [shell, ...args] of SHELLS) {
    if (spawnSync(shell, [...args, '-c', ':']).error) continue;
    const path = spawnSync('sh', ['-c', `command -v ${shell}`], { encoding: 'utf8' }).stdout.trim();
    // busybox-static has tools of its own, whatever PATH says.
    if (spawnSync(path, [...args, '-c', 'command -v ip'], { env: { PATH: tools } }).status === 0) continue;
    const run = (folders: string) =>
      spawnSync(path, args, { input: script, encoding: 'utf8', env: { PATH: folders }, cwd: dir });
    const bare = run(tools);
    assert.is(bare.stderr, '', shell);
    // Some builds of busybox have their own ip, whatever PATH says.
    if (spawnSync(path, [...args, '-c', 'command -v ip'], { env: { PATH: tools } }).status === 0) {
      assert.match(bare.stdout, /^#nfreplay snapshot 1\n[\s\S]*\n#nfreplay end\n$/, shell);
      continue;
    }
    assert.match(
      bare.stdout,
      /#nfreplay output addr.txt: ip addr show\n#nfreplay missing: ip is not installed\n/,
      shell,
    );
    assert.match(refusalOf(bare.stdout), /failed on the host: ip is not installed/, shell);
    const full = run(`${stubs}:${tools}`);
    assert.is(full.stderr, '', shell);
    const { links, warnings, facts } = parseHost(full.stdout, 'host.txt');
    assert.equal(
      [links.length, warnings],
      [0, ['ip -j rule show failed on the host: Object "rule" is unknown']],
      shell,
    );
    assert.ok(
      facts.sockets?.some(
        ({ protocol, state, localPort }) => protocol === 6 && state === 'listening' && localPort === 22,
      ),
    );
    assert.match(full.stdout, /\n#nfreplay end\n$/, shell);
  }
});

Snapshot('shellcheck, where it is installed, finds nothing in the script', () => {
  const [tool, ...args] = ['shellcheck', '-s', 'sh', '-'];
  const { error, status, stdout } = spawnSync(tool, args, { input: SNAPSHOT_SCRIPT, encoding: 'utf8' });
  if (error === undefined) assert.is(status, 0, stdout);
});

Snapshot('a script that did not arrive as a whole does nothing', () => {
  if (!isUnix) return;
  const cut = SNAPSHOT_SCRIPT.slice(0, -'main </dev/null\n'.length);
  assert.is(spawnSync('sh', [], { input: cut, encoding: 'utf8' }).stdout, '');
  assert.is(/[^\n]*$/.exec(SNAPSHOT_SCRIPT.trimEnd())?.[0], 'main </dev/null');
});

Snapshot.run();
