/** What other programs than Docker do to the host of an engine. */
import { splitWords } from '../../codecs/iptables-save.js';
import type { HostAction } from '../commands/action.js';
import { UnsupportedError } from '../error.js';
import type { PresentNetwork } from '../firewall/firewall.js';
import type { Output } from './actions.js';
import { startDaemon, stopDaemon } from './daemon.js';
import { isConnected } from './endpoints.js';
import type { Engine, Network } from './engine.js';
import { EngineError } from './engine-error.js';
import { IP_FORWARD, setForwarding } from './forwarding.js';
import { linksOfNetwork } from './legacy-links.js';

const DONE: Output = { exitCode: 0, stdout: '', stderr: '' };

/** @throws {UnsupportedError} */
export function carryOutOnHost(engine: Engine, action: HostAction): Output {
  switch (action.kind) {
    case 'iptables':
      return engine.host.iptables(action.words.map(({ text }) => text));
    case 'ipset':
      return engine.host.ipset(action.words.map(({ text }) => text));
    case 'sysctl':
      setSysctl(engine, action.name.replaceAll('/', '.'), action.value);
      return { ...DONE, stdout: `${action.name} = ${action.value}\n` };
    case 'service':
      return action.service === 'docker' ? dockerService(engine, action.does) : iptablesService(engine, action.does);
    case 'reload':
      return reload(engine, action.tool, engine.otherRules[action.tool]);
  }
}

function setSysctl({ host: { network } }: Engine, name: string, value: number): void {
  if (name === IP_FORWARD) setForwarding(network, value);
  else network.setSysctl(name, value);
}

type Verb = (HostAction & { kind: 'service' })['does'];

function dockerService(engine: Engine, does: Verb): Output {
  if (does === 'save') throw new UnsupportedError('the service docker has nothing to save');
  try {
    if (does === 'stop' || does === 'restart') stopDaemon(engine);
    if (does === 'start' || does === 'restart') startDaemon(engine);
    return DONE;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    engine.notes.push(`the engine did not start: ${error.message}`);
    return { exitCode: 1, stdout: '', stderr: `Job for docker.service failed: ${error.message}\n` };
  }
}

function iptablesService(engine: Engine, does: Verb): Output {
  const { host } = engine;
  if (does === 'save') {
    engine.savedRules = host.saveRules();
    return DONE;
  }
  if (does !== 'start') flushRules(engine);
  if (does !== 'stop') {
    if (engine.savedRules !== undefined) host.restoreRules(engine.savedRules);
    else engine.notes.push('no rules were saved for the iptables service');
  }
  return DONE;
}

/** The tables that the iptables service flushes. */
const TABLES = ['filter', 'nat', 'mangle', 'raw'];

/** What the service does when it stops: policies become ACCEPT, all rules and chains go. */
function flushRules({ host }: Engine): void {
  for (const table of TABLES) {
    const { stdout } = host.iptables(['-t', table, '-S']);
    const chains = [...stdout.matchAll(/^-P (\S+)/gm)].map(([, chain]) => chain);
    for (const chain of chains) host.iptables(['-t', table, '-P', chain, 'ACCEPT']);
    host.iptables(['-t', table, '-F']);
    host.iptables(['-t', table, '-X']);
  }
}

/** @throws {UnsupportedError} if it is not known which rules the tool has */
function reload(engine: Engine, tool: 'firewalld' | 'ufw', rules: string | undefined): Output {
  if (rules === undefined) throw new UnsupportedError(`the rules of ${tool} are not known: give them with --firewall`);
  if (tool === 'ufw') restoreChainsOfUfw(engine, rules);
  else reloadFirewalld(engine, rules);
  return { ...DONE, stdout: tool === 'ufw' ? 'Firewall reloaded\n' : 'success\n' };
}

/** firewalld deletes all rules and writes its own; then it tells the engine, which writes its own again. */
function reloadFirewalld(engine: Engine, rules: string): void {
  flushRules(engine);
  engine.host.restoreRules(rules);
  if (!engine.isRunning || !engine.options.iptables) return;
  engine.firewall.reload(engine.networks.flatMap((network) => presentNetwork(engine, network)));
}

function presentNetwork(engine: Engine, network: Network): PresentNetwork[] {
  if (network.bridge === undefined) return [];
  const endpoints = engine.containers
    .flatMap((container) => container.endpoints)
    .filter((endpoint) => isConnected(endpoint) && engine.findNetwork(endpoint.spec.network) === network);
  return [
    {
      network: engine.bridgeNetwork(network),
      addresses: endpoints.map(({ address }) => address as string),
      bindings: endpoints.flatMap(({ bindings }) => bindings),
      links: linksOfNetwork(engine, network),
    },
  ];
}

/** ufw fills its own chains anew and sets its policies, and leaves what others wrote. */
function restoreChainsOfUfw({ host }: Engine, rules: string): void {
  let table = 'filter';
  for (const [index, line] of rules.split('\n').entries()) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const [, chain, policy] = /^:(\S+) (\S+)/.exec(line) ?? [];
    if (chain?.startsWith('ufw')) {
      host.iptables(['-t', table, '-N', chain]);
      host.iptables(['-t', table, '-F', chain]);
    } else if (chain !== undefined && policy !== '-') {
      host.iptables(['-t', table, '-P', chain, policy]);
    }
    const words = splitWords(line.replace(/^\[\d+:\d+\] /, ''), index + 1).map(({ text }) => text);
    if (words[0] === '-A' && words[1]?.startsWith('ufw')) host.iptables(['-t', table, ...words]);
  }
}
