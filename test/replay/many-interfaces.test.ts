import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Est64, writeEst64 } from '../../bench/est64.js';
import { PCAP_FILE_HEADER_BYTES } from '../../codecs/pcap.js';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import { replay } from '../../replay/replay.js';
import { bytesEqual } from '../bytes.js';

const ManyInterfaces = suite('many interfaces');

/** Interfaces before and after the two of the example, which have numbers 1024 and 1025, as lo is 0. */
const BEFORE = 1023;
const AFTER = 174;
const HOST = 'pcaps/docker/host.json';
const RULES = 'pcaps/docker/rules.v4';
const PACKETS = 2000;

let dir = '';
let work: Est64;
let manyPath = '';
ManyInterfaces.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
  work = writeEst64(dir, PACKETS, 20);
  manyPath = join(dir, 'many.json');
  writeFileSync(manyPath, hostWithManyInterfaces());
});
ManyInterfaces.after(() => rmSync(dir, { recursive: true }));

/** The host of the example among other interfaces. */
function hostWithManyInterfaces(): string {
  const host = JSON.parse(readFileSync(HOST, 'utf8'));
  const others = Array.from({ length: BEFORE + AFTER }, (_, index) => {
    const local = `10.${index >> 8}.${index & 255}.1`;
    const hex = index.toString(16).padStart(4, '0');
    const address = `02:01:00:00:${hex.slice(0, 2)}:${hex.slice(2)}`;
    return { ifname: `veth${index}`, address, mtu: 1500, addr_info: [{ family: 'inet', local, prefixlen: 24 }] };
  });
  return JSON.stringify({ ...host, addr: [...others.slice(0, BEFORE), ...host.addr, ...others.slice(BEFORE)] });
}

ManyInterfaces('each interface gets its packets, in every engine', () => {
  const inputs = [
    { iface: 'eth0', path: work.eth0 },
    { iface: 'docker0', path: work.docker0 },
  ];
  replay({ rulesPath: RULES, hostPath: HOST, inputs, outDir: join(dir, 'few') });
  for (const engine of EMULATOR_ENGINES) {
    const outDir = join(dir, 'many');
    const summary = replay({ rulesPath: RULES, hostPath: manyPath, inputs, outDir, engine });
    assert.is(summary.packets.forwarded, PACKETS, engine);
    for (const name of readdirSync(join(dir, 'few'))) {
      if (name === 'summary.json') continue;
      bytesEqual(readFileSync(join(outDir, name)), readFileSync(join(dir, 'few', name)), `${engine}: ${name}`);
    }
    // Nothing left by the others.
    for (const name of ['veth0.pcap', `veth${BEFORE + AFTER - 1}.pcap`]) {
      assert.is(readFileSync(join(outDir, name)).length, PCAP_FILE_HEADER_BYTES, `${engine}: ${name}`);
    }
  }
});

ManyInterfaces('what leaves by them goes to standard output', () => {
  const out = (hostPath: string, engine: string): Buffer => {
    const inputs = ['--in', `eth0=${work.eth0}`, '--in', `docker0=${work.docker0}`];
    const words = ['--rules', RULES, '--host', hostPath, ...inputs, '--engine', engine, '--out', '-'];
    const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli/main.js', 'replay', ...words]);
    assert.is(status, 0, String(stderr));
    return stdout;
  };
  const expected = out(HOST, 'interpreter');
  assert.ok(expected.length > PACKETS * 64);
  for (const engine of ['remembered', 'interpreter']) bytesEqual(out(manyPath, engine), expected, engine);
});

ManyInterfaces.run();
