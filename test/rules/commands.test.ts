// Commands of iptables on a ruleset: what the real one, of both backends, did with random commands.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RulesetState } from '../../core/rules/commands/apply-iptables.js';
import { loadedCounters } from '../../core/rules/loaded-counters.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';
import { answerDifference, noTables, ourAnswer, type RecordedSession, savedDifference } from './command-sessions.js';

const Commands = suite('commands of iptables');

// Compiled tests run from dist/, where there are no text files.
const PATH = new URL('recorded-commands.jsonl', import.meta.url.replace('/dist/test/', '/test/'));

Commands('exit codes, messages and rules are those of the real iptables', () => {
  const sessions = readFileSync(PATH, 'utf8').trimEnd().split('\n');
  assert.ok(sessions.length > 20);
  for (const line of sessions) {
    const { backend, commands, saved } = JSON.parse(line) as RecordedSession;
    let state = noTables('ipv4');
    const done: string[] = [];
    const check = (difference: string | undefined): void =>
      assert.is(difference, undefined, `${difference}\n  iptables-${backend} ${done.join(`\n  iptables-${backend} `)}`);
    for (const { words, exitCode, stderr } of commands) {
      const ours = ourAnswer(words, state, backend);
      done.push(JSON.stringify(words));
      check(answerDifference(ours, { exitCode, stdout: ours.stdout, stderr }, backend));
      state = ours;
    }
    check(savedDifference(state, saved, backend));
  }
});

const RULES = `*filter
:INPUT DROP [7:700]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:web - [0:0]
[1:10] -A INPUT -i lo -j ACCEPT
[2:20] -A INPUT -p tcp -j web
[3:30] -A web -p tcp -m tcp --dport 80 -j ACCEPT
[4:40] -A web -p tcp -m tcp --dport 443 -j ACCEPT
COMMIT
`;

function loaded(): RulesetState {
  const ruleset = parseRuleset(RULES, 'rules.v4');
  return { ruleset, counters: loadedCounters(ruleset, [{ text: RULES, file: 'rules.v4' }]) };
}

const commandOf = (text: string) => ourAnswer(text.split(' '), loaded(), 'nft');

Commands('rules that stay keep their file, line and counters, and can be told from new ones', () => {
  const { ruleset, counters, origins } = commandOf('-I web 2 -c 5 50 -p tcp --dport 8080 -j ACCEPT');
  const [table] = ruleset.tables;
  assert.equal([...origins.get('filter')!], [0, 1, 2, -1, 3]);
  assert.equal(
    table.rules.map(({ file, line, number }) => `${file}:${line} ${number}`),
    ['rules.v4:6 1', 'rules.v4:7 2', 'rules.v4:8 1', 'commands:1 2', 'rules.v4:9 3'],
  );
  assert.equal([...counters.get('filter')!.rules], [1, 10, 2, 20, 3, 30, 5, 50, 4, 40]);
});

Commands('the ruleset before a command stays as it is', () => {
  const before = loaded();
  const text = saveRuleset(before.ruleset, before.counters);
  for (const command of ['-F', '-E web w', '-Z', '-P INPUT ACCEPT', '-D INPUT 1', '-R web 1 -j DROP']) {
    assert.is(ourAnswer(command.split(' '), before, 'legacy').exitCode, 0, command);
  }
  assert.is(saveRuleset(before.ruleset, before.counters), text);
});

Commands('a rule that refers to a renamed chain follows it', () => {
  const { ruleset, origins } = commandOf('-E web http');
  assert.match(saveRuleset(ruleset), /^-A INPUT -p tcp -j http$/m);
  // The chain is sorted by its new name, and its rules are the same.
  assert.equal([...origins.get('filter')!], [0, 1, 2, 3]);
});

Commands('with nf_tables, -X without a name deletes empty base chains, which are saved all the same', () => {
  const empty = ourAnswer(['-t', 'nat', '-P', 'INPUT', 'ACCEPT'], noTables('ipv4'), 'nft');
  const chains = (state: RulesetState) =>
    state.ruleset.tables[0].chains.filter(({ isAbsent }) => isAbsent !== true).map(({ name }) => name);
  assert.equal(chains(empty), ['INPUT']);
  const after = ourAnswer(['-t', 'nat', '-X'], empty, 'nft');
  assert.equal(chains(after), []);
  assert.match(saveRuleset(after.ruleset), /^:INPUT ACCEPT \[0:0\]$/m);
  assert.is(ourAnswer(['-t', 'nat', '-X'], empty, 'legacy').ruleset.tables[0].chains.length, 4);
});

Commands('other tables are only looked at as the same iptables has made them', () => {
  const rule = '-t mangle -A FORWARD -p tcp -m tcp --sport 80 -j TCPMSS --set-mss 1200'.split(' ');
  // iptables-legacy wants a match of SYN.
  assert.is(ourAnswer(rule, noTables('ipv4'), 'legacy').exitCode, 1);
  const before = ourAnswer(rule, noTables('ipv4'), 'nft');
  assert.is(before.exitCode, 0);
  assert.is(ourAnswer(['-A', 'INPUT', '-j', 'DROP'], before, 'nft').exitCode, 0);
});

Commands('what iptables can do and nfreplay cannot is refused by name', () => {
  const renamed = ourAnswer(['-E', 'INPUT', 'x'], loaded(), 'nft');
  assert.is(renamed.fault?.code, 'unsupported');
  assert.is(saveRuleset(renamed.ruleset), saveRuleset(loaded().ruleset));
});

Commands.run();
