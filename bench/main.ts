// `npm run bench [-- --packets N --rounds N --micro]`: nanoseconds a packet, beside others at the same work.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Est64, writeEst64 } from './est64.js';
import { canRunKernel, KernelPath } from './kernel-path.js';
import { microBenchmarks } from './micro.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const PROJECT = resolve(HERE, '../..');
const OUT = join(PROJECT, 'out/bench');
const RULES = join(PROJECT, 'pcaps/docker/rules.v4');
const HOST = join(PROJECT, 'pcaps/docker/host.json');

/** One way of doing the work: milliseconds for each run so far. */
interface Contender {
  name: string;
  run(): Promise<number>;
  runsMs: number[];
}

interface ReplayResult {
  durationMs: number;
  /** User and system time of all threads, V8's compilers included: it hardly depends on what else the machine does. */
  cpuMs: number;
  /** From the start of the process to its end. */
  processMs: number;
  peakMiB: number;
}

/** Milliseconds that a program takes; an error where it fails. */
function timed(program: string, args: string[]): { durationMs: number; done: SpawnSyncReturns<string> } {
  const startedMs = performance.now();
  const done = spawnSync(program, args, { encoding: 'utf8' });
  const durationMs = performance.now() - startedMs;
  if (done.error) throw done.error;
  if (done.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${done.stderr}`);
  return { durationMs, done };
}

function replayOnce(work: Est64): ReplayResult {
  const outDir = join(OUT, 'replayed');
  // Taking old results away is not what is measured.
  rmSync(outDir, { recursive: true, force: true });
  const args = [join(HERE, 'replay-once.js'), RULES, HOST, work.eth0, work.docker0, outDir];
  const { durationMs: processMs, done } = timed(process.execPath, args);
  const result = JSON.parse(done.stdout);
  if (result.forwarded !== work.packets)
    throw new Error(`${result.forwarded} of ${work.packets} packets were forwarded`);
  return { ...result, processMs };
}

function tcpdumpOnce(work: Est64): number {
  let sumMs = 0;
  for (const path of [work.eth0, work.docker0]) {
    const copy = join(OUT, 'tcpdump.pcap');
    rmSync(copy, { force: true });
    sumMs += timed('tcpdump', ['-r', path, '-w', copy]).durationMs;
  }
  return sumMs;
}

async function kernelOnce(kernel: KernelPath, work: Est64): Promise<number> {
  const { durationMs, captured } = await kernel.run(work, OUT);
  if (captured < work.packets * 0.99)
    throw new Error(`the kernel path captured ${captured} of ${work.packets} packets`);
  return durationMs;
}

function hasProgram(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

const inEnglish = (value: number) => Math.round(value).toLocaleString('en');

function machine(): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cpus()[0].model}, ${availableParallelism()} cores, ${memory}; ${process.platform} ${release()}; Node ${process.versions.node}`;
}

/** Runs everyone in turn, ROUNDS times over, so that a slow moment of the machine hits all alike. */
async function race(contenders: Contender[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) contender.runsMs.push(await contender.run());
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      packets: { type: 'string', default: '1000000' },
      rounds: { type: 'string', default: '5' },
      micro: { type: 'boolean', default: false },
    },
  });
  const packets = Number(values.packets);
  const rounds = Number(values.rounds);
  mkdirSync(OUT, { recursive: true });
  const work = writeEst64(OUT, packets);
  if (values.micro) {
    const scratch = join(OUT, 'micro.pcap');
    microBenchmarks(readFileSync(RULES, 'utf8'), readFileSync(HOST, 'utf8'), work, scratch);
    return;
  }

  const replays: ReplayResult[] = [];
  const contenders: Contender[] = [
    {
      name: 'nfreplay replay',
      runsMs: [],
      run: async () => {
        replays.push(replayOnce(work));
        return replays[replays.length - 1].durationMs;
      },
    },
  ];
  if (hasProgram('tcpdump')) {
    contenders.push({ name: 'tcpdump -r -w (only copies)', runsMs: [], run: async () => tcpdumpOnce(work) });
  }
  const kernel = canRunKernel() ? new KernelPath(RULES, HOST) : undefined;
  if (kernel) {
    contenders.push({ name: 'Linux: tcpreplay in, tcpdump out', runsMs: [], run: () => kernelOnce(kernel, work) });
  }

  console.log(
    `${inEnglish(packets)} TCP frames of 64 bytes, ${inEnglish(work.connections)} connections, both sides\n${machine()}\n`,
  );
  await race(contenders, rounds);
  kernel?.close();

  const nsOf = (durationMs: number) => inEnglish((durationMs * 1e6) / packets).padStart(7);
  const row = (name: string, runsMs: number[]) =>
    console.log(
      `${name.padEnd(34)}${nsOf(median(runsMs))}   ${nsOf(Math.min(...runsMs))} … ${nsOf(Math.max(...runsMs)).trim()}`,
    );
  console.log(`${'nanoseconds a packet'.padEnd(34)} median       range of ${rounds} runs`);
  for (const { name, runsMs } of contenders) {
    row(name, runsMs);
    if (runsMs === contenders[0].runsMs) {
      row(
        '  its CPU time',
        replays.map(({ cpuMs }) => cpuMs),
      );
      row(
        '  with the start of the process',
        replays.map(({ processMs }) => processMs),
      );
    }
  }

  const four = replayOnce(writeEst64(OUT, packets * 4));
  const peak = median(replays.map(({ peakMiB }) => peakMiB));
  console.log(
    `\npeak memory: ${inEnglish(peak)} MiB for ${inEnglish(packets)} packets, ${inEnglish(four.peakMiB)} MiB for ${inEnglish(packets * 4)}`,
  );
}

await main();
