/** What other programs than Docker do to the host of an engine. */
import type { HostAction, ServiceVerb } from '../commands/action.js';
import { UnsupportedError } from '../error.js';
import type { PresentNetwork } from '../firewall/firewall.js';
import { reloadFirewalld } from '../services/firewalld.js';
import { runIptablesService } from '../services/iptables-service.js';
import { reloadUfw } from '../services/ufw.js';
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

function dockerService(engine: Engine, does: ServiceVerb): Output {
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

function iptablesService(engine: Engine, does: ServiceVerb): Output {
  const { savedRules, notes, ...output } = runIptablesService(does, engine.savedRules, engine.host);
  engine.savedRules = savedRules;
  engine.notes.push(...notes);
  return output;
}

/** @throws {UnsupportedError} if it is not known which rules the tool has */
function reload(engine: Engine, tool: 'firewalld' | 'ufw', rules: string | undefined): Output {
  const { notes, ...output } = tool === 'ufw' ? reloadUfw(rules, engine.host) : reloadFirewalld(rules, engine.host);
  engine.notes.push(...notes);
  // firewalld tells the engine, which writes its rules again.
  if (tool === 'firewalld' && engine.isRunning && engine.options.iptables)
    engine.firewall.reload(engine.networks.flatMap((network) => presentNetwork(engine, network)));
  return output;
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
