/** Completion in real shells, and the manual page in real formatters; those that are not installed are left out. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SHELLS } from '../../cli/commands/completion.js';
import { COMMANDS } from '../../cli/commands/index.js';
import { completionScript } from '../../cli/completion.js';
import { EXIT_CODES, optionsOf } from '../../cli/help.js';

const Completion = suite('completion and manual page');

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const PAGE = fileURLToPath(new URL('../../man/nfreplay.1', import.meta.url));
const HOST = fileURLToPath(new URL('../../../pcaps/docker/host.json', import.meta.url));

let dir = '';
Completion.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
  for (const shell of SHELLS) writeFileSync(join(dir, `nfreplay.${shell}`), completionScript(shell));
  // What is completed, in a folder of its own.
  mkdirSync(join(dir, 'work/results'), { recursive: true });
  for (const name of ['rules.v4', 'wan.pcap']) writeFileSync(join(dir, 'work', name), '');
});
Completion.after(() => rmSync(dir, { recursive: true, force: true }));

const isInstalled = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;
const where = (program: string) => (isInstalled(program) ? Completion : Completion.skip);

function run(program: string, args: readonly string[]): string {
  const env = { ...process.env, LC_ALL: 'C.UTF-8', TERM: 'dumb', ZDOTDIR: dir, HOME: dir };
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: join(dir, 'work'), encoding: 'utf8', env });
  assert.equal([status, stderr], [0, ''], `${program} ${args.join(' ')}`);
  return stdout;
}

/** What bash offers for the last word of LINE; nothing: it completes file names. */
function inBash(line: string): string[] {
  const script = `source "$1"; COMP_LINE=$2 COMP_POINT=\${#2}; complete -p nfreplay >/dev/null || exit 1
    _nfreplay; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return run('bash', ['--norc', '-c', script, 'bash', join(dir, 'nfreplay.bash'), line])
    .trim()
    .split('\n')
    .sort();
}

/** What fish offers for the last word of LINE. */
function inFish(line: string): string[] {
  const script = `source ${join(dir, 'nfreplay.fish')}; complete -C ${JSON.stringify(line)}`;
  const lines = run('fish', ['--no-config', '-c', script]).trim().split('\n');
  return lines.map((text) => text.split('\t')[0]).sort();
}

/** LINES after zsh has completed each of them, as far as it goes. */
function inZsh(lines: readonly string[]): string[] {
  // Tab completes; ^X prints the line and clears it.
  const interactive = `PS1=; autoload -Uz compinit; compinit -u -D; source ${join(dir, 'nfreplay.zsh')}
show() { print -r -- "<$BUFFER>"; BUFFER= }; zle -N show; bindkey '^X' show; print READY`;
  const script = `zmodload zsh/zpty; zpty inner zsh -f -i
zpty -w inner $1; zpty -r inner answer '*READY'; shift
for line; do zpty -w -n inner $line$'\\t\\x18'; zpty -r inner answer '*<nfreplay*>'; print -r -- $answer; done`;
  const printed = run('zsh', ['-f', '-c', script, 'zsh', interactive.replaceAll('\n', ';'), ...lines]);
  return [...printed.matchAll(/<(nfreplay.*?) ?>/g)].map(([, line]) => line);
}

where('bash')('bash completes commands, options, values, interfaces and files', () => {
  assert.equal(inBash('nfreplay repl'), ['replay']);
  assert.equal(inBash('nfreplay '), [...COMMANDS.map(({ name }) => name), '--help', '--version'].sort());
  for (const spec of COMMANDS) {
    const options = optionsOf(spec).map(({ name }) => `--${name}`);
    assert.equal(inBash(`nfreplay ${spec.name} -`), options.sort(), spec.name);
  }
  assert.equal(inBash('nfreplay replay --engine co'), ['compiled']);
  assert.equal(inBash('nfreplay replay --color=a'), ['always', 'auto']);
  for (const text of ['--out r', '-o r']) assert.equal(inBash(`nfreplay replay ${text}`), [''], 'folders');
  assert.equal(inBash('nfreplay completion '), ['bash', 'fish', 'zsh']);
  assert.equal(inBash('nfreplay help ben'), ['bench']);
  assert.equal(inBash('nfreplay replay --in '), ['local=']);
  assert.equal(inBash(`nfreplay replay --host ${HOST} --in `), ['docker0=', 'eth0=', 'local=']);
  assert.equal(inBash(`nfreplay replay --host=${HOST} --in e`), ['eth0=']);
  const folder = mkdtempSync(join(tmpdir(), 'nfreplay-host-'));
  writeFileSync(join(folder, 'addr.json'), '[{"ifindex":1,"ifname":"lo"},{"ifname":"wan"},{"ifname":"wan"}]');
  assert.equal(inBash(`nfreplay replay --host ${folder} --in `), ['local=', 'wan=']);
  rmSync(folder, { recursive: true });
  for (const file of ['replay --rules r', 'replay --in eth0=w', 'replay --rules=', 'check --reporter tap=w'])
    assert.equal(inBash(`nfreplay ${file}`), [''], file);
  assert.equal(inBash('nfreplay check --reporter t'), ['tap', 'terse']);
  assert.equal(inBash('nfreplay check --reporter=ju'), ['junit']);
});

where('bash')('bash offers an option once, unless it may be repeated', () => {
  const offered = inBash('nfreplay replay --rules r --host=h --in eth0=x --');
  assert.not(offered.includes('--rules') || offered.includes('--host'));
  assert.ok(offered.includes('--in') && offered.includes('--stitch'));
});

where('zsh')('zsh completes commands, options, values, interfaces and files', () => {
  const completed: Record<string, string> = {
    'nfreplay repl': 'nfreplay replay',
    'nfreplay replay --ru': 'nfreplay replay --rules=',
    'nfreplay replay --rules ru': 'nfreplay replay --rules rules.v4',
    'nfreplay replay --engine co': 'nfreplay replay --engine compiled',
    'nfreplay replay --color=al': 'nfreplay replay --color=always',
    'nfreplay replay --in lo': 'nfreplay replay --in local=',
    [`nfreplay replay --host ${HOST} --in d`]: `nfreplay replay --host ${HOST} --in docker0=`,
    'nfreplay replay --in eth0=w': 'nfreplay replay --in eth0=wan.pcap',
    'nfreplay replay --out re': 'nfreplay replay --out results/',
    'nfreplay replay -o re': 'nfreplay replay -o results/',
    'nfreplay check re': 'nfreplay check results/',
    'nfreplay check --reporter ju': 'nfreplay check --reporter junit',
    'nfreplay check --reporter tap=w': 'nfreplay check --reporter tap=wan.pcap',
    'nfreplay completion z': 'nfreplay completion zsh',
    'nfreplay help ben': 'nfreplay help bench',
  };
  assert.equal(inZsh(Object.keys(completed)), Object.values(completed));
});

where('fish')('fish completes commands, options, values, interfaces and files', () => {
  assert.equal(inFish('nfreplay '), COMMANDS.map(({ name }) => name).sort());
  for (const spec of COMMANDS) {
    const options = optionsOf(spec).map(({ name }) => `--${name}`);
    assert.equal(inFish(`nfreplay ${spec.name} --`), options.sort(), spec.name);
  }
  assert.equal(inFish('nfreplay replay --rules ru'), ['rules.v4']);
  assert.equal(inFish('nfreplay replay --engine co'), ['compiled']);
  assert.equal(inFish('nfreplay replay --color=al'), ['--color=always']);
  assert.equal(inFish('nfreplay replay --in '), ['local=']);
  assert.equal(inFish(`nfreplay replay --host ${HOST} --in `), ['docker0=', 'eth0=', 'local=']);
  assert.equal(inFish('nfreplay replay --in eth0=w'), ['eth0=wan.pcap']);
  assert.equal(inFish('nfreplay replay --out r'), ['results/']);
  assert.equal(inFish('nfreplay replay -o r'), ['results/']);
  assert.equal(inFish('nfreplay check --reporter t'), ['tap', 'terse']);
  assert.equal(inFish('nfreplay check --reporter tap=w'), ['tap=wan.pcap']);
  assert.equal(inFish('nfreplay completion z'), ['zsh']);
  assert.equal(inFish('nfreplay help ben'), ['bench']);
});

Completion('the command prints the script of a shell, and suggests the nearest shell', () => {
  for (const shell of SHELLS) assert.is(run(process.execPath, [MAIN, 'completion', shell]), completionScript(shell));
  const fails = (...args: string[]) => spawnSync(process.execPath, [MAIN, 'completion', ...args], { encoding: 'utf8' });
  assert.match(fails('bahs').stderr, 'unknown shell: bahs; expected one of bash, zsh, fish; did you mean bash?');
  assert.is(fails('bahs').status, 2);
  assert.match(fails().stderr, 'expected one of bash, zsh, fish');
});

/** The manual page as a terminal shows it. */
const FORMATTERS: Record<string, readonly string[]> = {
  groff: ['-man', '-Tutf8', '-ww', '-P-c', '-P-b', '-P-u', '-rLL=200n'],
  mandoc: ['-T', 'utf8', '-O', 'width=200', '-W', 'error'],
};

for (const [formatter, args] of Object.entries(FORMATTERS)) {
  where(formatter)(`${formatter} shows every command, option, example and exit code in the manual page`, () => {
    const text = run(formatter, [...args, PAGE])
      .replace(/.[\b]/g, '')
      .replace(/\s+/g, ' ');
    for (const { name, options, examples } of COMMANDS) {
      assert.match(text, `nfreplay ${name}`);
      for (const option of options) assert.ok(text.includes(`--${option.name}`), option.name);
      for (const { command } of examples) assert.ok(text.replaceAll(' \\ ', ' ').includes(command), command);
    }
    for (const [code] of EXIT_CODES) assert.match(text, new RegExp(` ${String(code).replace('+', '[+]')} [A-Z]`));
    assert.match(text, "one Linux host's");
  });
}

Completion('the exit codes in README are those of the help', () => {
  const table = /## Exit codes\n\n([\s\S]*?)\n\n/.exec(readFileSync('README.md', 'utf8'))?.[1] ?? '';
  for (const [code, meaning] of EXIT_CODES) assert.match(table, `\n| ${code} | ${meaning}`);
});

Completion('the manual page is part of the package', () => {
  const { man, files } = JSON.parse(
    readFileSync(fileURLToPath(new URL('../../../package.json', import.meta.url)), 'utf8'),
  );
  assert.is(man, 'dist/man/nfreplay.1');
  assert.ok(files.includes('dist/man'));
});

Completion.run();
