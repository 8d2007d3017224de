/** The rules of networks, ports and links that engines before 28 write, as data. */
import type { PortBinding } from '../../model.js';
import type { BridgeNetwork } from '../firewall.js';
import { type EngineRule, filterRule, natRule } from '../iptables-tool.js';

/** The chain of published ports, in nat and in filter. */
export const DOCKER = 'DOCKER';

export function forwardRule(...words: string[]): EngineRule {
  return filterRule('FORWARD', ...words);
}

/** Packets of containers leave with an address of the host: HOST_ADDRESS, or that of the interface. */
export function sourceRule({ subnet, bridge }: BridgeNetwork, hostAddress: string | undefined): EngineRule {
  return natRule('POSTROUTING', '-s', subnet, '!', '-o', bridge, ...sourceTarget(hostAddress));
}

/** Without userland proxy, packets of the host to 127.0.0.1 come to containers from an address they can answer. */
export function loopbackRule({ bridge }: BridgeNetwork, hostAddress: string | undefined): EngineRule {
  const words = ['-m', 'addrtype', '--src-type', 'LOCAL', '-o', bridge];
  return natRule('POSTROUTING', ...words, ...sourceTarget(hostAddress));
}

function sourceTarget(hostAddress: string | undefined): string[] {
  return hostAddress === undefined ? ['-j', 'MASQUERADE'] : ['-j', 'SNAT', '--to-source', hostAddress];
}

/** With the userland proxy, packets of a container to published ports are left to it. */
export function skipRule({ bridge }: BridgeNetwork): EngineRule {
  return natRule(DOCKER, '-i', bridge, '-j', 'RETURN');
}

export function outgoingRule({ bridge }: BridgeNetwork): EngineRule {
  return forwardRule('-i', bridge, '!', '-o', bridge, '-j', 'ACCEPT');
}

export function answersRule({ bridge }: BridgeNetwork): EngineRule {
  return forwardRule('-o', bridge, '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED', '-j', 'ACCEPT');
}

export function iccRule({ bridge }: BridgeNetwork, verdict: 'ACCEPT' | 'DROP'): EngineRule {
  return forwardRule('-i', bridge, '-o', bridge, '-j', verdict);
}

export function publishedRule({ bridge }: BridgeNetwork): EngineRule {
  return forwardRule('-o', bridge, '-j', DOCKER);
}

/** The jump to DOCKER from nat's PREROUTING or OUTPUT; in OUTPUT not for 127.0.0.0/8, unless CATCHES_LOOPBACK. */
export function translationRule(chain: 'PREROUTING' | 'OUTPUT', catchesLoopback: boolean): EngineRule {
  const words = ['-m', 'addrtype', '--dst-type', 'LOCAL', '-j', DOCKER];
  return natRule(chain, ...words, ...(catchesLoopback ? [] : ['!', '--dst', '127.0.0.0/8']));
}

/** What leads to a published port. IS_PROXIED: its own network uses the userland proxy. */
export function bindingRules(
  { bridge }: BridgeNetwork,
  { protocol, hostAddress, hostPort, containerAddress, containerPort }: PortBinding,
  isProxied: boolean,
): { readonly translated: EngineRule; readonly accepted: EngineRule; readonly hairpin: EngineRule } {
  const port = ['--dport', String(containerPort)];
  const translated = natRule(
    DOCKER,
    ...['-p', protocol, '-d', hostAddress === '0.0.0.0' ? '0/0' : hostAddress, '--dport', String(hostPort)],
    ...['-j', 'DNAT', '--to-destination', `${containerAddress}:${containerPort}`],
    ...(isProxied ? ['!', '-i', bridge] : []),
  );
  const to = ['-p', protocol, '-d', containerAddress, ...port, '-j', 'ACCEPT'];
  const accepted = filterRule(DOCKER, '!', '-i', bridge, '-o', bridge, ...to);
  const ends = ['-s', containerAddress, '-d', containerAddress];
  const hairpin = natRule('POSTROUTING', '-p', protocol, ...ends, ...port, '-j', 'MASQUERADE');
  return { translated, accepted, hairpin };
}

/** Kernels up to 4.9 leave the checksums of SCTP to cards that may not have it. */
export function checksumRule({ protocol, containerPort }: PortBinding): EngineRule {
  const words = ['-p', protocol, '--sport', String(containerPort), '-j', 'CHECKSUM', '--checksum-fill'];
  return { table: 'mangle', chain: 'POSTROUTING', words };
}
