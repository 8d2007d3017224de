/** Protects what the page says of a packet: words are shared by many, their values are its own. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TRAVERSAL_VALUES } from '../../explain/report/format/model.js';
import { packetWords } from '../../pages/words/packet-words.js';
import { madeResult, plainTraversal } from './made-result.js';

const PacketWords = suite('words of a packet');

PacketWords('have the values of its row, and its own details', async () => {
  const result = madeResult({
    interfaces: ['eth0'],
    tuples: [
      [6, '203.0.113.7', '192.0.2.10', 51515, 8080],
      [6, '203.0.113.7', '172.17.0.2', 51515, 80],
    ],
    traversals: [plainTraversal()],
    packets: [{ tuple: 0, after: 1, flags: 18, length: 60, details: 1 }],
  });
  const details = [['other'], ['seq 7', 'ack 8']];
  const facts = { packets: await result.packets(), tuples: await result.tuples(), details };
  const at = (name: (typeof TRAVERSAL_VALUES)[number]): number => TRAVERSAL_VALUES.indexOf(name);
  const words = (...parts: (string | number)[]): string => packetWords(parts, facts, 0);
  assert.is(packetWords('plain', facts, 0), 'plain');
  assert.is(
    words(at('destination'), ':', at('dport'), ' → ', at('newDestination'), ':', at('newDport')),
    '192.0.2.10:8080 → 172.17.0.2:80',
  );
  assert.is(
    words(at('flags'), ' ', at('length'), ' ', at('source'), ' ', at('newSport')),
    'SYN/ACK 60 203.0.113.7 51515',
  );
  assert.is(words(TRAVERSAL_VALUES.length + 1), 'ack 8');
  assert.is(words('lost ', TRAVERSAL_VALUES.length + 9), 'lost ');
});

PacketWords.run();
