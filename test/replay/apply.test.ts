// `--apply`: commands on top of the rules and sets, before the first packet.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CommandError } from '../../replay/errors.js';
import { casesIn } from '../../replay/golden-case.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import { loadSetting } from '../../replay/setting.js';
import type { Summary } from '../../replay/summary.js';

const Apply = suite('--apply');

const [CASE] = casesIn(fileURLToPath(new URL('../../../pcaps/docker/', import.meta.url)));

let dir = '';
Apply.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
});
Apply.after(() => rmSync(dir, { recursive: true }));

function replayed(apply: readonly string[], more: Partial<ReplayOptions> = {}): Summary {
  const { rulesPath = '', hostPath, inputs } = CASE;
  return replay({ rulesPath, hostPath, inputs, apply, ...more });
}

function fileOf(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

function errorOf(apply: readonly string[], more: Partial<ReplayOptions> = {}): string {
  try {
    replayed(apply, more);
  } catch (error) {
    assert.instance(error, CommandError, String(error));
    return (error as CommandError).message;
  }
  return assert.unreachable(apply.join()) as never;
}

Apply('a rule that lets a refused packet in changes what happens to it, and is named by its place', () => {
  const before = replayed([]);
  assert.is(before.dropped[0].services.listed[0].port, 8081);
  const outDir = join(dir, 'out');
  const after = replayed(['iptables -I INPUT 1 -p tcp --dport 8081 -j ACCEPT'], { outDir });
  assert.is(after.packets.delivered, before.packets.delivered + 1);
  const rule = after.rules.find(({ file }) => file === '--apply');
  assert.equal([rule?.line, rule?.chain, rule?.number, rule?.packets], [1, 'INPUT', 1, 1]);
  // The others are named as before, and count.
  assert.ok(after.rules.some(({ file, line }) => file.endsWith('rules.v4') && line === 30));
  assert.match(
    readFileSync(join(outDir, 'rules.v4'), 'utf8'),
    /^\[1:\d+\] -A INPUT -p tcp -m tcp --dport 8081 -j ACCEPT$/m,
  );
  assert.equal(after.run.options.apply, ['iptables -I INPUT 1 -p tcp --dport 8081 -j ACCEPT']);
  assert.equal(after.applied, { commands: 1 });
});

Apply('a file of commands: comments, continued lines, sudo, sets, what is listed, ip6tables aside', () => {
  const path = fileOf(
    'commands.sh',
    `#!/bin/sh
# a ban
sudo ipset create banned hash:ip comment
ipset add banned 203.0.113.7 comment "it's him"
/usr/sbin/iptables -w -I INPUT \\
  -m set --match-set banned src -j DROP

ip6tables -P INPUT DROP
iptables -S INPUT 1
`,
  );
  const { rules, applied, warnings, run, sets } = replayed([
    path,
    'iptables -C INPUT -m set --match-set banned src -j DROP',
  ]);
  const [rule] = rules.filter(({ file }) => file === path);
  assert.equal([rule.line, rule.packets > 0], [5, true]);
  assert.is(applied?.commands, 6);
  assert.is(applied?.output, 'iptables -S INPUT 1\n-A INPUT -m set --match-set banned src -j DROP\n');
  assert.match(warnings.join('\n'), /commands\.sh:8:1: rules for IPv6 are not followed: ip6tables was not run/);
  assert.is(run.commands?.[0].path, path);
  assert.equal(sets?.[0].entries, [1, 1]);
});

Apply('sysctl -w sets what the host has from the beginning, forwarding on all interfaces together', () => {
  const { packets } = replayed([]);
  assert.ok(packets.forwarded > 0);
  const off = replayed(['sysctl -w net.ipv4.ip_forward=0']);
  assert.is(off.packets.forwarded, 0);
  assert.ok(off.dropped.some(({ reason }) => reason === 'forwarding-off'));
  assert.is(
    replayed(['sysctl -qw net/ipv4/ip_forward=0 net.ipv4.conf.all.forwarding=1']).packets.forwarded,
    packets.forwarded,
  );
  assert.is(
    errorOf(['sysctl net.ipv4.ip_forward']),
    '--apply 1: word 2: net.ipv4.ip_forward sets nothing; expected: sysctl -w NAME=NUMBER',
  );
  assert.is(
    errorOf(['sysctl -w net.ipv4.ip_forward=on']),
    '--apply 1: word 3: on is not a number; expected: sysctl -w NAME=NUMBER',
  );
  assert.is(errorOf(['sysctl -a']), '--apply 1: word 2: -a sets nothing; expected: sysctl -w NAME=NUMBER');
  assert.match(
    errorOf([], { changes: ['n2=sysctl -w net.ipv4.ip_forward=0'] }),
    /^--at n2: word 1: sysctls do not change while/,
  );
});

Apply('sysctl reads the names of interfaces with dots as sysctl(8) of procps 4.0.2 does', () => {
  const host = {
    addr: [{ ifname: 'eth0.100' }, { ifname: 'eth0' }],
    sysctl: { 'net/ipv4/conf/eth0.100/rp_filter': 0 },
  };
  const hostPath = fileOf('dots.json', JSON.stringify(host));
  const { rulesPath = '' } = CASE;
  const applied = (name: string): number => {
    const setting = loadSetting({ rulesPath, hostPath, apply: [`sysctl -w ${name}=2`] });
    return setting.host.sysctls.rpFilter(setting.host.interfaceIndex('eth0.100'));
  };
  for (const name of [
    'net.ipv4.conf.eth0/100.rp_filter',
    'net/ipv4/conf/eth0.100/rp_filter',
    '.net.ipv4.conf.eth0/100.rp_filter',
    'net..ipv4.conf.eth0/100.rp_filter',
    'net/ipv4//conf/eth0.100/rp_filter',
  ])
    assert.is(applied(name), 2, name);
  const refused: [name: string, path: string][] = [
    ['net.ipv4.conf.eth0.100.rp_filter', 'net/ipv4/conf/eth0/100/rp_filter'],
    ['net/ipv4.conf.eth0.100.rp_filter', 'net/ipv4.conf.eth0.100.rp_filter'],
    ['net.ipv4/conf/eth0/100/rp_filter', 'net/ipv4.conf.eth0.100.rp_filter'],
    ['net.ipv4.conf.eth9.rp_filter', 'net/ipv4/conf/eth9/rp_filter'],
  ];
  for (const [name, path] of refused)
    assert.throws(
      () => applied(name),
      (error: Error) => error.message.includes(`there is no /proc/sys/${path};`),
      name,
    );
  assert.throws(() => applied(refused[0][0]), /expected: net\.ipv4\.conf\.eth0\/100\.rp_filter/);
});

Apply('counters that commands give are there at the end', () => {
  const outDir = join(dir, 'counted');
  replayed(['iptables -I DOCKER 1 -c 40 4000 -s 203.0.113.99 -j DROP'], { outDir });
  assert.match(
    readFileSync(join(outDir, 'rules.v4'), 'utf8'),
    /^\[40:4000\] -A DOCKER -s 203\.0\.113\.99\/32 -j DROP$/m,
  );
});

Apply('iptables-restore FILE replaces the tables that the file has', () => {
  const path = fileOf('open.v4', '*filter\n:INPUT DROP [0:0]\nCOMMIT\n');
  const { rules, packets } = replayed([`iptables-restore ${path}`, 'iptables -P INPUT ACCEPT']);
  assert.is(packets.dropped + packets.rejected, 0);
  assert.ok(rules.length > 0 && rules.every(({ table }) => table === 'nat'));
});

Apply('the seconds behind -w of iptables-restore are no file', () => {
  const path = fileOf('open.v4', '*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n');
  for (const words of ['-w 5', '--wait 5', '-w -c', '-w -v']) {
    assert.equal(replayed([`iptables-restore ${words} ${path}`]).applied, { commands: 1 }, words);
  }
  assert.match(
    errorOf([`iptables-restore -w ${path}`]),
    /^--apply 1: word 3: .* is no number of seconds for -w; expected/,
  );
});

Apply('errors say where, what iptables says, and what to do', () => {
  const ok = 'iptables -N x';
  assert.is(
    errorOf([ok, 'iptables -D INPUT 9']),
    '--apply 2: word 2: the chain INPUT has no position 9; expected: 1–5\n  iptables: Index of deletion too big.',
  );
  assert.match(
    errorOf(['iptables -A INPUT -p tcp --dpot 22 -j ACCEPT']),
    /^--apply 1: word 6: .* did you mean --dport\?/,
  );
  assert.match(errorOf(['iptables -C INPUT -j DROP']), /no such rule.*\n {2}iptables: Bad rule \(does a matching/);
  assert.match(errorOf(['iptables -F; iptables -X']), /^--apply 1: word 2: ";" separates commands/);
  assert.match(errorOf(['iptables -A INPUT -s $LAN -j DROP']), /^--apply 1: word 5: "\$LAN" is expanded by a shell/);
  assert.match(errorOf(['iptables-nft -F']), /^--apply 1: word 1: the rules are those of iptables-legacy/);
  assert.match(errorOf(['ipset destroy nosuch']), /^--apply 1: word 3: .*ipset v7\.17: The set with the given name/s);
  assert.match(errorOf(['iptables -A INPUT -m set --match-set x src']), /^--apply 1: word 7: Set x doesn't exist/);
  assert.match(errorOf(['iptables-restore']), /^--apply 1: word 1: .* standard input; expected: iptables-restore FILE/);
  assert.match(errorOf(['ipset create a hash:ip', `${ok}\n${ok}`]), /^--apply 2: word 1: another command/);
  const faulty = fileOf('faulty', `${ok}\n\niptables -A x \\\n  -j NOSUCH\n`);
  assert.match(
    errorOf([faulty]),
    /^.*faulty:4:6: no chain "NOSUCH".*\n {2}iptables v1\.8\.9 \(legacy\): Couldn't load target/,
  );
  const script = fileOf('script', `for i in 1 2; do\niptables -F\ndone\n`);
  assert.match(errorOf([script]), /^.*script:1:13: ";" separates commands/);
  assert.match(
    errorOf([fileOf('rules', '# x\n*filter\nCOMMIT\n')]),
    /^.*rules:2:1: rules as iptables-save .* --rules$/,
  );
  assert.match(errorOf([fileOf('sets', 'create x hash:ip\n')]), /^.*sets:1:1: sets as `ipset save` prints them/);
});

Apply('a set that a rule refers to cannot be destroyed', () => {
  const commands = ['ipset create x hash:ip', 'iptables -A INPUT -m set --match-set x src', 'ipset destroy x'];
  assert.match(errorOf(commands), /^--apply 3: word 3: .*in use by a kernel component/);
  assert.is(replayed([...commands.slice(0, 2), 'iptables -D INPUT 6', commands[2]]).applied?.commands, 4);
});

Apply.run();
