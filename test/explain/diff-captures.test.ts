/** What diff finds in captures of a host, and of whole conversations, is where the results of two replays differ. */
import { readFileSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compareRuns } from '../../explain/diff/compare-runs.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import { devicesOf, framesOf } from '../../replay/result-folder.js';
import { Scratch } from '../codecs/capture-files.js';

const Diffs = suite('diff of captures');

const HOST = 'test/replay/hosts/docker24';

/** What left the host, and reached it, by the time of the packet that was the cause. */
function resultsOf(options: ReplayOptions, outDir: string): Map<bigint, string> {
  replay({ ...options, outDir, observer: () => {} });
  const texts = new Map<bigint, string>();
  for (const device of devicesOf(outDir)) {
    if (device === 'dropped') continue;
    for (const [tsNs, frames] of framesOf(outDir, device)) {
      const text = frames.map(({ bytes }) => `${device} ${Buffer.from(bytes).toString('hex')}\n`).join('');
      texts.set(tsNs, (texts.get(tsNs) ?? '') + text);
    }
  }
  return texts;
}

function packetsThatDiffer(old: ReplayOptions, other: ReplayOptions): number {
  let count = 0;
  const steps = compareRuns(old, other, { comparesDecisions: false, onPacket: () => count++ });
  while (!steps.next().done);
  return count;
}

/** OPTIONS with the rules of TEXT, and without every other rule of it, one at a time. */
function withoutRules(text: string, options: Omit<ReplayOptions, 'rulesPath'>): void {
  const scratch = new Scratch();
  const [oldPath, newPath] = [scratch.path('old.v4'), scratch.path('new.v4')];
  writeFileSync(oldPath, text);
  const before = resultsOf({ ...options, rulesPath: oldPath }, scratch.path('old'));
  const lines = text.split('\n');
  let found = 0;
  for (const [at, line] of lines.entries()) {
    if (!line.startsWith('-A ') || at % 2 === 1) continue;
    writeFileSync(newPath, lines.filter((_, i) => i !== at).join('\n'));
    const now = resultsOf({ ...options, rulesPath: newPath }, scratch.path('new'));
    const times = [...new Set([...before.keys(), ...now.keys()])];
    const expected = times.filter((tsNs) => before.get(tsNs) !== now.get(tsNs)).length;
    const differing = packetsThatDiffer({ ...options, rulesPath: oldPath }, { ...options, rulesPath: newPath });
    assert.is(differing, expected, line);
    found += differing;
  }
  assert.ok(found > 0);
  scratch.remove();
}

Diffs('a capture that was taken on the host', () => {
  const rules = readFileSync(`${HOST}/iptables-save.txt`, 'utf8');
  withoutRules(rules, { hostPath: `${HOST}/host.json`, captures: [{ path: `${HOST}/any.pcap` }] });
});

Diffs('a capture of whole conversations', () => {
  const rules = readFileSync('pcaps/docker/rules.v4', 'utf8');
  withoutRules(rules, { hostPath: 'pcaps/docker/host.json', stitchPaths: ['pcaps/docker/in/eth0.pcap'] });
});

Diffs.run();
