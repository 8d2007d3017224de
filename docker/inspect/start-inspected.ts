/** A host whose engine starts what `docker inspect` has shown, where nothing but that is known. */
import { OPTION } from '../bridge-options.js';
import type { DockerAction } from '../commands/action.js';
import { type CommandResult, type DockerHost, dockerHost } from '../docker-host.js';
import { firstOf, formatIpv4, isWithin, parseIpv4, parsePrefix } from '../engine/prefixes.js';
import type { EngineHost } from '../engine-host.js';
import {
  type ContainerSpec,
  type ContainerState,
  type DaemonOptions,
  DEFAULT_NETWORK,
  type DockerState,
  type EndpointState,
  isDefault,
  type NetworkSpec,
  type NetworkState,
  type PortSpec,
} from '../model.js';
import type { InspectedEngine } from './inspected-state.js';

export interface StartedEngine {
  readonly docker: DockerHost;
  /** Of the commands that start it. */
  readonly results: readonly { readonly text: string; readonly result: CommandResult }[];
}

/**
 * The engine of STATE, which has never run, on HOST: starts with OPTIONS and all that ENGINE shows, with the same
 * addresses.
 */
export function startInspected(
  state: DockerState,
  engine: InspectedEngine,
  host: EngineHost,
  options: Partial<DaemonOptions>,
): StartedEngine {
  const isMade = ({ spec }: NetworkState): boolean =>
    engine.order.some(({ kind, name }) => kind === 'network' && name === spec.name);
  const networks = engine.networks
    .filter((network) => !isMade(network))
    .map((network) => ({
      ...network,
      addressing: network.addressing && { taken: gatewaysOf(engine, network.spec.name) },
    }));
  const containers = engine.containers.map(asStopped);
  let current: DockerState = { ...state, networks, containers };
  const run = (text: string, action: DockerAction): StartedEngine['results'][number] => {
    const docker = dockerHost(current, host);
    const result = docker.carryOut({ action, words: [], file: 'docker inspect', notes: [] });
    current = docker.state;
    return { text, result };
  };
  const start = (name: string): StartedEngine['results'][number] => {
    const address = engine.containers.find((one) => one.name === name)?.endpoints.find(isOnDefault)?.address;
    const fillers = address === undefined ? [] : lowerAddresses(current, address);
    const isFiller = new Set(fillers);
    current = withTaken(current, (taken) => [...taken, ...fillers]);
    const started = run(`docker start ${name}`, { kind: 'start', containers: [name] });
    current = withTaken(current, (taken) => taken.filter((one) => !isFiller.has(one)));
    return started;
  };
  const results = [
    run('dockerd', { kind: 'dockerd', options: { ...engine.options, ...options } }),
    ...engine.order.map(({ kind, name }) => {
      const network = kind === 'network' ? engine.networks.find(({ spec }) => spec.name === name) : undefined;
      return network === undefined
        ? start(name)
        : run(`docker network create ${name}`, { kind: 'network create', spec: asCreated(network) });
    }),
  ];
  return { docker: dockerHost(asInspected(current, engine), host), results };
}

/** Where no address can be asked for. */
function isOnDefault({ spec }: EndpointState): boolean {
  return spec.network === DEFAULT_NETWORK;
}

/** The addresses that the default network would give out before ADDRESS. */
function lowerAddresses({ networks }: DockerState, address: string): string[] {
  const network = networks.find(isDefault);
  const subnet = network?.subnet === undefined ? undefined : parsePrefix(network.subnet);
  const end = parseIpv4(address);
  if (subnet === undefined || end === undefined || !isWithin(end, subnet)) return [];
  const taken = new Set(network?.addressing?.taken);
  const lower = Array.from({ length: end - firstOf(subnet) }, (_, i) => formatIpv4(firstOf(subnet) + i));
  return lower.filter((one) => !taken.has(one));
}

/** STATE, in which CHANGE says what of the default network is given out. */
function withTaken(state: DockerState, change: (taken: readonly string[]) => readonly string[]): DockerState {
  const networks = state.networks.map((network) =>
    isDefault(network) && network.addressing !== undefined
      ? { ...network, addressing: { ...network.addressing, taken: change(network.addressing.taken) } }
      : network,
  );
  return { ...state, networks };
}

/** What asks for NETWORK, with its bridge. */
function asCreated({ spec, bridge }: NetworkState): NetworkSpec {
  const options = bridge === undefined ? spec.options : { ...spec.options, [OPTION.bridgeName]: bridge };
  return { ...spec, options };
}

/** What of the addresses of the network NAME no container has. */
function gatewaysOf({ networks, containers }: InspectedEngine, name: string): string[] {
  const taken = networks.find(({ spec }) => spec.name === name)?.addressing?.taken ?? [];
  const ofContainers = containers.flatMap(({ endpoints }) => endpoints.map(({ address }) => address));
  return taken.filter((address) => !ofContainers.includes(address));
}

/** CONTAINER before it starts, asking for what it gets. */
function asStopped(container: ContainerState): ContainerState {
  const { spec, endpoints, isRunning } = container;
  const asked = endpoints.map((endpoint) =>
    isRunning
      ? { ...endpoint.spec, address: isOnDefault(endpoint) ? undefined : endpoint.address, mac: endpoint.mac }
      : endpoint.spec,
  );
  const bindings = endpoints.flatMap((endpoint) => endpoint.bindings);
  const ports = bindings.map(
    ({ hostAddress, hostPort, containerPort, protocol }): PortSpec => ({
      hostAddress: hostAddress === '0.0.0.0' ? undefined : hostAddress,
      host: { first: hostPort, last: hostPort },
      container: { first: containerPort, last: containerPort },
      protocol,
    }),
  );
  const given: ContainerSpec = isRunning && bindings.length > 0 ? { ...spec, ports, publishesAll: false } : spec;
  return {
    ...container,
    spec: { ...given, endpoints: asked, restart: 'no' },
    isRunning: false,
    endpoints: asked.map(
      (one): EndpointState => ({
        spec: one,
        id: '',
        address: undefined,
        mac: undefined,
        veth: undefined,
        bindings: [],
      }),
    ),
  };
}

/** STATE, in which containers and networks are asked for as ENGINE shows it. */
function asInspected(state: DockerState, { containers, networks }: InspectedEngine): DockerState {
  return {
    ...state,
    networks: state.networks.map((network) => {
      const shown = networks.find(({ spec }) => spec.name === network.spec.name);
      return shown === undefined ? network : { ...network, id: shown.id, spec: shown.spec };
    }),
    containers: state.containers.map((container) => {
      const shown = containers.find(({ id }) => id === container.id);
      if (shown === undefined) return container;
      const endpoints = container.endpoints.map((endpoint, i) => ({
        ...endpoint,
        spec: shown.endpoints[i]?.spec ?? endpoint.spec,
        id: shown.endpoints[i]?.id || endpoint.id,
      }));
      return { ...container, spec: shown.spec, wasStopped: shown.wasStopped, endpoints };
    }),
  };
}
