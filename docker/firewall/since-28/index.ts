/** The firewall of engines since 28.0.0, which write iptables. `changes.ts` tells what differs between them. */
import type { EngineHost } from '../../engine-host.js';
import { UnsupportedError } from '../../error.js';
import type { DaemonOptions, PortBinding } from '../../model.js';
import type { BridgeNetwork, Firewall, FirewallSettings, Link, PresentNetwork } from '../firewall.js';
import { attempt, IptablesTool } from '../iptables-tool.js';
import { linkRules } from '../link-rules.js';
import { DockerChains } from './chains.js';
import { type Changes, changesOf } from './changes.js';
import { NetworkRules } from './networks.js';
import { ContainerRules } from './ports.js';

class FirewallSince28 implements Firewall {
  readonly #changes: Changes;
  readonly #options: DaemonOptions;
  readonly #tool: IptablesTool;
  readonly #chains: DockerChains;
  readonly #networks: NetworkRules;
  readonly #containers: ContainerRules;
  /** It has made FORWARD drop, and does so again on a reload. */
  #dropsForwarded = false;
  /** Until 28.1, a reload writes the rules of networks that were removed, too. */
  readonly #removed: BridgeNetwork[] = [];

  constructor({ release, options }: FirewallSettings, host: EngineHost) {
    this.#changes = changesOf(release);
    this.#options = options;
    this.#tool = new IptablesTool(host);
    this.#chains = new DockerChains(host, this.#tool, this.#changes, !options.userlandProxy);
    this.#networks = new NetworkRules(host, this.#tool, this.#changes, options);
    this.#containers = new ContainerRules(host, this.#tool, this.#changes, options);
  }

  start(enabledForwarding: boolean): void {
    this.#chains.remove();
    if (this.#changes.usesSet) this.#chains.createSet();
    this.#chains.setUp();
    if (enabledForwarding) this.#dropForwarded();
    this.#chains.setUpUserChain();
  }

  #dropForwarded(): void {
    if (this.#options.ipForwardNoDrop) return;
    this.#chains.dropForwarded();
    this.#dropsForwarded = true;
  }

  addNetwork(network: BridgeNetwork, enabledForwarding = false): void {
    if (enabledForwarding) this.#dropForwarded();
    this.#networks.add(network);
  }

  restoreNetwork(network: BridgeNetwork, enabledForwarding = false): void {
    this.addNetwork(network, enabledForwarding);
  }

  removeNetwork(network: BridgeNetwork): void {
    this.#networks.remove(network);
    if (!this.#changes.areNetworksWhole) this.#removed.push(network);
  }

  addEndpoint(network: BridgeNetwork, address: string): void {
    this.#containers.setEndpoint(network, address, true);
  }

  removeEndpoint(network: BridgeNetwork, address: string): void {
    this.#containers.setEndpoint(network, address, false);
  }

  addPorts(network: BridgeNetwork, bindings: readonly PortBinding[]): void {
    this.#containers.addPorts(network, bindings);
  }

  removePorts(network: BridgeNetwork, bindings: readonly PortBinding[]): void {
    this.#containers.removePorts(network, bindings);
  }

  addLink(network: BridgeNetwork, link: Link): void {
    try {
      for (const rule of linkRules(network, link)) this.#tool.append(rule);
    } catch (error) {
      this.removeLink(network, link);
      throw error;
    }
  }

  removeLink(network: BridgeNetwork, link: Link): void {
    for (const rule of linkRules(network, link)) attempt(() => this.#tool.delete(rule));
  }

  reload(networks: readonly PresentNetwork[]): void {
    attempt(() => this.#chains.setUp());
    for (const network of this.#removed) attempt(() => this.#networks.reload(network));
    for (const present of networks) this.#reloadNetwork(present);
    if (this.#dropsForwarded) attempt(() => this.#chains.dropForwarded());
    this.#chains.setUpUserChain();
  }

  #reloadNetwork({ network, addresses, bindings, links }: PresentNetwork): void {
    attempt(() => this.#networks.reload(network));
    if (!network.allowsIcc) for (const link of links) attempt(() => this.addLink(network, link));
    if (this.#changes.reloadsEndpoints) {
      for (const address of addresses) attempt(() => this.addEndpoint(network, address));
    }
    attempt(() => this.#containers.addPorts(network, bindings));
  }
}

/** The firewall of an engine that writes no rules (`--iptables=false`). */
const NONE: Firewall = {
  start: () => {},
  addNetwork: () => {},
  restoreNetwork: () => {},
  removeNetwork: () => {},
  addEndpoint: () => {},
  removeEndpoint: () => {},
  addPorts: () => {},
  removePorts: () => {},
  addLink: () => {},
  removeLink: () => {},
  reload: () => {},
};

/** @throws {UnsupportedError} for the nftables backend */
export function firewallSince28(settings: FirewallSettings, host: EngineHost): Firewall {
  const { firewallBackend = 'iptables', iptables } = settings.options;
  if (firewallBackend !== 'iptables' && firewallBackend !== '') {
    throw new UnsupportedError(`--firewall-backend=${firewallBackend} is not followed; only iptables is`);
  }
  return iptables ? new FirewallSince28(settings, host) : NONE;
}
