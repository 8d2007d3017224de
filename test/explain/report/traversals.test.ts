// Protects reports of long rulesets: what traversals have in common is told once, and nothing of it is lost.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type TraversalChunk, traversalsIn } from '../../../explain/report/format/folded-traversals.js';
import type { Traversal } from '../../../explain/report/format/model.js';
import { Traversals } from '../../../explain/report/traversals.js';
import { policy, rule, TRACKED, traversal } from './traversals.js';

const Folding = suite('traversals of a replay');

const RULES = 600;

/** What a packet does that MATCHED matches, of RULES rules in a row. */
function matching(matched: number): Traversal {
  const missed = Array.from({ length: matched }, (_, number) => rule(number, false));
  return traversal(0, 'dropped', [
    ['PREROUTING', TRACKED],
    ['FORWARD', ...missed, rule(matched)],
  ]);
}

function chunksOf(traversals: Traversals): TraversalChunk[] {
  const chunks: TraversalChunk[] = [];
  for (;;) {
    const chunk = traversals.chunk(chunks.length);
    if (chunk === undefined) return chunks;
    chunks.push(JSON.parse(JSON.stringify(chunk)));
  }
}

Folding('packets that each match another one of many rules need no room for all the rules before', () => {
  const traversals = new Traversals();
  for (const order of [(i: number) => i, (i: number) => RULES - 1 - i])
    for (let i = 0; i < RULES; i++) traversals.count(traversals.numberOf(matching(order(i))), 100);
  const chunks = chunksOf(traversals);
  assert.ok(JSON.stringify(chunks).length < RULES * 1000);
  assert.equal(
    traversalsIn(chunks),
    Array.from({ length: RULES }, (_, i) => matching(i)),
  );
  assert.equal(
    [...traversals.asked(RULES)],
    Array.from({ length: RULES }, (_, i) => 2 * (RULES - i)),
  );
});

Folding('stages without steps and what the host sent because of a packet are kept', () => {
  const answer = { ...traversal(-1, 'sent', [['OUTPUT', policy(0)]]), words: 'tcp', outDev: 0 };
  const all = [
    traversal(0, 'rejected', [[undefined], ['INPUT', rule(0)]], { related: [{ ...answer, origin: 'answer' }] }),
    traversal(0, 'held', [], { ctstate: 'NEW' }),
  ];
  const traversals = new Traversals();
  assert.equal(
    [...all, ...all].map((one) => traversals.numberOf(one)),
    [0, 1, 0, 1],
  );
  assert.equal(traversalsIn(chunksOf(traversals)), all);
});

Folding('while more come, chunks that are full stay as they are', () => {
  const traversals = new Traversals();
  const full: string[] = [];
  for (let i = 0; i < RULES; i++) {
    traversals.numberOf(matching(i));
    const chunks = chunksOf(traversals).map((chunk) => JSON.stringify(chunk));
    for (const [number, chunk] of full.entries()) assert.is(chunks[number], chunk);
    full.push(...chunks.slice(full.length, -1));
    if (i % 50 === 0) assert.equal(traversalsIn(chunksOf(traversals)).length, i + 1);
  }
  assert.is(full.length, 2);
});

Folding.run();
