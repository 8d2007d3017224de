// Stitched captures come to what the kernel came to when real endpoints had the same conversations (real-endpoints/).
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import { replay } from '../../replay/replay.js';

const Endpoints = suite('real endpoints');

const RECORDED = 'test/replay/real-endpoints';
const CAPTURED = 'as-captured';
const RULESETS = readdirSync(RECORDED, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

const dir = mkdtempSync(join(tmpdir(), 'nfreplay-endpoints-'));
Endpoints.after(() => rmSync(dir, { recursive: true }));

/** Rules and policies with their counters, by table. */
function countersOf(text: string): Map<string, string> {
  const counters = new Map<string, string>();
  let table = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line;
    const [, before, rule] = /^(\[\d+:\d+\]) (-A .*)$/.exec(line) ?? [];
    const [, policy, after] = /^(:\S+ \S+) (\[\d+:\d+\])$/.exec(line) ?? [];
    if (rule ?? policy) counters.set(`${table} ${rule ?? policy}`, before ?? after);
  }
  return counters;
}

/** Lines of a list without time-outs, and without the IDs of queries, which NAT draws at random. */
function connectionsIn(text: string): string[] {
  const lines = text.trim().split('\n');
  return lines.map((line) => line.replace(/ (?:id|use)=\d+/g, '').replace(/^(ipv4 +2 \w+ +\d+) \d+/, '$1')).sort();
}

const withoutTraffic = (line: string) => line.replace(/ (?:packets|bytes)=\d+/g, '');
const matched = (counters: Map<string, string>) =>
  [...counters].flatMap(([rule, counted]) => (rule.includes(' -A ') && counted !== '[0:0]' ? [rule] : [])).sort();

for (const name of RULESETS) {
  for (const engine of EMULATOR_ENGINES) {
    Endpoints(`${name}, ${engine}`, () => {
      const outDir = join(dir, 'out');
      const { stitched } = replay({
        rulesPath: join(RECORDED, name, 'rules.v4'),
        hostPath: join(RECORDED, 'host.json'),
        stitchPaths: ['internet.pcap', 'lan.pcap'].map((file) => join(RECORDED, file)),
        outDir,
        engine,
      });
      const read = (folder: string, file: string) => readFileSync(join(folder, file), 'utf8');
      const wanted = countersOf(read(join(RECORDED, name), 'counted.v4'));
      const counted = countersOf(read(outDir, 'rules.v4'));
      const wantedConnections = connectionsIn(read(join(RECORDED, name), 'conntrack.txt'));
      const connections = connectionsIn(read(outDir, 'conntrack.txt'));
      if (name === CAPTURED) {
        assert.equal([...counted].sort(), [...wanted].sort());
        assert.equal(connections, wantedConnections);
        assert.is(stitched?.notSent.packets, 0);
      } else {
        assert.equal(matched(counted), matched(wanted));
        assert.equal(connections.map(withoutTraffic), wantedConnections.map(withoutTraffic));
        assert.ok((stitched?.notSent.packets ?? 0) > 0);
      }
    });
  }
}

Endpoints.run();
