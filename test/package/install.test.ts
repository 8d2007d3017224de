// The package as npm publishes it: packed, installed in an empty folder, run and imported.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const Package = suite('package');

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));
const DOCKER = join(PROJECT, 'pcaps/docker');

/** The environment without the variables that `npm test` sets for this project. */
const ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));

let dir = '';
let home = '';

function run(program: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8', env: ENVIRONMENT });
  assert.is(status, 0, `${program} ${args.join(' ')}: ${error?.message ?? stderr + stdout}`);
  return stdout;
}

Package.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
  home = join(dir, 'user');
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{"name":"user","private":true,"type":"module"}');
  run('npm', ['pack', '--ignore-scripts', '--pack-destination', dir], PROJECT);
  const tarball = join(dir, readdirSync(dir).find((name) => name.endsWith('.tgz'))!);
  // Its dependencies come from here, so that no registry is needed.
  const { dependencies } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
  const folders = Object.keys(dependencies).map((name) => join(PROJECT, 'node_modules', name));
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--install-links', tarball, ...folders], home);
});
Package.after(() => rmSync(dir, { recursive: true, force: true }));

const installed = (...names: string[]) => join(home, 'node_modules/nfreplay', ...names);
const npx = (...args: string[]) => run('npx', ['--no-install', 'nfreplay', ...args], home);

Package('ships the command once, with source maps, and nothing that only the project needs', () => {
  assert.equal(
    readdirSync(installed('dist')).sort(),
    ['cli', 'codecs', 'core', 'docker', 'io', 'man', 'pages', 'replay', 'wasm'],
    'folders of the package',
  );
  // What editors need, as docs/expectations.md says.
  assert.ok(existsSync(installed('docs/schema/expect.schema.json')));
  const cli = readdirSync(installed('dist/cli'));
  assert.ok(cli.includes('main.js') && cli.includes('main.js.map'));
  assert.equal(
    cli.filter((name) => !/^main(-\w+)?\.js(\.map)?$/.test(name)),
    [],
    'modules beside the bundle',
  );
  for (const module of ['core/index', 'replay/index', 'codecs/index', 'io/capture-file']) {
    const map = JSON.parse(readFileSync(installed('dist', `${module}.js.map`), 'utf8'));
    assert.is(map.sources.length, 1);
    assert.ok(map.sourcesContent[0].length > 0, 'a map holds its source, as the package has no .ts');
  }
});

Package('runs as a command', () => {
  assert.match(npx('--help'), 'usage: nfreplay COMMAND');
  const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
  assert.is(npx('--version'), `${version}\n`);
  const words = ['--rules', join(DOCKER, 'rules.v4'), '--host', join(DOCKER, 'host.json'), '--out', 'out'];
  const ins = ['eth0', 'docker0'].flatMap((iface) => ['--in', `${iface}=${join(DOCKER, 'in', `${iface}.pcap`)}`]);
  npx('replay', ...words, ...ins);
  const got = readFileSync(join(home, 'out/docker0.pcap'));
  const wanted = readFileSync(join(DOCKER, 'want/docker0.pcap'));
  assert.is(got.length, wanted.length);
});

Package('is imported by each of its entries', () => {
  const names = [
    ['nfreplay', 'createEmulator'],
    ['nfreplay/replay', 'replay'],
    ['nfreplay/codecs', 'openCapture'],
  ];
  for (const [entry, name] of names) {
    const script = `import { ${name} } from '${entry}'; console.log(typeof ${name});`;
    assert.is(run(process.execPath, ['--input-type=module', '-e', script], home), 'function\n');
  }
});

Package.run();
