// A command does the same before the first packet by `--apply` and by `--at 0s=…`: neither does what the other refuses.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { casesIn } from '../../replay/golden-case.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import type { Summary } from '../../replay/summary.js';

const AtAsApply = suite('--at 0s does as --apply');

const [CASE] = casesIn(fileURLToPath(new URL('../../../pcaps/docker/', import.meta.url)));

let dir = '';
AtAsApply.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
  process.chdir(dir);
});
const cwd = process.cwd();
AtAsApply.after(() => {
  process.chdir(cwd);
  rmSync(dir, { recursive: true });
});

const FILES: Readonly<Record<string, string>> = {
  'other.v4': '*filter\n:INPUT DROP [3:300]\n[5:500] -A INPUT -p tcp\nCOMMIT\n',
  'unsupported.v4': '*filter\n-A INPUT -m helper --helper ftp\nCOMMIT\n',
  'shebang.sh': '#!/bin/sh\niptables -I INPUT -j DROP\n',
  'blank.sh': '\n  \n#!/bin/sh\n  iptables -I INPUT -j DROP\n',
  'bom.sh': '\ufeffiptables -I INPUT -j DROP\n',
  'bom-shebang.sh': '\ufeff#!/bin/sh\niptables -I INPUT -j DROP\n',
  'sets.sh':
    '#!/bin/bash\nipset create x hash:ip\nipset add x 203.0.113.7\niptables -A INPUT -m set --match-set x src\n',
  'more.sh': '#!/bin/sh\nset -e\niptables -I INPUT -j DROP\n',
  'faulty.sh': '#!/bin/sh\niptables -N x\niptables -A x \\\n  -j NOSUCH\n',
  'unsupported.sh': 'iptables -N x\niptables -A x -m helper --helper ftp -j DROP\n',
  'in-use.sh': 'ipset create x hash:ip\niptables -A INPUT -m set --match-set x src\nipset list x\nipset destroy x\n',
};

const COMMANDS = [
  'iptables -A INPUT -m helper --helper ftp -j DROP',
  'iptables -I INPUT 1 -p tcp --dport 8081 -j ACCEPT',
  'iptables -I DOCKER 1 -c 40 4000 -s 203.0.113.99 -j DROP',
  'iptables -P INPUT DROP',
  'iptables -F',
  'iptables -t nat -F',
  'iptables -t raw -A PREROUTING -j NOTRACK',
  'iptables -N x',
  'iptables -Z',
  'iptables -S INPUT',
  'iptables -L INPUT -n',
  'iptables -C INPUT -j DROP',
  'iptables -D INPUT 9',
  'iptables -A INPUT -p tcp --dpot 22 -j ACCEPT',
  'iptables -A INPUT -s $LAN -j DROP',
  'iptables -F; iptables -X',
  'iptables -F\niptables -X',
  'iptables -A INPUT -m set --match-set x src',
  'iptables',
  '  iptables -I INPUT -j DROP',
  ' sudo /usr/sbin/iptables -I INPUT -j DROP',
  'iptables-legacy -I INPUT -j DROP',
  'iptables-nft -I INPUT -j DROP',
  'iptables-save',
  'ip6tables -P INPUT DROP',
  'ip6tables-restore other.v4',
  'iptables-restore other.v4',
  'iptables-restore -c other.v4',
  'iptables-restore unsupported.v4',
  'iptables-restore -n other.v4',
  'iptables-restore nowhere.v4',
  'iptables-restore',
  'ipset create x hash:ip',
  'ipset list',
  'ipset create x hash:ip probes 4',
  'ipset destroy nosuch',
  'ipset add x 1.2.3',
  ...Object.keys(FILES).filter((name) => name.endsWith('.sh')),
];

/** What came out, in which the options are called by one name. */
function outcomeOf(options: Partial<ReplayOptions>): unknown {
  const { rulesPath = '', hostPath, inputs } = CASE;
  const outDir = join(dir, 'out');
  rmSync(outDir, { recursive: true, force: true });
  const named = (text: string): string =>
    text.replace(/--apply(?: 1|(?=:))|--at 0s/g, 'OPTION').replace(' (OPTION)', '');
  try {
    const { packets, warnings, dropped, applied, changes }: Summary = replay({
      ...{ rulesPath, hostPath, inputs, outDir },
      ...options,
    });
    const texts = ['rules.v4', 'ipset.txt', 'conntrack.txt'].map((name) => join(outDir, name));
    return {
      texts: texts.map((path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)),
      packets,
      dropped: dropped.map(({ packets: count, reason }) => [count, reason]),
      output: applied?.output ?? changes?.[0].output,
      warnings: warnings.map(named).sort(),
    };
  } catch (error) {
    const { name, message, isUnsupported, code } = error as Error & { isUnsupported?: boolean; code?: string };
    return { name, message: named(message.replace('an --apply of', 'an --at of')), isUnsupported, code };
  }
}

for (const lax of [false, true]) {
  AtAsApply(`counters, sets, output, warnings and errors are the same${lax ? ', with --lax' : ''}`, () => {
    for (const [name, text] of Object.entries(FILES)) writeFileSync(join(dir, name), text);
    for (const command of COMMANDS) {
      const [byApply, byAt] = [{ apply: [command] }, { changes: [`0s=${command}`] }];
      assert.equal(outcomeOf({ ...byAt, lax }), outcomeOf({ ...byApply, lax }), command);
    }
  });
}

AtAsApply('a file for ipset restore may use short names, and end before its last line, which is said', () => {
  const { rulesPath = '', hostPath, inputs } = CASE;
  const path = join(dir, 'sets');
  for (const text of [
    'n x hash:ip\na x 1.1.1.1\n',
    '-N x hash:ip\n-A x 1.1.1.1\n',
    '\ufeffcreate x hash:ip\nadd x 1.1.1.1\n',
  ]) {
    writeFileSync(path, text.replace(/^a /m, 'add '));
    const { changes } = replay({ rulesPath, hostPath, inputs, changes: [`0s=${path}`] });
    assert.equal(changes?.[0].sets, [{ name: 'x', after: 1 }], text);
  }
  writeFileSync(path, 'create x hash:ip\ntest x 1.1.1.1\nadd x 1.1.1.1\n');
  const { changes, warnings } = replay({
    rulesPath,
    hostPath,
    inputs,
    changes: [`0s=${path}`, '1s=ipset add x 1.1.1.2'],
  });
  assert.match(warnings.join('\n'), `${path}:2: ipset restore reads no further than this line`);
  assert.match(changes?.[0].output ?? '', '1.1.1.1 is NOT in set x');
  writeFileSync(path, 'del x 1.1.1.2\n');
  const after = replay({
    rulesPath,
    hostPath,
    inputs,
    changes: ['0s=ipset create x hash:ip', '0s=ipset add x 1.1.1.2', `0s=${path}`],
  });
  assert.equal(after.changes?.[2].sets, [{ name: 'x', before: 1, after: 0 }]);
});

AtAsApply('an error says the time once, and a script is no table of rules', () => {
  const { rulesPath = '', hostPath, inputs } = CASE;
  const fails = (change: string): { name: string; message: string } => {
    try {
      replay({ rulesPath, hostPath, inputs, changes: [change] });
    } catch (error) {
      return error as Error;
    }
    return assert.unreachable(change) as never;
  };
  for (const name of Object.keys(FILES)) writeFileSync(join(dir, name), FILES[name]);
  for (const change of ['1s=iptables -D INPUT 9', '1s=faulty.sh', '1s=iptables-restore unsupported.v4'])
    assert.is(fails(change).message.split('--at 1s').length, 2, change);
  assert.match(fails('1s=faulty.sh').message, /^faulty\.sh:4:6: no chain "NOSUCH".* \(--at 1s\)\n {2}iptables v/);
  assert.match(fails('1s=filter=shebang.sh').message, 'shebang.sh: commands of iptables, not rules; expected: rules');
});

AtAsApply.run();
