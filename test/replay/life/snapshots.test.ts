/** `--at WHEN=snapshot:DIR` writes a snapshot of the emulated host, from which a replay can go on. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { optionsOf, readCase } from '../../../replay/golden-case.js';
import { type ReplayOptions, replay } from '../../../replay/replay.js';
import type { Summary } from '../../../replay/summary.js';

const Snapshots = suite('snapshots of the emulated host');

let dir = '';
Snapshots.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
});
Snapshots.after(() => rmSync(dir, { recursive: true }));

function run(name: string, options: Partial<ReplayOptions>, of = 'iptables-restart-nft'): Summary {
  return replay({ ...optionsOf(readCase(join('pcaps', of))), outDir: join(dir, name), ...options });
}

const read = (...path: string[]): string => readFileSync(join(dir, ...path), 'utf8');

/** RULES without comments, and in the order of their tables' names. */
const tables = (text: string): string[] =>
  text
    .replace(/^#.*\n/gm, '')
    .split(/^(?=\*)/m)
    .sort();

/** Connections without what lists leave out: parts of the seconds that are left, and when a UDP connection began. */
const connections = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.replace(/^(ipv4 +2 \w+ +\d+) \d+/, '$1').replace(/^(ipv4 +2 udp .*) \[ASSURED\]/, '$1'))
    .sort();

Snapshots('a replay that goes on from a snapshot ends as one that was not interrupted', () => {
  const cases: readonly [name: string, frames: readonly number[], last: number][] = [
    // All tables are flushed at frame 15; the saved rules are back at 24, Docker's at 35.
    ['iptables-restart-nft', [5, 16, 25, 36], 45],
    ['iptables-restart-legacy', [5, 16, 25, 36], 45],
    ['docker', [3, 9, 20], 40],
  ];
  for (const [name, frames, last] of cases) {
    const golden = optionsOf(readCase(join('pcaps', name)));
    const { changes = [] } = golden;
    run('whole', {}, name);
    for (const frame of frames) {
      const folder = join(dir, `at-${name}-${frame}`);
      run('first', { changes: [...changes, `n${frame}=snapshot:${folder}`] }, name);
      const { rulesPath: _, ...others } = golden;
      replay({
        ...others,
        hostPath: folder,
        conntrackPath: 'host',
        keepCounters: true,
        from: `n${frame}`,
        changes: changes.filter((change) => Number(/^n(\d+)/.exec(change)?.[1]) > frame),
        outDir: join(dir, 'second'),
      });
      assert.equal(
        tables(read('second', 'rules.v4')),
        tables(read('whole', 'rules.v4')),
        `${name} ${frame} of ${last}`,
      );
      const [second, whole] = [read('second', 'conntrack.txt'), read('whole', 'conntrack.txt')];
      assert.equal(connections(second), connections(whole), `${name} ${frame}`);
    }
  }
});

Snapshots('the same command does the same again, and another folder is not touched', () => {
  const folder = join(dir, 'again');
  const changes = [`n9=snapshot:${folder}`];
  const { changes: first = [] } = run('a', { changes }, 'docker');
  assert.is(first[0].written, folder);
  const files = readdirSync(folder).map((name) => [name, read('again', name)]);
  run('b', { changes }, 'docker');
  assert.equal(
    readdirSync(folder).map((name) => [name, read('again', name)]),
    files,
  );
  // Nothing of somebody else's is replaced.
  writeFileSync(join(folder, 'mine.txt'), '');
  assert.throws(() => run('c', { changes }, 'docker'), /mine\.txt/);
  const host = join(dir, 'elsewhere');
  mkdirSync(host);
  writeFileSync(join(host, 'host.json'), readFileSync('pcaps/docker/host.json'));
  writeFileSync(join(host, 'rules.v4'), '*filter\n:FORWARD DROP\nCOMMIT\n');
  const { changes: taken = [] } = run('d', { changes: [`n9=snapshot:${host}`] }, 'docker');
  assert.is(taken[0].written, undefined);
  assert.match(read('d', 'rules.v4'), /:FORWARD DROP/);
  assert.equal(readdirSync(host), ['host.json', 'rules.v4']);
});

Snapshots('places that cannot be written are refused before anything is', () => {
  const at = (folder: string) => [`n9=snapshot:${folder}`];
  const refuse = (options: Partial<ReplayOptions>, message: RegExp): void =>
    assert.throws(() => run('refused', options, 'docker'), message);
  refuse({ changes: at(join(dir, 'refused', 'in')) }, /is replaced; give a place outside of it/);
  refuse({ changes: [...at(join(dir, 'twice')), ...at(join(dir, 'twice'))] }, /another snapshot is written there/);
  refuse({ changes: at(join(dir, 'none.txt')) }, /none\.txt/);
  assert.not.ok(existsSync(join(dir, 'twice')));
  assert.not.ok(existsSync(join(dir, 'refused')));
});

Snapshots.run();
