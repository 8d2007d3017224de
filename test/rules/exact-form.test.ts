// Rules that read back as others from what iptables-save prints, as iptables 1.8.9 printed them.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exactForm, exactText } from '../../core/rules/exact-form.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';

const read = (rules: readonly string[]) =>
  parseRuleset(`${['*filter', ':INPUT ACCEPT [0:0]', ...rules, 'COMMIT'].join('\n')}\n`, 'rules', { willRun: false });
const rulesIn = (text: string) => text.split('\n').filter((line) => line.startsWith('-A'));

const QUIRKS = [
  ['-m connbytes --connbytes 0:0 --connbytes-mode packets --connbytes-dir both', '--connbytes 0 '],
  ['-p icmp -m icmp --icmp-type 3/1:4', '--icmp-type 3/1'],
  ['-j LED --led-trigger-id "a" --led-delay 4294967295', '--led-delay -1'],
] as const;

for (const [words, printed] of QUIRKS) {
  test(words, () => {
    const rule = `-A INPUT ${words}`;
    const ruleset = read([rule]);
    assert.match(`${rulesIn(saveRuleset(ruleset))[0]} `, printed);
    assert.equal(rulesIn(saveRuleset(exactForm(ruleset))), [rule]);
    assert.is(exactText(ruleset.tables[0].rules[0]), words);
  });
}

test('other rules are printed as iptables-save does', () => {
  const rules = [
    '-A INPUT -m connbytes --connbytes 0:7 --connbytes-mode packets --connbytes-dir both',
    '-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT',
  ];
  const ruleset = read(rules);
  assert.equal(rulesIn(saveRuleset(exactForm(ruleset))), rules);
  assert.equal(ruleset.tables[0].rules.map(exactText), [undefined, undefined]);
});

test.run();
