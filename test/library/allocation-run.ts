/**
 * A process of its own, so that V8 starts anew: prints the bytes of heap a packet in each stretch of packets, as JSON,
 * on the way that the engine named on the command line takes.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeEst64 } from '../../bench/est64.js';
import { CAPTURE_HEADROOM_BYTES } from '../../codecs/capture.js';
import { CaptureMerger } from '../../codecs/merge.js';
import { createEmulator, type EmulatorEngine } from '../../core/emulator.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { openCaptureFile } from '../../io/capture-file.js';

const PACKETS = 240_000;
const CONNECTIONS = 500;
const WINDOW_PACKETS = 20_000;

/** In stretches of WINDOW_PACKETS. */
function heapBytesByWindow(engine: EmulatorEngine): number[] {
  const dir = mkdtempSync(join(tmpdir(), 'nfreplay-allocation-'));
  try {
    const files = writeEst64(dir, PACKETS, CONNECTIONS);
    const readers = [openCaptureFile(files.eth0), openCaptureFile(files.docker0)];
    const merger = new CaptureMerger(readers);
    const frame = new Frame();
    const host = loadHost(readFileSync('pcaps/docker/host.json', 'utf8'), 'host.json');
    const ruleset = parseRuleset(readFileSync('pcaps/docker/rules.v4', 'utf8'), 'rules.v4');
    const devs = [host.interfaceIndex('eth0'), host.interfaceIndex('docker0')];
    let forwarded = 0;
    const emulator = createEmulator(
      { ruleset, host, engine },
      {
        egress() {
          forwarded++;
        },
        local() {},
        dropped() {},
      },
    );
    const used: number[] = [];
    let before = process.memoryUsage().heapUsed;
    let packets = 0;
    for (let index = merger.next(); index >= 0; index = merger.next()) {
      frame.setRecord(readers[index], CAPTURE_HEADROOM_BYTES);
      frame.dev = devs[index];
      emulator.receive(frame);
      if (++packets % WINDOW_PACKETS === 0) {
        const now = process.memoryUsage().heapUsed;
        used.push((now - before) / WINDOW_PACKETS);
        before = now;
      }
    }
    if (forwarded !== PACKETS) throw new Error(`forwarded ${forwarded} packets of ${PACKETS}`);
    return used;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

console.log(JSON.stringify(heapBytesByWindow(process.argv[2] as EmulatorEngine)));
