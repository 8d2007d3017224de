/** An engine at work: its state while a command is carried out. */
import type { EngineHost } from '../engine-host.js';
import type { BridgeNetwork, Firewall } from '../firewall/firewall.js';
import { firewallFor } from '../firewall/index.js';
import {
  type ContainerState,
  type DaemonOptions,
  DEFAULT_NETWORK,
  type DockerState,
  type DrawnRestart,
  type EndpointState,
  type NetworkState,
  type PortBinding,
} from '../model.js';
import { isSince, parseRelease, type Release } from '../releases.js';
import { bridgeNetworkOf } from './bridge-options.js';
import { EngineError } from './engine-error.js';
import { HostLinks } from './host-links.js';
import { idOf } from './identity.js';
import { type EngineTraits, traitsOf } from './traits.js';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export type Network = Writable<NetworkState>;
export type Container = Omit<Writable<ContainerState>, 'endpoints'> & { endpoints: Endpoint[] };
export type Endpoint = Writable<EndpointState>;

export interface Memory {
  nextPool: number;
  lastPorts: Record<string, number>;
}

/** The state of an engine, which its parts change. */
export class Engine {
  readonly host: EngineHost;
  readonly links: HostLinks;
  readonly release: Release;
  readonly traits: EngineTraits;
  options: DaemonOptions;
  isRunning: boolean;
  networks: Network[];
  containers: Container[];
  memory: Memory;
  savedRules: string | undefined;
  /** For people: what was assumed. */
  readonly notes: string[] = [];
  #chosen: number;
  #drawn: DockerState['drawn'];
  #firewall: Firewall | undefined;
  readonly #given: DockerState;

  constructor(state: DockerState, host: EngineHost) {
    this.host = host;
    this.#given = state;
    this.release = parseRelease(state.release);
    this.traits = traitsOf(this.release);
    this.options = state.options;
    this.isRunning = state.isRunning;
    this.networks = state.networks.map((network) => ({ ...network }));
    this.containers = state.containers.map((container) => ({
      ...container,
      endpoints: container.endpoints.map((endpoint) => ({ ...endpoint })),
    }));
    this.savedRules = state.savedRules;
    this.memory = { nextPool: state.memory?.nextPool ?? 0, lastPorts: { ...state.memory?.lastPorts } };
    this.#chosen = state.chosen;
    this.#drawn = state.drawn;
    this.links = new HostLinks(host.network, state.memory?.lastIfindex ?? 0, !isSince(this.release, 25, 0, 0));
  }

  /** See DockerState. */
  get otherRules(): DockerState['otherRules'] {
    return this.#given.otherRules;
  }

  get state(): DockerState {
    return {
      ...this.#given,
      options: this.options,
      isRunning: this.isRunning,
      networks: this.networks,
      containers: this.containers,
      chosen: this.#chosen,
      ...(this.#drawn === undefined ? {} : { drawn: this.#drawn }),
      memory: { ...this.memory, lastIfindex: this.links.lastIfindex },
      savedRules: this.savedRules,
    };
  }

  /** An id for the network or container NAME: as a real engine drew it, else one that was not chosen before. */
  drawId(kind: 'network' | 'container', name: string): string {
    const key = `${kind} ${name}`;
    const [drawn, ...rest] = this.#drawn?.ids[key] ?? [];
    if (this.#drawn === undefined || drawn === undefined) return idOf(kind, this.choose());
    this.#drawn = { ...this.#drawn, ids: { ...this.#drawn.ids, [key]: rest } };
    return drawn;
  }

  /** In which order a real engine, when it started again, restored its networks and started containers again. */
  drawRestart(): DrawnRestart | undefined {
    const [drawn, ...rest] = this.#drawn?.restarts ?? [];
    if (this.#drawn !== undefined) this.#drawn = { ...this.#drawn, restarts: rest };
    return drawn;
  }

  /** A number that was not chosen before. */
  choose(): number {
    return this.#chosen++;
  }

  /** What writes the rules. */
  get firewall(): Firewall {
    if (this.#firewall === undefined) this.resetFirewall(this.isRunning);
    return this.#firewall as Firewall;
  }

  /** The engine starts. KEEPS_RULES: the rules of its networks stand. */
  resetFirewall(keepsRules: boolean): void {
    const present = keepsRules ? this.networks.flatMap((network) => bridgeNetworkOf(network, this.release) ?? []) : [];
    this.#firewall = firewallFor({ release: this.release, options: this.options }, this.host, present);
  }

  /** @throws {EngineError} */
  network(nameOrId: string): Network {
    const network = this.findNetwork(nameOrId);
    if (network === undefined) throw new EngineError(`network ${nameOrId} not found`);
    return network;
  }

  findNetwork(nameOrId: string): Network | undefined {
    const { networks } = this;
    const name = nameOrId === 'default' ? DEFAULT_NETWORK : nameOrId;
    const byName = networks.find(({ spec, id }) => spec.name === name || id === name);
    if (byName !== undefined || nameOrId === '') return byName;
    const byPrefix = networks.filter(({ id }) => id.startsWith(nameOrId));
    return byPrefix.length === 1 ? byPrefix[0] : undefined;
  }

  /** @throws {EngineError} */
  container(nameOrId: string): Container {
    const container = this.findContainer(nameOrId);
    if (container === undefined) throw new EngineError(`No such container: ${nameOrId}`);
    return container;
  }

  findContainer(nameOrId: string): Container | undefined {
    const { containers } = this;
    const name = nameOrId.replace(/^\//, '');
    const exact = containers.find((container) => container.name === name || container.id === name);
    if (exact !== undefined || name === '') return exact;
    const byPrefix = containers.filter(({ id }) => id.startsWith(name));
    return byPrefix.length === 1 ? byPrefix[0] : undefined;
  }

  bridgeNetwork(network: Network): BridgeNetwork {
    const bridge = bridgeNetworkOf(network, this.release);
    if (bridge === undefined) throw new EngineError(`network ${network.spec.name} has no bridge`);
    return bridge;
  }

  /** The published ports of all containers. */
  get publishedPorts(): PortBinding[] {
    return this.containers.flatMap(({ endpoints }) => endpoints.flatMap(({ bindings }) => bindings));
  }
}
