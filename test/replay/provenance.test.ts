/** Results say how they were made: they can be made again, and what is not as it was is told. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { changesBetween, compareVersions, readChangelog } from '../../codecs/changelog.js';
import { FileError } from '../../io/file-error.js';
import { runCase, updateCase } from '../../replay/check-case.js';
import { ReplayOptionsError } from '../../replay/errors.js';
import { casesIn, readCase } from '../../replay/golden-case.js';
import { madeByOf, provenanceLines } from '../../replay/provenance.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import { optionsOfResult } from '../../replay/result-case.js';
import { version } from '../../replay/version.js';

const Provenance = suite('provenance');

const DOCKER = 'pcaps/docker';
const REAL = 'test/replay/hosts/docker-article-28.5';
let dir = '';
Provenance.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-provenance-'));
});
Provenance.after(() => rmSync(dir, { recursive: true }));

const file = (name: string, content: string): string => {
  writeFileSync(join(dir, name), content);
  return join(dir, name);
};

const DOCKER_RUN: ReplayOptions = {
  hostPath: `${DOCKER}/host.json`,
  rulesPath: `${DOCKER}/rules.v4`,
  inputs: ['eth0', 'docker0', 'local'].map((iface) => ({ iface, path: `${DOCKER}/in/${iface}.pcap` })),
};

/** Runs that name every kind of input, and each option that changes a result. */
const RUNS: Readonly<Record<string, () => ReplayOptions>> = {
  'captures by interface, out of order': () => DOCKER_RUN,
  'several files of one input, sets, commands, changes': () => ({
    ...DOCKER_RUN,
    inputs: [{ iface: 'eth0', path: [`${DOCKER}/in/eth0.pcap`, 'pcaps/redirect/in/eth0.pcap'] }],
    ipsetPaths: [file('sets', 'create allowed hash:ip\n')],
    apply: ['iptables -A INPUT -p tcp --dport 9 -j DROP', file('commands', 'iptables -P OUTPUT ACCEPT\n')],
    changes: ['n5=iptables -I FORWARD -j DROP'],
    backend: 'legacy',
    keepCounters: true,
    checksums: 'verify',
    seed: 9,
  }),
  'a host with its own rules, a capture taken there, connections of the host': () => ({
    hostPath: `${REAL}/before`,
    captures: [{ path: `${REAL}/any.pcap` }],
    filter: 'tcp',
    limit: 60,
  }),
  'a conversation, tables in files of their own, connections and names in files': () => {
    const rules = readFileSync(`${DOCKER}/rules.v4`, 'utf8');
    const table = (name: string) =>
      file(name, rules.slice(rules.indexOf(`*${name}`)).replace(/COMMIT[\s\S]*/, 'COMMIT\n'));
    return {
      hostPath: `${DOCKER}/host.json`,
      rulesPath: `nat=${table('nat')},filter=${table('filter')}`,
      stitchPaths: [`${DOCKER}/in/eth0.pcap`],
      conntrackPath: file('conntrack', ''),
      namesPath: file('names', '203.0.113.7 client\n'),
      filter: 'host client',
    };
  },
};

for (const [name, options] of Object.entries(RUNS)) {
  Provenance(`a result folder is replayed as it was: ${name}`, () => {
    const outDir = join(dir, name.replace(/\W+/g, '-'));
    replay({ ...options(), outDir });
    const golden = readCase(outDir, { results: true });
    assert.equal(runCase(golden).comparison?.differences, []);
    assert.equal(provenanceLines('out', golden.made!), [
      `out was made by nfreplay ${version()}; its inputs are as they were`,
    ]);
  });
}

Provenance('the connections that the host itself lists are those to begin with again', () => {
  const host = 'docs/walkthrough/host.txt';
  const outDir = join(dir, 'listed');
  replay({ hostPath: host, captures: [{ path: 'docs/walkthrough/any.pcap' }], conntrackPath: 'host', outDir });
  assert.is(readCase(outDir, { results: true }).conntrackPath, 'host');
});

Provenance('what a run was compared with belongs to it, but is no expectation of its results', () => {
  const host = 'test/replay/hosts/docker24';
  const outDir = join(dir, 'compared');
  const { egress, counters } = replay({
    hostPath: `${host}/host.json`,
    rulesPath: `${host}/iptables-save.txt`,
    captures: [{ path: `${host}/any.pcap` }],
    expectEgress: true,
    expectCounters: [`${host}/counters-real.txt`],
    outDir,
  });
  const again = replay(optionsOfResult(outDir));
  assert.equal(again.egress, egress);
  assert.equal(again.counters, counters);
  const { expectEgress, expectCounters } = readCase(outDir, { results: true }).options;
  assert.equal([expectEgress, expectCounters], [undefined, undefined]);
});

Provenance('a run is not repeated with an input that has changed, is gone, or can be read only once', () => {
  const rulesPath = file('once.v4', readFileSync(`${DOCKER}/rules.v4`, 'utf8'));
  const outDir = join(dir, 'once');
  replay({ ...DOCKER_RUN, rulesPath, outDir });
  assert.equal(replay(optionsOfResult(outDir)).packets.read, 35);
  const refused = (what: string) => (error: Error) =>
    error instanceof FileError && error.message.includes(rulesPath) && error.message.includes(what);
  file('once.v4', '*filter\nCOMMIT\n');
  assert.throws(() => optionsOfResult(outDir), refused('has changed since'));
  rmSync(rulesPath);
  assert.throws(() => optionsOfResult(outDir), refused('is not there'));
  execFileSync('mkfifo', [rulesPath]);
  const path = join(outDir, 'summary.json');
  const summary = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...summary, run: { ...summary.run, rules: { path: rulesPath } } }));
  const isPipe = (error: Error) =>
    error instanceof ReplayOptionsError && error.message.includes(`${rulesPath}, a pipe`);
  assert.throws(() => optionsOfResult(outDir), isPipe);
});

Provenance('an input that is not as it was is named, and one that is missing', () => {
  const rulesPath = file('rules.v4', readFileSync(`${DOCKER}/rules.v4`, 'utf8'));
  const outDir = join(dir, 'changed');
  replay({ ...DOCKER_RUN, rulesPath, outDir });
  file('rules.v4', readFileSync(rulesPath, 'utf8').replace('--dport 22', '--dport 23'));
  const golden = readCase(outDir, { results: true });
  assert.ok(runCase(golden).comparison!.differences.length > 0);
  assert.equal(provenanceLines('out', golden.made!), [
    `out was made by nfreplay ${version()}; ${rulesPath} has changed since`,
  ]);
  rmSync(rulesPath);
  const isMissing = (error: Error) =>
    error instanceof FileError && error.message.includes(`${rulesPath}, which is not`);
  assert.throws(() => readCase(outDir, { results: true }), isMissing);
});

Provenance(
  'a result folder is none of the cases unless that is asked for, and a damaged summary is told as that',
  () => {
    const outDir = join(dir, 'strange');
    replay({ ...DOCKER_RUN, outDir });
    const refused = (error: Error) => error instanceof ReplayOptionsError && /check --result/.test(error.message);
    assert.throws(() => casesIn(outDir), refused);
    assert.throws(
      () => readCase(outDir),
      (error: Error) => error instanceof ReplayOptionsError,
    );
    const summaryFile = join(outDir, 'summary.json');
    const summary = JSON.parse(readFileSync(summaryFile, 'utf8'));
    const changes: Record<string, unknown>[] = [
      { options: null },
      { options: { ...summary.run.options, at: 5 } },
      { options: { ...summary.run.options, limit: 'abc' } },
      { options: { ...summary.run.options, engine: 'foo' } },
      { ipset: 5 },
      { host: 'host.json' },
    ];
    for (const change of changes) {
      writeFileSync(summaryFile, JSON.stringify({ ...summary, run: { ...summary.run, ...change } }));
      const told = (error: Error) =>
        error instanceof ReplayOptionsError && /does not say what was replayed/.test(error.message);
      assert.throws(() => readCase(outDir, { results: true }), told, JSON.stringify(change).slice(0, 100));
    }
  },
);

Provenance('a result folder is never updated in place', () => {
  const outDir = join(dir, 'kept');
  replay({ ...DOCKER_RUN, outDir });
  const update = () => updateCase(readCase(outDir, { results: true }));
  assert.throws(update, (error: Error) => error instanceof ReplayOptionsError && /replay --out/.test(error.message));
});

Provenance('golden captures remember the version and the inputs', () => {
  const folder = join(dir, 'case');
  cpSync('pcaps/redirect', folder, { recursive: true });
  rmSync(join(folder, 'want'), { recursive: true });
  updateCase(readCase(folder));
  const made = madeByOf(join(folder, 'want'))!;
  assert.is(made.version, version());
  assert.ok(
    made.inputs.some(({ path }) => path === 'rules.v4') && made.inputs.every(({ sha256 }) => sha256?.length === 64),
  );
  const lines = () => provenanceLines('want', made, (path) => join(folder, path));
  assert.match(lines()[0], 'its inputs are as they were');
  writeFileSync(join(folder, 'host.json'), `${readFileSync(join(folder, 'host.json'), 'utf8')}\n`);
  assert.match(lines()[0], 'host.json has changed since');
  // Nothing is written where nothing changes, and what a kernel recorded says nothing.
  assert.is(updateCase(readCase(folder)).isWritten, false);
  assert.is(madeByOf('pcaps/redirect/want'), undefined);
});

Provenance('a damaged note about golden captures is as good as none', () => {
  mkdirSync(join(dir, 'want'));
  for (const text of [
    '',
    '{',
    '[]',
    '{"generator":"other 1","inputs":[]}',
    '{"generator":"nfreplay 1","inputs":[1]}',
  ]) {
    writeFileSync(join(dir, 'want/made-by.json'), text);
    assert.is(madeByOf(join(dir, 'want')), undefined, text);
  }
});

const CHANGELOG = `# Changelog

Words.

## Unreleased

Fixed:

- Late.

## 0.3.0

What goes in:

- New input. More of it.
  And more.

Fixed:

- A fault
  of two lines.

## [0.2.0] - 2026-01-01

### Fixed

- Older.

## 0.1.0

- First.
`;

Provenance('what changed from one version to another, as the changelog says it', () => {
  const entries = readChangelog(CHANGELOG);
  assert.equal(entries[0], { version: undefined, heading: 'Fixed', text: 'Late.' });
  const texts = (from: string, to: string) => changesBetween(entries, from, to)?.map(({ text }) => text);
  assert.equal(texts('0.2.0', '0.3.0'), ['New input. More of it. And more.', 'A fault of two lines.']);
  assert.equal(texts('0.2.0', '0.4.0'), ['Late.', 'New input. More of it. And more.', 'A fault of two lines.']);
  assert.equal(texts('0.1.0', '0.2.0'), ['Older.']);
  assert.is(texts('0.0.9', '0.2.0'), undefined);
  // The results are newer than this version: nothing has changed since.
  assert.equal(texts('0.3.0', '0.2.0'), []);
  assert.ok(compareVersions('0.10.0', '0.9.1') > 0 && compareVersions('1.0.0-rc.1', '1.0.0') < 0);
});

Provenance('the changelog that is published can be read, and knows the first version', () => {
  const entries = readChangelog(readFileSync('CHANGELOG.md', 'utf8'));
  assert.ok(entries.some((entry) => entry.version === '0.1.0'));
  assert.ok(entries.filter(({ heading }) => heading === 'Fixed').length > 5);
  assert.equal(provenanceLines('out', { version: '0.0.1', inputs: [] }), [
    `out was made by nfreplay 0.0.1, this is ${version()}; its inputs are as they were`,
    'CHANGELOG.md does not know the version 0.0.1',
  ]);
});

Provenance.run();
