/** Other programs that do the work of a row, or a part of it, if this machine has them. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Est64 } from './est64.js';
import { canRunKernel, KernelPath } from './kernel-path.js';
import type { Contender } from './measure.js';
import { runProgram, type Workspace } from './workspace.js';

/** The minimum share of the packets sent to the kernel that must be in its captures. */
const MIN_CAPTURED_SHARE = 0.99;

function hasProgram(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** All programs that are available; the kernel only for ROW est64, because its captures are counted by frame size. */
export function peersOf(row: string, work: Est64, workspace: Workspace): Contender[] {
  return [
    ...tcpdumpOf(row, work, workspace.dir),
    ...(hasProgram('tcprewrite') ? [tcprewrite(row, work, workspace.dir)] : []),
    ...(row === 'est64' && canRunKernel() ? [kernel(row, work, workspace)] : []),
  ];
}

/** tcpdump alone, if it is installed. */
export function tcpdumpOf(row: string, work: Est64, dir: string): Contender[] {
  return hasProgram('tcpdump') ? [tcpdump(row, work, dir)] : [];
}

/** Nanoseconds per packet of programs run one after the other, which write OUTS. */
function sumNs(
  runs: readonly (readonly [program: string, args: readonly string[]])[],
  packets: number,
  outs: readonly string[],
): number {
  const durationMs = runs.reduce((sum, [program, args]) => sum + runProgram(program, args).durationMs, 0);
  remove(outs);
  return (durationMs * 1e6) / packets;
}

/** Removes files early, so that they need not be written to disk while others are measured. */
function remove(paths: readonly string[]): void {
  for (const path of paths) rmSync(path, { force: true });
}

function tcpdump(row: string, { eth0, docker0, packets }: Est64, dir: string): Contender {
  const copies = ['tcpdump-0.pcap', 'tcpdump-1.pcap'].map((name) => join(dir, name));
  return {
    series: [{ key: `${row}.tcpdump`, title: 'tcpdump -r -w (only copies)', unit: 'ns', isForeign: true }],
    isPeer: true,
    run: async () => {
      const runs = [eth0, docker0].map((path, i) => ['tcpdump', ['-r', path, '-w', copies[i]]] as const);
      return [sumNs(runs, packets, copies)];
    },
  };
}

/** Rewrites addresses and ports without any state: each capture with the translation of its direction. */
function tcprewrite(row: string, { eth0, docker0, packets }: Est64, dir: string): Contender {
  const outs = ['tcprewrite-0.pcap', 'tcprewrite-1.pcap'].map((name) => join(dir, name));
  const translations = [
    [eth0, '--pnat=192.0.2.10/32:172.17.0.3/32', '--portmap=36379:6379'],
    [docker0, '--pnat=172.17.0.3/32:192.0.2.10/32', '--portmap=6379:36379'],
  ];
  return {
    series: [
      { key: `${row}.tcprewrite`, title: 'tcprewrite --pnat --portmap (no state)', unit: 'ns', isForeign: true },
    ],
    isPeer: true,
    run: async () => {
      const runs = translations.map(
        ([path, ...words], i) => ['tcprewrite', [...words, `--infile=${path}`, `--outfile=${outs[i]}`]] as const,
      );
      return [sumNs(runs, packets, outs)];
    },
  };
}

function kernel(row: string, work: Est64, workspace: Workspace): Contender {
  let path: KernelPath | undefined;
  return {
    series: [{ key: `${row}.kernel`, title: 'Linux: tcpreplay in, tcpdump out', unit: 'ns', isForeign: true }],
    isPeer: true,
    run: async () => {
      path ??= new KernelPath(workspace.rulesPath, workspace.hostPath);
      const { durationMs, captured } = await path.run(work, workspace.dir);
      remove(['kernel-0.pcap', 'kernel-1.pcap'].map((name) => join(workspace.dir, name)));
      if (captured < work.packets * MIN_CAPTURED_SHARE)
        throw new Error(`it captured ${captured} of ${work.packets} packets`);
      return [(durationMs * 1e6) / work.packets];
    },
    close: () => path?.close(),
  };
}
