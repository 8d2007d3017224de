/**
 * Runs a workload through the kernel: tcpreplay sends it to the host's interfaces, tcpdump captures what leaves. Needs
 * root.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../test/kernel/command.js';
import type { HostDescription } from '../test/kernel/host-description.js';
import { loadLibc } from '../test/kernel/libc.js';
import { Namespace } from '../test/kernel/namespace.js';
import { buildHost, peerName } from '../test/kernel/router-setup.js';
import type { Est64 } from './est64.js';

/** The size of a frame of the workload in a capture: a record header, and Ethernet with at least 40 bytes of IP. */
const MIN_RECORD_BYTES = 16 + 54;
const DRAIN_MS = 20;
/** tcpdump's buffer in KiB: large enough that nothing is lost while tcpreplay uses the other core. */
const BUFFER_KIB = 262_144;

/** Whether this is possible here: as root, with the required programs. */
export function canRunKernel(): boolean {
  const has = (program: string) => spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
  return process.getuid?.() === 0 && has('tcpreplay') && has('tcpdump') && has('iptables-legacy-restore');
}

/** A host for the workload, built once for several runs. */
export class KernelPath {
  readonly #firewall: Namespace;
  readonly #peers: Namespace;
  readonly #rules: string;

  constructor(rulesPath: string, hostPath: string) {
    const libc = loadLibc();
    const host: HostDescription = JSON.parse(readFileSync(hostPath, 'utf8'));
    this.#firewall = Namespace.create(libc);
    this.#peers = Namespace.create(libc);
    this.#rules = readFileSync(rulesPath, 'utf8');
    buildHost(host, this.#firewall, this.#peers, () => {
      throw new Error('the bench has no tun interface');
    });
  }

  /** Resolves with the time from the first frame to the end of the last capture, and how many packets were captured. */
  async run(work: Est64, outDir: string): Promise<{ durationMs: number; captured: number }> {
    this.#firewall.run(() => {
      run('iptables-legacy-restore', [], this.#rules);
      run('conntrack', ['-F'], '', true);
    });
    const captures = [0, 1].map((index) => join(outDir, `kernel-${index}.pcap`));
    const dumps = captures.map((path, index) => this.#capture(index, path));
    await Promise.all(dumps.map(isCapturing));

    const startedMs = performance.now();
    const [intf1, intf2] = [peerName(0), peerName(1)];
    const args = ['--topspeed', '--preload-pcap', '--dualfile', `--intf1=${intf1}`, `--intf2=${intf2}`];
    const replayed = this.#peers.run(() => spawn('tcpreplay', [...args, work.eth0, work.docker0], { stdio: 'ignore' }));
    const code = await ended(replayed);
    if (code !== 0) throw new Error(`tcpreplay exited with ${code}`);
    await new Promise((resolve) => setTimeout(resolve, DRAIN_MS));
    for (const dump of dumps) dump.kill('SIGINT');
    await Promise.all(dumps.map(ended));
    const durationMs = performance.now() - startedMs - DRAIN_MS;
    const bytes = captures.reduce((sum, path) => sum + statSync(path).size, 0);
    return { durationMs, captured: Math.floor(bytes / MIN_RECORD_BYTES) };
  }

  #capture(index: number, path: string): ChildProcess {
    const args = ['-i', peerName(index), '-Q', 'in', '-n', '-B', String(BUFFER_KIB), '-w', path, 'ip'];
    return this.#peers.run(() => spawn('tcpdump', args, { stdio: ['ignore', 'ignore', 'pipe'] }));
  }

  close(): void {
    this.#firewall.close();
    this.#peers.close();
  }
}

/** Resolves once tcpdump reports that it is listening. */
function isCapturing(dump: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    dump.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('listening on')) resolve();
    });
    dump.on('exit', (code) => reject(new Error(`tcpdump exited with ${code}`)));
  });
}

function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.on('exit', resolve));
}
