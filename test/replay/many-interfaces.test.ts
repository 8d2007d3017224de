import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeEst64 } from '../../bench/est64.js';
import { PCAP_FILE_HEADER_BYTES } from '../../codecs/pcap.js';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import { bytesEqual } from '../bytes.js';

const ManyInterfaces = suite('many interfaces');

const INTERFACES = 1200;
const HOST = 'pcaps/docker/host.json';

/** The host of the example, with so many interfaces between lo and those two that it has. */
function hostWithInterfacesBetween(count: number): string {
  const host = JSON.parse(readFileSync(HOST, 'utf8'));
  const added = Array.from({ length: count }, (_, index) => {
    const local = `10.${index >> 8}.${index & 255}.1`;
    const hex = index.toString(16).padStart(4, '0');
    const address = `02:01:00:00:${hex.slice(0, 2)}:${hex.slice(2)}`;
    return { ifname: `veth${index}`, address, mtu: 1500, addr_info: [{ family: 'inet', local, prefixlen: 24 }] };
  });
  return JSON.stringify({ ...host, addr: [...added, ...host.addr] });
}

ManyInterfaces('the last of 1,200 interfaces gets its packets, in every engine', () => {
  const dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
  try {
    const { eth0, docker0 } = writeEst64(dir, 2000, 20);
    const options = (hostPath: string, outDir: string): ReplayOptions => ({
      rulesPath: 'pcaps/docker/rules.v4',
      hostPath,
      inputs: [
        { iface: 'eth0', path: eth0 },
        { iface: 'docker0', path: docker0 },
      ],
      outDir: join(dir, outDir),
    });
    const manyPath = join(dir, 'many.json');
    writeFileSync(manyPath, hostWithInterfacesBetween(INTERFACES - 2));
    replay(options(HOST, 'few'));
    for (const engine of EMULATOR_ENGINES) {
      const summary = replay({ ...options(manyPath, 'many'), engine });
      assert.is(summary.packets.forwarded, 2000, engine);
      for (const name of readdirSync(join(dir, 'few'))) {
        if (name === 'summary.json') continue;
        bytesEqual(readFileSync(join(dir, 'many', name)), readFileSync(join(dir, 'few', name)), `${engine}: ${name}`);
      }
      // Nothing left by the others.
      const [first, last] = ['veth0.pcap', `veth${INTERFACES - 3}.pcap`];
      for (const name of [first, last]) {
        assert.is(readFileSync(join(dir, 'many', name)).length, PCAP_FILE_HEADER_BYTES, `${engine}: ${name}`);
      }
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});

ManyInterfaces.run();
