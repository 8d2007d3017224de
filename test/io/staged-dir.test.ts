// A folder of results is replaced as a whole or not at all, and nothing else is touched.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FileError } from '../../io/file-error.js';
import { isGone, processTag } from '../../io/process-tag.js';
import { recover, StagedDir } from '../../io/staged-dir.js';
import { foreignResult } from '../../replay/result-files.js';

const Staged = suite('staged dir');

let parent = '';
Staged.before.each(() => {
  parent = mkdtempSync(join(realpathSync(tmpdir()), 'nfreplay-test-'));
});
Staged.after.each(() => rmSync(parent, { recursive: true }));

const FILES = ['eth0.pcap', 'summary.json'];

/** Writes a result with TEXT, without committing it. */
function stage(text: string, target = join(parent, 'out')): StagedDir {
  const staged = new StagedDir(target, { foreignFile: foreignResult });
  const summary = { generator: 'nfreplay 0', outputs: [{ file: 'eth0.pcap' }], text };
  writeFileSync(join(staged.path, 'eth0.pcap'), text);
  writeFileSync(join(staged.path, 'summary.json'), JSON.stringify(summary));
  return staged;
}

const textOf = (dir = join(parent, 'out')) => JSON.parse(readFileSync(join(dir, 'summary.json'), 'utf8')).text;

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.instance(error, FileError);
    return (error as FileError).message;
  }
  throw new Error('it was not refused');
}

const refused = (path: string) => refusal(() => new StagedDir(path, { foreignFile: foreignResult }));

/** The name of what this process stages for `out`, or moves away, at the time TAG. */
const left = (kind: 'partial' | 'previous', tag: string) => join(parent, `.out.${kind}-${tag}`);

Staged('appears complete, and leaves nothing else behind', () => {
  const staged = stage('first');
  assert.not(existsSync(join(parent, 'out')));
  staged.commit();
  assert.is(textOf(), 'first');
  assert.equal(readdirSync(parent), ['out']);
});

Staged('replaces an earlier result as a whole', () => {
  stage('first').commit();
  writeFileSync(join(parent, 'out/log.txt'), '');
  stage('second').commit();
  assert.is(textOf(), 'second');
  assert.equal(readdirSync(join(parent, 'out')), FILES);
  assert.equal(readdirSync(parent), ['out']);
});

Staged('accepts an empty folder, and creates missing parents', () => {
  mkdirSync(join(parent, 'out'));
  stage('into an empty one').commit();
  assert.is(textOf(), 'into an empty one');
  stage('deep', join(parent, 'a/b/c')).commit();
  assert.is(textOf(join(parent, 'a/b/c')), 'deep');
});

Staged('leaves everything unchanged if it is discarded, also the parents that were missing', () => {
  stage('first').commit();
  stage('second').discard();
  assert.is(textOf(), 'first');
  stage('deep', join(parent, 'a/b/c')).discard();
  assert.equal(readdirSync(parent), ['out']);
});

Staged('refuses to replace a folder with anything in it that no run wrote', () => {
  mkdirSync(join(parent, 'photos'));
  writeFileSync(join(parent, 'photos/cat.jpg'), 'meow');
  assert.match(refused(join(parent, 'photos')), 'contains a file that no run wrote (cat.jpg)');
  writeFileSync(join(parent, 'photos/summary.json'), '{"generator":"something else"}');
  assert.match(refused(join(parent, 'photos')), 'cat.jpg');
  assert.match(refused(join(parent, 'photos/cat.jpg')), 'is a file');

  for (const foreign of ['notes.txt', 'eth1.pcap', '.hidden']) {
    stage('first').commit();
    writeFileSync(join(parent, 'out', foreign), 'evidence');
    assert.match(refused(join(parent, 'out')), `(${foreign})`);
    assert.is(readFileSync(join(parent, 'out', foreign), 'utf8'), 'evidence');
    rmSync(join(parent, 'out', foreign));
  }
  mkdirSync(join(parent, 'out/log.txt'));
  assert.match(refused(join(parent, 'out')), '(log.txt)');
  assert.equal(readdirSync(parent), ['out', 'photos']);
});

Staged('keeps both if somebody puts a file there during the run', () => {
  stage('first').commit();
  const staged = stage('second');
  writeFileSync(join(parent, 'out/notes.txt'), 'evidence');
  const message = refusal(() => staged.commit());
  staged.discard();
  assert.match(message, 'now contains a file that no run wrote (notes.txt)');
  assert.is(readFileSync(join(parent, 'out/notes.txt'), 'utf8'), 'evidence');
  const kept = /results are in (.*)$/.exec(message)?.[1] ?? '';
  assert.is(textOf(kept), 'second');
});

Staged('writes where a symbolic link points to, and refuses one that points nowhere', () => {
  mkdirSync(join(parent, 'disk/results'), { recursive: true });
  symlinkSync('disk/results', join(parent, 'out'));
  stage('first').commit();
  stage('second').commit();
  assert.is(textOf(join(parent, 'disk/results')), 'second');
  assert.is(textOf(), 'second');
  assert.equal(readdirSync(join(parent, 'disk')), ['results']);
  symlinkSync('nowhere', join(parent, 'dangling'));
  assert.match(refused(join(parent, 'dangling')), 'symbolic link to something that does not exist');
});

Staged('says before the work that a folder cannot be created or replaced', () => {
  writeFileSync(join(parent, 'file'), '');
  assert.match(refused(join(parent, 'file/below')), 'cannot be written');
  if (existsSync('/proc/self')) {
    assert.match(refused('/proc/nfreplay/out'), 'cannot be written: no such file');
    assert.match(refused('/proc'), 'is a mount point');
  }
  assert.match(refused(join(parent, 'x'.repeat(300))), 'the name is too long');
  assert.match(refused('.'), 'is the current folder');
  if (process.geteuid?.() === 0) return;
  stage('first').commit();
  chmodSync(join(parent, 'out'), 0o555);
  assert.match(refused(join(parent, 'out')), 'permission denied');
  chmodSync(join(parent, 'out'), 0o755);
});

Staged('a folder that was moved away by a killed process is replaced by the complete one', () => {
  stage('old').commit();
  const staged = stage('new');
  const tag = staged.path.slice(left('partial', '').length);
  renameSync(join(parent, 'out'), left('previous', tag));
  recover(join(parent, 'out'));
  assert.is(textOf(), 'new');
  assert.equal(readdirSync(parent), ['out']);
});

Staged('a folder that was moved away is put back if there is nothing else', () => {
  stage('old').commit();
  renameSync(join(parent, 'out'), left('previous', 'x-1'));
  recover(join(parent, 'out'));
  assert.is(textOf(), 'old');
});

Staged('removes what a killed process left behind, and nothing of a running one', () => {
  const [space, pid, started] = processTag().split('.');
  if (started === undefined) return;
  // No process can have this number: it is above the kernel's maximum (2^22).
  const gone = [`${space}.99999999.${started}-aa`, `${space}.${pid}.1-bb`];
  // The same number in another container, or on another machine; and this process.
  const running = [`0badcafe_1.${pid}.${started}-cc`, `${space}.${pid}.${started}-dd`, 'x-ee'];
  for (const tag of [...gone, ...running]) mkdirSync(left('partial', tag));
  stage('now').commit();
  assert.equal(readdirSync(parent), [...running.map((tag) => `.out.partial-${tag}`), 'out'].sort());
  assert.ok(gone.every(isGone));
  assert.not(running.some(isGone));
});

Staged.run();
