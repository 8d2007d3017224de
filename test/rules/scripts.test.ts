/** Shell scripts of iptables commands: what they make on a host without rules, and what of them is refused. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalText } from '../../core/rules/canonical.js';
import { foreignForm, readRules } from '../../core/rules/forms/read-rules.js';
import { scriptBackend } from '../../core/rules/forms/script.js';

const Scripts = suite('scripts of iptables commands');

const SCRIPT = String.raw`#!/bin/sh
# firewall
PATH=/sbin:/bin
modprobe nf_conntrack 2>/dev/null
/sbin/iptables -F
iptables -X old 2>/dev/null || true
iptables -P INPUT DROP
sudo iptables -w -A INPUT -i lo -j ACCEPT
iptables -N LOGGED
iptables -A INPUT -p tcp --dport 22 \
  -m conntrack --ctstate NEW -j ACCEPT
iptables -A LOGGED -j LOG --log-prefix 'a b: '
iptables -A INPUT -j LOGGED
iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE >/dev/null 2>&1
iptables -I INPUT 2 -s 192.0.2.1 -j DROP
echo done
exit 0
iptables -F
`;
/** What sh and iptables-legacy 1.8.9 made of it. */
const MADE = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:LOGGED - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -s 192.0.2.1/32 -j DROP
-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT
-A INPUT -j LOGGED
-A LOGGED -j LOG --log-prefix "a b: "
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
`;

Scripts('the commands are carried out on a host without rules', () => {
  const source = { text: SCRIPT, file: 'fw.sh' };
  const ruleset = readRules(source, { backend: 'legacy' });
  assert.is(canonicalText(ruleset), MADE);
  assert.is(ruleset.tables[0].rules[2].line, 10);
  assert.equal(
    ruleset.warnings.map(({ line, message }) => `${line}: ${message}`),
    ['6: this command fails, and the script goes on: iptables: No chain/target/match by that name.'],
  );
  assert.match(ruleset.assumed?.[0].message ?? '', /no rules before/);
  assert.is(foreignForm(source), 'a script of commands');
  // Without a first line that says so, too.
  assert.is(readRules({ text: 'iptables -A INPUT -j DROP\n', file: 'fw' }).tables[0].rules.length, 1);
});

Scripts('set -e ends the script at a command that fails', () => {
  const text = '#!/bin/sh -e\niptables -X old\niptables -P INPUT DROP\n';
  assert.throws(() => readRules({ text, file: 'fw.sh' }), /^fw.sh:2:13: /);
  assert.throws(() => readRules({ text: text.replace('sh -e', 'sh\nset -e'), file: 'fw.sh' }), /^fw.sh:3:13: /);
});

Scripts('set -e is no concern of a command behind which stands || true', () => {
  const made = (lines: string): string => {
    const ruleset = readRules({ text: `#!/bin/sh\n${lines}\niptables -P INPUT DROP\n`, file: 'fw.sh' });
    return `${/:INPUT (\w+)/.exec(canonicalText(ruleset))?.[1]} ${ruleset.warnings.length}`;
  };
  // All as sh (dash and bash) goes on, or does not.
  const goesOn = [
    'set -e\niptables -D INPUT -j DROP 2>/dev/null || true',
    'set -e\niptables -X old >/dev/null 2>&1||:',
    'set -eu\niptables -X old || true 2>/dev/null',
    'set -e\niptables -X old \\\n  2>/dev/null \\\n  || true',
    'set -e\nset +e\niptables -X old',
    'set -o errexit\nset +o errexit\niptables -X old',
    'set -e +e\niptables -X old',
    'set -u -- -e\niptables -X old',
    'iptables -X old',
  ];
  for (const lines of goesOn) assert.is(made(lines), 'DROP 1', lines);
  const ends = [
    'set -o errexit\niptables -X old',
    'set -euo pipefail\niptables -X old 2>/dev/null',
    'set -o nounset -e\niptables -X old',
    'set +e -e\niptables -X old',
    'set -e\niptables -X old # || true',
    'set -e\niptables -X old || true\niptables -X old',
  ];
  for (const lines of ends) assert.throws(() => made(lines), /^fw\.sh:\d+:13: /, lines);
});

Scripts('what looks like a redirection within a word is none', () => {
  for (const word of ['x2>/dev/null', String.raw`\ 2>/dev/null`]) {
    assert.throws(() => readRules({ text: `iptables -A INPUT -j ${word}\n`, file: 'fw' }), /redirects output/);
  }
});

Scripts('a line is read in a time that grows with its length', () => {
  const blanks = ' '.repeat(1_000_000);
  const text = `#!/bin/sh\niptables -P INPUT DROP${blanks}2>/dev/null${blanks}\n:${blanks}x\n${'\n'.repeat(300_000)}`;
  assert.is(readRules({ text, file: 'fw.sh' }).tables.length, 1);
  for (const line of [`:${' || true'.repeat(100_000)}`, `:${' 2>&1'.repeat(100_000)}`]) {
    assert.is(readRules({ text: `#!/bin/sh\n${line}\n`, file: 'fw.sh' }).tables.length, 0);
  }
  for (const long of [
    '*filter\n'.repeat(100_000),
    'a@'.repeat(200_000),
    '\r'.repeat(300_000),
    `(${')'.repeat(300_000)}`,
  ]) {
    assert.throws(() => readRules({ text: `-P INPUT ACCEPT\n${long}\n`, file: 'fw' }));
  }
});

Scripts('the names of its commands say of which backend a script is', () => {
  const nft = '#!/bin/sh\niptables-nft -A INPUT -j DROP\n';
  assert.is(scriptBackend(nft), 'nft');
  assert.is(scriptBackend(nft.replaceAll('\n', '\r\n')), 'nft');
  assert.is(scriptBackend('sudo -n /sbin/iptables-legacy -F\n'), 'legacy');
  assert.is(scriptBackend('iptables -F\nip6tables-nft -F\n'), undefined);
  assert.is(readRules({ text: nft, file: 'fw.sh' }).tables[0].rules.length, 1);
  assert.throws(() => readRules({ text: nft, file: 'fw.sh' }, { backend: 'legacy' }), /^fw\.sh:2:1: .*iptables-legacy/);
  const both = `${nft}iptables-legacy -F\n`;
  assert.throws(() => readRules({ text: both, file: 'fw.sh' }), /^fw\.sh:3:1: .*iptables-nft/);
  const plain = readRules({ text: `${nft}iptables -A INPUT -j DROP\n`, file: 'fw.sh' });
  assert.match(plain.assumed?.[1].message ?? '', /iptables is iptables-nft/);
});

Scripts('sudo and PATH before a command are no part of it', () => {
  const text =
    'sudo -n iptables -A INPUT -j DROP\nPATH=/sbin iptables -A INPUT -j DROP\nPATH=/sbin\nsudo -E modprobe x\n';
  assert.is(readRules({ text, file: 'fw' }).tables[0].rules.length, 2);
  assert.throws(() => readRules({ text: `${text}sudo -l iptables -F\n`, file: 'fw' }), /^fw:5:6: "-l" is not/);
  const typed = '$ iptables -S\n-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n';
  for (const command of ['sudo -n iptables -F', 'sudo -u root iptables -F']) {
    assert.throws(() => readRules({ text: `${typed}$ ${command}\n`, file: 'fw' }), /^fw:5:1: .* stands among listings/);
  }
});

Scripts('what is more than commands is refused, all at once', () => {
  const text = String.raw`#!/bin/bash
IPT=/sbin/iptables
$IPT -F
for i in 1 2; do
  iptables -A INPUT -p tcp --dport $i -j ACCEPT
done
iptables -A INPUT -s $(hostname -I) -j DROP
if [ -f x ]; then iptables -F; fi
iptables -A INPUT -j ACCEPT
iptables-restore < x
`;
  try {
    readRules({ text, file: 'fw.sh' });
    assert.unreachable();
  } catch (error) {
    const lines = (error as Error).message.split('\n');
    assert.equal(
      lines.map((line) => /^fw\.sh:(\d+):\d+: .* run the script on the host, .*iptables-save/.exec(line)?.[1]),
      ['2', '3', '4', '5', '6', '7', '10'],
    );
  }
});

Scripts.run();
