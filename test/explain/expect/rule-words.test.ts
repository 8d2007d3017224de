/** Rules by words of them. The rules are as iptables-save writes them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Rule } from '../../../core/rules/model.js';
import { parseRuleset } from '../../../core/rules/parse/parse.js';
import { hasWords, nearlyHasWords } from '../../../explain/expect/rule-words.js';
import { judged } from './judged.js';

const Words = suite('words of rules');

function ruleOf(text: string): Rule {
  const ruleset = parseRuleset(`*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD ${text}\nCOMMIT\n`, 'rules.v4');
  return ruleset.tables[0].rules[0];
}

Words('what a rule negates has its `!`', () => {
  const rule = ruleOf(
    '! -s 10.0.0.0/8 ! -i docker0 -o eth1 -p tcp -m tcp --dport 22 -m conntrack ! --ctstate INVALID,NEW -j ACCEPT',
  );
  for (const [words, isThere] of [
    ['! -s 10.0.0.0/8', true],
    ['! -s 10.0.0.0/8 ! -i docker0', true],
    ['-o eth1 -p tcp', true],
    ['eth1 -p tcp -m tcp', true],
    ['-m conntrack ! --ctstate INVALID,NEW -j', true],
    ['-s 10.0.0.0/8', false],
    ['10.0.0.0/8', false],
    ['10.0.0.0/8 ! -i docker0', false],
    ['-i docker0 -o eth1', false],
    ['docker0', false],
    ['--ctstate INVALID,NEW', false],
    ['INVALID,NEW -j ACCEPT', false],
    ['! -o eth1', false],
  ] as const)
    assert.is(hasWords(rule, words), isThere, words);
  assert.is(nearlyHasWords(rule, '-s 10.0.0.0/8'), 'negated');
  assert.is(nearlyHasWords(rule, '-d 10.0.0.0/8'), undefined);
});

Words('a comment is searched for text, not for options', () => {
  const rule = ruleOf('-s 10.0.0.0/8 -m comment --comment "was -j DROP, ! -i lo before" -j ACCEPT');
  for (const [words, isThere] of [
    ['was -j DROP', true],
    ['before', true],
    ['DROP', true],
    ['--comment "was -j DROP, ! -i lo before" -j ACCEPT', true],
    ['-j DROP', false],
    ['! -i lo', false],
    ['-i lo before', false],
  ] as const)
    assert.is(hasWords(rule, words), isThere, words);
  assert.is(nearlyHasWords(rule, '-j DROP'), 'comment');
});

Words('a quote that is not closed is no word of any rule', () => {
  for (const words of ['"', '-j "ACCEPT', '""']) assert.not.ok(hasWords(ruleOf('-p tcp -j ACCEPT'), words), words);
});

Words('counters and deciders by words that are negated say so', () => {
  // Rule 2 of DOCKER in nat: `! -i docker0 -p tcp -m tcp --dport 36379 …`.
  const [counters, decider] = judged(
    'pcaps/docker',
    `  - counters: { nat DOCKER "-i docker0 -p tcp": ">= 0 packets" }
  - packet: tcp * > *:36379 state NEW
    by: filter DOCKER "-i docker0"`,
  );
  assert.match(counters.problems[0].found, /^no rule of nat DOCKER has these words; in rule 2 a ! stands before them$/);
  assert.is(counters.problems.length, 1);
  assert.match(
    decider.problems[0].found,
    /^no rule of filter DOCKER has these words; in rule 1 a ! stands before them \(/,
  );
});

Words.run();
