/**
 * Compose files of the kinds that people publish: nfreplay docker makes hosts of them, and a scan from outside finds
 * the ports open that `x-open` lists, which is what somebody reads in the file, and no others.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadHost } from '../../../core/host/host.js';
import { parseRuleset } from '../../../core/rules/parse/parse.js';
import { HostSets } from '../../../core/sets/host-sets.js';
import { scanHost } from '../../../explain/scan/scan.js';
import { portsJson } from '../../../explain/scan/scan-json.js';
import { scanSources } from '../../../explain/scan/scan-sources.js';
import { ScanTargets } from '../../../explain/scan/scan-targets.js';
import { makeDockerHost } from '../../../replay/docker/make-docker-host.js';

const { parse } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
const Projects = suite('docker/compose/projects');
const FOLDER = 'test/docker/compose/projects';
const HOST_ADDRESS = '192.0.2.10';
const NOW_SEC = 1_700_000_000;
const RELEASES = ['29', '28.5', '20.10'];

/** What the Internet reaches on the host by a published port: `tcp 80`, `udp 8000-8010`. */
function openPorts(path: string, release: string): string[] {
  const made = makeDockerHost({ source: path, release });
  assert.equal(
    made.failed.map(({ text, result }) => `${text}: ${result.stderr}`),
    [],
  );
  const host = loadHost(JSON.stringify(made.host.network.json), 'host.json');
  const ruleset = parseRuleset(made.host.saveRules(), 'rules.v4');
  const sets = (): HostSets => HostSets.of(host, [], 0);
  const probed = { host, ruleset, sets, seed: 0, queueVerdict: undefined, tsSec: NOW_SEC };
  const scan = scanHost([probed], scanSources(host, ['eth0']), new ScanTargets(host, [ruleset], new Map()));
  const ports = portsJson(scan, 0);
  const numbers = ports
    .filter(({ address, verdict }) => address === HOST_ADDRESS && verdict === 'translated')
    .flatMap(({ protocol, first, last }) =>
      Array.from({ length: last - first + 1 }, (_, i) => [protocol, first + i] as const),
    );
  return inRanges(numbers);
}

function inRanges(numbers: readonly (readonly [string, number])[]): string[] {
  return numbers.map(([protocol, port]) => `${protocol} ${port}`).sort();
}

function listed(ports: readonly string[]): string[] {
  const numbers = ports.flatMap((text) => {
    const [, protocol, first, last = first] = /^(\w+) (\d+)(?:-(\d+))?$/.exec(text)!;
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => [protocol, Number(first) + i] as const);
  });
  return inRanges(numbers);
}

const names = readdirSync(FOLDER);
for (const [at, name] of names.entries()) {
  // Each file with the newest engine, and with one of the others.
  const releases = [RELEASES[0], RELEASES[1 + (at % 2)]];
  for (const release of releases)
    Projects(`${name}, Docker ${release}`, () => {
      const path = `${FOLDER}/${name}`;
      const text = readFileSync(path, 'utf8').replace(/!(?:reset|override)/g, '');
      const { 'x-open': open } = parse(text, { merge: true }) as { 'x-open': string[] };
      assert.equal(openPorts(path, release), listed(open));
    });
}

Projects('there are twenty', () => assert.is(names.length, 20));

Projects.run();
