/** `--keep-counters`: counters as iptables-restore -c loads them. What is expected is from iptables 1.8.9 (legacy). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseListing } from '../../core/rules/listing/parse-listing.js';
import { addCounters, loadedCounters } from '../../core/rules/loaded-counters.js';
import { createCounters } from '../../core/rules/model.js';
import { RulesetError } from '../../core/rules/parse/error.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';

const Loaded = suite('loaded counters');

/** TEXT as saved after its counters were loaded. */
function restored(text: string): string[] {
  const ruleset = parseRuleset(text, 'rules.v4');
  return saveRuleset(ruleset, loadedCounters(ruleset, [{ text, file: ruleset.fileName }]))
    .trimEnd()
    .split('\n');
}

Loaded('rules and policies have the counters of their lines', () => {
  const text = `*filter
:INPUT DROP [5:300]
:OUTPUT ACCEPT [4294967296:9007199254740991]
:u - [7:8]
[1:2] -A INPUT -i lo -j ACCEPT
[3:4] -A INPUT -s 10.0.0.1,10.0.0.2 -j u
-A INPUT -c 9 10 -p tcp -j ACCEPT
-A INPUT --set-counters 11,12 -p udp -j ACCEPT
[13:14] -I INPUT 1 -p icmp -j ACCEPT
-A u -m comment --comment -c -j RETURN
[ 1: 2] -A u
-A u -c5,6
-A u --set-counters=7,8
COMMIT
`;
  assert.equal(restored(text), [
    '*filter',
    ':INPUT DROP [5:300]',
    ':FORWARD ACCEPT [0:0]',
    ':OUTPUT ACCEPT [4294967296:9007199254740991]',
    ':u - [0:0]',
    '[13:14] -A INPUT -p icmp -j ACCEPT',
    '[1:2] -A INPUT -i lo -j ACCEPT',
    '[3:4] -A INPUT -s 10.0.0.1/32 -j u',
    '[3:4] -A INPUT -s 10.0.0.2/32 -j u',
    '[9:10] -A INPUT -p tcp -j ACCEPT',
    '[11:12] -A INPUT -p udp -j ACCEPT',
    '[0:0] -A u -m comment --comment -c -j RETURN',
    '[1:2] -A u',
    '[5:6] -A u',
    '[7:8] -A u',
    'COMMIT',
  ]);
});

Loaded('-P sets the policy anew, with the counters of its line', () => {
  const policy = (line: string) => restored(`*filter\n:INPUT ACCEPT [3:4]\n${line}\nCOMMIT\n`)[1];
  assert.is(policy('-P INPUT DROP'), ':INPUT DROP [0:0]');
  assert.is(policy('[5:6] -P INPUT DROP'), ':INPUT DROP [5:6]');
});

const LISTING = `Chain INPUT (policy DROP 5 packets, 300 bytes)
num   pkts bytes target     prot opt in     out     source               destination
1        1     2 ACCEPT     all  --  lo     *       0.0.0.0/0            0.0.0.0/0
2       3K   400            tcp  --  *      *       0.0.0.0/0            0.0.0.0/0

Chain FORWARD (policy ACCEPT 0 packets, 0 bytes)
num   pkts bytes target     prot opt in     out     source               destination

Chain OUTPUT (policy ACCEPT 7M packets, 8 bytes)
num   pkts bytes target     prot opt in     out     source               destination
`;

Loaded('a listing has counters too, but abbreviated ones are not exact', () => {
  const exact = LISTING.replace(' 3K', '300').replace('7M', '7');
  const restoredOf = (text: string): string => {
    const ruleset = parseListing(text, 'L.txt');
    return saveRuleset(ruleset, loadedCounters(ruleset, [{ text, file: 'L.txt' }]));
  };
  const saved = restoredOf(exact);
  assert.match(saved, ':INPUT DROP [5:300]\n');
  assert.match(saved, ':OUTPUT ACCEPT [7:8]\n');
  assert.match(saved, '[1:2] -A INPUT -i lo -j ACCEPT\n[300:400] -A INPUT -p tcp\n');
  assert.throws(() => restoredOf(LISTING), /^L\.txt:4:9: the counter 3K is not exact; expected: a listing with -v -x/);
  const withoutRule = LISTING.replace(/^2 .*\n/m, '');
  assert.throws(() => restoredOf(withoutRule), /^L\.txt:8:29: the counter 7M is not exact/);
});

Loaded('what cannot be counted on exactly is refused, with its line', () => {
  for (const line of ['[9007199254740993:1] -A INPUT', '[0x10:8] -A INPUT', ':INPUT ACCEPT [1:18446744073709551615]']) {
    const text = `*filter\n${line}\nCOMMIT\n`;
    const ruleset = parseRuleset(text, 'rules.v4');
    try {
      loadedCounters(ruleset, [{ text, file: ruleset.fileName }]);
      assert.unreachable(line);
    } catch (error) {
      assert.instance(error, RulesetError);
      assert.equal([(error as RulesetError).line, (error as RulesetError).code], [2, 'unsupported'], line);
    }
  }
});

Loaded('counters of a run are added to them', () => {
  const text = '*filter\n:INPUT ACCEPT [1:2]\n[3:4] -A INPUT\nCOMMIT\n';
  const ruleset = parseRuleset(text, 'rules.v4');
  const counters = createCounters(ruleset.tables[0]);
  counters.rules.set([10, 20]);
  counters.policies[2] = 100;
  const sum = addCounters(new Map([['filter', counters]]), loadedCounters(ruleset, [{ text, file: ruleset.fileName }]));
  const saved = saveRuleset(ruleset, sum);
  assert.match(saved, '[13:24] -A INPUT\n');
  assert.match(saved, ':INPUT ACCEPT [101:2]\n');
});

Loaded.run();
