// `nfreplay doctor` from outside: its exit codes, and its JSON as docs/schema/doctor.schema.json describes it.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FINDINGS } from '../../explain/findings.js';

const Command = suite('nfreplay doctor');

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const SCHEMA = JSON.parse(readFileSync('docs/schema/doctor.schema.json', 'utf8'));
const isValid = new Ajv2020({ allErrors: true, strictTypes: false }).compile(SCHEMA);

interface Output {
  readonly findings: readonly { readonly code: string }[];
  readonly clean: readonly string[];
  readonly notMade: readonly { readonly code: string; readonly lacks: readonly string[] }[];
}

function assertValid(output: unknown): void {
  assert.ok(isValid(output), JSON.stringify(isValid.errors, null, 1));
}

function doctor(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'doctor', ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

const caseOf = (dir: string): string[] => ['--rules', `${dir}/rules.v4`, '--host', `${dir}/host.json`];
const ESCAPE = 'pcaps/out-of-window-escape';
const ESCAPING = [
  ...caseOf(ESCAPE),
  ...['docker0', 'eth0'].flatMap((dev) => ['--in', `${dev}=${ESCAPE}/in/${dev}.pcap`]),
];

Command('findings end it with 1, and their JSON is valid', () => {
  const { status, stdout } = doctor(...ESCAPING, '--json');
  const found: Output = JSON.parse(stdout);
  assertValid(found);
  assert.equal(
    found.findings.map(({ code }) => code),
    ['invalid-escapes'],
  );
  assert.equal(found.notMade, [{ code: 'outdated-connection', lacks: ['changes'] }]);
  assert.is(status, 1);
});

Command('nothing found ends it with 0, and says what was not looked for without captures', () => {
  const text = doctor(...caseOf('pcaps/docker'));
  assert.is(text.status, 0);
  assert.match(text.stdout, /^no failure found\n/);
  assert.match(text.stdout, /\nnot looked for, for lack of captures\n/);
  const json = doctor(...caseOf('pcaps/docker'), '--json');
  const found: Output = JSON.parse(json.stdout);
  assertValid(found);
  assert.equal(found.findings, []);
  assert.is(found.clean.length + found.notMade.length, Object.keys(FINDINGS.doctor).length);
});

Command('a pipe is refused, as captures are read again', () => {
  const { status, stderr } = doctor(...caseOf('pcaps/docker'), '--in', 'eth0=-');
  assert.is(status, 2);
  assert.match(stderr, /standard input can be read only once; doctor requires a file/);
});

Command('--strict ends with 1 where something had to be assumed', () => {
  const { status, stderr } = doctor(...caseOf('pcaps/docker'), '--strict');
  assert.is(status, 1);
  assert.match(stderr, /--strict: \d+ assumptions/);
});

Command('lines fit the terminal', () => {
  for (const columns of ['60', '80', '200']) {
    const { stdout } = spawnSync(process.execPath, [MAIN, 'doctor', ...ESCAPING], {
      encoding: 'utf8',
      env: { ...process.env, COLUMNS: columns },
    });
    // A path is not broken.
    for (const line of stdout.split('\n')) assert.ok(line.length <= Number(columns), line);
  }
});

Command('the schema knows every code', () => {
  assert.equal(SCHEMA.$defs.code.enum, Object.keys(FINDINGS.doctor));
});

Command.run();
