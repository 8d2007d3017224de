/** The engine that containers and networks are of, as `docker inspect` shows them: its state, as far as they tell it. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import { objectIn, textIn } from '../../codecs/host/lenient-values.js';
import { OPTION } from '../bridge-options.js';
import { DEFAULT_BRIDGE } from '../engine/bridge-options.js';
import { formatPrefix, networkOf, parsePrefix } from '../engine/prefixes.js';
import { UnsupportedError } from '../error.js';
import {
  type ContainerState,
  type DaemonOptions,
  DEFAULT_NETWORK,
  type DockerState,
  type EndpointState,
  isDefault,
  type NetworkState,
} from '../model.js';
import { containerState, ipv6Ports, publishedPorts } from './inspected-containers.js';
import { networkState, withAddresses } from './inspected-networks.js';
import type { Inspected } from './read-inspect.js';

export interface InspectedEngine {
  readonly networks: readonly NetworkState[];
  /** In the order in which they started; those that do not run come first. */
  readonly containers: readonly ContainerState[];
  /** What happened since the engine started last, in order: names of networks that were made, containers that started. */
  readonly order: readonly { readonly kind: 'network' | 'container'; readonly name: string }[];
  /** What the default network says about the options of the engine. */
  readonly options: Partial<DaemonOptions>;
  /** What was assumed; for people. */
  readonly notes: readonly string[];
}

/** The drivers of networks that do not pass the rules of the host as those of bridges do. */
const FOLLOWED: readonly string[] = ['bridge', 'host', 'null'];

/**
 * The engine that INSPECTED shows. RULES: those of the host, if they are known.
 * @throws {UnsupportedError} for running containers on networks that are not followed
 */
export function inspectedEngine({ containers: given, networks: known }: Inspected, rules?: string): InspectedEngine {
  const notes: string[] = [];
  const sorted = [...given].sort(byStart);
  const networks = [...known].sort(byCreation).map(networkState);
  for (const name of unknownNetworks(given, networks)) {
    networks.push(networkOfContainers(name, given));
    notes.push(`of network ${name} only what its containers tell is known: its options may be others`);
  }
  const containers = sorted.map((container) => withBindings(containerState(container), container, networks, rules));
  refuseUnfollowed(networks, containers);
  for (const container of sorted) notes.push(...ipv6Notes(container));
  const kept = networks.filter(({ spec }) => FOLLOWED.includes(spec.driver));
  for (const { spec } of networks.filter((network) => !kept.includes(network)))
    notes.push(`network ${spec.name} is left out: its driver is ${spec.driver}, and no container that runs is on it`);
  return {
    networks: kept.map((network) => counted(network, containers)),
    containers,
    order: orderOf(known, given, kept),
    options: optionsOf(kept),
    notes,
  };
}

function ipv6Notes(container: JsonObject): string[] {
  const ports = ipv6Ports(container);
  if (ports.length === 0) return [];
  const name = (textIn(container.Name) ?? '').replace(/^\//, '');
  const are = ports.length === 1 ? 'is' : 'are';
  return [`${ports.join(', ')} of ${name} ${are} published too, and IPv6 is not followed`];
}

/** The default network is made at each start of the engine: those that are older were there before it. */
function orderOf(
  networks: readonly JsonObject[],
  containers: readonly JsonObject[],
  kept: readonly NetworkState[],
): InspectedEngine['order'] {
  const start = timeOf(networks.find(({ Name }) => Name === DEFAULT_NETWORK)?.Created);
  const isMade = ({ Name, Created }: JsonObject): boolean => {
    const bridge = kept.find(({ spec }) => spec.name === Name)?.bridge;
    return bridge !== undefined && Name !== DEFAULT_NETWORK && start !== '' && compareTimes(timeOf(Created), start) > 0;
  };
  const isRunning = ({ State }: JsonObject): boolean => objectIn(State).Running === true;
  const events = [
    ...networks.filter(isMade).map((one) => ({ kind: 'network' as const, time: timeOf(one.Created), json: one })),
    ...containers
      .filter(isRunning)
      .map((one) => ({ kind: 'container' as const, time: timeOf(objectIn(one.State).StartedAt), json: one })),
  ];
  return events
    .sort((a, b) => compareTimes(a.time, b.time))
    .map(({ kind, json }) => ({ kind, name: (textIn(json.Name) ?? '').replace(/^\//, '') }));
}

const timeOf = (text: unknown): string => textIn(text) ?? '';

/** RFC 3339 with nanoseconds compares as text up to the fraction, whose zeros are cut. */
function comparable(time: string): string {
  const [, whole, fraction = '', zone] = /^([^.Z+]*)(?:\.(\d+))?(.*)$/.exec(time) ?? ['', time];
  return `${whole}.${fraction.padEnd(9, '0')}${zone}`;
}

function compareTimes(a: string, b: string): number {
  const [first, second] = [comparable(a), comparable(b)];
  return first < second ? -1 : Number(first > second);
}

function byStart(a: JsonObject, b: JsonObject): number {
  const startOf = ({ State, Created }: JsonObject): string => {
    const { Running, StartedAt } = objectIn(State);
    return Running === true ? timeOf(StartedAt) : timeOf(Created);
  };
  const isRunning = ({ State }: JsonObject): boolean => objectIn(State).Running === true;
  return Number(isRunning(a)) - Number(isRunning(b)) || compareTimes(startOf(a), startOf(b));
}

function byCreation(a: JsonObject, b: JsonObject): number {
  return compareTimes(timeOf(a.Created), timeOf(b.Created));
}

/** Networks that containers are on, and that nobody has inspected. */
function unknownNetworks(containers: readonly JsonObject[], networks: readonly NetworkState[]): Set<string> {
  const used = containers.flatMap((container) => containerState(container).endpoints.map(({ spec }) => spec.network));
  return new Set(used.filter((name) => !networks.some(({ spec }) => spec.name === name)));
}

/** The network NAME, as its CONTAINERS have it. */
function networkOfContainers(name: string, containers: readonly JsonObject[]): NetworkState {
  const parts = containers
    .map(({ NetworkSettings }) => objectIn(objectIn(objectIn(NetworkSettings).Networks)[name]))
    .filter(({ NetworkID }) => textIn(NetworkID) !== undefined);
  const part = parts.find(({ Gateway }) => textIn(Gateway) !== undefined) ?? parts[0] ?? {};
  const address = textIn(part.IPAddress);
  const config = address === undefined ? [] : [{ Subnet: subnetOf(address, part.IPPrefixLen), Gateway: part.Gateway }];
  return networkState({
    Name: name,
    Id: part.NetworkID,
    Driver: 'bridge',
    IPAM: { Config: config },
    Options: name === DEFAULT_NETWORK ? { [OPTION.bridgeName]: DEFAULT_BRIDGE } : {},
  });
}

function subnetOf(address: string, length: unknown): string | undefined {
  const bits = typeof length === 'number' && length > 0 && length <= 32 ? length : 16;
  const prefix = parsePrefix(`${address}/${bits}`);
  return prefix === undefined ? undefined : formatPrefix(networkOf(prefix));
}

/** CONTAINER with the ports that it publishes, at the network by which it is reached. */
function withBindings(
  container: ContainerState,
  json: JsonObject,
  networks: readonly NetworkState[],
  rules: string | undefined,
): ContainerState {
  const bindings = container.isRunning ? publishedPorts(json) : [];
  if (bindings.length === 0) return container;
  const isInRules = ({ address }: EndpointState): boolean =>
    address !== undefined && rules?.includes(`--to-destination ${address}:`) === true;
  const isOutside = ({ spec: { network } }: EndpointState): boolean =>
    networks.find(({ spec }) => spec.name === network)?.spec.isInternal !== true;
  const { endpoints } = container;
  const publisher = endpoints.find(isInRules) ?? endpoints.find(isOutside) ?? endpoints[0];
  return {
    ...container,
    endpoints: endpoints.map((endpoint) =>
      endpoint === publisher
        ? { ...endpoint, bindings: bindings.map((one) => ({ ...one, containerAddress: endpoint.address ?? '' })) }
        : endpoint,
    ),
  };
}

function refuseUnfollowed(networks: readonly NetworkState[], containers: readonly ContainerState[]): void {
  for (const { name, endpoints, isRunning } of containers) {
    for (const { spec } of isRunning ? endpoints : []) {
      const driver = networks.find((network) => network.spec.name === spec.network)?.spec.driver ?? 'bridge';
      if (FOLLOWED.includes(driver)) continue;
      throw new UnsupportedError(
        `container ${name} is on network ${spec.network}, whose driver ${driver} is not followed`,
      );
    }
  }
}

/** NETWORK, with the addresses of its CONTAINERS. */
function counted(network: NetworkState, containers: readonly ContainerState[]): NetworkState {
  const addresses = containers
    .flatMap(({ endpoints }) => endpoints)
    .flatMap(({ spec, address }) => (spec.network === network.spec.name && address !== undefined ? [address] : []));
  return withAddresses(network, addresses);
}

/** What `docker network inspect bridge` says of the options of dockerd. */
function optionsOf(networks: readonly NetworkState[]): Partial<DaemonOptions> {
  const network = networks.find(isDefault);
  if (network === undefined) return {};
  const { options } = network.spec;
  const ip = options[OPTION.bindingAddress];
  const mtu = Number(options[OPTION.mtu] ?? 0);
  const length = network.subnet?.split('/')[1];
  const isOther = network.subnet !== undefined && network.subnet !== '172.17.0.0/16';
  return {
    ...(options[OPTION.icc] === 'false' ? { icc: false } : {}),
    ...(options[OPTION.masquerade] === 'false' ? { ipMasq: false } : {}),
    ...(ip === undefined ? {} : { ip }),
    ...(mtu > 0 ? { mtu } : {}),
    ...(isOther && network.gateway !== undefined ? { bip: `${network.gateway}/${length}` } : {}),
  };
}

/** The newest release whose `docker inspect` prints what CONTAINERS have; undefined: any may. */
export function likelyRelease({ containers, networks }: Inspected): string | undefined {
  const endpoints = containers.flatMap(({ NetworkSettings }) =>
    Object.values(objectIn(objectIn(NetworkSettings).Networks)).map(objectIn),
  );
  const has = (name: string): boolean => endpoints.some((endpoint) => Object.hasOwn(endpoint, name));
  if (has('GwPriority') || networks.some((network) => Object.hasOwn(network, 'EnableIPv4'))) return undefined;
  if (has('DNSNames')) return '27';
  return endpoints.length > 0 ? '24' : undefined;
}

/** STATE, in which the engine has made and started all that ENGINE shows. */
export function runningState(state: DockerState, { networks, containers, options }: InspectedEngine): DockerState {
  return { ...state, options: { ...state.options, ...options }, isRunning: true, networks, containers };
}
