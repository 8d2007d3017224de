/** The generator of files of rules writes every option there is, and the same file for the same seed. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MATCHES } from '../../../core/matches/index.js';
import { TARGETS } from '../../../core/targets/index.js';
import { ourAnswer } from '../../rules/our-answer.js';
import { RARE, randomFile } from './generator.js';
import { valuesOf } from './values.js';

const Generator = suite('generator of files of rules');

Generator('has values for every option of every match and target', () => {
  for (const { name, options } of [...MATCHES.values(), ...TARGETS.values()]) {
    for (const option of options) {
      const words = option.mayHaveWord ? 1 : option.words;
      const values = words === 0 ? 0 : valuesOf(name, option.name)?.length;
      assert.is(values, words, `test/kernel/language/values.ts: ${name} ${option.name}`);
    }
  }
});

Generator('many of its files are valid, each match and target is among them, and nothing crashes', () => {
  const missing = new Set([...MATCHES.keys()].map((name) => `-m ${name} `));
  for (const name of TARGETS.keys()) missing.add(`-j ${name} `);
  for (const name of RARE) for (const option of ['-m', '-j']) missing.delete(`${option} ${name} `);
  let saved = 0;
  // There are many targets, of which some are for one table.
  for (let seed = 0; seed < 1500 || (missing.size > 0 && seed < 10_000); seed++) {
    const family = seed % 2 === 0 ? 'ipv4' : 'ipv6';
    const answer = ourAnswer(randomFile(seed, family), family);
    if (answer.kind !== 'saved') continue;
    saved++;
    for (const text of missing) if (`${answer.text.replaceAll('\n', ' \n')} `.includes(text)) missing.delete(text);
  }
  assert.ok(saved > 400, `${saved} files are valid`);
  assert.equal([...missing], []);
  assert.is(randomFile(7, 'ipv6'), randomFile(7, 'ipv6'));
});

Generator.run();
