/** Text of others (rules, hosts, file names) in files and on the terminal. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
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
import { loadHost } from '../../core/host/host.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { ReplayOptionsError } from '../../replay/errors.js';
import { ReplayRun } from '../../replay/replay-run.js';

const ForeignText = suite('text of others');

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const CAPTURE = fileURLToPath(new URL('../../../pcaps/docker/in/eth0.pcap', import.meta.url));
/** Controls but the line feed, and the other bytes that UTF-8 does not use for text. */
const RAW = /(?!\n)\p{Cc}|[\u202a-\u202e\u2066-\u2069\ufffd]/u;

let dir = '';
ForeignText.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
});
ForeignText.after(() => rmSync(dir, { recursive: true }));

/** Writes TEXT to the file NAME, one byte a character; returns its path. */
function file(name: string, text: string): string {
  writeFileSync(join(dir, name), text, 'latin1');
  return join(dir, name);
}

function hostWith(...names: string[]): string {
  const addr = names.map((ifname, i) => ({
    ifname,
    address: `02:00:00:00:01:0${i + 1}`,
    addr_info: [{ family: 'inet', local: `192.0.${i + 2}.10`, prefixlen: 24 }],
  }));
  return JSON.stringify({ addr });
}

function nfreplay(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args]);
  for (const output of [stdout, stderr]) assert.not.match(output.toString(), RAW);
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}

function replay(rules: string, host: string, ...more: string[]) {
  const out = join(dir, 'out');
  rmSync(out, { recursive: true, force: true });
  return nfreplay('replay', '--rules', rules, '--host', host, '--out', out, ...more);
}

const ESCAPES = [
  '*filter',
  ':\x1b[31mC - [0:0]',
  '-A INPUT -m comment --comment "\x1b]0;owned\x07\x1b[2J\xe2\x80\xaered\xe9" -j \x1b[31mC',
  '-A FORWARD -i \x1b[2J -j LOG --log-prefix "\x1b[5mblink\r\x08"',
  '-A \x1b[31mC -j ACCEPT',
  'COMMIT',
  '',
].join('\n');

ForeignText('a report and its JSON show escapes as text, and the saved rules keep them', () => {
  const rules = file('escapes.v4', ESCAPES);
  const host = file('host.json', hostWith('eth0', '\x1b[2J'));
  const text = replay(rules, host, '--in', `eth0=${CAPTURE}`);
  assert.is(text.status, 0, text.stderr);
  assert.match(text.stdout, '\\x1b[31mC');
  assert.match(text.stdout, '\\x1b]0;owned\\x07\\x1b[2J\\u202ered\\xe9');
  assert.match(text.stdout, '\\x1b[2J.pcap');
  const saved = readFileSync(join(dir, 'out', 'rules.v4'), 'latin1');
  assert.ok(saved.includes('--comment "\x1b]0;owned\x07\x1b[2J\xe2\x80\xaered\xe9" -j \x1b[31mC\n'), saved);
  assert.ok(saved.includes('--log-prefix "\x1b[5mblink\r\x08"'), saved);

  const json = replay(rules, host, '--in', `eth0=${CAPTURE}`, '--json');
  const [rule] = JSON.parse(json.stdout).rules;
  assert.equal([rule.chain, rule.comment], ['INPUT', '\x1b]0;owned\x07\x1b[2J\u202ered\udce9']);
});

ForeignText('bench and check show escapes as text', () => {
  const host = file('host.json', hostWith('eth0', '\x1b[2J'));
  const rules = ['one\x1b[2J.v4', 'two\x1b[2J.v4'].map((name) => file(name, ESCAPES));
  const given = rules.flatMap((path) => ['--rules', path]);
  const bench = nfreplay('bench', ...given, '--host', host, '--in', `eth0=${CAPTURE}`, '--runs', '1', '--limit', '20');
  assert.is(bench.status, 0, bench.stderr);
  assert.match(bench.stdout, 'two\\x1b[2J.v4');
  assert.match(bench.stdout, 'filter \\x1b[31mC');

  const golden = join(dir, 'case\x1b[2J');
  mkdirSync(join(golden, 'in'), { recursive: true });
  writeFileSync(join(golden, 'host.json'), hostWith('eth0', '\x1b[2J'));
  // A quote that is not closed puts the line feed into the comment.
  const rule = '-A FORWARD -m comment --comment "two lines\n';
  writeFileSync(join(golden, 'rules.v4'), ESCAPES.replace('COMMIT', `${rule}COMMIT`), 'latin1');
  copyFileSync(CAPTURE, join(golden, 'in', 'eth0.pcap'));
  assert.match(nfreplay('check', '--update', golden).stdout, 'case\\x1b[2J');
  assert.match(nfreplay('check', golden).stdout, /^ok .*case\\x1b\[2J/m);
  writeFileSync(join(golden, 'rules.v4'), ESCAPES.replace('-j ACCEPT', '-j DROP'), 'latin1');
  const differs = nfreplay('check', golden).stdout;
  assert.ok(differs.includes('\\x1b[31mC'), differs);
});

ForeignText('errors show escapes in rules, hosts, arguments and file names as text', () => {
  const good = file('good.v4', '*filter\nCOMMIT\n');
  const host = file('host.json', hostWith('eth0'));
  const bad: [string, string, RegExp][] = [
    [file('bad.v4', '*filter\n-A INPUT -j \x1b[2J\xe9\nCOMMIT\n'), host, /bad\.v4:2:13: .*\\x1b\[2J\\xe9/],
    [file('bad\x1b[2J.v4', '*filter\n-A INPUT -x\nCOMMIT\n'), host, /bad\\x1b\[2J\.v4:2/],
    [good, file('bad.json', hostWith('a\x7f/')), /a\\x7f/],
    // ip -j prints controls as they are.
    [good, file('raw.json', hostWith('aX/').replace('X', '\x1b')), /"a\\u001b\/" is not a valid interface name/],
    [good, join(dir, 'none\x1b[2J\n'), /none\\x1b\[2J\\x0a/],
  ];
  for (const [rules, hostPath, message] of bad) {
    const { status, stderr } = replay(rules, hostPath, '--in', `eth0=${CAPTURE}`);
    assert.ok(status === 2 || status === 4, stderr);
    assert.match(stderr, message);
  }
  assert.match(replay(good, host, '--in', 'e\x1b[2J=x').stderr, 'e\\x1b[2J');
  assert.match(nfreplay('replay\x1b[2J').stderr, 'replay\\x1b[2J');
  assert.match(nfreplay('check', '\x1b[2J').stderr, '\\x1b[2J');
});

ForeignText('bytes that are not UTF-8 stay as they are: interfaces match, chains stay two', () => {
  // Latin-1: é is e9, è is e8; saved as iptables-legacy-save does.
  const chains = ':\xe8X - [0:0]\n:\xe9X - [0:0]\n';
  const rule = '-A INPUT -i et\xe9 -m comment --comment "caf\xe9" -j \xe9X\n';
  const rules = file('latin1.v4', `*filter\n${chains}${rule}-A INPUT -i et\xe8 -j \xe8X\nCOMMIT\n`);
  const host = file('latin1.json', hostWith('et\xe9', 'eth0'));
  const { status, stderr, stdout } = replay(rules, host, '--in', `et\\xe9=${CAPTURE}`);
  assert.is(status, 0, stderr);
  const saved = readFileSync(join(dir, 'out', 'rules.v4'), 'latin1');
  assert.ok(saved.includes(chains) && saved.includes('-A INPUT -i et\xe8 -j \xe8X'), saved);
  assert.match(saved, new RegExp(`\\[[1-9]\\d*:\\d+\\] ${rule}`));
  assert.match(stdout, 'et\\xe9.pcap');
  assert.ok(readFileSync(Buffer.from(join(dir, 'out', 'et\xe9.pcap'), 'latin1')).length > 0);
});

ForeignText('a golden case may have an interface whose name is not UTF-8', () => {
  const golden = mkdtempSync(join(dir, 'latin1-'));
  mkdirSync(join(golden, 'in'));
  writeFileSync(join(golden, 'host.json'), hostWith('et\xe9', 'eth0'), 'latin1');
  writeFileSync(join(golden, 'rules.v4'), '*filter\n:\xe9X - [0:0]\n-A INPUT -i et\xe9 -j \xe9X\nCOMMIT\n', 'latin1');
  copyFileSync(CAPTURE, Buffer.from(join(golden, 'in', 'et\xe9.pcap'), 'latin1'));
  assert.is(nfreplay('check', '--update', golden).status, 0);
  const saved = readFileSync(join(golden, 'want', 'rules.v4'), 'latin1');
  assert.match(saved, /^\[[1-9]\d*:\d+\] -A INPUT -i et\xe9 -j \xe9X$/m);
  const { status, stdout } = nfreplay('check', golden);
  assert.is(status, 0, stdout);
});

// Other systems have no names that are not UTF-8.
if (process.platform === 'linux') {
  ForeignText('names of files that are not UTF-8 are refused: Node does not say which bytes were given', () => {
    const example = fileURLToPath(new URL('../../../pcaps/docker/', import.meta.url));
    const names: Record<string, Buffer> = {};
    for (const name of ['folder', 'rules.v4', 'host.json', 'eth0.pcap']) {
      names[name] = Buffer.concat([Buffer.from(`${dir}/\xe9-`, 'latin1'), Buffer.from(name)]);
    }
    mkdirSync(names.folder);
    for (const name of ['rules.v4', 'host.json']) copyFileSync(join(example, name), names[name]);
    copyFileSync(CAPTURE, names['eth0.pcap']);
    const before = readdirSync(dir, { encoding: 'latin1' });
    /** Runs ARGS, in which `*` is expanded by the shell, in the folder that the shell finds for WHERE. */
    const refused = (says: string, args: string, where = '.') => {
      const script = `cd "$1" && cd ${where} && exec "$2" "$3" ${args.replaceAll('EXAMPLE', '"$4"')}`;
      const words = ['-c', script, 'sh', dir, process.execPath, MAIN, example];
      const { status, stderr } = spawnSync('sh', words, { encoding: 'utf8' });
      assert.match(stderr, says);
      assert.is(status, 4, stderr);
      assert.equal(readdirSync(dir, { encoding: 'latin1' }), before);
    };
    const files = '--rules EXAMPLE/rules.v4 --host EXAMPLE/host.json';
    const replay = `replay ${files} --in eth0=EXAMPLE/in/eth0.pcap`;
    const says = 'this name is not UTF-8, which cannot be given here';
    refused(`-rules.v4: ${says}`, 'replay --rules *-rules.v4 --host EXAMPLE/host.json --in eth0=EXAMPLE/in/eth0.pcap');
    refused(`-host.json: ${says}`, 'bench --rules EXAMPLE/rules.v4 --host *-host.json --in eth0=EXAMPLE/in/eth0.pcap');
    refused(`-eth0.pcap: ${says}`, `replay ${files} --in eth0="$(echo *-eth0.pcap)"`);
    refused(`-folder: ${says}`, 'check *-folder');
    refused(`-folder: ${says}`, `${replay} --out *-folder`);
    refused('out cannot be written: its full path is not UTF-8', `${replay} --out out`, '*-folder');
    // Some versions of Node cannot remove such names as part of a folder.
    for (const name of Object.values(names)) rmSync(name, { recursive: true });
  });
}

ForeignText('names that are not those of interfaces are refused', () => {
  const rules = file('good.v4', '*filter\nCOMMIT\n');
  // A lone surrogate is no text; the kernel takes the byte a0 for a blank, even in à (c3 a0).
  for (const name of [
    '"e\\ud800"',
    '"\u00e0"',
    '"a b"',
    '"a:b"',
    '"1234567890\u00e9\u00e9\u00e9"',
    '"\\udcc3\\udca9"',
  ]) {
    const host = join(dir, 'names.json');
    writeFileSync(host, `{"addr": [{"ifname": ${name}, "address": "02:00:00:00:00:01"}]}`);
    const { status, stderr } = replay(rules, host, '--in', `eth0=${CAPTURE}`);
    assert.is(status, 2);
    assert.match(stderr, /names\.json:1:\d+: addr\[0\]\.ifname: .*not a valid interface name/);
  }
});

ForeignText('two interfaces whose captures would be one file are refused', () => {
  // A file system that does not distinguish upper and lower case writes one file, as this link does.
  const out = mkdtempSync(join(dir, 'one-file-'));
  symlinkSync('eth0.pcap', join(out, 'Eth0.pcap'));
  const host = loadHost(hostWith('eth0', 'Eth0'), 'host.json');
  const ruleset = parseRuleset('', 'rules.v4');
  assert.throws(
    () => new ReplayRun({ host, ruleset }, [{ dev: 0, path: CAPTURE }], out, 1),
    (error: unknown) => error instanceof ReplayOptionsError && /Eth0\.pcap would hold .* two/.test(error.message),
  );
});

ForeignText.run();
