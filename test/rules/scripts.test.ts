/** Shell scripts of iptables commands: what they make on a host without rules, and what of them is refused. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalText } from '../../core/rules/canonical.js';
import { foreignForm, readRules } from '../../core/rules/forms/read-rules.js';

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
