/** What a golden case is made of: options of replay in case.json, and files that stay within its folder. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { REPLAY } from '../../cli/commands/replay.js';
import { CASE_OPTIONS } from '../../replay/case-options.js';
import { checkCase } from '../../replay/check-case.js';
import { casesIn, filesOf, optionsOf } from '../../replay/golden-case.js';
import { replay } from '../../replay/replay.js';

interface Context {
  parent: string;
  dir: string;
}

const Files = suite<Context>('files of a case');

Files.before.each((context) => {
  context.parent = mkdtempSync(join(tmpdir(), 'nfreplay-case-'));
  context.dir = join(context.parent, 'case');
  cpSync('pcaps/hairpin', context.dir, { recursive: true });
});

Files.after.each(({ parent }) => {
  rmSync(parent, { recursive: true, force: true });
});

function setOptions(dir: string, ...options: unknown[]): void {
  writeFileSync(join(dir, 'case.json'), JSON.stringify({ options }));
}

Files('case.json takes every option of replay but those about its output', () => {
  const ofReplay = REPLAY.options.map(({ name }) => `--${name}`);
  const known = [...CASE_OPTIONS.taken, ...CASE_OPTIONS.ofOutput].filter((name) => name.startsWith('--'));
  assert.equal(known.sort(), ofReplay.sort());
});

Files('an option that replay takes once is refused twice, and one with a value needs it', ({ dir }) => {
  for (const { name, value, multiple } of REPLAY.options) {
    if (!CASE_OPTIONS.taken.includes(`--${name}`) || value === undefined) continue;
    setOptions(dir, `--${name}`);
    assert.throws(() => casesIn(dir), new RegExp(`case\\.json: --${name} requires a value`));
    setOptions(dir, `--${name}=`);
    assert.throws(() => casesIn(dir), new RegExp(`case\\.json: --${name} is empty`));
    if (multiple) continue;
    const valid = { backend: 'nft', checksums: 'auto', guess: 'docker', nfqueue: 'drop', engine: 'compiled' };
    const word = Object.hasOwn(valid, name) ? valid[name as keyof typeof valid] : '1';
    setOptions(dir, `--${name}`, word, `--${name}`, word);
    assert.throws(() => casesIn(dir), new RegExp(`case\\.json: --${name} was given more than once`));
  }
});

Files('an option about the output of replay is refused with the reason', ({ dir }) => {
  for (const option of CASE_OPTIONS.ofOutput) {
    setOptions(dir, option, 'x');
    assert.throws(() => casesIn(dir), `case/case.json: ${option} is about the output of replay`);
  }
});

Files('the host, rules, captures and connections of a case may have other names', ({ dir }) => {
  const { dropped } = replay(optionsOf(casesIn(dir)[0]));
  mkdirSync(join(dir, 'captured'));
  mkdirSync(join(dir, 'snapshot'));
  renameSync(join(dir, 'in/docker0.pcap'), join(dir, 'captured/bridge.pcap'));
  rmSync(join(dir, 'in'), { recursive: true });
  renameSync(join(dir, 'host.json'), join(dir, 'snapshot/host.json'));
  renameSync(join(dir, 'rules.v4'), join(dir, 'live.v4'));
  writeFileSync(join(dir, 'before.txt'), '');
  setOptions(
    dir,
    ...['--host', 'snapshot', '--rules', 'live.v4', '--in', 'docker0=captured/*.pcap'],
    ...['--conntrack', 'before.txt'],
  );
  const [golden] = casesIn(dir);
  const named = ['live.v4', 'snapshot/host.json', 'before.txt', 'captured/bridge.pcap'].map((name) => join(dir, name));
  assert.equal(filesOf(golden).sort(), named.sort());
  assert.equal(replay(optionsOf(golden)).dropped, dropped);
  assert.equal(checkCase(golden).differences, []);
});

Files('captures of a case may be taken on the host, or be of whole conversations', ({ dir }) => {
  const capture = join(dir, 'all.pcap');
  cpSync(join(dir, 'in/docker0.pcap'), capture);
  rmSync(join(dir, 'in'), { recursive: true });
  setOptions(dir, '--capture', 'docker0=all.pcap');
  assert.equal(optionsOf(casesIn(dir)[0]).captures, [{ iface: 'docker0', path: capture }]);
  assert.is(optionsOf(casesIn(dir)[0]).checksums, 'auto', 'the network card may not have finished them');
  setOptions(dir, '--stitch', 'all.pcap', '--checksums', 'trust');
  assert.equal(optionsOf(casesIn(dir)[0]).stitchPaths, [capture]);
  assert.is(optionsOf(casesIn(dir)[0]).checksums, 'trust');
});

Files('a file in the place of one that case.json names is refused: people would think that it is read', ({ dir }) => {
  cpSync(join(dir, 'rules.v4'), join(dir, 'other.v4'));
  setOptions(dir, '--rules', 'other.v4');
  assert.throws(() => casesIn(dir), /case\/rules\.v4: case\.json names others in its place/);
  cpSync(join(dir, 'in/docker0.pcap'), join(dir, 'other.pcap'));
  setOptions(dir, '--in', 'docker0=other.pcap');
  assert.throws(() => casesIn(dir), /case\/in\/docker0\.pcap: case\.json names others in its place/);
  setOptions(dir, '--rules', 'other.v4', '--at', 'n5=rules.v4');
  assert.is(casesIn(dir).length, 1);
});

const NAMING_FILES: readonly (readonly [option: string, value: (path: string) => string])[] = [
  ['--rules', (path) => path],
  ['--rules', (path) => `nat=rules.v4,filter=${path}`],
  ['--host', (path) => path],
  ['--in', (path) => `docker0=${path}`],
  ['--stitch', (path) => path],
  ['--capture', (path) => path],
  ['--capture', (path) => `docker0=${path}`],
  ['--ipset', (path) => path],
  ['--apply', (path) => path],
  ['--conntrack', (path) => path],
  ['--names', (path) => path],
  ['--expect-counters', (path) => path],
  ['--at', (path) => `n5=${path}`],
  ['--at', (path) => `n5=filter=${path}`],
  ['--at', (path) => `n5=snapshot:${path}`],
];

Files('no option leads out of the folder: by .., as an absolute path, or by a link', ({ dir, parent }) => {
  const secret = join(parent, 'secret.txt');
  writeFileSync(secret, '');
  symlinkSync(secret, join(dir, 'link'));
  symlinkSync(parent, join(dir, 'above'));
  for (const [option, value] of NAMING_FILES) {
    for (const path of ['../secret.txt', secret, 'in/../../secret.txt', 'link', 'above/secret.txt', 'above/none.txt']) {
      setOptions(dir, option, value(path));
      assert.throws(
        () => casesIn(dir),
        ({ message }: Error) => {
          assert.match(message, new RegExp(`case\\.json: ${option} |case/`));
          assert.match(message, 'leads out of the folder of the case', `${option} ${value(path)}`);
          return true;
        },
        `${option} ${value(path)} is taken`,
      );
    }
  }
});

Files('no pattern leads out by a link, and no file of a folder that is a host', ({ dir, parent }) => {
  cpSync(join(dir, 'in/docker0.pcap'), join(parent, 'secret.pcap'));
  symlinkSync(join(parent, 'secret.pcap'), join(dir, 'in/docker0.pcap1'));
  assert.throws(() => casesIn(dir), /case\/in\/docker0\.pcap1: this link leads out/);
  setOptions(dir, '--in', 'docker0=in/docker0.pcap*');
  assert.throws(() => casesIn(dir), /case\/in\/docker0\.pcap1: this link leads out/);
  rmSync(join(dir, 'in/docker0.pcap1'));
  mkdirSync(join(dir, 'snapshot'));
  renameSync(join(dir, 'host.json'), join(parent, 'host.json'));
  symlinkSync(join(parent, 'host.json'), join(dir, 'snapshot/host.json'));
  setOptions(dir, '--host', 'snapshot');
  assert.throws(() => casesIn(dir), /snapshot\/host\.json: this link leads out/);
});

Files('no file of the case itself is a link that leads out', ({ dir, parent }) => {
  for (const name of ['host.json', 'rules.v4', 'in/docker0.pcap', 'in', 'want', 'case.json', 'expect.yaml']) {
    const kept = join(parent, 'kept');
    if (name === 'expect.yaml') writeFileSync(join(dir, name), 'expect: []\n');
    else if (name === 'case.json') setOptions(dir);
    renameSync(join(dir, name), kept);
    symlinkSync(kept, join(dir, name));
    assert.throws(() => casesIn(dir), /leads out of the folder of the case/, name);
    rmSync(join(dir, name));
    renameSync(kept, join(dir, name));
  }
  renameSync(join(dir, 'rules.v4'), join(dir, 'live.v4'));
  symlinkSync('live.v4', join(dir, 'rules.v4'));
  assert.is(casesIn(dir).length, 1, 'one that leads to another place in it is not');
});

Files('files that commands name are relative to the case, and within it', ({ dir, parent }) => {
  const drop = '*filter\n:FORWARD DROP [0:0]\nCOMMIT\n';
  writeFileSync(join(dir, 'drop.v4'), drop);
  writeFileSync(join(parent, 'secret.v4'), drop);
  symlinkSync(join(parent, 'secret.v4'), join(dir, 'link.v4'));
  const run = (...words: string[]) => {
    setOptions(dir, ...words);
    return replay(optionsOf(casesIn(dir)[0])).rules;
  };
  const restored = run('--apply', 'iptables-restore drop.v4');
  assert.not.ok(restored.some(({ table }) => table === 'filter'));
  writeFileSync(join(dir, 'script'), 'iptables-restore -c drop.v4\n');
  assert.equal(run('--apply', 'script'), restored);
  assert.equal(run('--at', '0s=iptables-restore drop.v4'), restored);
  assert.equal(run('--at', '0s=script'), restored);
  for (const path of ['../secret.v4', join(parent, 'secret.v4'), 'link.v4']) {
    writeFileSync(join(dir, 'script'), `iptables -F\niptables-restore ${path}\n`);
    for (const what of ['script', `iptables-restore ${path}`]) {
      assert.throws(() => run('--apply', what), /leads out of the folder of the case/);
      assert.throws(() => run('--at', `n5=${what}`), /leads out of the folder of the case/);
    }
  }
});

Files('a command that would read another file is refused', ({ dir }) => {
  for (const command of [
    'ipset restore < ../sets',
    'ipset -file ../sets restore',
    'iptables-restore < ../rules',
    'sysctl -p ../sysctl.conf',
  ]) {
    setOptions(dir, '--apply', command);
    assert.throws(() => replay(optionsOf(casesIn(dir)[0])), /--apply 1: .*expected/s, command);
  }
});

if (process.platform !== 'win32') {
  // Whoever opens one waits for a writer, perhaps for ever, and hears of no signal.
  Files('pipes in place of files are refused before anybody opens them', ({ parent, dir }) => {
    const aside = join(parent, 'aside');
    const options = ['--names', 'names.txt', '--ipset', 'sets.txt', '--apply', 'more.sh', '--at', '1s=rules-2.v4'];
    const named = ['names.txt', 'sets.txt', 'more.sh', 'rules-2.v4'];
    for (const name of named) writeFileSync(join(dir, name), '');
    setOptions(dir, ...options);
    const golden = casesIn(dir)[0];
    const [capture] = filesOf(golden).filter((path) => path.endsWith('.pcap'));
    const conventional = ['host.json', 'rules.v4', 'conntrack.txt', 'expect.yaml'].map((name) => join(dir, name));
    for (const path of [...conventional, ...named.map((name) => join(dir, name)), capture]) {
      const kept = existsSync(path);
      if (kept) renameSync(path, aside);
      execFileSync('mkfifo', [path]);
      assert.throws(() => casesIn(dir), new RegExp(`${path} is a pipe; expected a file`), path);
      rmSync(path);
      if (kept) renameSync(aside, path);
    }
    rmSync(join(dir, 'more.sh'));
    execFileSync('mkfifo', [join(dir, 'more.sh')]);
    setOptions(dir, '--apply', 'iptables-restore more.sh');
    assert.throws(() => replay(optionsOf(casesIn(dir)[0])), /more\.sh is a pipe; expected a file/);
  });
}

Files.run();
