/** WSL2 with mirrored networking: it delivers what Windows sends to 127.0.0.1 by an interface of its own. */
import type { EngineHost } from '../engine-host.js';
import type { EngineRule } from './iptables-tool.js';

/** Since 27.3, engines leave such packets to the userland proxy. */
export const MIRRORED_RULE: EngineRule = {
  table: 'nat',
  chain: 'DOCKER',
  words: ['-i', 'loopback0', '-d', '127.0.0.0/8', '-j', 'RETURN'],
};

/** Whether HOST is a WSL2 with mirrored networking, by the interface that it then has. */
export function isMirrored({ network }: EngineHost): boolean {
  const { addr, link } = network.json;
  return [addr, link].some((list) => Array.isArray(list) && list.some((entry) => isNamed(entry, 'loopback0')));
}

function isNamed(link: unknown, name: string): boolean {
  return typeof link === 'object' && link !== null && 'ifname' in link && link.ifname === name;
}
