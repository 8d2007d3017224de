import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FileError } from '../../io/file-error.js';
import { StagedDir } from '../../io/staged-dir.js';

const Staged = suite('staged dir');

let parent = '';
Staged.before.each(() => {
  parent = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
});
Staged.after.each(() => rmSync(parent, { recursive: true }));

/** Writes a result with TEXT, without committing it. */
function stage(text: string): StagedDir {
  const staged = new StagedDir(join(parent, 'out'));
  writeFileSync(join(staged.path, 'summary.json'), JSON.stringify({ generator: 'nfreplay 0', text }));
  return staged;
}

const textOf = () => JSON.parse(readFileSync(join(parent, 'out/summary.json'), 'utf8')).text;

function refusal(path: string): FileError {
  try {
    new StagedDir(path);
  } catch (error) {
    return error as FileError;
  }
  throw new Error(`${path} was taken`);
}

Staged('appears complete, and leaves nothing else behind', () => {
  const staged = stage('first');
  assert.not(existsSync(join(parent, 'out')));
  staged.commit();
  assert.is(textOf(), 'first');
  assert.equal(readdirSync(parent), ['out']);
});

Staged('replaces an earlier result as a whole', () => {
  stage('first').commit();
  writeFileSync(join(parent, 'out/eth7.pcap'), '');
  stage('second').commit();
  assert.is(textOf(), 'second');
  assert.equal(readdirSync(join(parent, 'out')), ['summary.json']);
  assert.equal(readdirSync(parent), ['out']);
});

Staged('accepts an empty folder, and creates missing parents', () => {
  mkdirSync(join(parent, 'out'));
  stage('into an empty one').commit();
  assert.is(textOf(), 'into an empty one');
  const deep = new StagedDir(join(parent, 'a/b/c'));
  deep.commit();
  assert.ok(existsSync(join(parent, 'a/b/c')));
});

Staged('leaves everything unchanged if it is discarded', () => {
  stage('first').commit();
  stage('second').discard();
  assert.is(textOf(), 'first');
  assert.equal(readdirSync(parent), ['out']);
});

Staged('refuses to replace what no replay wrote', () => {
  mkdirSync(join(parent, 'photos'));
  writeFileSync(join(parent, 'photos/cat.jpg'), 'meow');
  const error = refusal(join(parent, 'photos'));
  assert.instance(error, FileError);
  assert.match(error.message, 'contains files that no replay wrote (cat.jpg …)');
  assert.is(readFileSync(join(parent, 'photos/cat.jpg'), 'utf8'), 'meow');

  writeFileSync(join(parent, 'photos/summary.json'), '{"generator":"something else"}');
  assert.instance(refusal(join(parent, 'photos')), FileError);
  assert.match(refusal(join(parent, 'photos/cat.jpg')).message, 'is a file');
});

Staged('reports a folder that cannot be created', () => {
  writeFileSync(join(parent, 'file'), '');
  assert.instance(refusal(join(parent, 'file/below')), FileError);
  if (existsSync('/proc/self')) assert.match(refusal('/proc/nfreplay/out').message, 'cannot be written');
});

Staged('removes what a killed run left behind', () => {
  // No process can have this number: it is above the kernel's maximum (2^22).
  mkdirSync(join(parent, '.out.partial-99999999'));
  stage('now').commit();
  assert.equal(readdirSync(parent), ['out']);
});

Staged.run();
