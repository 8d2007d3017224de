/** The rules of legacy links, the same in every engine. */
import type { BridgeNetwork, Link } from './firewall.js';
import type { EngineRule } from './iptables-tool.js';

/** Both directions of LINK, for each of its ports. */
export function linkRules({ bridge }: BridgeNetwork, { parent, child, ports }: Link): EngineRule[] {
  const rule = (protocol: string, from: string, to: string, end: string, port: number): EngineRule => {
    const words = ['-i', bridge, '-o', bridge, '-p', protocol, '-s', from, '-d', to, end, String(port), '-j', 'ACCEPT'];
    return { table: 'filter', chain: 'DOCKER', words };
  };
  return ports.flatMap(({ port, protocol }) => [
    rule(protocol, parent, child, '--dport', port),
    rule(protocol, child, parent, '--sport', port),
  ]);
}
