/**
 * Cases of the rules that engines write: what the engine is told, a line each, and after it what a real engine made of
 * that. `#` is a comment.
 *
 *   engine RELEASE BACKEND OPTION=VALUE…     once or more: each of them does the same. Options as in `DaemonOptions`
 *   iptables WORDS                           another program's rule
 *   save-rules, restart iptables             the rules now; all rules deleted, and those that were saved restored
 *   start [first] [forwarding]               the engine starts, for the first time, and has turned ip_forward on
 *   network BRIDGE PREFIX [inside] [icc=off] [masq=off] [snat=ADDRESS] [mode=MODE]
 *   restore BRIDGE                           the engine finds the network when it starts, and does not make it again
 *   rm BRIDGE                                the network is removed
 *   publish BRIDGE PROTOCOL/ADDRESS:PORT>ADDRESS:PORT…       close …
 *   link BRIDGE PARENT CHILD PORT/PROTOCOL…                  unlink …
 *   reload BRIDGE…                           all rules are deleted, and the engine is told that firewalld reloaded
 *   ! MESSAGE                                the line before it fails so; a line without it succeeds
 *   > WORDS                                  commands that the line before it ran one after the other, perhaps among
 *                                            others: of those that change something, and without `-t filter`
 *   = LINE                                   the rules now, as `comparable` prints what iptables-save does
 */

import { DEFAULT_OPTIONS } from '../../../docker/engine/daemon.js';
import type { ProgramResult } from '../../../docker/engine-host.js';
import { type BridgeNetwork, type Firewall, FirewallError, type Link } from '../../../docker/firewall/firewall.js';
import { firewallFor } from '../../../docker/firewall/index.js';
import type { PortBinding, Protocol } from '../../../docker/model.js';
import { OfflineHost } from '../../../docker/offline-host.js';
import { parseRelease } from '../../../docker/releases.js';

export interface FirewallCase {
  readonly engines: readonly string[];
  readonly steps: readonly Step[];
}

interface Step {
  readonly line: string;
  readonly failure: string | undefined;
  readonly commands: readonly string[];
  /** The rules behind it; undefined: not recorded. */
  readonly rules: string | undefined;
}

export function parseFirewallCase(text: string): FirewallCase {
  const engines: string[] = [];
  const steps: (Step & { failure: string | undefined; commands: string[]; rules: string | undefined })[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const step = steps.at(-1);
    if (line.startsWith('engine ')) engines.push(line.slice('engine '.length));
    else if (line.startsWith('! ')) step!.failure = line.slice(2).replaceAll('\\n', '\n');
    else if (line.startsWith('= ')) step!.rules = `${step!.rules ?? ''}${line.slice(2)}\n`;
    else if (line.startsWith('> ')) step!.commands.push(line.slice(2));
    else steps.push({ line, failure: undefined, commands: [], rules: undefined });
  }
  return { engines, steps };
}

/** A run of a case with one of its engines. */
export class CaseRun {
  readonly host: OfflineHost;
  readonly #networks = new Map<string, BridgeNetwork>();
  readonly #bindings = new Map<string, PortBinding[]>();
  readonly #makeFirewall: () => Firewall;
  #firewall: Firewall | undefined;
  #saved = '';
  #commands: string[] = [];

  constructor(engine: string) {
    const [release, backend, ...options] = engine.split(' ');
    this.host = new OfflineHost({ backend: backend as 'legacy' | 'nft' });
    const settings = {
      release: parseRelease(release),
      options: { ...DEFAULT_OPTIONS, ...Object.fromEntries(options.map(parseOption)) },
    };
    const { host } = this;
    const changed = Object.assign(Object.create(host) as OfflineHost, {
      iptables: (words: readonly string[]): ProgramResult => {
        this.#commands.push(words.join(' ').replace(/^--wait (?:-t filter )?/, ''));
        return host.iptables(words);
      },
    });
    this.#makeFirewall = () => firewallFor(settings, changed, []);
  }

  /** Takes the step LINE; returns the message of its failure. */
  take(line: string): string | undefined {
    try {
      this.#take(line);
      return undefined;
    } catch (error) {
      if (error instanceof FirewallError) return error.message;
      throw error;
    }
  }

  /** The commands of the last step, but for those that only ask. */
  get commands(): readonly string[] {
    return this.#commands.filter((command) => !/(?:^| )-[CL] /.test(command));
  }

  #take(line: string): void {
    this.#commands = [];
    const [verb, ...words] = line.split(' ');
    const [bridge, ...rest] = words;
    switch (verb) {
      case 'iptables':
        this.#run(words);
        return;
      case 'save-rules':
        this.#saved = this.host.saveRules();
        return;
      case 'restart':
        this.#flush();
        this.host.restoreRules(this.#saved);
        return;
      case 'start':
        this.#firewall = this.#makeFirewall();
        this.#firewall.start(words.includes('forwarding'), words.includes('first'));
        return;
      case 'network':
        this.#networks.set(bridge, networkOf(bridge, rest));
        this.#engine.addNetwork(this.#network(bridge));
        return;
      case 'restore':
        this.#engine.restoreNetwork(this.#network(bridge));
        return;
      case 'rm':
        this.#engine.removeNetwork(this.#network(bridge));
        return;
      case 'publish':
        this.#bindings.set(bridge, [...(this.#bindings.get(bridge) ?? []), ...rest.map(bindingOf)]);
        this.#engine.addPorts(this.#network(bridge), rest.map(bindingOf));
        return;
      case 'close':
        this.#engine.removePorts(this.#network(bridge), rest.map(bindingOf));
        return;
      case 'link':
        this.#engine.addLink(this.#network(bridge), linkOf(rest));
        return;
      case 'unlink':
        this.#engine.removeLink(this.#network(bridge), linkOf(rest));
        return;
      case 'reload':
        this.#flush();
        this.#reload(words);
        return;
    }
    throw new Error(`no such step: ${line}`);
  }

  get #engine(): Firewall {
    if (this.#firewall === undefined) throw new Error('the engine has not been started');
    return this.#firewall;
  }

  #network(bridge: string): BridgeNetwork {
    const network = this.#networks.get(bridge);
    if (network === undefined) throw new Error(`no network ${bridge}`);
    return network;
  }

  #reload(bridges: readonly string[]): void {
    const networks = bridges.map((bridge) => {
      const bindings = this.#bindings.get(bridge) ?? [];
      return { network: this.#network(bridge), addresses: [], bindings, links: [] };
    });
    this.#engine.reload(networks);
  }

  /** What the service iptables does when it stops. */
  #flush(): void {
    for (const [, table] of this.host.saveRules().matchAll(/^\*(\w+)/gm)) {
      const { stdout } = this.host.iptables(['-t', table, '-S']);
      for (const [, chain] of stdout.matchAll(/^-P (\S+)/gm)) this.#run(['-t', table, '-P', chain, 'ACCEPT']);
      this.#run(['-t', table, '-F']);
      this.#run(['-t', table, '-X']);
    }
  }

  #run(words: readonly string[]): void {
    const { exitCode, stderr } = this.host.iptables(words);
    if (exitCode !== 0) throw new Error(`iptables ${words.join(' ')}: ${stderr}`);
  }
}

function parseOption(text: string): [string, unknown] {
  const [name, value] = text.split('=');
  return [name, value === 'true' || value === 'false' ? value === 'true' : value];
}

function networkOf(bridge: string, [subnet, ...words]: readonly string[]): BridgeNetwork {
  const value = (name: string): string | undefined =>
    words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  return {
    bridge,
    subnet,
    gateway: undefined,
    isDefault: bridge === 'docker0',
    isInternal: words.includes('inside'),
    allowsIcc: value('icc') !== 'off',
    masquerades: value('masq') !== 'off',
    hostAddress: value('snat'),
    gatewayMode: (value('mode') ?? 'nat') as BridgeNetwork['gatewayMode'],
    trustedInterfaces: [],
  };
}

function bindingOf(text: string): PortBinding {
  const [, protocol, hostAddress, hostPort, containerAddress, containerPort] =
    /^(\w+)\/([\d.]+):(\d+)>([\d.]+):(\d+)$/.exec(text)!;
  return {
    protocol: protocol as Protocol,
    hostAddress,
    hostPort: Number(hostPort),
    containerAddress,
    containerPort: Number(containerPort),
  };
}

function linkOf([parent, child, ...ports]: readonly string[]): Link {
  return {
    parent,
    child,
    ports: ports.map((text) => {
      const [port, protocol] = text.split('/');
      return { port: Number(port), protocol: protocol as Protocol };
    }),
  };
}

/**
 * The rules TEXT, as iptables-save prints them, for comparing: without counters and comments, tables and chains by
 * name, and without tables in which nothing is.
 */
export function comparable(text: string): string {
  return text
    .split(/^(?=\*)/m)
    .filter((table) => table.startsWith('*'))
    .map(comparableTable)
    .sort()
    .join('');
}

/** Empty if nothing is in TABLE but base chains that accept. */
function comparableTable(table: string): string {
  const [name, ...lines] = table.split('\n');
  const chains = new Map<string, string[]>();
  for (const line of lines) {
    const [, declared, policy] = /^:(\S+) (\S+)/.exec(line) ?? [];
    const [, rule, owner] = /^(?:\[\d+:\d+\] )?(-A (\S+).*)/.exec(line) ?? [];
    if (declared !== undefined) chains.set(declared, [`:${declared} ${policy}`]);
    if (owner !== undefined) chains.get(owner)!.push(rule);
  }
  const sorted = [...chains].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, of]) => of);
  if (sorted.every(([declaration, ...rules]) => rules.length === 0 && declaration.endsWith(' ACCEPT'))) return '';
  return [name, ...sorted.flat(), ''].join('\n');
}
