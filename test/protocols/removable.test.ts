/** A protocol is one file and one line of the index: without SCTP's, the project builds, and tracks SCTP as generic. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const Removable = suite('a protocol can be taken out');

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
/**
 * Folders that a build does not read. From dist/ it needs the output of wasm/build.mjs, which does not depend on SCTP.
 */
const LEFT_OUT = ['.git', 'dist', 'node_modules', 'out', 'pcaps'];
const OWN_FILES = ['core/protocols/sctp.ts', 'test/protocols/sctp.test.ts'];
const INDEX = 'core/protocols/index.ts';
const OWN_LINE = "export { sctp } from './sctp.js';\n";

/**
 * The case `sctp`, which tells its packets and their lengths. Generic: an entry a pair of addresses, 600 s, never
 * ASSURED.
 */
const AS_GENERIC = [
  'ipv4     2 unknown  132 599 src=172.17.0.3 dst=198.51.100.5 packets=9 bytes=404 ' +
    'src=198.51.100.5 dst=192.0.2.10 packets=5 bytes=208 mark=0 use=1',
  'ipv4     2 unknown  132 599 src=203.0.113.7 dst=192.0.2.10 packets=3 bytes=152 ' +
    'src=172.17.0.3 dst=203.0.113.7 packets=3 bytes=140 mark=0 use=1',
];

function copyWithoutSctp(folder: string): void {
  const copied = [...readdirSync(PROJECT).filter((name) => !LEFT_OUT.includes(name)), 'dist/wasm'];
  for (const name of copied) {
    cpSync(join(PROJECT, name), join(folder, name), {
      recursive: true,
      preserveTimestamps: true,
      filter: (path) => !path.endsWith('.pcap') && !OWN_FILES.some((own) => path === join(PROJECT, own)),
    });
  }
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
  const index = readFileSync(join(PROJECT, INDEX), 'utf8');
  assert.ok(index.includes(OWN_LINE));
  writeFileSync(join(folder, INDEX), index.replace(OWN_LINE, ''));
}

Removable('without SCTP its packets are tracked as those of any other protocol', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nfreplay-without-sctp-'));
  try {
    copyWithoutSctp(folder);
    execFileSync(process.execPath, ['build.mjs'], { cwd: folder, stdio: 'pipe' });
    const sctpCase = join(PROJECT, 'pcaps/sctp');
    const files = ['--rules', `${sctpCase}/rules.v4`, '--host', `${sctpCase}/host.json`];
    const inputs = ['eth0', 'docker0'].flatMap((dev) => ['--in', `${dev}=${sctpCase}/in/${dev}.pcap`]);
    const out = join(folder, 'got');
    const command = [join(folder, 'dist/cli/main.js'), 'replay', ...files, ...inputs, '--out', out];
    execFileSync(process.execPath, command, { stdio: 'pipe' });
    const listed = readFileSync(join(out, 'conntrack.txt'), 'utf8').trim().split('\n').sort();
    assert.equal(listed, AS_GENERIC);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

Removable.run();
