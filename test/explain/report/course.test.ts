/** Where traversals lead in netfilter's diagram (the order of hooks: nf_inet_hooks, and ip_input.c to ip_output.c). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RelatedTraversal, Traversal } from '../../../explain/report/format/model.js';
import { DROPPED, policy, routed, rule, TRACKED, traversal } from './traversals.js';

const course = suite('course of a traversal');

const placesOf = (one: Traversal): string[] => one.course.map(({ place }) => place);

const endOf = (one: Traversal): string => one.course.at(-1)!.place;

const HOST = { kind: 'host', words: '' } as const;

course('leads a forwarded packet through three hooks, and its steps to the tables', () => {
  const forwarded = traversal(1, 'forwarded', [
    ['PREROUTING', TRACKED, rule(10, false), rule(11), routed('interface', 2)],
    ['FORWARD', rule(0, false), policy(0)],
    ['POSTROUTING', policy(2), { kind: 'left', dev: 2 }],
  ]);
  assert.equal(placesOf(forwarded), [
    ...['in 1', 'link', 'PREROUTING', 'conntrack PREROUTING', 'nat PREROUTING', 'routing'],
    ...['FORWARD', 'filter FORWARD', 'POSTROUTING', 'nat POSTROUTING', 'egress', 'out 2'],
  ]);
  const nat = forwarded.course.find(({ place }) => place === 'nat PREROUTING');
  assert.equal(nat, { station: 'PREROUTING', place: 'nat PREROUTING', from: 1, to: 3 });
});

course('leads to the host, and from it', () => {
  const delivered = traversal(0, 'delivered', [
    ['PREROUTING', TRACKED, routed('host')],
    ['INPUT', rule(1), { kind: 'left', dev: -2 }],
  ]);
  const in0 = ['in 0', 'link', 'PREROUTING', 'conntrack PREROUTING', 'routing', 'INPUT', 'filter INPUT', 'host'];
  assert.equal(placesOf(delivered), in0);
  const sent = traversal(-1, 'sent', [
    [undefined, routed('interface', 1)],
    ['OUTPUT', TRACKED, policy(1), routed('interface', 1)],
    ['POSTROUTING', { kind: 'left', dev: 1 }],
  ]);
  assert.equal(placesOf(sent), [
    ...['host', 'own routing', 'OUTPUT', 'conntrack OUTPUT', 'filter OUTPUT'],
    ...['POSTROUTING', 'egress', 'out 1'],
  ]);
});

course('comes back by lo when the host sends to itself', () => {
  const own = traversal(-1, 'delivered', [
    [undefined, routed('host')],
    ['OUTPUT', policy(1)],
    ['POSTROUTING', { kind: 'left', dev: 0 }],
    ['PREROUTING', TRACKED, routed('host')],
    ['INPUT', policy(0)],
  ]);
  const places = placesOf(own);
  assert.equal(places.slice(places.indexOf('egress')), [
    ...['egress', 'out 0', 'in 0', 'link', 'PREROUTING', 'conntrack PREROUTING', 'routing'],
    ...['INPUT', 'filter INPUT', 'host'],
  ]);
});

course('ends where the packet was dropped: in the table of the rule, or where the kernel finds the reason', () => {
  const byRule = traversal(
    1,
    'dropped',
    [
      ['PREROUTING', TRACKED, routed('host')],
      ['INPUT', rule(2), DROPPED],
    ],
    {
      decider: { kind: 'rule', hook: 'INPUT', rule: 2 },
    },
  );
  assert.is(endOf(byRule), 'filter INPUT');
  const byPolicy = traversal(
    1,
    'dropped',
    [
      ['PREROUTING', routed('host')],
      ['INPUT', policy(0), DROPPED],
    ],
    {
      decider: { kind: 'policy', hook: 'INPUT', chain: 0 },
    },
  );
  assert.is(endOf(byPolicy), 'filter INPUT');
  const of = (reason: string, ...stages: Parameters<typeof traversal>[2]): string =>
    endOf(traversal(1, 'dropped', stages, { decider: { ...HOST, reason } }));
  assert.is(of('ip-checksum', [undefined, DROPPED]), 'link');
  assert.is(of('rp-filter', ['PREROUTING', TRACKED, routed('nowhere'), DROPPED]), 'routing');
  assert.is(of('ttl-exceeded', ['PREROUTING', TRACKED, routed('interface', 2), DROPPED]), 'routing');
  assert.is(of('fragmentation-needed', ['PREROUTING', TRACKED, routed('interface', 2), DROPPED]), 'routing');
  assert.is(of('conntrack-full', ['PREROUTING', rule(3), DROPPED]), 'conntrack PREROUTING');
  assert.is(of('no-carrier', ['FORWARD', policy(0)], ['POSTROUTING', policy(2), DROPPED]), 'egress');
  const noRoute = traversal(-1, 'dropped', [[undefined, routed('nowhere'), DROPPED]], {
    decider: { ...HOST, reason: 'no-route' },
  });
  assert.is(endOf(noRoute), 'own routing');
});

course('ends at the link for what is not followed, and in reassembly for fragments that wait', () => {
  assert.is(endOf(traversal(3, 'skipped', [])), 'link');
  assert.is(endOf(traversal(3, 'held', [['PREROUTING', { kind: 'other', words: 'waits' }]])), 'defrag PREROUTING');
});

course('of answers starts at the host, that of a broadcast to itself at lo', () => {
  const stages: Parameters<typeof traversal>[2] = [
    ['OUTPUT', policy(1)],
    ['POSTROUTING', { kind: 'left', dev: 1 }],
  ];
  const related = (origin: RelatedTraversal['origin']): Traversal =>
    traversal(1, 'sent', stages, { origin, words: '', outDev: 1 });
  assert.equal(placesOf(related('answer')).slice(0, 3), ['host', 'own routing', 'OUTPUT']);
  assert.is(placesOf(related('broadcast'))[0], 'in 0');
});

course.run();
