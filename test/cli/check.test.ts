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
import { checkCommand } from '../../cli/check-command.js';
import { reportError } from '../../cli/error-report.js';
import { STDERR, STDOUT } from '../../cli/output.js';

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

interface Checked {
  status: number;
  stdout: string;
  stderr: string;
}

/** What the command does with ARGS, in this process: to start Node for each of them takes longer than all the rest. */
async function check(...args: string[]): Promise<Checked> {
  const written = { stdout: '', stderr: '' };
  const outputs = [
    [STDOUT, 'stdout'],
    [STDERR, 'stderr'],
  ] as const;
  for (const [output, name] of outputs)
    output.write = (text) => {
      written[name] += typeof text === 'string' ? text : Buffer.from(text).toString();
    };
  try {
    const status = await checkCommand(args).catch(reportError);
    return { status, ...written };
  } finally {
    // The method of the class is there again.
    for (const [output] of outputs) Reflect.deleteProperty(output, 'write');
  }
}

function edit(file: string, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

Check('a case, and a folder of cases', async ({ golden, parent }) => {
  const one = await check(golden);
  assert.is(one.status, 0, one.stdout + one.stderr);
  assert.match(
    one.stdout,
    /^ok {6}.*case {2}18 packets, 18 rules, 2 connections\n {2}ok {2}what left .* as in want\/\n1 passed, 0 failed\n$/,
  );
  cpSync(golden, join(parent, 'other'), { recursive: true });
  const two = await check(parent);
  assert.is(two.status, 0);
  assert.match(two.stdout, /\n2 cases: 2 passed, 0 failed\n$/);
});

Check('options of a case: rules that change while packets flow, from files in its folder', async ({ golden }) => {
  const options = (...words: unknown[]): void =>
    writeFileSync(join(golden, 'case.json'), JSON.stringify({ options: words }));
  writeFileSync(join(golden, 'drop.v4'), '*filter\n-A FORWARD -j DROP\nCOMMIT\n');
  options('--at', 'n5=drop.v4');
  const changed = await check(golden);
  assert.is(changed.status, 1);
  assert.match(changed.stdout, /drop\.v4:2/);
  assert.is((await check('--update', golden)).status, 0);
  assert.is((await check(golden)).status, 0);
  options('--at=n5=drop.v4', '--at', 'n7=iptables -F FORWARD', '--backend', 'legacy');
  assert.is((await check(golden)).status, 1);
  options('--att', '10s=drop.v4');
  const unknown = await check(golden);
  assert.is(unknown.status, 2);
  assert.match(unknown.stdout + unknown.stderr, /case\.json: --att is no option of a case; .*did you mean.*--at/);
  options('--at', '10s=nowhere.v4');
  assert.match((await check(golden)).stderr + (await check(golden)).stdout, /case\/nowhere\.v4/);
  writeFileSync(join(golden, 'nat.v4'), '*nat\nCOMMIT\n');
  options('--at', 'n5=nat=nat.v4,filter=nowhere.v4');
  assert.match((await check(golden)).stderr + (await check(golden)).stdout, /case\/nowhere\.v4/);
  options(5);
  assert.is((await check(golden)).status, 2);
});

Check('a difference is shown as two packets side by side and exits with 1', async ({ golden }) => {
  edit(join(golden, 'rules.v4'), (text) => text.replace(':6379\n', ':6380\n'));
  const { status, stdout } = await check(golden);
  assert.is(status, 1);
  assert.match(
    stdout,
    /^failed .*case {2}1 of 1 test\n[\s\S]*\n {4}\d+ differences: [\s\S]*\n {4}docker0: 1 packet with other tcp\.dport/,
  );
  assert.match(stdout, /\n {6}\* tcp\.dport +6379 +6380\n/);
  assert.match(stdout, /\n0 passed, 1 failed\n$/);
});

Check('--update replaces the whole expectation by the results', async ({ golden }) => {
  edit(join(golden, 'rules.v4'), (text) => text.replace('--dport 36379', '--dport 36380'));
  cpSync(join(golden, 'want', 'local.pcap'), join(golden, 'want', 'left-over.pcap'));
  assert.is((await check(golden)).status, 1);
  const updated = await check('--update', golden);
  assert.is(updated.status, 0, updated.stderr);
  assert.match(
    updated.stdout,
    /^differs .*case {2}\d+ differences\n\n[\s\S]*\n {2}\S.* missing[\s\S]*\nupdated .*case\n$/,
  );
  assert.is((await check(golden)).status, 0);
  assert.equal(readdirSync(join(golden, 'want')).sort(), [
    'conntrack.txt',
    'docker0.pcap',
    'eth0.pcap',
    'local.pcap',
    'made-by.json',
    'rules.v4',
  ]);
  assert.equal(readdirSync(golden).sort(), ['README.md', 'host.json', 'in', 'rules.v4', 'want']);
  assert.match(readFileSync(join(golden, 'want', 'rules.v4'), 'utf8'), /\[0:0\] -A DOCKER -p tcp -m tcp --dport 36380/);
});

Check('--update leaves alone what is the same, and what people wrote', async ({ golden, parent }) => {
  const rules = join(golden, 'want', 'rules.v4');
  edit(rules, (text) => `# recorded from a kernel\n${text}`);
  const same = await check('--update', golden);
  assert.is(same.status, 0, same.stderr);
  assert.match(same.stdout, /^unchanged .*case\n$/);
  assert.match(readFileSync(rules, 'utf8'), /^# recorded from a kernel\n/);

  const claims = 'expect:\n  - never: tcp * > 172.17.0.3:22\n';
  writeFileSync(join(golden, 'expect.yaml'), claims);
  edit(join(golden, 'rules.v4'), (text) => text.replace('--dport 36379', '--dport 36380'));
  const both = await check('--update', golden);
  assert.match(both.stdout, /\nupdated .*case {2}expect\.yaml is as it was\n$/);
  assert.is(readFileSync(join(golden, 'expect.yaml'), 'utf8'), claims);
  cpSync(golden, join(parent, 'claims'), { recursive: true });
  rmSync(join(parent, 'claims', 'want'), { recursive: true });
  const written = await check('--update', join(parent, 'claims'));
  assert.is(written.status, 0);
  assert.match(
    written.stdout,
    /^kept .*claims {2}it has an expect\.yaml, .*, and no want\/: there is nothing to update\n$/,
  );
  assert.not.ok(existsSync(join(parent, 'claims', 'want')));
});

Check('--update shows what it changes before it does', async ({ golden }) => {
  edit(join(golden, 'rules.v4'), (text) => text.replace('--dport 36379', '--dport 36380'));
  const before = readFileSync(join(golden, 'want', 'rules.v4'));
  writeFileSync(join(golden, 'want', 'notes.md'), 'mine');
  const { status, stdout } = await check('--update', golden);
  assert.is(status, 4);
  assert.match(stdout, /^differs .*case {2}\d+ differences\n/);
  assert.equal(readFileSync(join(golden, 'want', 'rules.v4')), before);
});

Check(
  'other rules: their texts and counters are not compared unless asked, and what dropped a packet is named',
  async ({ golden, parent }) => {
    const rules = readFileSync(join(golden, 'rules.v4'), 'utf8');
    const path = join(parent, 'new.v4');
    writeFileSync(path, rules.replace(/COMMIT\s*$/, '-A FORWARD -m comment --comment unused\nCOMMIT\n'));
    const same = await check('--rules', path, golden);
    assert.is(same.status, 0, same.stdout);
    const compared = await check('--rules', path, '--compare-rules', golden);
    assert.is(compared.status, 1);
    assert.match(compared.stdout, /1 difference: rules\.v4, table filter: 1 other rule/);

    const old = '-A FORWARD -i docker0 -o docker0 -j ACCEPT';
    const line = rules.split('\n').indexOf(old) + 1;
    writeFileSync(path, rules.replace(old, '-A FORWARD -i docker0 -o docker0 -j DROP'));
    const { status, stdout } = await check('--rules', path, golden);
    assert.is(status, 1);
    const place = `new\\.v4:${line}`;
    const text = stdout.replace(/\s+/g, ' ');
    assert.match(
      text,
      new RegExp(`docker0: \\d+ packets missing, dropped by \\S*${place} filter FORWARD 5: .*-j DROP`),
    );
    assert.match(text, new RegExp(`\\bby (rule \\d+ \\()?\\S*${place}[) ]`));
    assert.is((await check('--compare-rules', golden)).status, 2);
    assert.is((await check('--update', '--rules', path, golden)).status, 2);
  },
);

Check('all differences are told, a kind with one cause together, and no more than asked for', async ({ golden }) => {
  edit(join(golden, 'rules.v4'), (text) => text.replace(/^-A DOCKER .*-j DNAT.*\n/m, ''));
  const { status, stdout } = await check(golden);
  assert.is(status, 1);
  const [, total] = /\n {4}(\d+) differences: /.exec(stdout) ?? [];
  const few = (await check('--top', '1', golden)).stdout;
  const [, left, kinds] = /\n {4}and (\d+) differences of (\d+) other kinds\n/.exec(few) ?? [];
  const [, shownFew] = /\n {4}\S.*: (\d+) packets? /.exec(few) ?? [];
  assert.is(Number(left) + Number(shownFew), Number(total), 'none is lost');
  assert.match(few, new RegExp(`and ${kinds} other kinds of difference`));
  assert.match(stdout, /\n {4}rules\.v4, table nat: .*rule/);
  assert.match(stdout, /\n {4}conntrack: \d+ connections? missing\n/);
});

Check('--lax: rules that cannot be followed make packets uncertain, which is said', async ({ golden, parent }) => {
  const path = join(parent, 'new.v4');
  const rules = readFileSync(join(golden, 'rules.v4'), 'utf8');
  writeFileSync(
    path,
    rules.replace('-A FORWARD -o docker0', '-A FORWARD -p tcp -m osf --genre Linux -j DROP\n-A FORWARD -o docker0'),
  );
  const refused = await check('--rules', path, golden);
  assert.is(refused.status, 3);
  assert.match(refused.stderr, /new\.v4:25:\d+: .*osf/);
  const { status, stderr } = await check('--rules', path, '--lax', golden);
  assert.is(status, 0, stderr);
  assert.match(stderr, /warning: .*new\.v4:25: \d+ packets uncertain: .*osf/);
});

Check('other rules that are wrong or missing are one error, not one of each case', async ({ golden, parent }) => {
  for (const name of ['a', 'b']) cpSync(golden, join(parent, 'all', name), { recursive: true });
  const path = join(parent, 'new.v4');
  const missing = await check('--rules', path, join(parent, 'all'));
  assert.is(missing.status, 4);
  assert.is(missing.stderr.split('new.v4').length, 2, missing.stderr);
  writeFileSync(path, '*filter\n-A FORWARD -j NOWHERE\nCOMMIT\n');
  const wrong = await check('--rules', path, join(parent, 'all'));
  assert.is(wrong.status, 2);
  assert.match(wrong.stderr, /^nfreplay: .*new\.v4:2:15: /);
  assert.is(wrong.stdout, '');
});

Check(
  'other rules that are empty are refused, and a table that they do not have is said',
  async ({ golden, parent }) => {
    const given = async (text: string): Promise<Checked> => {
      writeFileSync(join(parent, 'new.v4'), text);
      return check('--rules', join(parent, 'new.v4'), golden);
    };
    const empty = await given('# nothing came of iptables-save\n\n');
    assert.is(empty.status, 2);
    assert.match(empty.stderr, /new\.v4: there are no rules in it; has iptables-save failed\?/);
    const filter = /^\*filter\n[^*]*^COMMIT$/m.exec(readFileSync(join(golden, 'rules.v4'), 'utf8'))![0];
    const without = await given(`${filter}\n`);
    assert.match(without.stderr, /new\.v4 has no table nat: the \d+ rules? of .*case there are gone/);
  },
);

Check('the rules of a snapshot are other rules, too', async ({ parent }) => {
  const [dir, other] = [join(parent, 'own'), join(parent, 'other.txt')];
  mkdirSync(dir);
  cpSync('docs/walkthrough/host.txt', join(dir, 'host.txt'));
  cpSync('docs/walkthrough/host.txt', other);
  writeFileSync(join(dir, 'case.json'), '{ "options": ["--host", "host.txt"] }');
  const claim = 'send: eth0 tcp 192.0.2.50 > 192.0.2.10:8080, ends: dropped, by: filter DOCKER-USER "-i eth0"';
  writeFileSync(join(dir, 'expect.yaml'), `expect:\n  - { ${claim} }\n`);
  assert.is((await check('--rules', other, dir)).status, 0);
  edit(other, (text) => text.replace('[0:0] -A DOCKER-USER -i eth0 -j DROP\n', ''));
  assert.is((await check('--rules', other, dir)).status, 1);
});

Check('--keep leaves a result folder for each case', async ({ golden, parent }) => {
  const other = join(parent, 'more', 'case');
  cpSync(golden, other, { recursive: true });
  const keep = join(parent, 'kept');
  const { status, stderr } = await check('--keep', keep, golden, other);
  assert.is(status, 0, stderr);
  assert.equal(readdirSync(join(keep, 'more--case')).sort(), [
    ...['conntrack.txt', 'docker0.pcap', 'dropped.pcap', 'eth0.pcap', 'local.pcap', 'rules.v4', 'summary.json'],
  ]);
  assert.is(readdirSync(keep).length, 2, 'two of one name are told apart by the folders above');
  assert.is((await check('--keep', keep, golden, other)).status, 0, 'and replaced the next time');
  const lost = await check('--keep', parent, golden);
  assert.is(lost.status, 2);
  assert.match(lost.stderr, /--keep .*: the results in .*case would replace the case .*case/);
  assert.ok(existsSync(join(golden, 'host.json')));
});

Check('--shard: each case is in one of the parts', async ({ golden, parent }) => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) cpSync(golden, join(parent, 'all', name), { recursive: true });
  const checked: string[] = [];
  for (const part of [1, 2, 3]) {
    const { status, stdout } = await check('--shard', `${part}/3`, join(parent, 'all'));
    assert.is(status, 0);
    checked.push(...[...stdout.matchAll(/^ok .*all\/(\w)/gm)].map(([, name]) => name));
  }
  assert.equal(checked.sort(), ['a', 'b', 'c', 'd', 'e']);
  assert.is((await check('--shard', '7/7', join(parent, 'all'))).status, 0);
  for (const wrong of ['0/3', '4/3', '1', '1/0', 'x/y', '-1/3'])
    assert.is((await check(`--shard=${wrong}`, golden)).status, 2, wrong);
});

Check(
  'errors name their case, all are shown, and the highest code is that of the command',
  async ({ golden, parent }) => {
    for (const name of ['a', 'b', 'c', 'd']) cpSync(golden, join(parent, 'all', name), { recursive: true });
    const at = (name: string, file: string) => join(parent, 'all', name, file);
    writeFileSync(at('a', 'case.json'), JSON.stringify({ options: ['--at', 'n5=iptables -A NOWHERE'] }));
    writeFileSync(at('b', 'case.json'), '{');
    edit(at('c', 'rules.v4'), (text) => text.replace(/COMMIT\s*$/, '-A INPUT -p tcp -m osf --genre Linux\nCOMMIT\n'));
    const { status, stdout, stderr } = await check(join(parent, 'all'));
    assert.is(status, 3, stderr);
    assert.match(stderr, /all\/a: --at n5: word 3: .*NOWHERE/);
    assert.match(stderr, /all\/b\/case\.json: not JSON/);
    assert.match(stderr, /all\/c\/rules\.v4:\d+:\d+: /);
    assert.match(stdout, /\n3 cases could not be replayed\n4 cases: 1 passed, 0 failed\n$/);
  },
);

Check(
  'claims: each is a test with its place, and its failure has the trace of the first offender',
  async ({ golden }) => {
    writeFileSync(
      join(golden, 'expect.yaml'),
      [
        'names: { redis: 172.17.0.3 }',
        'expect:',
        '  - it: Redis answers',
        '    packet: tcp redis:6379 > * in docker0 SA',
        '    ends: accepted',
        '  - it: nothing reaches Redis',
        '    never: tcp * > 192.0.2.10:36379',
      ].join('\n'),
    );
    const { status, stdout } = await check(golden);
    assert.is(status, 1, stdout);
    assert.match(stdout, /^failed .*case {2}1 of 3 tests\n/);
    assert.match(stdout, /\n {2}ok {2}Redis answers\n/);
    assert.match(stdout, /\n {2}nothing reaches Redis\n {4}\S*case\/expect\.yaml:6\n[\s\S]*?case\/rules\.v4:\d+/);
    assert.match(stdout, /\n {4}.*PREROUTING/, 'the trace');
    assert.match(stdout, /\n2 passed, 1 failed\n$/);
    rmSync(join(golden, 'want'), { recursive: true });
    assert.match((await check(golden)).stdout, /1 of 2 tests/, 'without golden captures, only the claims');
    writeFileSync(join(golden, 'expect.yaml'), 'expect:\n  - nevr: tcp * > *\n');
    const wrong = await check(golden);
    assert.is(wrong.status, 2);
    assert.match(wrong.stderr, /case\/expect\.yaml:2:5: .*never/s);
  },
);

Check(
  'claims stand before differences, and a difference is at the rule that decided or nowhere',
  async ({ golden, parent }) => {
    writeFileSync(
      join(golden, 'expect.yaml'),
      'expect:\n  - it: Redis\n    packet: tcp * > redis:6379\n    ends: accepted\n',
    );
    edit(join(golden, 'expect.yaml'), (text) => `names: { redis: 172.17.0.3 }\n${text}`);
    edit(join(golden, 'rules.v4'), (text) => text.replace(':6379\n', ':6380\n'));
    const report = join(parent, 'report.json');
    const { status, stdout } = await check('--reporter', 'pretty', '--reporter', `json=${report}`, golden);
    assert.is(status, 1);
    const tests: { name: string; place?: { file: string } }[] = JSON.parse(readFileSync(report, 'utf8')).cases[0].tests;
    assert.is(tests[0].name, 'Redis');
    assert.match(tests[1].name, /are as in want\//);
    assert.is(tests[1].place, undefined, 'captures have no lines');
    assert.ok(stdout.indexOf('Redis') < stdout.indexOf('are as in want/'));
  },
);

Check('--names: claims may use them', async ({ golden, parent }) => {
  writeFileSync(join(parent, 'names'), '172.17.0.3 redis\n');
  writeFileSync(join(golden, 'expect.yaml'), 'expect:\n  - never: tcp * > redis:22\n');
  assert.is((await check(golden)).status, 2);
  const { status, stdout, stderr } = await check('--names', join(parent, 'names'), golden);
  assert.is(status, 0, stdout + stderr);
});

Check('options of a case that expect something of its replay are tests of it', async ({ golden }) => {
  const options = (...words: string[]): void =>
    writeFileSync(join(golden, 'case.json'), JSON.stringify({ options: words }));
  options('--expect-counters', 'want/rules.v4');
  assert.match((await check(golden)).stdout, /\n {2}ok {2}rules and policies have the expected counters/);
  edit(join(golden, 'want', 'rules.v4'), (text) => text.replace(/^\[1:/m, '[2:'));
  const other = await check(golden);
  assert.is(other.status, 1);
  assert.match(other.stdout, /1 rule or policies have other counters/);
  options('--strict');
  assert.match((await check(golden)).stdout, /nothing is assumed or uncertain \(--strict\)/);
});

Check('the error about a case without an expectation says how to write one', async ({ golden }) => {
  rmSync(join(golden, 'want'), { recursive: true });
  const { status, stderr } = await check(golden);
  assert.is(status, 4);
  assert.match(
    stderr,
    /case: nothing is expected: there is neither want\/ nor expect\.yaml; .* nfreplay check --update .*case make/,
  );
  assert.is((await check('--update', golden)).status, 0);
  assert.is((await check(golden)).status, 0);
});

Check('a damaged expectation is an error, never a difference', async ({ golden }) => {
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
    const { status, stdout, stderr } = await check(golden);
    assert.match(stderr, says);
    assert.is(status, 4, name);
    assert.match(stdout, /^error .*case {2}could not be replayed\n/);
    writeFileSync(want(name), whole);
  }
  assert.is((await check(golden)).status, 0);
});

/** BYTES up to the last TEXT. */
function cut(bytes: Buffer, text: string): Buffer {
  return bytes.subarray(0, bytes.lastIndexOf(text));
}

Check('a folder with anything else in want/ is not replaced', async ({ golden }) => {
  writeFileSync(join(golden, 'want', 'notes.md'), 'mine');
  const { status, stderr } = await check('--update', golden);
  assert.is(status, 4);
  assert.match(stderr, /want contains a file that no run wrote \(notes\.md\)/);
  assert.is(readFileSync(join(golden, 'want', 'notes.md'), 'utf8'), 'mine');
});

Check('an expectation that a killed process has moved away is put back', async ({ golden }) => {
  renameSync(join(golden, 'want'), join(golden, '.want.previous-x-1'));
  assert.is((await check(golden)).status, 0);
  assert.equal(readdirSync(golden).sort(), ['README.md', 'host.json', 'in', 'rules.v4', 'want']);
});

Check('a stitched case', async ({ golden }) => {
  cpSync(join(golden, 'in', 'docker0.pcap'), join(golden, 'stitch.pcap'));
  rmSync(join(golden, 'in'), { recursive: true });
  assert.is((await check('--update', golden)).status, 0);
  const { status, stdout } = await check(golden);
  assert.is(status, 0);
  assert.match(stdout, /ok .* [1-9]\d* packets/);
});

Check('the other cases are checked even if one fails', async ({ golden, parent }) => {
  for (const name of ['a', 'b', 'c']) cpSync(golden, join(parent, 'all', name), { recursive: true });
  edit(join(parent, 'all', 'a', 'rules.v4'), (text) => text.replace('-j MASQUERADE', '-j MASKERADE'));
  const { status, stdout, stderr } = await check(join(parent, 'all'));
  assert.is(status, 2);
  assert.match(
    stdout,
    /^error .*a {2}could not be replayed\nok .*\nok .*\n1 case could not be replayed\n3 cases: 2 passed, 0 failed\n$/,
  );
  assert.match(stderr, /a\/rules\.v4:\d+:\d+: .*MASKERADE/);
});

Check('a truncated input is a warning; --update refuses it unless it is allowed', async ({ golden }) => {
  const input = join(golden, 'in', 'docker0.pcap');
  writeFileSync(input, readFileSync(input).subarray(0, -1));
  const warning = /^nfreplay: warning: .*in\/docker0\.pcap: byte \d+: the capture is truncated/;
  const checked = await check(golden);
  assert.is(checked.status, 1);
  assert.match(checked.stderr, warning);

  const want = readFileSync(join(golden, 'want', 'rules.v4'));
  const refused = await check('--update', golden);
  assert.is(refused.status, 4);
  assert.match(refused.stderr, /in\/docker0\.pcap: byte \d+: the capture is truncated/);
  assert.match(refused.stderr, /; .*\/want is unchanged \(--update --allow-truncated accepts such an input\)\n$/);
  assert.not.match(refused.stderr, '\\x0a');
  assert.equal(readFileSync(join(golden, 'want', 'rules.v4')), want);

  const allowed = await check('--update', '--allow-truncated', golden);
  assert.is(allowed.status, 0, allowed.stderr);
  assert.match(allowed.stderr, warning);
  const again = await check(golden);
  assert.is(again.status, 0);
  assert.match(again.stderr, warning);
  assert.is((await check('--allow-truncated', golden)).status, 2);
});

Check('every warning of a replay is shown', async ({ golden }) => {
  const host = JSON.parse(readFileSync(join(golden, 'host.json'), 'utf8'));
  host.sysctl = { ...host.sysctl, 'net.ipv4.conf.eth9.rp_filter': 1 };
  writeFileSync(join(golden, 'host.json'), JSON.stringify(host));
  const { status, stderr } = await check(golden);
  assert.is(status, 0);
  assert.match(stderr, /^nfreplay: warning: .*case\/host\.json: .*eth9/);
});

Check('a file in in/ that is no capture by its name is refused, not left out', async ({ golden }) => {
  for (const name of ['docker1.pcap.xz', 'eth0', 'notes.txt', 'eth0.cap']) {
    const file = join(golden, 'in', name);
    writeFileSync(file, '');
    const { status, stderr } = await check(golden);
    assert.is(status, 2, name);
    assert.ok(stderr.includes(`in/${name}: not the name of an input; expected IFACE.pcap or IFACE.pcapng`), stderr);
    rmSync(file);
  }
  writeFileSync(join(golden, 'in', '.DS_Store'), '');
  assert.is((await check(golden)).status, 0);
  cpSync(join(golden, 'in', 'docker0.pcap'), join(golden, 'stitch.pcap'));
  const both = await check(golden);
  assert.is(both.status, 2);
  assert.match(both.stderr, /both .*in\/docker0\.pcap and stitch\.pcap/);
});

Check('a capture that is missing in want/ is an error that names it', async ({ golden }) => {
  rmSync(join(golden, 'want', 'docker0.pcap'));
  const { status, stderr } = await check(golden);
  assert.is(status, 4);
  assert.match(stderr, /want\/docker0\.pcap is missing \(nfreplay check --update writes it\)/);
});

Check('a file of claims that is faulty, or has another name, is said to be', async ({ parent, golden }) => {
  writeFileSync(join(golden, 'expect.yml'), 'expect: [{ send: eth0 tcp 203.0.113.7 > 192.0.2.10:22 }]\n');
  const misnamed = await check(golden);
  assert.is(misnamed.status, 2);
  assert.match(misnamed.stderr, /case\/expect\.yml is not read; call it expect\.yaml\n/);
  rmSync(join(golden, 'expect.yml'));
  writeFileSync(join(golden, 'expect.yaml'), 'expect:\n  - sent: tcp * > *:22\n');
  const faulty = await check(golden);
  assert.is(faulty.status, 2);
  assert.match(faulty.stdout, /^error .*case {2}expect\.yaml cannot be read\n0 passed, 0 failed\n$/);
  const terse = (await check('--reporter', 'terse', golden)).stdout.split('\t');
  assert.match(terse[2], /case\/expect\.yaml:2$/);
  assert.is(terse[3], 'expect.yaml can be read');
  cpSync(join(golden), join(parent, 'other'), { recursive: true });
  assert.match(
    (await check(parent)).stdout,
    /\n2 cases not checked, as expect\.yaml cannot be read\n2 cases: 0 passed/,
  );
});

Check('folders that are not a case', async ({ parent }) => {
  assert.is((await check()).status, 2);
  assert.is((await check(join(parent, 'nothing'))).status, 4);
  mkdirSync(join(parent, 'empty'));
  const empty = await check(join(parent, 'empty'));
  assert.is(empty.status, 2);
  assert.match(empty.stderr, /empty: neither a case nor a folder of cases; a case has a host\.json/);
  assert.is((await check(join(parent, 'case', 'host.json'))).status, 2);
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
      assert.match(stdout, /^error .*case {2}could not be replayed\n0 passed, 0 failed\n$/);
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
    assert.match(
      stdout,
      /^error .*case .*\nok .*good .*\n1 case could not be replayed\n2 cases: 1 passed, 0 failed\n$/,
    );
    assert.match(ends('--update', golden).stderr, 'want contains a file that no run wrote (conntrack.txt)');
    rmSync(path);
    mkdirSync(path);
    assert.match(ends(golden).stderr, 'conntrack.txt is a folder; expected a file');
  });

  Check('rules from a pipe are refused: each case reads them', ({ golden, parent }) => {
    const pipe = join(parent, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const given of [pipe, '-', `filter=${pipe}`]) {
      const { status, stderr } = ends('--rules', given, golden);
      assert.match(stderr, 'can be read only once');
      assert.is(status, 2);
    }
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

Check('a file in place of a folder of the case is an error about that file', async ({ golden }) => {
  for (const name of ['want', 'in']) {
    const path = join(golden, name);
    renameSync(path, `${path}.kept`);
    writeFileSync(path, '');
    const { status, stderr } = await check(golden);
    assert.match(stderr, `${name}: not a folder`);
    assert.is(status, 4, stderr);
    rmSync(path);
    renameSync(`${path}.kept`, path);
  }
});

Check.run();
