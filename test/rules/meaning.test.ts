/** The meaning of rules: counters as in the kernel, in every engine, and the explanations of the interpreter. */

import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { EventBody } from '../../core/events.js';
import { Hook, type TableName, Verdict } from '../../core/hooks.js';
import { readsPacket, ruleReads } from '../../core/rules/lower.js';
import { createCounters } from '../../core/rules/model.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { buildTable, ENGINES } from '../../core/rules/run/build.js';
import { interpretTable } from '../../core/rules/run/interpret.js';
import { saveRuleset } from '../../core/rules/save.js';
import { udpPacket } from '../packets/packets.js';
import { seededRandom } from '../random.js';
import { INTERFACES, packetOf, testContext } from './random.js';
import type { RecordedCase } from './recorded.js';

const meaning = suite('meaning');
const url = new URL('recorded-raw.json', import.meta.url.replace('/dist/test/', '/test/'));
const recorded = JSON.parse(readFileSync(url, 'utf8')) as RecordedCase[];

for (const [i, { note, rules, packets, saved }] of recorded.entries()) {
  for (const engine of ENGINES) {
    meaning(`raw table, case ${i + 1} (${note}): ${engine} counts as the kernel did`, () => {
      const ruleset = parseRuleset(rules.join('\n'), 'recorded');
      const table = ruleset.tables[0];
      const counters = createCounters(table);
      const program = buildTable(table, testContext(seededRandom(1), 0), counters, engine);
      for (const text of packets) {
        const packet = packetOf(Uint8Array.from(Buffer.from(text, 'base64')));
        packet.inDev = INTERFACES.indexOf('eth0');
        program.run(packet, Hook.PREROUTING);
      }
      const text = saveRuleset(ruleset, new Map([['raw' as TableName, counters]]));
      // Packets that the recording machine itself sent meanwhile are not part of the case.
      const lines = (from: readonly string[]): string[] => from.filter((line) => !line.startsWith(':OUTPUT'));
      assert.equal(lines(text.split('\nCOMMIT')[0].split('\n')), lines(saved));
    });
  }
}

meaning('RETURN in a base chain counts the policy; after goto, the caller continues after its jump', () => {
  const text = [
    '*filter',
    ':INPUT DROP [0:0]',
    ':a - [0:0]',
    ':b - [0:0]',
    '-A INPUT -j a',
    '-A INPUT -j RETURN',
    '-A INPUT -j ACCEPT',
    '-A a -g b',
    '-A a -j ACCEPT',
    '-A b -j MARK --set-mark 5',
    'COMMIT',
    '',
  ].join('\n');
  for (const engine of ENGINES) {
    const table = parseRuleset(text, 'f').tables[0];
    const counters = createCounters(table);
    const packet = packetOf(udpPacket({ source: '1.1.1.1', destination: '2.2.2.2', sport: 1, dport: 2 }));
    assert.is(
      buildTable(table, testContext(seededRandom(1), 0), counters, engine).run(packet, Hook.INPUT),
      Verdict.DROP,
    );
    const counted = table.rules.map((rule) => [rule.chain, rule.number, counters.rules[rule.index * 2]].join(' '));
    assert.equal(counted, ['INPUT 1 1', 'INPUT 2 1', 'INPUT 3 0', 'a 1 1', 'a 2 0', 'b 1 1']);
    assert.equal([...counters.policies], [0, 0, 1, 28, 0, 0, 0, 0, 0, 0]);
    assert.is(packet.mark, 5);
  }
});

meaning('an observer receives each rule, and why it did not match', () => {
  const text = [
    '*filter',
    '-A INPUT -s 10.0.0.0/8 -j ACCEPT',
    '-A INPUT -p udp -m udp --dport 53 -j ACCEPT',
    '-A INPUT -p udp -j LOG --log-prefix "seen "',
    'COMMIT',
    '',
  ].join('\n');
  const table = parseRuleset(text, 'f').tables[0];
  const heard: string[] = [];
  const emit = (event: EventBody): void => {
    if (event.kind === 'rule') heard.push(`${event.rule.number} ${event.isMatched}: ${event.failed}`);
    if (event.kind === 'policy') heard.push(`policy of ${event.chain.name}`);
  };
  const program = interpretTable(table, testContext(seededRandom(1), 0), createCounters(table), { emit });
  const packet = packetOf(udpPacket({ source: '1.1.1.1', destination: '2.2.2.2', sport: 1, dport: 2 }));
  program.run(packet, Hook.INPUT);
  assert.equal(heard, [
    '1 false: source 1.1.1.1 is not 10.0.0.0/8',
    '2 false: dport 2 is not 53',
    '3 true: undefined',
    'policy of INPUT',
  ]);
});

meaning('the fields that a rule reads, and whether the connection fixes them, are known', () => {
  const text = [
    '*filter',
    '-A INPUT -s 10.0.0.0/8 -i eth0 -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW,DNAT -j ACCEPT',
    '-A INPUT -p tcp -m tcp --syn',
    '-A INPUT -p icmp -m icmp --icmp-type 8',
    '-A INPUT -f',
    '-A INPUT -m conntrack --ctexpire 5',
    'COMMIT',
    '',
  ].join('\n');
  const { rules } = parseRuleset(text, 'f').tables[0];
  assert.equal([...ruleReads(rules[0])].sort(), ['ctstate', 'dport', 'inDev', 'protocol', 'source']);
  assert.equal(rules.map(readsPacket), [false, true, true, true, true]);
});

meaning.run();
