/**
 * The rules of containers and of what they publish, of an engine since 28 (moby: libnetwork/drivers/bridge,
 * port_mapping_linux.go; since 28.2 its iptabler, endpoint.go and port.go).
 */
import type { EngineHost } from '../../engine-host.js';
import type { DaemonOptions, PortBinding } from '../../model.js';
import type { BridgeNetwork } from '../firewall.js';
import { attempt, filterRule, type IptablesTool, natRule, rawRule } from '../iptables-tool.js';
import { isMirrored } from '../mirrored-networking.js';
import type { Changes } from './changes.js';
import { RuleWriter } from './rule-writer.js';

export class ContainerRules {
  readonly #host: EngineHost;
  readonly #writer: RuleWriter;
  readonly #changes: Changes;
  readonly #options: DaemonOptions;

  constructor(host: EngineHost, tool: IptablesTool, changes: Changes, options: DaemonOptions) {
    this.#host = host;
    this.#writer = new RuleWriter(tool);
    this.#changes = changes;
    this.#options = options;
  }

  /**
   * Since 28.2: drops what comes straight to the container's ADDRESS. Other bridges reach it no more than the outside.
   * @throws {FirewallError}
   */
  setEndpoint({ bridge, trustedInterfaces, ...network }: BridgeNetwork, address: string, isWanted: boolean): void {
    if (this.#changes.directAccess !== 'endpoint' || network.isInternal || !isFiltered(network)) return;
    const isFiltering = isWanted && !this.#options.allowDirectRouting;
    for (const name of trustedInterfaces) {
      const rule = rawRule('-d', address, '-i', name, '-j', 'ACCEPT');
      this.#writer.append(rule, 'DIRECT ACCESS FILTERING - ACCEPT', isFiltering);
    }
    const drop = rawRule('-d', address, '!', '-i', bridge, '-j', 'DROP');
    this.#writer.append(drop, 'DIRECT ACCESS FILTERING - DROP', isFiltering);
  }

  /** Where one fails, all BINDINGS are taken back. @throws {FirewallError} */
  addPorts(network: BridgeNetwork, bindings: readonly PortBinding[]): void {
    try {
      for (const binding of bindings) this.#setPort(network, binding, true);
    } catch (error) {
      this.removePorts(network, bindings);
      throw error;
    }
  }

  removePorts(network: BridgeNetwork, bindings: readonly PortBinding[]): void {
    for (const binding of bindings) attempt(() => this.#setPort(network, binding, false));
  }

  #setPort(network: BridgeNetwork, binding: PortBinding, isWanted: boolean): void {
    if (network.isInternal) return;
    this.#filterLoopback(binding, isWanted);
    this.#filterDirectAccess(network, binding, isWanted);
    // Only the userland proxy leads from IPv6 to a container's IPv4.
    if (binding.hostAddress.includes(':')) return;
    if (binding.hostPort !== 0) this.#translate(network, binding, isWanted);
    if (network.gatewayMode === 'nat-unprotected') return;
    const { protocol, containerAddress, containerPort } = binding;
    const bridges = ['!', '-i', network.bridge, '-o', network.bridge];
    const port = ['-p', protocol, '-d', containerAddress, '--dport', String(containerPort)];
    this.#writer.insert(filterRule('DOCKER', ...bridges, ...port, '-j', 'ACCEPT'), 'OPEN PORT', isWanted);
  }

  /** What is published on 127.0.0.1 is not for others on the same link. */
  #filterLoopback({ hostAddress, hostPort, protocol }: PortBinding, isWanted: boolean): void {
    if (hostPort === 0 || !hostAddress.startsWith('127.')) return;
    const port = ['-p', protocol, '-d', hostAddress, '--dport', String(hostPort)];
    const mirrored = rawRule(...port, '-i', 'loopback0', '-j', 'ACCEPT');
    this.#writer.append(mirrored, 'LOOPBACK FILTERING - ACCEPT MIRRORED', isWanted && isMirrored(this.#host));
    this.#writer.append(rawRule(...port, '!', '-i', 'lo', '-j', 'DROP'), 'LOOPBACK FILTERING - DROP', isWanted);
  }

  /** Until 28.2 a rule for each port; since then the engine deletes those that it finds. */
  #filterDirectAccess(network: BridgeNetwork, binding: PortBinding, isWanted: boolean): void {
    if (!isFiltered(network)) return;
    const { protocol, containerAddress, containerPort } = binding;
    const isOwn = this.#changes.directAccess === 'port';
    const port = ['-p', protocol, '-d', containerAddress, '--dport', String(containerPort)];
    const what = `${isOwn ? '' : 'LEGACY '}DIRECT ACCESS FILTERING - DROP`;
    this.#writer.append(rawRule(...port, '!', '-i', network.bridge, '-j', 'DROP'), what, isWanted && isOwn);
  }

  #translate({ bridge }: BridgeNetwork, binding: PortBinding, isWanted: boolean): void {
    const { hostAddress, hostPort, containerAddress, containerPort, protocol } = binding;
    const isHairpin = !this.#options.userlandProxy;
    const host = hostAddress === '0.0.0.0' ? '0/0' : hostAddress;
    const from = ['-p', protocol, '-d', host, '--dport', String(hostPort)];
    const to = ['-j', 'DNAT', '--to-destination', `${containerAddress}:${containerPort}`];
    const dnat = natRule('DOCKER', ...from, ...to, ...(isHairpin ? [] : ['!', '-i', bridge]));
    this.#writer.append(dnat, 'DNAT', isWanted);
    const itself = ['-p', protocol, '-s', containerAddress, '-d', containerAddress, '--dport', String(containerPort)];
    const masquerade = natRule('POSTROUTING', ...itself, '-j', 'MASQUERADE');
    this.#writer.append(masquerade, 'MASQUERADE', isWanted && isHairpin);
  }
}

/** Whether nothing but published ports is to be reached from other links. */
function isFiltered({ gatewayMode }: Pick<BridgeNetwork, 'gatewayMode'>): boolean {
  return gatewayMode !== 'nat-unprotected' && gatewayMode !== 'routed';
}
