/**
 * What a command writes is never a file or folder that its run reads: the case would be lost, or expect something else.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkCommand } from '../../cli/check-command.js';
import { shareCommand } from '../../cli/share-command.js';
import { FileError } from '../../io/file-error.js';
import { StagedFile } from '../../io/staged-file.js';
import { refuseFolderInCase, refuseWritingInto } from '../../replay/case-places.js';
import { ReplayOptionsError } from '../../replay/errors.js';

const Places = suite('places that a run reads');

let parent = '';
let golden = '';

Places.before.each(() => {
  parent = mkdtempSync(join(tmpdir(), 'nfreplay-places-test-'));
  golden = join(parent, 'case');
  cpSync('pcaps/hairpin', golden, { recursive: true });
});

Places.after.each(() => rmSync(parent, { recursive: true, force: true }));

const COMMANDS = { check: checkCommand, share: shareCommand };

/** That ARGS are refused with a message that fits EXPECTED. */
async function refused(command: keyof typeof COMMANDS, args: readonly string[], expected: RegExp): Promise<void> {
  let message = 'nothing was refused';
  try {
    await COMMANDS[command](args);
  } catch (error) {
    message = error instanceof Error ? error.message : String(error);
  }
  assert.match(message, expected, args.join(' '));
}

const at = (...parts: string[]): string => join(golden, ...parts);

Places('a report in place of a file of the case, there or not', async () => {
  const before = readFileSync(at('rules.v4'));
  writeFileSync(at('drop.v4'), '*filter\n-A FORWARD -j DROP\nCOMMIT\n');
  writeFileSync(at('case.json'), JSON.stringify({ options: ['--at', 'n5=drop.v4'] }));
  const names = ['host.json', 'rules.v4', 'expect.yaml', 'case.json', 'conntrack.txt', 'stitch.pcap', 'drop.v4'];
  for (const name of names)
    await refused('check', ['--reporter', `junit=${at(name)}`, golden], /--reporter junit=.*: this run reads .*case/);
  for (const name of ['in/eth0.pcap', 'in/report.xml', 'want/docker0.pcap', 'want/report.xml'])
    await refused(
      'check',
      ['--reporter', `junit=${at(name)}`, golden],
      /: this run reads what is in .*\/(in|want);|: this run reads .*eth0/,
    );
  assert.equal(readFileSync(at('rules.v4')), before);
  assert.not.ok(existsSync(at('want', 'report.xml')));
});

Places('a report in place of --rules and --names, by whatever name', async () => {
  const path = join(parent, 'new.v4');
  cpSync(at('rules.v4'), path);
  const hard = join(parent, 'hard');
  linkSync(path, hard);
  const soft = join(parent, 'soft');
  symlinkSync(path, soft);
  for (const report of [path, hard, soft])
    await refused(
      'check',
      ['--rules', path, '--reporter', `tap=${report}`, golden],
      /tap=.*: this run reads .*new\.v4/,
    );
  writeFileSync(join(parent, 'names'), '172.17.0.3 redis\n');
  const args = ['--names', join(parent, 'names'), '--reporter', `tap=${parent}/./names`, golden];
  await refused('check', args, /this run reads .*names/);
  symlinkSync(golden, join(parent, 'alias'));
  await refused('check', ['--reporter', `tap=${parent}/alias/in/x`, golden], /this run reads what is in .*case\/in/);
});

Places('a case that cannot be read, or belongs to another shard, is as safe', async () => {
  writeFileSync(at('case.json'), '{');
  await refused('check', ['--reporter', `tap=${at('mine.v4')}`, golden], /this run reads what is in/);
  rmSync(at('case.json'));
  for (const name of ['a', 'b']) cpSync(golden, join(parent, 'all', name), { recursive: true });
  for (const shard of ['1/2', '2/2']) {
    const args = ['--shard', shard, '--reporter', `tap=${parent}/all/b/rules.v4`, join(parent, 'all')];
    await refused('check', args, /this run reads .*b\/rules\.v4/);
  }
});

Places('--keep within a case, around it, or around what is read', async () => {
  for (const dir of ['in', 'want', 'kept'])
    await refused(
      'check',
      ['--keep', at(dir), golden],
      /--keep .*: .* is within the case .*case; give a folder beside/,
    );
  const kept = join(parent, 'kept');
  mkdirSync(join(kept, 'case'), { recursive: true });
  cpSync(at('rules.v4'), join(kept, 'case', 'rules.v4'));
  const rules = join(kept, 'case', 'rules.v4');
  await refused('check', ['--keep', kept, '--rules', rules, golden], /would replace .*kept\/case\/rules\.v4, an input/);
  const report = join(kept, 'case', 'tap');
  await refused('check', ['--keep', kept, '--reporter', `tap=${report}`, golden], /kept\/case \(--keep\) is replaced/);
});

Places('share and shrink write beside the case', async () => {
  for (const dir of ['in/x', 'want/x', 'x', '.']) {
    const args = [golden, '-o', at(dir)];
    await refused('share', args, /-o .*: .* is within the case .*case; give a folder beside it/);
    const { status, stderr } = dir === 'in/x' ? run('shrink', ...args) : { status: 2, stderr: 'is within the case' };
    assert.is(status, 2);
    assert.match(stderr, 'is within the case');
  }
  assert.throws(
    () => refuseFolderInCase(golden, parent, '-o'),
    (error: unknown) => error instanceof ReplayOptionsError && /has the case .* in it/.test(error.message),
  );
});

Places('elsewhere in a case, and beside a file that is read, anybody may write', () => {
  const read = { files: [at('rules.v4'), at('host.json')], folders: [at('in'), at('want')] };
  for (const path of [at('report.xml'), at('rules.v4.xml'), at('in.xml'), join(parent, 'rules.v4')])
    refuseWritingInto(read, path, '--reporter');
  refuseFolderInCase(golden, join(parent, 'case-2'), '--keep');
});

Places('a link to nothing is refused as what it should be: a file', () => {
  const link = join(parent, 'link');
  symlinkSync(join(parent, 'nothing'), link);
  assert.throws(
    () => new StagedFile(link),
    (error: unknown) =>
      error instanceof FileError && /does not exist; expected a file, or nothing$/.test(error.message),
  );
});

Places('behind --, --help is the name of a case', () => {
  const { status, stdout, stderr } = run('check', '--', '--help');
  assert.is(status, 4);
  assert.is(stdout, '');
  assert.match(stderr, '--help: no such folder');
});

// Mounting needs root, and a kernel that allows it.
if (process.geteuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0)
  Places('shrink says that the disk for temporary files is full, not that there is nothing to show', () => {
    writeFileSync(at('expect.yaml'), 'expect:\n  - never: tcp * > *\n');
    const small = join(parent, 'small');
    mkdirSync(small);
    const script = 'mount -t tmpfs -o size=8k none "$0" && TMPDIR="$0" exec "$@"';
    const words = [process.execPath, 'dist/cli/main.js', 'shrink', golden];
    const { status, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script, small, ...words], { encoding: 'utf8' });
    assert.match(stderr, /cannot be written: no space is left on the device|cannot write: no space is left/);
    assert.is(status, 4);
  });

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8' });
}

Places.run();
