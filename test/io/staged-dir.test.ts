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

/** Writes a result with this text, up to the point where it is put in its place. */
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

Staged('appears whole, and leaves nothing beside it', () => {
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

Staged('takes an empty folder, and makes the ones above', () => {
  mkdirSync(join(parent, 'out'));
  stage('into an empty one').commit();
  assert.is(textOf(), 'into an empty one');
  const deep = new StagedDir(join(parent, 'a/b/c'));
  deep.commit();
  assert.ok(existsSync(join(parent, 'a/b/c')));
});

Staged('leaves everything as it was when it is discarded', () => {
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

Staged('says so where a folder cannot be made', () => {
  writeFileSync(join(parent, 'file'), '');
  assert.instance(refusal(join(parent, 'file/below')), FileError);
  if (existsSync('/proc/self')) assert.match(refusal('/proc/nfreplay/out').message, 'cannot be written');
});

Staged('removes what a killed run left', () => {
  // A process with this number cannot be: it is above the kernel's largest (2^22).
  mkdirSync(join(parent, '.out.partial-99999999'));
  stage('now').commit();
  assert.equal(readdirSync(parent), ['out']);
});

Staged.run();
