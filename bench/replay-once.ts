// One timed replay in a process of its own: `replay-once.js RULES HOST ETH0 DOCKER0 OUT`. Prints one line of JSON.
import { replay } from '../cli/replay.js';

const [rulesPath, hostPath, eth0, docker0, outDir] = process.argv.slice(2);
const startedCpu = process.cpuUsage();
const startedMs = performance.now();
const summary = replay({
  rulesPath,
  hostPath,
  inputs: [
    { iface: 'eth0', path: eth0 },
    { iface: 'docker0', path: docker0 },
  ],
  outDir,
});
const durationMs = performance.now() - startedMs;
const { user, system } = process.cpuUsage(startedCpu);
const cpuMs = (user + system) / 1000;
// maxRSS is in KiB (getrusage(2)).
const peakMiB = process.resourceUsage().maxRSS / 1024;
process.stdout.write(`${JSON.stringify({ durationMs, cpuMs, peakMiB, forwarded: summary.packets.forwarded })}\n`);
