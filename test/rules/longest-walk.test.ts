// How many rules a packet can meet, which decides whether a replay must be able to end in the middle of a packet.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mostRulesMet } from '../../core/rules/longest-walk.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';

const Walk = suite('longest walk');

/** The most rules of the table filter with RULES, which are in CHAINS. */
function most(chains: readonly string[], ...rules: string[]): number {
  const declared = ['INPUT', 'FORWARD', 'OUTPUT'].map((name) => `:${name} ACCEPT [0:0]`);
  const text = ['*filter', ...declared, ...chains.map((name) => `:${name} - [0:0]`), ...rules, 'COMMIT', ''].join('\n');
  return mostRulesMet(parseRuleset(text, 'rules.v4'));
}

Walk('counts a chain as often as it is entered', () => {
  assert.is(most([]), 0);
  assert.is(most([], '-A INPUT -p tcp -j ACCEPT', '-A INPUT -j DROP', '-A FORWARD -j DROP'), 3);
  // INPUT has three rules, and enters `a`, of two rules, twice; nobody enters `b`.
  const a = ['-A a -p tcp', '-A a -p udp'];
  const input = ['-A INPUT -s 192.0.2.1 -j a', '-A INPUT -p icmp', '-A INPUT -g a'];
  assert.is(most(['a', 'b'], ...input, ...a, '-A b -j a'), 3 + 2 * 2);
});

Walk('thirty chains, each entered twice, are a billion rules', () => {
  const chains = Array.from({ length: 30 }, (_, i) => `C${i}`);
  const rules = chains.slice(1).flatMap((name, i) => [`-A C${i} -j ${name}`, `-A C${i} -j ${name}`]);
  // The last is empty, and each of the others takes twice its own two and what the next one takes: 2^30 - 2 for C0.
  assert.is(most(chains, '-A INPUT -j C0', ...rules), 2 ** 30 - 1);
});

Walk('chains may be nested deeper than the call stack', () => {
  const chains = Array.from({ length: 20_000 }, (_, i) => `C${i}`);
  const rules = chains.slice(1).map((name, i) => `-A C${i} -j ${name}`);
  assert.is(most(chains, '-A INPUT -j C0', ...rules), 20_000);
});

Walk.run();
