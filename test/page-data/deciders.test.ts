import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RulesSection } from '../../explain/report/format/model.js';
import { ruleText } from '../../pages/words/deciders.js';

const Deciders = suite('deciders on the page');

Deciders('have the number that iptables showed when the packet came', () => {
  const chain = (rules: readonly number[]) => ({ table: 'filter', name: 'FORWARD', rules });
  const ruleset = (sinceNs: number, at: number) => ({ sinceNs, tables: [{ table: 'filter', chains: [at] }] });
  // The firewall is restarted with rule 1 alone, then Docker puts rule 2 before it.
  const section = {
    chains: [chain([0]), chain([1]), chain([2, 1])],
    rulesets: [ruleset(0, 0), ruleset(100, 1), ruleset(200, 2)],
    rules: [
      { chain: 0, number: 1 },
      { chain: 2, number: 2 },
      { chain: 2, number: 1 },
    ],
  } as unknown as RulesSection;
  assert.is(ruleText(1, section, 150), 'filter FORWARD 1');
  assert.is(ruleText(1, section, 250), 'filter FORWARD 2');
  // A connection that began before the rule was there.
  assert.is(ruleText(1, section, 50), 'filter FORWARD 1');
  assert.is(ruleText(1, section), 'filter FORWARD 2');
});

Deciders.run();
