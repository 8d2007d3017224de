/**
 * What an engine writes into the host's rules. One file for each generation of engines implements it, by running
 * iptables as that generation does, in its order. The engine calls it when the daemon starts, and for networks,
 * endpoints and ports.
 */
import { EngineError } from '../engine/engine-error.js';
import type { EngineHost } from '../engine-host.js';
import type { DaemonOptions, PortBinding } from '../model.js';

/** What rules depend on of a bridge network. */
export interface BridgeNetwork {
  readonly bridge: string;
  /** A prefix. */
  readonly subnet: string;
  readonly gateway: string | undefined;
  readonly isDefault: boolean;
  readonly isInternal: boolean;
  readonly allowsIcc: boolean;
  readonly masquerades: boolean;
  /** `com.docker.network.host_ipv4`: its packets leave with this source; undefined: masqueraded. */
  readonly hostAddress: string | undefined;
  readonly gatewayMode: 'nat' | 'nat-unprotected' | 'routed' | 'isolated';
  /** `com.docker.network.bridge.trusted_host_interfaces` (since 28). */
  readonly trustedInterfaces: readonly string[];
}

/** A legacy link: PARENT may reach these ports of CHILD where icc is off. */
export interface Link {
  readonly parent: string;
  readonly child: string;
  readonly ports: readonly { readonly port: number; readonly protocol: PortBinding['protocol'] }[];
}

/** A network with all that is connected to it. */
export interface PresentNetwork {
  readonly network: BridgeNetwork;
  /** Of its endpoints, in the order in which they were connected. */
  readonly addresses: readonly string[];
  readonly bindings: readonly PortBinding[];
  readonly links: readonly Link[];
}

/**
 * It is told of everything with `--iptables=false`, too: some engines write a rule all the same.
 *
 * Every method throws a FirewallError where iptables fails and the engine gives up; what was done before stays, but for
 * what the engine itself takes back.
 */
export interface Firewall {
  /** The daemon starts. ENABLED_FORWARDING: it has just turned ip_forward on. IS_FIRST: it has no networks yet. */
  start(enabledForwarding: boolean, isFirst?: boolean): void;
  /** ENABLED_FORWARDING: the engine has just turned ip_forward on for it, as those since 28 do. */
  addNetwork(network: BridgeNetwork, enabledForwarding?: boolean): void;
  /** As addNetwork, for a network that the daemon finds when it starts and does not make again. */
  restoreNetwork(network: BridgeNetwork, enabledForwarding?: boolean): void;
  removeNetwork(network: BridgeNetwork): void;
  addEndpoint(network: BridgeNetwork, address: string): void;
  removeEndpoint(network: BridgeNetwork, address: string): void;
  /** The host port of a binding of a routed network is 0: nothing is translated there. */
  addPorts(network: BridgeNetwork, bindings: readonly PortBinding[]): void;
  removePorts(network: BridgeNetwork, bindings: readonly PortBinding[]): void;
  addLink(network: BridgeNetwork, link: Link): void;
  removeLink(network: BridgeNetwork, link: Link): void;
  /**
   * firewalld has deleted all rules (`firewall-cmd --reload`): writes those of all NETWORKS again, as far as this
   * release does so. What fails the engine only logs.
   */
  reload(networks: readonly PresentNetwork[]): void;
}

/** What an engine of one generation is like. */
export interface FirewallSettings {
  /** Such as [28, 5, 2]. */
  readonly release: readonly number[];
  readonly options: DaemonOptions;
}

/**
 * Makes the firewall of an engine on HOST. PRESENT: the networks of which the rules stand already, in the order in which
 * they were added.
 * @throws {UnsupportedError} if an option is not followed
 */
export type MakeFirewall = (
  settings: FirewallSettings,
  host: EngineHost,
  present: readonly BridgeNetwork[],
) => Firewall;

/** iptables has failed. */
export class FirewallError extends EngineError {
  override readonly name = 'FirewallError';
}
