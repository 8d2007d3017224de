import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeEst64 } from '../../bench/est64.js';
import { Linktype } from '../../codecs/linktypes.js';
import { createPcapFile } from '../../io/capture-file.js';

const Main = suite('command line');

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../../pcaps/docker/', import.meta.url));
const RULES = join(EXAMPLE, 'rules.v4');
const HOST = join(EXAMPLE, 'host.json');

/** The user and the group `nobody` of most systems. */
const NOBODY = 65534;

let dir = '';
let eth0 = '';
/** A capture of an ARP and an IPv6 frame. */
let ethertypes = '';
Main.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
  eth0 = writeEst64(dir, 100, 5).eth0;
  ethertypes = join(dir, 'ethertypes.pcap');
  const writer = createPcapFile(ethertypes, Linktype.ETHERNET);
  for (const ethertype of [
    [8, 6],
    [0x86, 0xdd],
  ]) {
    writer.write(0, 0, Uint8Array.from([...Array(12).fill(2), ...ethertype, ...Array(46).fill(0)]), 0, 60, 60);
  }
  writer.close();
});
Main.after(() => rmSync(dir, { recursive: true }));

function nfreplay(...args: string[]) {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
}

const replayArgs = (...more: string[]) => ['replay', '--rules', RULES, '--host', HOST, '--in', `eth0=${eth0}`, ...more];

/** A file in the test's folder. */
function file(name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

/** Expects a call to fail with EXIT_CODE, a message on stderr and nothing on stdout. */
function fails(exitCode: number, says: string, ...args: string[]): void {
  const { status, stdout, stderr } = nfreplay(...args);
  assert.match(stderr, says);
  assert.is(status, exitCode, stderr);
  assert.is(stdout, '');
  assert.not.match(stderr, /^\s+at /m, 'no stack trace');
}

Main('prints its version and its help', () => {
  const { version } = JSON.parse(
    readFileSync(fileURLToPath(new URL('../../../package.json', import.meta.url)), 'utf8'),
  );
  assert.is(nfreplay('--version').stdout, `${version}\n`);
  for (const args of [['--help'], ['-h'], ['help']]) {
    const { stdout, status } = nfreplay(...args);
    assert.match(stdout, 'usage: nfreplay COMMAND');
    assert.match(stdout, 'nfreplay check pcaps\n');
    assert.is(status, 0);
  }
  for (const args of [
    ['replay', '--help'],
    ['help', 'replay'],
    ['replay', '--rules', 'x', '-h'],
  ]) {
    const { stdout, status } = nfreplay(...args);
    assert.match(stdout, '--stitch FILE');
    assert.match(stdout, 'examples:');
    assert.is(status, 0);
  }
});

Main('incorrect usage exits with 2 and suggests what was probably meant', () => {
  fails(2, 'usage: nfreplay COMMAND');
  fails(2, 'unknown command: repaly; did you mean replay?', 'repaly');
  fails(2, 'unknown option: --uot; did you mean --out?', ...replayArgs('--uot', 'x'));
  fails(2, '--rules is required', 'replay', '--host', HOST);
  fails(2, '--in eth0: expected IFACE=FILE', ...replayArgs('--in', 'eth0', '--out', join(dir, 'x')));
  fails(2, 'expected one of lo, eth0, docker0, local', ...replayArgs('--in', `eth1=${eth0}`, '--out', join(dir, 'x')));
  fails(2, 'local; did you mean docker0?', ...replayArgs('--in', `doker0=${eth0}`, '--out', join(dir, 'x')));
  fails(2, 'expected a command before --rules', '--rules', 'x');
  fails(2, 'expected a command before --vresion; did you mean --version?', '--vresion');
});

Main('an empty value exits with 2 and says what was expected', () => {
  const rest = ['--host', HOST, '--in', `eth0=${eth0}`];
  for (const empty of [['--rules='], ['--rules', '']]) {
    fails(2, '--rules is empty: expected a FILE', 'replay', ...empty, ...rest);
    fails(2, '--rules is empty: expected a FILE', 'bench', ...empty, ...rest);
  }
  for (const empty of [['--out='], ['--out', '']]) fails(2, '--out is empty: expected a DIR', ...replayArgs(...empty));
  fails(2, '-o is empty: expected a DIR', ...replayArgs('-o', ''));
  fails(2, '--host is empty: expected a FILE', 'replay', '--rules', RULES, '--host', '', '--in', `eth0=${eth0}`);
  fails(2, '--in is empty: expected an IFACE=FILE', ...replayArgs('--in='));
  fails(2, '--in eth0=: expected IFACE=FILE', ...replayArgs('--in', 'eth0='));
  fails(2, '--limit is empty: expected a number', ...replayArgs('--limit='));
  fails(2, 'an argument is empty: expected CASE', 'check', '');
});

Main('an invalid ruleset or host exits with 2 and names the position', () => {
  const rules = file('faulty.v4', '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j DORP\nCOMMIT\n');
  fails(
    2,
    `${rules}:3:13: `,
    'replay',
    '--rules',
    rules,
    '--host',
    HOST,
    '--in',
    `eth0=${eth0}`,
    '--out',
    join(dir, 'x'),
  );
  const host = file('faulty.json', '{"addr": [{"ifname": }]}');
  fails(2, `${host}:1:`, 'replay', '--rules', RULES, '--host', host, '--in', `eth0=${eth0}`, '--out', join(dir, 'x'));
});

Main('an unsupported rule exits with 3, and says what goes on without it', () => {
  const rules = file('odd.v4', '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j standard\nCOMMIT\n');
  const args = ['replay', '--rules', rules, '--host', HOST, '--in', `eth0=${eth0}`, '--out', join(dir, 'lax')];
  fails(3, 'standard', ...args);
  fails(3, '--lax goes on without these rules', ...args);
  const lax = nfreplay(...args, '--lax');
  assert.match(lax.stderr, 'warning: ');
  assert.is(lax.status, 0);
});

Main('a file that cannot be read or written exits with 4', () => {
  fails(4, 'no such file', ...replayArgs('--in', 'eth0=/nowhere.pcap', '--out', join(dir, 'x')));
  fails(4, 'is a file; expected a folder', ...replayArgs('--out', eth0));
  const text = file('text.pcap', 'this is no capture\n');
  fails(4, text, ...replayArgs('--in', `docker0=${text}`, '--out', join(dir, 'x')));
  const rules = join(dir, 'missing.v4');
  fails(4, rules, 'replay', '--rules', rules, '--host', HOST, '--in', `eth0=${eth0}`, '--out', join(dir, 'x'));
  assert.not(existsSync(join(dir, 'x')));
});

Main('whatever the file system refuses is an error about the file', () => {
  const capture = `eth0=${eth0}`;
  const loop = join(dir, 'loop');
  symlinkSync(loop, loop);
  for (const path of [join(dir, 'x'.repeat(300)), loop, join(eth0, 'x')]) {
    fails(4, path, 'replay', '--rules', path, '--host', HOST, '--in', capture);
    fails(4, path, 'replay', '--rules', RULES, '--host', path, '--in', capture);
    fails(4, path, 'replay', '--rules', RULES, '--host', HOST, '--in', `eth0=${path}`);
    fails(4, path, ...replayArgs('--out', path));
    fails(4, path, 'check', path);
    fails(4, path, 'bench', '--rules', path, '--host', HOST, '--in', capture);
  }
  rmSync(loop);
});

// Elsewhere, the current folder cannot be removed, or there is no other user to become.
if (process.platform === 'linux') {
  Main('where the current folder was removed, the error says so or names the file', () => {
    const gone = (...args: string[]) => {
      const script = 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"';
      const command = ['-c', script, join(dir, 'gone'), process.execPath, MAIN, ...args];
      return spawnSync('sh', command, { encoding: 'utf8', input: '' });
    };
    for (const args of [replayArgs('--out', 'x'), ['replay', '--rules', 'x', '--host', HOST], ['check', 'x']]) {
      const { status, stderr } = gone(...args);
      assert.match(stderr, /^nfreplay: .*\bx\b.*no such f.*\n$/);
      assert.is(status, 4);
    }
    const piped = gone('replay', '--rules', '-', '--host', HOST, '--in', `eth0=${eth0}`);
    assert.match(piped.stderr, /^nfreplay: the current folder no longer exists; .*\n$/);
    assert.is(piped.status, 4);
  });

  Main('a folder that may not be read is an error about that folder', () => {
    const locked = join(dir, 'locked');
    cpSync(EXAMPLE, locked, { recursive: true });
    const isRoot = process.geteuid?.() === 0;
    const identity = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
    // Where root has the project in a folder of its own, nobody else can run it.
    if (spawnSync(process.execPath, [MAIN, '--version'], identity).status !== 0) return;
    const refuses = (folder: string, ...args: string[]) => {
      chmodSync(folder, 0o300);
      if (isRoot) chownSync(folder, NOBODY, NOBODY);
      const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', ...identity });
      chmodSync(folder, 0o755);
      assert.is(stderr, `nfreplay: ${folder}: cannot read the folder: permission denied\n`);
      assert.is(status, 4);
    };
    chmodSync(dir, 0o755);
    const out = join(dir, 'unreadable');
    mkdirSync(out);
    refuses(join(locked, 'in'), 'check', locked);
    refuses(join(locked, 'want'), 'check', locked);
    refuses(out, ...replayArgs('--out', out));
  });
}

// Other systems do not limit addresses.
if (process.platform === 'linux') {
  Main('with too small a limit for addresses, says how large it must be', () => {
    const limited = (kibibytes: string, ...args: string[]) =>
      spawnSync('sh', ['-c', `ulimit -v ${kibibytes}; exec "$@"`, 'sh', process.execPath, MAIN, ...args], {
        encoding: 'utf8',
      });
    const { stderr, status } = limited('2000000', ...replayArgs('--out', join(dir, 'limited')));
    assert.is(status, 70);
    const asked = /^nfreplay: cannot reserve the addresses .*\(ulimit -v (\d+)\)\n$/.exec(stderr)?.[1];
    assert.ok(asked !== undefined, stderr);
    assert.is(limited(asked, ...replayArgs('--out', join(dir, 'limited'))).status, 0);
  });
}

Main('prints the report, or with --json the summary', () => {
  const people = nfreplay(...replayArgs('--out', join(dir, 'people')));
  assert.is(people.status, 0, people.stderr);
  assert.match(people.stdout, /198\.18\.0\.0:1024 → 192\.0\.2\.10:36379 +⇒ 172\.17\.0\.3:6379/);
  assert.is(people.stderr, '', 'no progress where stderr is no terminal');
  const programs = nfreplay(...replayArgs('--json', '--out', join(dir, 'programs')));
  assert.equal(JSON.parse(programs.stdout), JSON.parse(readFileSync(join(dir, 'programs/summary.json'), 'utf8')));
});

Main('with --strict, warnings and packets that were not followed are an exit code of 1', () => {
  const assumed = nfreplay(...replayArgs('--strict'));
  assert.is(assumed.status, 1);
  assert.match(assumed.stderr, 'nfreplay: --strict: 7 assumptions\n');
  const description = JSON.parse(readFileSync(HOST, 'utf8'));
  const sysctl = {
    'net.ipv4.ip_forward': 1,
    'net.ipv4.icmp_ratelimit': 1000,
    'net.ipv4.icmp_msgs_per_sec': 1000,
    'net.ipv4.icmp_msgs_burst': 50,
    'net.netfilter.nf_conntrack_acct': 1,
    'net.netfilter.nf_conntrack_max': 65536,
    'net.ipv4.conf.all.rp_filter': 0,
  };
  const host = file('complete.json', JSON.stringify({ ...description, sysctl }));
  const strict = (...args: string[]) =>
    nfreplay(...replayArgs(...args, '--strict').map((word) => (word === HOST ? host : word)));
  const complete = strict();
  assert.equal([complete.status, complete.stderr], [0, '']);
  const rules = file('strict.v4', '*filter\n-A INPUT -j standard\nCOMMIT\n');
  const args = ['replay', '--rules', rules, '--host', host, '--in', `eth0=${eth0}`, '--lax'];
  assert.is(nfreplay(...args).status, 0);
  const lax = nfreplay(...args, '--strict', '--json');
  assert.is(lax.status, 1);
  assert.match(lax.stderr, /nfreplay: --strict: 1 warning; \d+ packets uncertain\n/);
  assert.is(JSON.parse(lax.stdout).packets.read > 0, true, 'the results are there all the same');
  const skipped = strict('--in', `docker0=${ethertypes}`);
  assert.is(skipped.status, 1);
  assert.match(skipped.stderr, 'nfreplay: --strict: 1 packet skipped: ipv6\n');
});

Main('with --keep-counters, the saved rules start from the counters of the ruleset', () => {
  const rules = file('counted.v4', '*filter\n:INPUT ACCEPT [1:2]\n[100:7000] -A INPUT -j ACCEPT\nCOMMIT\n');
  const savedWith = (name: string, ...args: string[]) => {
    const out = join(dir, name);
    const run = nfreplay('replay', '--rules', rules, '--host', HOST, '--in', `docker0=${eth0}`, '--out', out, ...args);
    assert.is(run.status, 0, run.stderr);
    return readFileSync(join(out, 'rules.v4'), 'utf8');
  };
  const [, packets, bytes] = /\[(\d+):(\d+)\] -A INPUT/.exec(savedWith('from-zero'))!;
  assert.ok(Number(packets) > 0);
  const kept = savedWith('kept', '--keep-counters');
  assert.match(kept, `[${100 + Number(packets)}:${7000 + Number(bytes)}] -A INPUT -j ACCEPT`);
  assert.match(savedWith('from-zero'), ':INPUT ACCEPT [0:0]');
  assert.match(kept, ':INPUT ACCEPT [1:2]');
  assert.is(JSON.parse(readFileSync(join(dir, 'kept/summary.json'), 'utf8')).rules[0].packets, Number(packets));
});

Main('an interrupted replay leaves nothing behind', async () => {
  const large = writeEst64(dir, 400_000, 100);
  const out = join(dir, 'interrupted');
  const child = spawn(process.execPath, [MAIN, ...replayArgs('--in', `eth0=${large.eth0}`, '--out', out)]);
  while (!readdirSync(dir).some((name) => name.startsWith('.interrupted.partial-'))) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  child.kill('SIGINT');
  const code = await new Promise((resolve) => child.on('exit', resolve));
  assert.is(code, 130);
  assert.not(readdirSync(dir).some((name) => name.includes('interrupted')));
});

Main.run();
