// Times one replay in a separate process: `node replay-once.js SPEC`, where SPEC is a `ReplaySpec` in JSON. Prints a
// `ReplayResult` as one line of JSON. Does the same as `nfreplay replay` until the output captures are closed.
import { readFileSync } from 'node:fs';
import { Outcome } from '../core/emulator.js';
import { loadHost } from '../core/host/host.js';
import { parseRuleset } from '../core/rules/parse/parse.js';
import { ReplayRun } from '../replay/replay-run.js';
import type { ReplayResult, ReplaySpec } from './replay-result.js';

const STEP_PACKETS = 50_000;
const MIB = 2 ** 20;

const spec: ReplaySpec = JSON.parse(process.argv[2]);

const preparedFromMs = performance.now();
const host = loadHost(readFileSync(spec.hostPath, 'utf8'), spec.hostPath);
const ruleset = parseRuleset(readFileSync(spec.rulesPath, 'utf8'), spec.rulesPath);
const inputs = spec.inputs.map(({ iface, path }) => ({ dev: host.interfaceIndex(iface), path }));
const run = new ReplayRun({ ruleset, host, checksums: 'auto' }, inputs, spec.outDir, Number.POSITIVE_INFINITY);
const prepareMs = performance.now() - preparedFromMs;

// Garbage from parsing the rules is not a cost of packets; `ready` and `est64.command` include it.
globalThis.gc?.();

const startedCpu = process.cpuUsage();
const startedMs = performance.now();
let settledFromMs = startedMs;
const rssMiB: number[] = [];
let hasMore = true;
let nextSampleAt = STEP_PACKETS;
if (spec.settlingPackets > 0) {
  while (hasMore && run.read < spec.settlingPackets) {
    hasMore = run.step(spec.settlingPackets - run.read);
  }
  settledFromMs = performance.now();
}
while (hasMore) {
  hasMore = run.step(STEP_PACKETS);
  if (run.read >= nextSampleAt) {
    rssMiB.push(process.memoryUsage.rss() / MIB);
    nextSampleAt += STEP_PACKETS;
  }
}
run.close();
const endedMs = performance.now();
const { user, system } = process.cpuUsage(startedCpu);

const result: ReplayResult = {
  prepareMs,
  durationMs: endedMs - startedMs,
  settledMs: endedMs - settledFromMs,
  cpuMs: (user + system) / 1000,
  // maxRSS is in KiB (getrusage(2)).
  peakMiB: process.resourceUsage().maxRSS / 1024,
  rssMiB,
  read: run.read,
  forwarded: run.outcomes[Outcome.FORWARDED],
  connections: run.emulator.connections.size,
  connectionBytes: run.emulator.connections.bytes / Math.max(1, run.emulator.connections.size),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
