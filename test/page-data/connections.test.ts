/** Protects what the page makes of connections: sums of groups, and ladders that fold what is like before. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CONNECTION_COLUMNS } from '../../explain/report/format/connection-columns.js';
import { VERDICTS } from '../../explain/report/format/model.js';
import type { ConnectionFacts } from '../../pages/data/connections/connection-facts.js';
import { chosenPackets, type ListOptions, listLines } from '../../pages/data/connections/connection-list.js';
import { ladderItems, rowsOf } from '../../pages/data/connections/ladder-items.js';
import { arrowOf, lanesOf } from '../../pages/data/connections/lanes.js';
import type { ConnectionColumns } from '../../pages/data/result.js';
import { type Made, madeResult, plainTraversal } from './made-result.js';

const Connections = suite('connections on the page');

type MadeConnection = Partial<Record<(typeof CONNECTION_COLUMNS)[number], number>>;

async function factsOf(made: Made, connections: readonly MadeConnection[]): Promise<ConnectionFacts> {
  const result = madeResult(made);
  const columns = CONNECTION_COLUMNS.map((name) => [name, Float64Array.from(connections, (one) => one[name] ?? 0)]);
  return {
    ...{ result, connections: Object.fromEntries(columns) as unknown as ConnectionColumns, names: {}, details: [] },
    ...{ packets: await result.packets(), tuples: await result.tuples(), traversals: made.traversals },
    ...{ rules: await result.rules(), numberNames: result.index.numberNames, changes: [RESTART] },
  };
}

const RESTART = { timeNs: 1.5e9, kind: 'change' as const, text: 'systemctl restart iptables' };
const DROPPED = VERDICTS.indexOf('dropped');
const SYN = 2;
const ACK = 16;
const TO_WEB = [6, '203.0.113.7', '192.0.2.10', 40_000, 80] as const;
const ALSO_TO_WEB = [6, '203.0.113.8', '192.0.2.10', 41_000, 80] as const;
const TO_SSH = [6, '203.0.113.7', '192.0.2.10', 40_001, 22] as const;
const FROM_WEB = [6, '172.17.0.2', '203.0.113.7', 80, 40_000] as const;

const OPTIONS: ListOptions = {
  ...{ sort: 'start', isDescending: false, isGrouped: false, verdict: -1 },
  opened: new Set(),
};

Connections('are grouped by what they are to, what that becomes and what decided, with their sums', async () => {
  const facts = await factsOf(
    {
      interfaces: ['eth0'],
      tuples: [TO_WEB, ALSO_TO_WEB, TO_SSH, FROM_WEB],
      traversals: [
        plainTraversal(),
        plainTraversal({ verdict: 'dropped', decider: { kind: 'host', words: 'x', reason: 'x' } }),
      ],
      packets: [{ connection: 0 }, { connection: 2 }],
    },
    [
      { tuple: 0, reply: 3, packets: 3, replyPackets: 2, bytes: 180, replyBytes: 120, firstNs: 5 },
      { tuple: 1, reply: 3, packets: 1, bytes: 60, errors: 1, errorBytes: 90, firstNs: 7 },
      { tuple: 2, reply: -1, packets: 1, bytes: 60, refused: 1, decided: 1, verdict: DROPPED, firstNs: 6 },
    ],
  );
  assert.equal(listLines(facts, undefined, OPTIONS), [0, 2, 1]);
  assert.equal(listLines(facts, undefined, { ...OPTIONS, sort: 'count', isDescending: true }), [0, 1, 2]);
  assert.equal(listLines(facts, undefined, { ...OPTIONS, verdict: DROPPED }), [2]);
  assert.equal(listLines(facts, chosenPackets(facts, Uint32Array.of(1)), OPTIONS), [2]);
  const [web, ssh] = listLines(facts, undefined, { ...OPTIONS, isGrouped: true, sort: 'amount', isDescending: true });
  if (typeof web === 'number' || typeof ssh === 'number') throw new Error('no groups');
  assert.equal([web.rows, web.count, web.amount, web.refused], [[0, 1], 7, 450, 0]);
  assert.equal([ssh.rows, ssh.count, ssh.amount, ssh.refused], [[2], 1, 60, 1]);
  const opened = { ...OPTIONS, isGrouped: true, opened: new Set([web.key]) };
  assert.equal(listLines(facts, undefined, opened).slice(1, 3), [0, 1]);
});

Connections('fold packets like those before, and show where none came for long', async () => {
  const data = Array.from({ length: 20 }, (_, i) => ({ timeNs: 2e9 + i, flags: ACK, direction: i % 2, connection: 0 }));
  const facts = await factsOf(
    {
      interfaces: ['eth0'],
      tuples: [TO_WEB],
      traversals: [plainTraversal()],
      packets: [{ timeNs: 0, flags: SYN, direction: 0, connection: 0 }, { connection: 1 }, ...data],
    },
    [{ tuple: 0 }, { tuple: 0 }],
  );
  const rows = rowsOf(facts, 0);
  assert.is(rows.length, 21);
  const items = ladderItems(facts, rows, new Map());
  const kinds = items.map((item) => (item.kind === 'fold' ? item.rows.length : item.row));
  // Packet 3 is the first one of its direction. Of the 18 behind it, two at each end stay.
  assert.equal(kinds, [0, 2, 3, 4, 5, 14, 20, 21]);
  const [, second] = items;
  assert.is(second.kind === 'rung' && second.before, '2 s without a packet · ▲ 1.500000 systemctl restart iptables');
  const fold = items.find((item) => item.kind === 'fold');
  const open = ladderItems(facts, rows, new Map([[fold?.kind === 'fold' ? fold.first : -1, 5]]));
  assert.is(open.length, items.length + 5);
});

Connections('have a lifeline for who is there, and arrows that end where packets did', async () => {
  const facts = await factsOf(
    {
      interfaces: ['eth0', 'docker0'],
      tuples: [TO_WEB],
      traversals: [plainTraversal(), plainTraversal({ verdict: 'dropped', stages: [{ hook: 'FORWARD', steps: [] }] })],
      packets: [
        { inDev: 0, outDev: 1, direction: 0, connection: 0 },
        { inDev: 1, outDev: 0, direction: 1, connection: 0 },
        { inDev: 0, outDev: -1, direction: 0, connection: 0, traversal: 1 },
        { inDev: 0, outDev: -2, direction: 0, connection: 1 },
        { inDev: -1, outDev: 0, direction: 1, connection: 1 },
        { inDev: -1, outDev: 0, direction: 0, connection: 2 },
        { inDev: 1, outDev: 0, direction: -1, connection: 0 },
      ],
    },
    [{ tuple: 0 }, { tuple: 0 }, { tuple: 0, inDev: -1 }],
  );
  assert.equal(lanesOf(facts, rowsOf(facts, 0)), ['client', 'host', 'server']);
  assert.equal(lanesOf(facts, [2]), ['client', 'host', 'server']);
  assert.equal(lanesOf(facts, rowsOf(facts, 1)), ['client', 'host']);
  assert.equal(lanesOf(facts, rowsOf(facts, 2)), ['host', 'server']);
  const arrows = [0, 1, 2, 3, 4, 5, 6].map((row) => Object.values(arrowOf(facts, row)).join('>'));
  assert.equal(arrows, [
    ...['client>server', 'server>client', 'client>host', 'client>host', 'host>client', 'host>server'],
    // An ICMP error from behind the host.
    'server>client',
  ]);
});

Connections.run();
