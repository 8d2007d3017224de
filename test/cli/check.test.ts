import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

interface Context {
  parent: string;
  /** A copy of a golden case. */
  golden: string;
}

const Check = suite<Context>('check');

Check.before.each((context) => {
  context.parent = mkdtempSync(join(tmpdir(), 'nfreplay-check-test-'));
  context.golden = join(context.parent, 'case');
  cpSync('pcaps/hairpin', context.golden, { recursive: true });
});

Check.after.each(({ parent }) => {
  rmSync(parent, { recursive: true, force: true });
});

function check(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['dist/cli/main.js', 'check', ...args], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
}

function edit(file: string, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

Check('a case, and a folder of cases', ({ golden, parent }) => {
  const one = check(golden);
  assert.is(one.status, 0, one.stdout + one.stderr);
  assert.match(one.stdout, /^ok {6}.*case {2}18 packets, 18 rules, 2 connections\n1 ok, 0 failed\n$/);
  cpSync(golden, join(parent, 'other'), { recursive: true });
  const two = check(parent);
  assert.is(two.status, 0);
  assert.match(two.stdout, /\n2 ok, 0 failed\n$/);
});

Check('options of a case: rules that change while packets flow, from files in its folder', ({ golden }) => {
  const options = (...words: unknown[]): void =>
    writeFileSync(join(golden, 'case.json'), JSON.stringify({ options: words }));
  writeFileSync(join(golden, 'drop.v4'), '*filter\n-A FORWARD -j DROP\nCOMMIT\n');
  options('--at', 'n5=drop.v4');
  const changed = check(golden);
  assert.is(changed.status, 1);
  assert.match(changed.stdout, /drop\.v4:2/);
  assert.is(check('--update', golden).status, 0);
  assert.is(check(golden).status, 0);
  options('--at=n5=drop.v4', '--at', 'n7=iptables -F FORWARD', '--backend', 'legacy');
  assert.is(check(golden).status, 1);
  options('--att', '10s=drop.v4');
  const unknown = check(golden);
  assert.is(unknown.status, 2);
  assert.match(unknown.stdout + unknown.stderr, /case\.json: --att is no option of a case; .*did you mean.*--at/);
  options('--at', '10s=nowhere.v4');
  assert.match(check(golden).stderr + check(golden).stdout, /case\/nowhere\.v4/);
  writeFileSync(join(golden, 'nat.v4'), '*nat\nCOMMIT\n');
  options('--at', 'n5=nat=nat.v4,filter=nowhere.v4');
  assert.match(check(golden).stderr + check(golden).stdout, /case\/nowhere\.v4/);
  options(5);
  assert.is(check(golden).status, 2);
});

Check('a difference is shown as two packets side by side and exits with 1', ({ golden }) => {
  edit(join(golden, 'rules.v4'), (text) => text.replace(':6379\n', ':6380\n'));
  const { status, stdout } = check(golden);
  assert.is(status, 1);
  assert.match(stdout, /^differs .*case {2}\d+ differences, the first:\n/);
  assert.match(stdout, /\n {2}\* tcp\.dport +6379 +6380\n/);
  assert.match(stdout, /\n0 ok, 1 failed\n$/);
});

Check('--update replaces the whole expectation by the results', ({ golden }) => {
  edit(join(golden, 'rules.v4'), (text) => text.replace('--dport 36379', '--dport 36380'));
  cpSync(join(golden, 'want', 'local.pcap'), join(golden, 'want', 'left-over.pcap'));
  assert.is(check(golden).status, 1);
  const updated = check('--update', golden);
  assert.is(updated.status, 0, updated.stderr);
  assert.match(updated.stdout, /^updated /);
  assert.is(check(golden).status, 0);
  assert.equal(readdirSync(join(golden, 'want')).sort(), [
    'conntrack.txt',
    'docker0.pcap',
    'eth0.pcap',
    'local.pcap',
    'rules.v4',
  ]);
  assert.equal(readdirSync(golden).sort(), ['README.md', 'host.json', 'in', 'rules.v4', 'want']);
  assert.match(readFileSync(join(golden, 'want', 'rules.v4'), 'utf8'), /\[0:0\] -A DOCKER -p tcp -m tcp --dport 36380/);
});

Check('the error about a case without an expectation says how to write one', ({ golden }) => {
  rmSync(join(golden, 'want'), { recursive: true });
  const { status, stderr } = check(golden);
  assert.is(status, 4);
  assert.match(
    stderr,
    /case: nothing is expected: there is neither want\/ nor expect\.yaml; nfreplay check --update .*case makes/,
  );
  assert.is(check('--update', golden).status, 0);
  assert.is(check(golden).status, 0);
});

Check('a damaged expectation is an error, never a difference', ({ golden }) => {
  const want = (name: string) => join(golden, 'want', name);
  const damages: [name: string, says: RegExp, change: (bytes: Buffer) => Buffer | string][] = [
    ['docker0.pcap', /docker0\.pcap: byte \d+: the capture is truncated/, (bytes) => bytes.subarray(0, -1)],
    ['docker0.pcap', /docker0\.pcap: /, (bytes) => bytes.subarray(0, 10)],
    ['docker0.pcap', /docker0\.pcap: /, () => ''],
    ['docker0.pcap', /docker0\.pcap: /, (bytes) => Buffer.concat([Buffer.from('XXXX'), bytes.subarray(4)])],
    ['rules.v4', /rules\.v4:\d+: the file ends here; expected COMMIT/, (bytes) => cut(bytes, '\nCOMMIT')],
    ['rules.v4', /rules\.v4:\d+: .*; expected :CHAIN/, (bytes) => String(bytes).replace('] -A', '] -')],
    ['rules.v4', /rules\.v4:\d+: .*; expected \*TABLE/, (bytes) => String(bytes).replace('*nat', '')],
    ['conntrack.txt', /conntrack\.txt:1: .*expected a connection/, (bytes) => bytes.subarray(0, 100)],
    ['conntrack.txt', /conntrack\.txt:\d: .*expected a connection/, (bytes) => bytes.subarray(0, -7)],
  ];
  for (const [name, says, change] of damages) {
    const whole = readFileSync(want(name));
    writeFileSync(want(name), change(whole));
    const { status, stdout, stderr } = check(golden);
    assert.match(stderr, says);
    assert.is(status, 4, name);
    assert.match(stdout, /^failed /);
    writeFileSync(want(name), whole);
  }
  assert.is(check(golden).status, 0);
});

/** BYTES up to the last TEXT. */
function cut(bytes: Buffer, text: string): Buffer {
  return bytes.subarray(0, bytes.lastIndexOf(text));
}

Check('a folder with anything else in want/ is not replaced', ({ golden }) => {
  writeFileSync(join(golden, 'want', 'notes.md'), 'mine');
  const { status, stderr } = check('--update', golden);
  assert.is(status, 4);
  assert.match(stderr, /want contains a file that no run wrote \(notes\.md\)/);
  assert.is(readFileSync(join(golden, 'want', 'notes.md'), 'utf8'), 'mine');
});

Check('an expectation that a killed process has moved away is put back', ({ golden }) => {
  renameSync(join(golden, 'want'), join(golden, '.want.previous-x-1'));
  assert.is(check(golden).status, 0);
  assert.equal(readdirSync(golden).sort(), ['README.md', 'host.json', 'in', 'rules.v4', 'want']);
});

Check('a stitched case', ({ golden }) => {
  cpSync(join(golden, 'in', 'docker0.pcap'), join(golden, 'stitch.pcap'));
  rmSync(join(golden, 'in'), { recursive: true });
  assert.is(check('--update', golden).status, 0);
  const { status, stdout } = check(golden);
  assert.is(status, 0);
  assert.match(stdout, /ok .* [1-9]\d* packets/);
});

Check('the other cases are checked even if one fails', ({ golden, parent }) => {
  for (const name of ['a', 'b', 'c']) cpSync(golden, join(parent, 'all', name), { recursive: true });
  edit(join(parent, 'all', 'a', 'rules.v4'), (text) => text.replace('-j MASQUERADE', '-j MASKERADE'));
  const { status, stdout, stderr } = check(join(parent, 'all'));
  assert.is(status, 2);
  assert.match(stdout, /^failed .*a\nok .*\nok .*\n2 ok, 1 failed\n$/);
  assert.match(stderr, /a\/rules\.v4:\d+:\d+: .*MASKERADE/);
});

Check('a truncated input is a warning; --update refuses it unless it is allowed', ({ golden }) => {
  const input = join(golden, 'in', 'docker0.pcap');
  writeFileSync(input, readFileSync(input).subarray(0, -1));
  const warning = /^nfreplay: warning: .*in\/docker0\.pcap: byte \d+: the capture is truncated/;
  const checked = check(golden);
  assert.is(checked.status, 1);
  assert.match(checked.stderr, warning);

  const want = readFileSync(join(golden, 'want', 'rules.v4'));
  const refused = check('--update', golden);
  assert.is(refused.status, 4);
  assert.match(refused.stderr, /in\/docker0\.pcap: byte \d+: the capture is truncated/);
  assert.match(refused.stderr, /; .*\/want is unchanged \(--update --allow-truncated accepts such an input\)\n$/);
  assert.not.match(refused.stderr, '\\x0a');
  assert.equal(readFileSync(join(golden, 'want', 'rules.v4')), want);

  const allowed = check('--update', '--allow-truncated', golden);
  assert.is(allowed.status, 0, allowed.stderr);
  assert.match(allowed.stderr, warning);
  const again = check(golden);
  assert.is(again.status, 0);
  assert.match(again.stderr, warning);
  assert.is(check('--allow-truncated', golden).status, 2);
});

Check('every warning of a replay is shown', ({ golden }) => {
  const host = JSON.parse(readFileSync(join(golden, 'host.json'), 'utf8'));
  host.sysctl = { ...host.sysctl, 'net.ipv4.conf.eth9.rp_filter': 1 };
  writeFileSync(join(golden, 'host.json'), JSON.stringify(host));
  const { status, stderr } = check(golden);
  assert.is(status, 0);
  assert.match(stderr, /^nfreplay: warning: .*case\/host\.json: .*eth9/);
});

Check('a file in in/ that is no capture by its name is refused, not left out', ({ golden }) => {
  for (const name of ['docker1.pcap.xz', 'eth0', 'notes.txt', 'eth0.cap']) {
    const file = join(golden, 'in', name);
    writeFileSync(file, '');
    const { status, stderr } = check(golden);
    assert.is(status, 2, name);
    assert.ok(stderr.includes(`in/${name}: not the name of an input; expected IFACE.pcap or IFACE.pcapng`), stderr);
    rmSync(file);
  }
  writeFileSync(join(golden, 'in', '.DS_Store'), '');
  assert.is(check(golden).status, 0);
  cpSync(join(golden, 'in', 'docker0.pcap'), join(golden, 'stitch.pcap'));
  const both = check(golden);
  assert.is(both.status, 2);
  assert.match(both.stderr, /both .*in\/docker0\.pcap and stitch\.pcap/);
});

Check('a capture that is missing in want/ is an error that names it', ({ golden }) => {
  rmSync(join(golden, 'want', 'docker0.pcap'));
  const { status, stderr } = check(golden);
  assert.is(status, 4);
  assert.match(stderr, /want\/docker0\.pcap is missing \(nfreplay check --update writes it\)/);
});

Check('folders that are not a case', ({ parent }) => {
  assert.is(check().status, 2);
  assert.is(check(join(parent, 'nothing')).status, 4);
  mkdirSync(join(parent, 'empty'));
  const empty = check(join(parent, 'empty'));
  assert.is(empty.status, 2);
  assert.match(empty.stderr, /empty: not a golden case, and contains none/);
  assert.is(check(join(parent, 'case', 'host.json')).status, 2);
  assert.not.ok(existsSync(join(parent, 'empty', 'want')));
});

// Opening a pipe waits until somebody writes to it, which nobody does.
if (process.platform !== 'win32') {
  /** `nfreplay check` of ARGS, which must end by itself. */
  const ends = (...args: string[]) => {
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['dist/cli/main.js', 'check', ...args], {
      encoding: 'utf8',
      timeout: 30_000,
      killSignal: 'SIGKILL',
    });
    assert.is(signal, null, 'it waits for the pipe');
    return { status, stdout, stderr };
  };

  for (const name of ['host.json', 'rules.v4', 'in/docker0.pcap', 'want/rules.v4', 'want/docker0.pcap']) {
    Check(`a pipe in place of ${name} is refused`, ({ golden }) => {
      rmSync(join(golden, name));
      execFileSync('mkfifo', [join(golden, name)]);
      const { status, stdout, stderr } = ends(golden);
      assert.match(stderr, `${name} is a pipe; expected a file`);
      assert.is(status, 4, stderr);
      assert.match(stdout, /^failed .*case\n0 ok, 1 failed\n$/);
    });
  }

  Check('a pipe or a folder in place of a file is refused in one case, and the others are checked', (context) => {
    const { golden, parent } = context;
    cpSync(golden, join(parent, 'good'), { recursive: true });
    const path = join(golden, 'want', 'conntrack.txt');
    rmSync(path);
    execFileSync('mkfifo', [path]);
    const { stdout, stderr } = ends(parent);
    assert.match(stderr, 'conntrack.txt is a pipe; expected a file');
    assert.match(stdout, /^failed .*case *\nok .*good .*\n1 ok, 1 failed\n$/);
    assert.match(ends('--update', golden).stderr, 'want contains a file that no run wrote (conntrack.txt)');
    rmSync(path);
    mkdirSync(path);
    assert.match(ends(golden).stderr, 'conntrack.txt is a folder; expected a file');
  });

  Check('a pipe in place of a case is not waited for', ({ golden, parent }) => {
    const pipe = join(parent, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const args of [[pipe], [golden, pipe]]) {
      const { status, stderr } = ends(...args);
      assert.match(stderr, 'pipe is not a folder; expected the folder of a case');
      assert.is(status, 2);
    }
    assert.is(ends(parent).status, 0, 'among cases, it is passed over as other files are');
  });
}

Check('a file in place of a folder of the case is an error about that file', ({ golden }) => {
  for (const name of ['want', 'in']) {
    const path = join(golden, name);
    renameSync(path, `${path}.kept`);
    writeFileSync(path, '');
    const { status, stderr } = check(golden);
    assert.match(stderr, `${name}: not a folder`);
    assert.is(status, 4, stderr);
    rmSync(path);
    renameSync(`${path}.kept`, path);
  }
});

Check.run();
