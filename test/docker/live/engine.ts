/** A real Docker engine, started in the network of a story's host. Engines are Debian's own packages. */
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Backend } from '../../../core/rules/model.js';
import { buildImages, IMAGES } from './images.js';
import type { Lan } from './lan.js';
import { type Background, output, type ProgramOutput, sleep, text } from './program.js';

export const ENGINES = ['20.10', '26.1', '28.5'] as const;
export type EngineName = (typeof ENGINES)[number];

/** The engines that are not this system's own, and the Debian releases that have them. */
const SUITES: Partial<Record<EngineName, string>> = { '26.1': 'trixie', '28.5': 'forky' };
const PACKAGES = 'docker.io,iptables,iproute2,procps,ca-certificates';

const POLL_MS = 100;
const START_MS = 60_000;
const STOP_MS = 30_000;

/**
 * The folder of a system that has engine NAME, laid out in CACHE if it is not there yet; '' for this system.
 * @throws {Error} if there is none
 */
export async function engineRoot(name: EngineName, cache: string): Promise<string> {
  const suite = SUITES[name];
  if (suite === undefined) {
    if ((await output(['sh', '-c', 'command -v dockerd'])).status !== 0)
      throw new EngineUnavailable('dockerd is missing: apt-get install docker.io');
    return '';
  }
  const root = join(cache, name);
  // debootstrap removes its own folder when it is done.
  if (existsSync(join(root, 'usr/sbin/dockerd')) && !existsSync(join(root, 'debootstrap'))) return root;
  rmSync(root, { recursive: true, force: true });
  const script = `/usr/share/debootstrap/scripts/${suite}`;
  if (!existsSync(script)) symlinkSync('sid', script);
  console.error(`laying out engine ${name} in ${root} …`);
  mkdirSync(cache, { recursive: true });
  const options = ['--no-check-gpg', '--variant=minbase', `--include=${PACKAGES}`];
  await text(['debootstrap', ...options, suite, root, await debianMirror()]);
  return root;
}

/** Where this system's own packages come from. */
async function debianMirror(): Promise<string> {
  for (const line of (await text(['apt-cache', 'policy', 'libc6'])).split('\n')) {
    const [, url] = line.trim().split(/\s+/);
    if (url?.startsWith('http') && !url.includes('security')) return url;
  }
  throw new Error('no Debian mirror is known here: apt-get update');
}

/** The engine cannot be started on this machine. */
export class EngineUnavailable extends Error {}

export interface EngineSettings {
  readonly name: EngineName;
  /** What `engineRoot` returned. */
  readonly root: string;
  readonly backend: Backend;
  /** A folder for this story. */
  readonly work: string;
}

export class Engine {
  private daemon: ChildProcess | undefined;
  private readonly base: string;
  private starts = 0;
  /** Options of dockerd. */
  options: readonly string[] = [];

  constructor(
    private readonly settings: EngineSettings,
    private readonly lan: Lan,
    private readonly background: Background,
  ) {
    const { root, work } = settings;
    this.base = root === '' ? join(work, 'engine') : join(root, `nfreplay-${process.pid}`);
  }

  get isRunning(): boolean {
    return this.daemon !== undefined && this.daemon.exitCode === null;
  }

  /** WORDS of the command `docker`, as a command line of the shell for this engine. */
  commandLine(words: string): string {
    return `docker -H unix://${this.base}/sock ${words}`;
  }

  docker(words: string): Promise<ProgramOutput> {
    return output(['bash', '-c', this.commandLine(words)]);
  }

  /** TEXT with the paths of this engine's data replaced by the usual ones. */
  withUsualPaths(printed: string): string {
    return printed
      .replaceAll(`${this.inside}/data`, '/var/lib/docker')
      .replaceAll(`${this.inside}/exec`, '/run/docker');
  }

  /** @throws {Error} if it ends, or does not answer */
  async start(): Promise<void> {
    for (const folder of ['data', 'exec', 'bin']) mkdirSync(join(this.base, folder), { recursive: true });
    chooseIptables(join(this.base, 'bin'), this.settings.backend);
    this.traceIptables();
    if (this.starts++ === 0) await buildImages(this.settings);
    const log = join(this.settings.work, `dockerd-${this.starts}.log`);
    this.daemon = this.background.start(this.lan.at('host', 'unshare', '-m', 'sh', '-c', this.startScript()), log);
    for (const deadline = Date.now() + START_MS; Date.now() < deadline; await sleep(POLL_MS)) {
      if (!this.isRunning) throw this.unavailable(`dockerd ended: ${readFileSync(log, 'utf8').slice(-600)}`);
      if ((await this.docker('version')).status !== 0) continue;
      if ((await this.docker('images -q busybox')).stdout !== '') return;
      for (const image of IMAGES) await this.importImage(image);
      return;
    }
    throw this.unavailable(`dockerd does not answer: ${readFileSync(log, 'utf8').slice(-600)}`);
  }

  async stop(): Promise<void> {
    const { daemon } = this;
    if (daemon === undefined || !this.isRunning) return;
    const pidFile = join(this.base, 'pid');
    if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM');
    for (const deadline = Date.now() + STOP_MS; this.isRunning && Date.now() < deadline; ) await sleep(POLL_MS);
    if (this.isRunning) daemon.kill('SIGKILL');
    this.daemon = undefined;
  }

  /** Removes its containers and what it has written. */
  async remove(): Promise<void> {
    if (this.isRunning) {
      const ids = (await this.docker('ps -aq')).stdout.split(/\s+/).join(' ').trim();
      if (ids !== '') await this.docker(`rm -f ${ids}`);
    }
    await this.stop();
    rmSync(this.base, { recursive: true, force: true });
  }

  /** The commands of iptables that the engine has run so far: time, exit status, words. */
  iptablesCalls(): string[] {
    const log = join(this.base, 'iptables.log');
    return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  }

  /** Puts a program in the place of iptables that writes down when it is called, with what, and how it ends. */
  private traceIptables(): void {
    const script = [
      '#!/bin/sh',
      `/usr/sbin/iptables-${this.settings.backend} "$@"`,
      'status=$?',
      `echo "$(date +%s.%N) $status $*" >> ${join(this.inside, 'iptables.log')}`,
      'exit $status',
    ];
    rmSync(join(this.base, 'bin/iptables'), { force: true });
    writeFileSync(join(this.base, 'bin/iptables'), `${script.join('\n')}\n`, { mode: 0o755 });
  }

  /** Where its data is, as the engine itself sees it. */
  private get inside(): string {
    return this.base.slice(this.settings.root.length);
  }

  /** An engine that has started once runs here: then that it does not start is what the story is about. */
  private unavailable(message: string): Error {
    return this.starts === 1 ? new EngineUnavailable(message) : new Error(message);
  }

  private startScript(): string {
    const { root } = this.settings;
    const at = (file: string): string => join(this.inside, file);
    const own = [
      ...['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid')],
      ...['-H', `unix://${at('sock')}`, '--storage-driver', 'vfs'],
    ];
    const dockerd = `dockerd ${[...own, ...this.options].map(quoted).join(' ')}`;
    const path = `export PATH=${at('bin')}:$PATH; mount --make-rprivate /`;
    if (root === '') return `${path}; exec ${dockerd}`;
    const mounts = [
      `mount --bind ${root} ${root}; mount -t proc proc ${root}/proc; mount --rbind /sys ${root}/sys`,
      `mount --rbind /dev ${root}/dev; mount -t tmpfs tmpfs ${root}/run`,
      // Not chroot: `docker exec` would find itself in the root of the mount namespace.
      `cd ${root}; pivot_root . mnt; umount -l /mnt`,
    ];
    return `${path}; ${mounts.join('; ')}; exec /usr/sbin/${dockerd}`;
  }

  private async importImage(image: (typeof IMAGES)[number]): Promise<void> {
    const changes = image.changes.map((change) => `--change ${quoted(change)}`).join(' ');
    const archive = join(this.settings.work, `${image.name}.tar`);
    if (!existsSync(archive)) return;
    const { status, stderr } = await this.docker(`import ${changes} ${archive} ${image.name}`);
    if (status !== 0) throw new Error(`docker import ${image.name}: ${stderr}`);
  }
}

/** Links called iptables, iptables-save … in FOLDER, which lead to those of BACKEND. */
export function chooseIptables(folder: string, backend: Backend): void {
  mkdirSync(folder, { recursive: true });
  for (const family of ['iptables', 'ip6tables']) {
    for (const tool of ['', '-save', '-restore']) {
      const link = join(folder, `${family}${tool}`);
      if (!existsSync(link)) symlinkSync(`/usr/sbin/${family}-${backend}${tool}`, link);
    }
  }
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
