/** A host with real neighbours, each in a network namespace of its own, and a capture of all that the host sees. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SNAPSHOT_SCRIPT } from '../../../codecs/host/snapshot-script.js';
import { run } from '../command.js';

const TRAFFIC = 'test/kernel/capture/traffic.py';
const SETTLE_MS = 150;
/** tcpdump reads what the kernel has captured once a second, and leaves the rest behind when it ends. */
const LAST_MS = 2000;
const PATIENCE_MS = 5000;

/** Where traffic starts: the host itself, a client and a server outside of it, and two containers on its bridge. */
export const PLACES = ['host', 'client', 'outside', 'web', 'db'] as const;
export type Place = (typeof PLACES)[number];

export const ADDRESSES: Readonly<Record<Place, string>> = {
  host: '192.0.2.10',
  client: '192.0.2.50',
  outside: '198.51.100.5',
  web: '172.17.0.2',
  db: '172.17.0.3',
};
/** The other addresses of the host: a second one on eth0, those of eth1 and of the bridge. */
export const OTHER_ADDRESSES = ['192.0.2.11', '198.51.100.1', '172.17.0.1', '127.0.0.1'] as const;

const SERVERS: Readonly<Record<Place, readonly string[]>> = {
  host: ['tcp:22', 'tcp:8080', 'udp:53'],
  client: ['tcp:9000', 'udp:9000'],
  outside: ['tcp:80', 'udp:53'],
  web: ['tcp:80', 'udp:53'],
  db: ['tcp:6379', 'tcp:80'],
};

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class CaptureWorld {
  readonly #prefix = `nfc${process.pid}`;
  readonly #servers: ChildProcess[] = [];

  /** Builds the namespaces and starts the servers. */
  async start(): Promise<void> {
    for (const place of PLACES) {
      run('ip', ['netns', 'add', this.#name(place)]);
      run('ip', ['-n', this.#name(place), 'link', 'set', 'lo', 'up']);
    }
    this.in('host', 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.netfilter.nf_conntrack_acct=1');
    this.in('host', 'sysctl', '-qw', 'net.ipv4.icmp_ratelimit=0', 'net.ipv6.conf.all.disable_ipv6=1');
    this.in('host', 'sysctl', '-qw', 'net.ipv4.conf.all.send_redirects=0', 'net.ipv4.conf.default.send_redirects=0');
    this.in('host', 'sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=0');
    this.#connect('eth0', '192.0.2.10/24', 'client', '192.0.2.50/24', '192.0.2.10');
    this.in('host', 'ip', 'addr', 'add', '192.0.2.11/24', 'dev', 'eth0');
    this.#connect('eth1', '198.51.100.1/24', 'outside', '198.51.100.5/24', '198.51.100.1');
    // A bridge that listens to IGMP joins a group of its own, and reports that.
    this.in('host', 'ip', 'link', 'add', 'docker0', 'type', 'bridge', 'mcast_snooping', '0');
    this.in('host', 'ip', 'addr', 'add', '172.17.0.1/16', 'dev', 'docker0');
    this.in('host', 'ip', 'link', 'set', 'docker0', 'up');
    this.#connect('vethweb', '', 'web', '172.17.0.2/16', '172.17.0.1');
    this.#connect('vethdb', '', 'db', '172.17.0.3/16', '172.17.0.1');
    for (const place of PLACES) await this.#serve(place);
  }

  #name(place: Place): string {
    return `${this.#prefix}-${place}`;
  }

  /** Connects interface DEV of the host to PLACE. Without ADDRESS, DEV is a port of the bridge. */
  #connect(dev: string, address: string, place: Place, theirs: string, gateway: string): void {
    const [host, other] = [this.#name('host'), this.#name(place)];
    run('ip', ['link', 'add', dev, 'netns', host, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', other]);
    if (address === '') run('ip', ['-n', host, 'link', 'set', dev, 'master', 'docker0']);
    else run('ip', ['-n', host, 'addr', 'add', address, 'dev', dev]);
    run('ip', ['-n', host, 'link', 'set', dev, 'up']);
    run('ip', ['-n', other, 'addr', 'add', theirs, 'dev', 'eth0']);
    run('ip', ['-n', other, 'link', 'set', 'eth0', 'up']);
    run('ip', ['-n', other, 'route', 'add', 'default', 'via', gateway]);
  }

  async #serve(place: Place): Promise<void> {
    const server = this.#spawn(place, ['python3', TRAFFIC, 'serve', ...SERVERS[place]]);
    this.#servers.push(server);
    await said(server.stdout, 'ready');
  }

  #spawn(place: Place, command: readonly string[]): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.#name(place), ...command], { stdio: ['pipe', 'pipe', 'pipe'] });
  }

  /** Runs a program at PLACE; returns what it prints. */
  in(place: Place, program: string, ...args: string[]): string {
    return run('ip', ['netns', 'exec', this.#name(place), program, ...args]);
  }

  /** Loads RULES with counters of zero, and forgets every connection. */
  load(rules: string): void {
    const host = this.#name('host');
    run('ip', ['netns', 'exec', host, 'conntrack', '-F'], '', true);
    run('ip', ['netns', 'exec', host, 'iptables-legacy-restore'], rules);
  }

  /**
   * Captures on the host, with the command CAPTURE (that it listens is said on stderr), while the QUESTIONS are asked.
   * Of each list, all are asked at once. Leaves what the host says about itself in DIR. Returns false if something was
   * counted that may not have been captured, because it came before the captures began or when they ended.
   */
  async capture(
    dir: string,
    captures: readonly (readonly string[])[],
    questions: readonly Question[][],
  ): Promise<boolean> {
    const tools = captures.map((command) => this.#spawn('host', command));
    await Promise.all(tools.map((tool) => said(tool.stderr, /listening on|File: /)));
    const isFresh = !/\[[1-9]/.test(this.#counters());
    await sleep(SETTLE_MS);
    for (const together of questions) await this.#ask(together);
    await sleep(LAST_MS);
    const before = this.#counters();
    // tcpdump hands over what it has seen once a second.
    await sleep(LAST_MS);
    await Promise.all(tools.map(ended));
    this.describe(dir);
    return isFresh && before === this.#counters();
  }

  /** The rules with their counters, without comments, which have times. */
  #counters(): string {
    return this.in('host', 'iptables-legacy-save', '-c').replace(/^#.*$/gm, '');
  }

  async #ask(questions: readonly Question[]): Promise<void> {
    const places = [...new Set(questions.map(({ from }) => from))];
    const clients = places.map((place) => {
      const client = this.#spawn(place, ['python3', TRAFFIC, 'ask', '--together']);
      const lines = questions.filter(({ from }) => from === place).map(({ text }) => text);
      client.stdin?.end(`${lines.join('\n')}\n`);
      return new Promise((resolve) => client.on('close', resolve));
    });
    await Promise.all(clients);
  }

  /** Writes host.json, snapshot.txt, counters.v4 and conntrack.txt of the host into DIR. */
  describe(dir: string): void {
    const json = (...args: string[]): unknown => JSON.parse(this.in('host', 'ip', '-j', ...args));
    const sysctl = Object.fromEntries(
      this.in('host', 'sysctl', '-a')
        .split('\n')
        .map((line) => line.split(/ *= */))
        .filter(([name, value]) => value !== undefined && name.startsWith('net.'))
        .map(([name, value]) => [name, value]),
    );
    const host = {
      ...{ addr: json('addr'), route: json('route', 'show', 'table', 'all'), neigh: json('neigh'), sysctl },
    };
    writeFileSync(join(dir, 'host.json'), JSON.stringify(host));
    const script = ['netns', 'exec', this.#name('host'), 'sh'];
    writeFileSync(join(dir, 'snapshot.txt'), run('ip', script, SNAPSHOT_SCRIPT));
    writeFileSync(join(dir, 'counters.v4'), this.in('host', 'iptables-legacy-save', '-c'));
    writeFileSync(join(dir, 'conntrack.txt'), this.in('host', 'conntrack', '-L', '-o', 'extended'));
  }

  stop(): void {
    for (const server of this.#servers) server.kill('SIGKILL');
    for (const place of PLACES) run('ip', ['netns', 'del', this.#name(place)], '', true);
  }
}

/** Something that a place asks of another: a line for traffic.py. */
export interface Question {
  readonly from: Place;
  readonly text: string;
}

/** Waits until STREAM has said WHAT. */
async function said(stream: NodeJS.ReadableStream | null, what: string | RegExp): Promise<void> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    const patience = setTimeout(() => reject(new Error(`no ${what} in: ${text}`)), PATIENCE_MS);
    stream?.on('data', (data: Buffer) => {
      text += data.toString();
      if (!(typeof what === 'string' ? text.includes(what) : what.test(text))) return;
      clearTimeout(patience);
      resolve();
    });
  });
}

async function ended(tool: ChildProcess): Promise<void> {
  const closed = new Promise((resolve) => tool.on('close', resolve));
  tool.kill('SIGINT');
  await closed;
}
