/** The folder for the files of the benchmark, which are created on first use, and functions that run replays. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { headersOf, headersPath, parseFilters, repeatFilters, ruleOf, writeHeaders } from './classbench.js';
import { type Est64, SIZES_64, writeEst64 } from './est64.js';
import { writeNewConnections } from './new-connections.js';
import type { ReplayResult, ReplaySpec } from './replay-result.js';
import { withForwardRules } from './rulesets.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));
export const PROJECT = resolve(HERE, '../..');
const MAX_OUTPUT_BYTES = 1 << 26;
const WARM_BYTES = new Uint8Array(1 << 20).fill(1);

export type Input = ReplaySpec['inputs'][number];

export class Workspace {
  readonly dir: string;
  readonly rulesPath = join(PROJECT, 'pcaps/docker/rules.v4');
  readonly hostPath = join(PROJECT, 'pcaps/docker/host.json');
  readonly #made = new Map<string, unknown>();

  constructor(dir: string) {
    this.dir = dir;
  }

  /** Creates the folder. Call it first. */
  open(): void {
    mkdirSync(this.dir, { recursive: true });
  }

  /** Removes all files: captures of a million connections take gigabytes. */
  close(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Writes a file of BYTES and removes it, so that the system has the memory at hand. */
  warm(bytes: number): void {
    const path = join(this.dir, 'warm');
    const fd = openSync(path, 'w');
    for (let written = 0; written < bytes; written += WARM_BYTES.length) writeSync(fd, WARM_BYTES);
    closeSync(fd);
    rmSync(path);
  }

  est64(packets: number, connections: number, sizes = SIZES_64): Est64 {
    const key = `est64 ${packets} ${connections} ${sizes}`;
    return this.#once(key, () => writeEst64(this.dir, packets, connections, sizes));
  }

  newConnections(count: number): string {
    return this.#once(`new ${count}`, () => writeNewConnections(this.dir, count));
  }

  /** Writes the rules of the Docker example, with LINES at the start of the chain FORWARD, to a file NAME. */
  rules(name: string, lines: readonly string[]): string {
    return this.#once(`rules ${name}`, () => {
      const path = join(this.dir, `${name}.v4`);
      writeFileSync(path, withForwardRules(readFileSync(this.rulesPath, 'utf8'), lines));
      return path;
    });
  }

  /** The host of the Docker example with the sets of IPSET, in a file NAME. */
  hostWithSets(name: string, ipset: string): string {
    return this.#once(`host ${name}`, () => {
      const path = join(this.dir, `${name}.json`);
      writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(this.hostPath, 'utf8')), ipset }));
      return path;
    });
  }

  /** The first RULES of the 10,000 ClassBench rules that the headers of `classbenchHeaders` match. */
  classbenchRules(rules: number): string {
    return this.rules(`classbench-${rules}`, this.#filters().slice(0, rules).map(ruleOf));
  }

  classbenchHeaders(count: number): string {
    return this.#once(`headers ${count}`, () => {
      const path = headersPath(this.dir, count);
      writeHeaders(path, headersOf(this.#filters(), count));
      return path;
    });
  }

  #filters() {
    return this.#once('filters', () => {
      const text = readFileSync(join(PROJECT, 'bench/classbench-fw1.txt'), 'utf8');
      return repeatFilters(parseFilters(text), 10_000);
    });
  }

  #once<T>(key: string, make: () => T): T {
    if (!this.#made.has(key)) this.#made.set(key, make());
    return this.#made.get(key) as T;
  }

  get #outDir(): string {
    return join(this.dir, 'replayed');
  }

  /** An empty folder for the results of a run. */
  #freshOut(): string {
    this.#removeOut();
    mkdirSync(this.#outDir);
    return this.#outDir;
  }

  /** Removes the results early, outside the measurement, so that they need not be written to disk during another. */
  #removeOut(): void {
    rmSync(this.#outDir, { recursive: true, force: true });
  }

  /** Runs one replay in a separate process. */
  replay(
    rulesPath: string,
    inputs: readonly Input[],
    options: { settlingPackets?: number; hostPath?: string } = {},
  ): ReplayResult {
    const spec = { ...this.#spec(rulesPath, inputs, this.#freshOut(), options.settlingPackets ?? 0) };
    if (options.hostPath !== undefined) spec.hostPath = options.hostPath;
    const args = ['--expose-gc', join(HERE, 'replay-once.js'), JSON.stringify(spec)];
    const { done } = runProgram(process.execPath, args);
    this.#removeOut();
    return expectForwarded(JSON.parse(done.stdout));
  }

  /** Replays a stream of BYTES through a pipe and discards the results. */
  replayStream(bytes: number): ReplayResult {
    const outDir = this.#freshOut();
    for (const name of ['eth0', 'docker0', 'local', 'dropped']) symlinkSync('/dev/null', join(outDir, `${name}.pcap`));
    const spec = this.#spec(this.rulesPath, [{ iface: 'docker0', path: '-' }], outDir, 0);
    const script = '"$1" "$2" "$3" | "$1" "$4" "$5"';
    const words = [join(HERE, 'stream.js'), String(bytes), join(HERE, 'replay-once.js'), JSON.stringify(spec)];
    const { done } = runProgram('sh', ['-c', script, 'sh', process.execPath, ...words]);
    return expectForwarded(JSON.parse(done.stdout));
  }

  /** The duration in milliseconds of the whole command `nfreplay replay`, including start-up and lists. */
  replayCommand(inputs: readonly Input[], rulesPath = this.rulesPath, hostPath = this.hostPath): number {
    this.#removeOut();
    const ins = inputs.flatMap(({ iface, path }) => ['--in', `${iface}=${path}`]);
    const main = join(HERE, '../cli/main.js');
    const words = ['replay', '--rules', rulesPath, '--host', hostPath, ...ins, '--out', this.#outDir];
    const { durationMs } = runProgram(process.execPath, [main, ...words]);
    this.#removeOut();
    return durationMs;
  }

  /** Milliseconds to parse and build the ruleset at RULES_PATH in a new process and to forward the first packet. */
  ready(rulesPath: string): number {
    const args = [join(HERE, 'ready-once.js'), rulesPath, this.hostPath];
    return Number(runProgram(process.execPath, args).done.stdout);
  }

  #spec(rulesPath: string, inputs: readonly Input[], outDir: string, settlingPackets: number): ReplaySpec {
    return { rulesPath, hostPath: this.hostPath, inputs: [...inputs], outDir, settlingPackets };
  }
}

function expectForwarded(result: ReplayResult): ReplayResult {
  const { forwarded, read } = result;
  if (forwarded !== read) throw new Error(`only ${forwarded} of ${read} packets were forwarded`);
  return result;
}

/** The files of WORK, with the interfaces on which they arrive. */
export function inputsOf({ eth0, docker0 }: Est64): Input[] {
  return [
    { iface: 'eth0', path: eth0 },
    { iface: 'docker0', path: docker0 },
  ];
}

/** The size of all captures of INPUTS, in bytes. The output has about the same size. */
export function sizeOf(inputs: readonly Input[]): number {
  return inputs.reduce((sum, { path }) => sum + statSync(path).size, 0);
}

/** Runs PROGRAM and measures how long it takes. Throws if it fails. */
export function runProgram(
  program: string,
  args: readonly string[],
): { durationMs: number; done: SpawnSyncReturns<string> } {
  const startedMs = performance.now();
  const done = spawnSync(program, args, { encoding: 'utf8', maxBuffer: MAX_OUTPUT_BYTES });
  const durationMs = performance.now() - startedMs;
  if (done.error) throw done.error;
  if (done.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${done.stderr}`);
  return { durationMs, done };
}
