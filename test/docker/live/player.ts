/** Plays a story on a real engine, and writes down what it did. Needs root. */
import type { ChildProcess } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Backend } from '../../../core/rules/model.js';
import type { Step } from '../story.js';
import { chooseIptables, Engine, type EngineName, engineRoot } from './engine.js';
import { Lan, PLACES, type Place } from './lan.js';
import { Background, output, type ProgramOutput, sleep, text } from './program.js';
import { takeSnapshot } from './snapshot.js';

export interface PlayOptions {
  readonly engine: EngineName;
  readonly backend: Backend;
  /** Where other engines than this system's own are laid out. */
  readonly cache: string;
  /** The folder for the recording, which must not exist. */
  readonly out: string;
}

/** A command ends after so many seconds. */
const COMMAND_SECONDS = 8;
const CAPTURE_START_MS = 1200;
const SETTLE_MS = 300;
const RESTARTED_MS = 1000;
/** The kernel notices after a second at most that a bridge has lost its last port (net/core/link_watch.c). */
const CARRIER_MS = 1200;
const SERVER_START_MS = 700;
const KEPT_OUTPUT = 400;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const INTERRUPTED = 130;

/**
 * Plays STORY, and writes into the folder of OPTIONS: any.pcap (`tcpdump -i any` on the host), story.jsonl (a line a
 * step: when it began and was done, its output and status), iptables.log (what the engine ran), saved.v4, and a folder
 * a snapshot (see `takeSnapshot`).
 * @throws {Error} if it cannot be played; a command that fails is part of the story
 */
export async function play(story: readonly Step[], options: PlayOptions): Promise<void> {
  const root = await engineRoot(options.engine, options.cache);
  const work = mkdtempSync(join(tmpdir(), 'nfreplay-docker-'));
  const lan = new Lan(`nfd${process.pid % 100_000}`);
  const background = new Background();
  const settings = { name: options.engine, root, backend: options.backend, work };
  const engine = new Engine(settings, lan, background);
  const path = process.env.PATH;
  const cleanUp = async (): Promise<void> => {
    await engine.remove();
    background.end();
    await lan.remove();
    process.env.PATH = path;
    rmSync(work, { recursive: true, force: true });
  };
  const onSignal = (): void => {
    void cleanUp().then(() => process.exit(INTERRUPTED));
  };
  for (const signal of SIGNALS) process.once(signal, onSignal);
  try {
    chooseIptables(join(work, 'bin'), options.backend);
    process.env.PATH = `${join(work, 'bin')}:${path}`;
    mkdirSync(options.out, { recursive: true });
    await lan.build();
    const pcap = join(options.out, 'any.pcap');
    background.start(lan.at('host', 'tcpdump', '-i', 'any', '-U', '-Z', 'root', '-w', pcap, 'ip'));
    await sleep(CAPTURE_START_MS);
    await new Player(engine, lan, background, options.out).play(story);
    await sleep(SETTLE_MS);
    writeFileSync(join(options.out, 'iptables.log'), `${engine.iptablesCalls().join('\n')}\n`);
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    await cleanUp();
  }
}

const seconds = (): number => Math.round(Date.now() * 1000) / 1e6;

interface Restarted {
  /** NAME ID BRIDGE of each network before; bridges only as far as they have names. */
  readonly networks: readonly string[];
  /** When the engine had ended, in seconds. */
  readonly stopped: number;
  /** Bridges in the order in which the engine wrote their rules. */
  readonly restored: readonly string[];
  /** The names of containers that started again, in the order in which they did. */
  readonly started: readonly string[];
}

class Player {
  private saved = '';
  /** When the engine has last done something, in milliseconds. */
  private lastChange = 0;
  private readonly conversations = new Map<string, ChildProcess>();

  constructor(
    private readonly engine: Engine,
    private readonly lan: Lan,
    private readonly background: Background,
    private readonly out: string,
  ) {}

  async play(story: readonly Step[]): Promise<void> {
    for (const step of story) {
      const rest = await this.resolved(step.rest);
      const at = seconds();
      const result = await this.take({ ...step, rest });
      if (step.verb === 'docker' || step.verb === 'restart') this.lastChange = Date.now();
      const done = isOutput(result) ? { status: result.status, output: keptOutput(result) } : result;
      const resolved = rest === step.rest ? {} : { resolved: `${step.verb} ${rest}` };
      const entry = { at, until: seconds(), step: step.line, ...resolved, ...done };
      appendFileSync(join(this.out, 'story.jsonl'), `${JSON.stringify(entry)}\n`);
    }
  }

  private async take({ verb, rest, line }: Step): Promise<ProgramOutput | Restarted | Record<string, number>> {
    const [word, tail] = [rest.split(/\s+/)[0], rest.replace(/^\S+\s*/, '')];
    switch (verb) {
      case 'engine':
        this.engine.options = rest.split(/\s+/);
        return {};
      case 'start':
        await this.engine.start();
        return {};
      case 'docker':
        return this.engine.docker(rest);
      case 'host':
      case 'client':
      case 'outside':
        return output(this.lan.at(verb, 'timeout', String(COMMAND_SECONDS), 'bash', '-c', rest));
      case 'in':
        return this.engine.docker(`exec ${word} timeout ${COMMAND_SECONDS} sh -c '${tail.replaceAll("'", "'\\''")}'`);
      case 'meanwhile':
        this.background.start(this.lan.at(placeOf(word), 'bash', '-c', tail));
        return {};
      case 'serve':
        this.background.start(this.lan.at(placeOf(word), 'python3', '-m', 'http.server', tail));
        await sleep(SERVER_START_MS);
        return {};
      case 'open':
        return this.open(word, tail);
      case 'say':
        this.conversations.get(word)?.stdin?.write(`${tail}\n`);
        await sleep(SETTLE_MS);
        return {};
      case 'close':
        this.conversations.get(word)?.stdin?.end();
        await sleep(SETTLE_MS);
        return {};
      case 'save-rules':
        this.saved = await text(this.lan.at('host', 'iptables-save'));
        writeFileSync(join(this.out, 'saved.v4'), this.saved);
        return {};
      case 'restart':
        return this.restart(word);
      case 'wait':
        await sleep(Number(rest) * 1000);
        return {};
      case 'snapshot':
        await sleep(this.lastChange + CARRIER_MS - Date.now());
        return takeSnapshot(this.engine, this.lan, join(this.out, rest));
      default:
        throw new Error(`no such step: ${line}`);
    }
  }

  /** `open NAME PLACE ADDRESS PORT`: a TCP connection that `say` and `close` go on with. */
  private async open(name: string, tail: string): Promise<Record<string, never>> {
    const [place, address, port] = tail.split(/\s+/);
    const words = this.lan.at(placeOf(place), 'busybox', 'nc', '-w', '1', address, port);
    this.conversations.set(name, this.background.start(words, undefined, true));
    await sleep(SETTLE_MS);
    return {};
  }

  private async restart(service: string): Promise<Restarted | Record<string, never>> {
    if (service === 'docker') return this.restartDocker();
    await this.flushRules();
    await output(this.lan.at('host', 'iptables-restore'), this.saved);
    return {};
  }

  /** Returns what decides what the engine then did, and can be found out at no other time. */
  private async restartDocker(): Promise<Restarted> {
    const lines = async (words: string): Promise<string[]> =>
      (await this.engine.docker(words)).stdout.trim().split('\n');
    const named = '{{with index .Options "com.docker.network.bridge.name"}}{{.}}{{end}}';
    const all = (await lines('network ls -q')).join(' ');
    const networks = await lines(`network inspect -f '{{.Name}} {{.Id}} ${named}' ${all}`);
    await this.engine.stop();
    const stopped = seconds();
    const calls = this.engine.iptablesCalls().length;
    await this.engine.start();
    const restored = bridgesIn(this.engine.iptablesCalls().slice(calls));
    // Containers with a restart policy start in the background.
    await sleep(RESTARTED_MS);
    const names = (await lines("ps --format '{{.Names}}'")).filter((name) => name !== '');
    const started: { name: string; number: number }[] = [];
    for (const name of names) started.push({ name, number: await this.numberOfInterface(name) });
    started.sort((a, b) => a.number - b.number);
    return { networks: networks.sort(), stopped, restored, started: started.map(({ name }) => name) };
  }

  /** The number of the host's end of the first interface of container NAME: it tells when this was made. */
  private async numberOfInterface(name: string): Promise<number> {
    const { stdout } = await this.engine.docker(`exec ${name} cat /sys/class/net/eth0/iflink`);
    return Number.parseInt(stdout, 10) || 0;
  }

  /** What the iptables service does when it stops. */
  private async flushRules(): Promise<void> {
    const iptables = (...words: string[]): Promise<string> => text(this.lan.at('host', 'iptables', ...words));
    for (const table of ['filter', 'nat', 'mangle', 'raw']) {
      for (const [, chain] of (await iptables('-t', table, '-S')).matchAll(/^-P (\S+)/gm))
        await iptables('-t', table, '-P', chain, 'ACCEPT');
      await iptables('-t', table, '-F');
      await iptables('-t', table, '-X');
    }
  }

  /** TEXT with `{web}` replaced by the address of container web, `{web@front}` by that in network front. */
  private async resolved(text: string): Promise<string> {
    let resolved = text;
    for (const [placeholder, name, network] of text.matchAll(/\{([a-z]\w*)(?:@(\w+))?\}/g)) {
      const format =
        network === undefined
          ? '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}'
          : `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`;
      const { stdout } = await this.engine.docker(`inspect -f '${format}' ${name}`);
      const address = stdout
        .trim()
        .split(/\s+/)
        .find((word) => /^\d/.test(word));
      // One that is not there is asked for all the same: the address is within the usual subnet, and nobody has it.
      resolved = resolved.replace(placeholder, address ?? '172.17.0.99');
    }
    return resolved;
  }
}

const isOutput = (result: object): result is ProgramOutput => 'stdout' in result;

/** The bridges of networks, in the order in which commands of iptables name them first. */
function bridgesIn(calls: readonly string[]): string[] {
  const named = calls.flatMap((call) => /-[io] (\S+)/.exec(call)?.[1] ?? []);
  return [...new Set(named)];
}

function placeOf(word: string): Place {
  const place = PLACES.find((name) => name === word);
  if (place === undefined) throw new Error(`no such place: ${word}`);
  return place;
}

function keptOutput({ stdout, stderr }: ProgramOutput): string {
  return (stdout + stderr).trim().slice(-KEPT_OUTPUT);
}
