/** A case is written as a whole or not at all, into a folder of its own. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FileError } from '../../io/file-error.js';
import { StagedCase, writeCase } from '../../replay/write-case.js';

interface Context {
  dir: string;
}
const test = suite<Context>('written cases');
test.before.each((context) => {
  context.dir = mkdtempSync(join(tmpdir(), 'nfreplay-write-case-'));
});
test.after.each(({ dir }) => rmSync(dir, { recursive: true, force: true }));

const HOST = { name: 'host.json', bytes: '{}\n' };

test('a case has its files, its options a line each, and its expectations', ({ dir }) => {
  const source = join(dir, 'any.pcap');
  writeFileSync(source, 'frames');
  const files = [HOST, { name: 'in/any.pcap', path: source }, { name: 'more/a', bytes: new Uint8Array([65]) }];
  const options = ['--capture', 'in/any.pcap', '--lax', '--at', '10s=iptables -F'];
  const out = join(dir, 'new', 'case');
  writeCase(out, { files, options, expect: 'expect: []\n' });
  assert.equal(readdirSync(out).sort(), ['case.json', 'expect.yaml', 'host.json', 'in', 'more']);
  assert.is(readFileSync(join(out, 'in/any.pcap'), 'utf8'), 'frames');
  assert.is(readFileSync(join(out, 'more/a'), 'utf8'), 'A');
  const json = readFileSync(join(out, 'case.json'), 'utf8');
  assert.equal(JSON.parse(json), { options });
  assert.match(json, '    "--capture", "in/any.pcap",\n    "--lax",\n');
  assert.equal(readdirSync(join(dir, 'new')), ['case'], 'nothing is left beside it');
});

test('a case without options has no case.json', ({ dir }) => {
  writeCase(join(dir, 'case'), { files: [HOST], options: [] });
  assert.equal(readdirSync(join(dir, 'case')), ['host.json']);
});

test('an empty folder is used, and one that is not empty is left alone', ({ dir }) => {
  const out = join(dir, 'case');
  mkdirSync(out);
  writeCase(out, { files: [HOST] });
  const again = () => writeCase(out, { files: [{ name: 'host.json', bytes: 'other' }] });
  assert.throws(again, (error: Error) => error instanceof FileError && /is not empty .*host\.json/.test(error.message));
  assert.is(readFileSync(join(out, 'host.json'), 'utf8'), '{}\n');
  assert.throws(() => writeCase(join(out, 'host.json'), { files: [HOST] }), /is a file; expected a new folder/);
});

test('if a file cannot be had, there is no case, nor anything that was begun', ({ dir }) => {
  const missing = { name: 'in/eth0.pcap', path: join(dir, 'missing.pcap') };
  const write = () => writeCase(join(dir, 'a/b/case'), { files: [HOST, missing] });
  assert.throws(
    write,
    (error: Error) => error instanceof FileError && /missing\.pcap: no such file/.test(error.message),
  );
  assert.equal(readdirSync(dir), []);
  const folder = { name: 'rules.v4', path: dir };
  assert.throws(() => writeCase(join(dir, 'case'), { files: [folder] }), /is a folder; expected a file/);
  assert.equal(readdirSync(dir), []);
});

test('every file stays within the case, and none is written twice', ({ dir }) => {
  for (const name of ['../rules.v4', '/etc/rules.v4', 'in/../../rules.v4', '.', '', './a', 'in//a'])
    assert.throws(
      () => writeCase(join(dir, 'case'), { files: [{ name, bytes: '' }] }),
      /not a path within a case/,
      name,
    );
  assert.throws(() => writeCase(join(dir, 'case'), { files: [HOST, HOST] }), /written twice/);
  assert.equal(readdirSync(dir), []);
});

test('a case can be read before it is put in place', ({ dir }) => {
  const staged = new StagedCase(join(dir, 'case'));
  staged.add({ files: [HOST] });
  assert.is(readFileSync(join(staged.path, 'host.json'), 'utf8'), '{}\n');
  staged.add({ files: [], expect: 'expect: []\n' });
  staged.commit();
  assert.equal(readdirSync(join(dir, 'case')).sort(), ['expect.yaml', 'host.json']);
});

test.run();
