// One timed replay in a process of its own: `node replay-once.js SPEC`, SPEC a `ReplaySpec` as JSON. Prints one
// line of JSON, a `ReplayResult`. What it does is what `nfreplay replay` does, up to the end of the captures that come out.
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
const run = new ReplayRun({ ruleset, host }, inputs, spec.outDir, Number.POSITIVE_INFINITY);
const prepareMs = performance.now() - preparedFromMs;

// What reading the rules left behind is no cost of packets: `ready` and `est64.command` have it.
globalThis.gc?.();

const startedCpu = process.cpuUsage();
const startedMs = performance.now();
let settledFromMs = startedMs;
const rssMiB: number[] = [];
let hasMore = true;
let lookAt = STEP_PACKETS;
if (spec.settlingPackets > 0) {
  while (hasMore && run.read < spec.settlingPackets) {
    hasMore = run.step(spec.settlingPackets - run.read);
  }
  settledFromMs = performance.now();
}
while (hasMore) {
  hasMore = run.step(STEP_PACKETS);
  if (run.read >= lookAt) {
    rssMiB.push(process.memoryUsage.rss() / MIB);
    lookAt += STEP_PACKETS;
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
