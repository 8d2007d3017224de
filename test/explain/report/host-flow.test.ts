/** What fills the picture of a host: what enters a place leaves it or ends there, as often as the verdicts say. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type RelatedTraversal,
  type RulePicture,
  type Traversal,
  VERDICTS,
} from '../../../explain/report/format/model.js';
import type { Place, Station } from '../../../explain/report/format/places.js';
import { type HostFlow, hostFlow, sumOf } from '../../../pages/data/diagram/host-flow.js';
import { DROPPED, policy, routed, rule, TRACKED, traversal } from './traversals.js';

const flows = suite('flow through the picture of a host');

const FORWARDED = traversal(1, 'forwarded', [
  ['PREROUTING', TRACKED, routed('interface', 2)],
  ['FORWARD', rule(0, false), rule(1)],
  ['POSTROUTING', policy(2), { kind: 'left', dev: 2 }],
]);
const ANSWER: RelatedTraversal = {
  ...traversal(-1, 'sent', [
    ['OUTPUT', policy(1)],
    ['POSTROUTING', { kind: 'left', dev: 1 }],
  ]),
  ...{ origin: 'answer', words: '', outDev: 1 },
};
const REJECTED = traversal(
  1,
  'rejected',
  [
    ['PREROUTING', TRACKED, routed('host')],
    ['INPUT', rule(2), { kind: 'related', related: 0 }, DROPPED],
  ],
  { decider: { kind: 'rule', hook: 'INPUT', rule: 2 }, related: [ANSWER] },
);
const DELIVERED = traversal(2, 'delivered', [
  ['PREROUTING', TRACKED, routed('host')],
  ['INPUT', rule(2, false), policy(0), { kind: 'left', dev: -2 }],
]);
const SENT = traversal(-1, 'sent', [
  [undefined, routed('interface', 2)],
  ['OUTPUT', TRACKED, policy(1)],
  ['POSTROUTING', { kind: 'left', dev: 2 }],
]);
const MARTIAN = traversal(2, 'dropped', [['PREROUTING', TRACKED, routed('nowhere'), DROPPED]], {
  decider: { kind: 'host', words: 'martian source', reason: 'martian-source' },
});
const HELD = traversal(1, 'held', [['PREROUTING', { kind: 'other', words: 'waits' }]]);
const SKIPPED = traversal(1, 'skipped', []);
const ALL: readonly (readonly [Traversal, number])[] = [
  [FORWARDED, 700],
  [REJECTED, 50],
  [DELIVERED, 30],
  [SENT, 20],
  [MARTIAN, 5],
  [HELD, 3],
  [SKIPPED, 2],
];

/** Those of filter in its first chain. */
const RULES = Array.from(
  { length: 20 },
  (_, rule): RulePicture => ({
    ...{ chain: rule < 10 ? 0 : 2, number: 1, file: '', line: 1, text: '', packets: 0, bytes: 0, asked: 0 },
  }),
);

function flowOf(taken: readonly (readonly [Traversal, number])[]): HostFlow {
  const counts = Float64Array.from(taken, ([, packets]) => packets);
  return hostFlow(
    taken.map(([one]) => one),
    counts,
    { rules: RULES },
  );
}

const flow = flowOf(ALL);

function edge(from: Station, to: Station): number {
  return sumOf(flow.edges.get(`${from} > ${to}`)?.amounts ?? new Float64Array(1));
}

flows('is as wide as what went there', () => {
  assert.is(edge('in 1', 'link'), 755);
  assert.is(edge('link', 'PREROUTING'), 788);
  assert.is(edge('routing', 'FORWARD'), 700);
  assert.is(edge('routing', 'INPUT'), 80);
  assert.is(edge('INPUT', 'host'), 30);
  assert.is(edge('own routing', 'OUTPUT'), 70);
  assert.is(edge('POSTROUTING', 'egress'), 770);
  assert.is(edge('egress', 'out 1'), 50);
  assert.is(edge('egress', 'out 2'), 720);
});

flows('keeps in each station what enters, until it leaves or ends there', () => {
  const stations: Station[] = [
    'link',
    'PREROUTING',
    'routing',
    'INPUT',
    'FORWARD',
    'own routing',
    'OUTPUT',
    'POSTROUTING',
  ];
  for (const station of [...stations, 'egress'] as Station[]) {
    for (const strand of [...VERDICTS, 'answers'].keys()) {
      let [entered, left] = [0, flow.places.get(station)?.ended[strand] ?? 0];
      for (const { from, to, amounts } of flow.edges.values()) {
        if (to === station) entered += amounts[strand];
        if (from === station) left += amounts[strand];
      }
      assert.is(entered, left, `${station}, ${VERDICTS[strand] ?? 'answers'}`);
    }
  }
});

flows('ends where packets were dropped, and says why', () => {
  const input = flow.places.get('filter INPUT')!;
  assert.is(input.ended[VERDICTS.indexOf('rejected')], 50);
  assert.equal(input.causes, [
    { decider: { kind: 'rule', hook: 'INPUT', rule: 2 }, verdict: 'rejected', packets: 50, isOfAnswers: false },
  ]);
  assert.equal(input.rules, [[2, 50]]);
  assert.equal(input.chains, [[0, 80]]);
  const ended = (place: Place): number => sumOf(flow.places.get(place)!.ended);
  assert.equal([ended('routing'), ended('defrag PREROUTING'), ended('link')], [5, 3, 2]);
});

flows('tells what tables and conntrack saw', () => {
  const seen = (place: Place): number => sumOf(flow.places.get(place)!.amounts);
  assert.equal([seen('FORWARD'), seen('filter FORWARD')], [700, 700]);
  assert.equal([seen('PREROUTING'), seen('conntrack PREROUTING'), seen('routing')], [788, 785, 785]);
  assert.equal([...flow.places.get('conntrack PREROUTING')!.states], [['NEW', 785]]);
});

flows('is nothing without packets', () => {
  const empty = flowOf(ALL.map(([one]) => [one, 0]));
  assert.is(empty.edges.size + empty.places.size, 0);
});

flows.run();
