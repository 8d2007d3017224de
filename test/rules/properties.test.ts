/** Whatever rule there is: what is saved of it is read as the same rule, and saved in the same words. */
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MATCHES } from '../../core/matches/index.js';
import type { Extension } from '../../core/rules/extension.js';
import type { Rule } from '../../core/rules/model.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';
import { TARGETS } from '../../core/targets/index.js';
import { testSeed } from '../random.js';
import { MATCH_TEXTS, type RuleText, ruleText, TARGET_TEXTS } from './rule-texts.js';

const Properties = suite('rules: read and saved');

/** The rules are not run, so they may hold what is only parsed. */
const TO_SAVE = { willRun: false };

const seed = testSeed();
console.log(`seed ${seed}`);

Properties('every match and target there is takes part', () => {
  // rateest alone would be refused: it refers to what RATEEST in an earlier rule estimates.
  assert.equal([...Object.keys(MATCH_TEXTS), 'rateest'].sort(), namesOfIpv4(MATCHES));
  // CLUSTERIP needs one address and an interface beside it.
  assert.equal([...Object.keys(TARGET_TEXTS), 'CLUSTERIP'].sort(), namesOfIpv4(TARGETS));
});

function namesOfIpv4(extensions: ReadonlyMap<string, Extension<unknown>>): string[] {
  return [...extensions.values()]
    .filter(({ families }) => families?.includes('ipv4') ?? true)
    .map(({ name }) => name)
    .sort();
}

/** The rules in a chain of their own, where all matches are allowed. */
function textOf(rules: readonly RuleText[]): string {
  const tables = [...new Set(rules.map(({ table }) => table))];
  return tables
    .map((table) => {
      const lines = rules.filter((rule) => rule.table === table).map(({ text }) => `-A OWN ${text}`);
      return `*${table}\n:OTHER - [0:0]\n:OWN - [0:0]\n${lines.join('\n')}\nCOMMIT\n`;
    })
    .join('');
}

/** Where the name of a set stands, and what only -C and -D look at. */
const MEANINGLESS = ['word', 'isMaskGiven', 'isPrefixGiven'];

/** PARAMS without what means nothing. */
function meant(params: unknown): unknown {
  if (Array.isArray(params)) return params.map(meant);
  if (typeof params !== 'object' || params === null || Object.getPrototypeOf(params) !== Object.prototype)
    return params;
  const kept = Object.entries(params).filter(([key]) => !MEANINGLESS.includes(key));
  return Object.fromEntries(kept.map(([key, value]) => [key, meant(value)]));
}

/** What a rule means, without where it was read. */
function meaning({ chain, number, comment, base, matches, target }: Rule): unknown {
  const shown = matches.map(({ extension, params }) => ({ name: extension.name, params: meant(params) }));
  const does = target.kind === 'extension' ? { name: target.extension.name, params: meant(target.params) } : target;
  return { chain, number, comment, base, matches: shown, target: does };
}

Properties('what is saved of a ruleset is read as the same rules, and saved in the same words', () => {
  fc.assert(
    fc.property(fc.array(ruleText, { minLength: 1, maxLength: 3 }), (rules) => {
      const text = textOf(rules);
      const ruleset = parseRuleset(text, 'rules.v4', TO_SAVE);
      const saved = saveRuleset(ruleset);
      const again = parseRuleset(saved, 'rules.v4', TO_SAVE);
      // Tables are saved the last first, so it takes two times.
      assert.is(saveRuleset(parseRuleset(saveRuleset(again), 'rules.v4', TO_SAVE)), saved);
      for (const table of ruleset.tables) {
        const other = again.tables.find(({ name }) => name === table.name);
        assert.equal(other?.rules.map(meaning), table.rules.map(meaning));
      }
    }),
    { seed, numRuns: 1500 },
  );
});

Properties.run();
