/** What was captured on real hosts is what the emulated hosts send and count. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { replay } from '../../replay/replay.js';
import { replayWay, WAYS } from '../kernel/capture/ways.js';
import { unpackCases, writeCaseFolder } from '../recorded/case-archive.js';

const Hosts = suite('captured hosts');

const HOSTS = 'test/replay/hosts';
const dir = mkdtempSync(join(tmpdir(), 'nfreplay-captured-'));

Hosts.after(() => rmSync(dir, { recursive: true }));

for (const engine of ['docker-article-28.5', 'docker-article-20.10-legacy']) {
  Hosts(`${engine}: nothing is missing, nothing is extra`, () => {
    const { egress, warnings } = replay({
      hostPath: join(HOSTS, engine, 'before'),
      captures: [{ path: join(HOSTS, engine, 'any.pcap') }],
      expectEgress: true,
    });
    assert.equal(egress?.listed, []);
    assert.equal(
      Object.entries(egress?.unjudged ?? {}).filter(([, packets]) => packets !== 0),
      [],
    );
    // Counted in the captures: what left by eth0 and docker0. The older engine's host also joins a multicast group.
    assert.is(egress?.matched, engine.endsWith('legacy') ? 49 : 48);
    assert.equal(warnings, []);
  });
}

const cases = unpackCases(readFileSync(join(HOSTS, 'live.cases.gz')));

for (const recorded of cases) {
  Hosts(`live case ${recorded.seed}: every way to capture shows what the kernel sent and counted`, () => {
    const folder = join(dir, String(recorded.seed));
    writeCaseFolder(recorded, folder);
    for (const way of WAYS) assert.equal(replayWay(way, folder), []);
  });
}

Hosts.run();
