/**
 * The picture of hosts that golden cases are about: places keep what enters until it leaves or ends there, and as
 * many packets end as the verdicts say.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VERDICTS } from '../../explain/report/format/model.js';
import type { Station } from '../../explain/report/format/places.js';
import { ANSWERS, type HostFlow, hostFlow, STRANDS } from '../../pages/data/diagram/host-flow.js';
import { diagramModel } from '../../pages/data/diagram/model.js';
import { reportData } from '../../pages/data/report-data.js';
import type { Result } from '../../pages/data/result.js';
import { caseReport } from '../pages/case-page.js';

const pictures = suite('pictures of golden cases');
const dir = mkdtempSync(join(tmpdir(), 'nfreplay-picture-'));
pictures.after(() => rmSync(dir, { recursive: true }));

/** Cases with all verdicts, and with what is unusual: lo, copies, answers that are dropped, changes, queues. */
const CASES = [
  ...['article-restart', 'fragments', 'icmp-errors', 'tee', 'dnat-to-loopback', 'host-to-published-port', 'nfqueue'],
  ...['rp-filter-drops-by-second-uplink', 'traceroute', 'masquerade-with-one-port', 'libvirt-rejects-before-the-hook'],
  ...['synproxy'],
];

async function resultOf(name: string): Promise<Result> {
  const { index, sections } = caseReport(`pcaps/${name}`, join(dir, name));
  const load = async (section: string): Promise<Uint8Array> => sections.get(section)!;
  return reportData(index, { load }).results[0];
}

async function flowOf(result: Result, rows?: Uint32Array): Promise<HostFlow> {
  const [traversals, rules, totals] = await Promise.all([
    result.traversals(),
    result.rules(),
    result.traversalTotals(rows),
  ]);
  return hostFlow(traversals, totals.packets, rules);
}

/** What came to STATION and left it, by strand. */
function balance(flow: HostFlow, station: Station): { entered: number[]; left: number[] } {
  const [entered, left] = [STRANDS.map(() => 0), STRANDS.map((_, i) => flow.places.get(station)?.ended[i] ?? 0)];
  for (const { from, to, amounts } of flow.edges.values()) {
    for (const [i, amount] of amounts.entries()) {
      if (to === station) entered[i] += amount;
      if (from === station) left[i] += amount;
    }
  }
  return { entered, left };
}

const WITHIN: readonly Station[] = [
  ...(['PREROUTING', 'routing', 'INPUT', 'FORWARD', 'own routing', 'OUTPUT', 'POSTROUTING', 'egress'] as const),
];

for (const name of CASES) {
  pictures(`${name} loses and invents no packet`, async () => {
    const result = await resultOf(name);
    const flow = await flowOf(result);
    for (const station of WITHIN) {
      const { entered, left } = balance(flow, station);
      assert.equal(entered, left, station);
      assert.equal(entered, [...(flow.places.get(station)?.amounts ?? STRANDS.map(() => 0))], `${station} saw them`);
    }
    const { verdicts } = result.index.packets;
    const ended = (verdict: (typeof VERDICTS)[number], places: (place: string) => boolean): number => {
      const kind = VERDICTS.indexOf(verdict);
      // A hook has what its entries have.
      const stations = [...flow.places].filter(([place]) => places(place) && !/^\w+ [A-Z]+$/.test(place));
      return stations.reduce((sum, [, seen]) => sum + seen.ended[kind], 0);
    };
    for (const verdict of ['dropped', 'rejected', 'held', 'skipped'] as const)
      assert.is(
        ended(verdict, () => true),
        verdicts[verdict].packets,
        verdict,
      );
    const out = (kind: number): number =>
      [...flow.edges.values()]
        .filter(({ to }) => to.startsWith('out '))
        .reduce((sum, { amounts }) => sum + amounts[kind], 0);
    assert.is(out(VERDICTS.indexOf('forwarded')), verdicts.forwarded.packets, 'forwarded');
    assert.is(out(VERDICTS.indexOf('sent')), verdicts.sent.packets, 'sent');
    const host = flow.edges.get('INPUT > host')?.amounts ?? new Float64Array(STRANDS.length);
    assert.is(host[VERDICTS.indexOf('delivered')], verdicts.delivered.packets, 'delivered');
    const { entries } = diagramModel({ picture: result.index.host, rules: await result.rules(), flow }, 1200);
    for (const entry of Object.values(entries).flat()) {
      const seen = flow.places.get(entry.place)?.amounts[ANSWERS] ?? 0;
      assert.ok(seen <= (flow.places.get(entry.hook)?.amounts[ANSWERS] ?? 0), `${entry.place} in its hook`);
    }
  });
}

pictures('of some packets is the sum of what they did', async () => {
  const result = await resultOf('article-restart');
  const [all, half, other] = await Promise.all(
    [undefined, 0, 1].map((part) => {
      const rows = Array.from({ length: result.index.packets.listed }, (_, row) => row);
      return flowOf(result, part === undefined ? undefined : Uint32Array.from(rows.filter((row) => row % 2 === part)));
    }),
  );
  for (const [name, { amounts }] of all.edges) {
    const parts = [half, other].map((flow) => flow.edges.get(name)?.amounts ?? new Float64Array(STRANDS.length));
    assert.equal(
      [...amounts],
      [...parts[0]].map((amount, i) => amount + parts[1][i]),
      name,
    );
  }
});

pictures.run();
