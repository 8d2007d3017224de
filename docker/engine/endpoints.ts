/** Containers join and leave networks: addresses, veth pairs, published ports. */
import { parseAddress } from '../../codecs/address.js';
import { OPTION } from '../bridge-options.js';
import { type EndpointSpec, isDefault, type PortBinding } from '../model.js';
import { withoutAddress } from './addresses.js';
import { gatewayModeOf, mtuOf } from './bridge-options.js';
import type { Container, Endpoint, Engine, Network } from './engine.js';
import { EngineError } from './engine-error.js';
import { boundPorts, closeSockets, openSockets } from './host-sockets.js';
import { idOf, macOfAddress, randomMac, vethName } from './identity.js';
import { changeLinks, linkedTo } from './legacy-links.js';
import { reserve, spaceOf } from './networks.js';
import { allocatePorts, type Hindrance, type PortPool } from './port-allocator.js';
import { isWithin, parseIpv4 } from './prefixes.js';
import { type PortRequest, requestsOf } from './published-ports.js';

/** A part in a network that nobody takes yet. */
export function newEndpoint(spec: EndpointSpec): Endpoint {
  return { spec, id: '', address: undefined, mac: undefined, veth: undefined, bindings: [] };
}

/**
 * CONTAINER, which runs or starts, joins the network of ENDPOINT. What fails leaves it disconnected.
 * @throws {EngineError} {FirewallError}
 */
export function join(engine: Engine, container: Container, endpoint: Endpoint): void {
  const network = engine.network(endpoint.spec.network);
  if (network.bridge === undefined) return;
  connect(engine, container, endpoint, network);
  const others = container.endpoints.filter((other) => other !== endpoint && isConnected(other));
  const before = gatewayOf(engine, others);
  const after = gatewayOf(engine, [...others, endpoint]);
  try {
    if (after !== endpoint) {
      if (isAlwaysPublished(engine, network)) publish(engine, container, endpoint);
      return;
    }
    if (before !== undefined) unpublish(engine, before, isAlwaysPublished(engine, engine.network(before.spec.network)));
    if (!network.spec.isInternal) publish(engine, container, endpoint);
  } catch (error) {
    const failure = programmingFailed(error, container, endpoint);
    forgetAddress(engine, endpoint, network);
    disconnect(engine, endpoint, network);
    if (before !== undefined) tryTo(() => publish(engine, container, before));
    throw failure;
  }
}

export function isConnected({ address }: Endpoint): boolean {
  return address !== undefined;
}

/** Gives ENDPOINT an address and a veth pair. */
function connect(engine: Engine, container: Container, endpoint: Endpoint, network: Network): void {
  const { links, traits, options } = engine;
  const { spec } = endpoint;
  endpoint.id = idOf('endpoint', engine.choose());
  const address = takeAddress(network, spec);
  const chosenMac = traits.macFollowsAddress ? macOfAddress(address) : randomMac('container', engine.choose());
  const mac = spec.mac ?? chosenMac;
  const bridge = network.bridge as string;
  const peers = container.endpoints.map(({ veth }) => (veth === undefined ? 1 : (links.peerOf(veth) ?? 1)));
  const inContainer = Math.max(1, ...peers) + 1;
  const peerIndex = traits.vethEndsInContainer ? inContainer : links.takeIfindex();
  const number = engine.choose();
  const name = vethName(number);
  const isHairpin = !options.userlandProxy;
  const mtu = mtuOf(network.spec);
  links.addVeth({ name, bridge, mac: randomMac('veth', number), mtu, isHairpin, peerIndex });
  links.addNeighbour(bridge, address, mac);
  const linked = isDefault(network) ? linkedTo(engine, container) : undefined;
  Object.assign(endpoint, { address, mac, veth: name, bindings: [], linked });
  try {
    if (options.iptables) engine.firewall.addEndpoint(engine.bridgeNetwork(network), address);
  } catch (error) {
    disconnect(engine, endpoint, network);
    throw error;
  }
}

function takeAddress(network: Network, spec: EndpointSpec): string {
  const number = spec.address === undefined ? undefined : parseIpv4(spec.address);
  const subnet = spaceOf(network)?.subnet;
  if (number !== undefined && subnet !== undefined && !isWithin(number, subnet)) {
    throw new EngineError(`Invalid address ${spec.address}: It does not belong to any of this network's subnets`);
  }
  return reserve(network, spec.address);
}

/** Takes back what connect() did. */
function disconnect(engine: Engine, endpoint: Endpoint, network: Network): void {
  const { address, veth } = endpoint;
  if (address === undefined || network.bridge === undefined) return;
  if (veth !== undefined) engine.links.remove(veth);
  engine.links.removeNeighbour(network.bridge, address);
  if (network.addressing !== undefined) network.addressing = withoutAddress(network.addressing, address);
  Object.assign(endpoint, {
    id: '',
    address: undefined,
    mac: undefined,
    veth: undefined,
    bindings: [],
    linked: undefined,
  });
}

/** CONTAINER leaves the network of ENDPOINT; another network may publish its ports then. */
export function leave(engine: Engine, container: Container, endpoint: Endpoint): void {
  const network = engine.network(endpoint.spec.network);
  const { address, veth } = endpoint;
  if (address === undefined || network.bridge === undefined) return;
  const connected = container.endpoints.filter(isConnected);
  const wasGateway = gatewayOf(engine, connected) === endpoint;
  if (wasGateway || endpoint.bindings.length > 0) unpublish(engine, endpoint, false);
  tryTo(() => changeLinks(engine, endpoint, 'removeLink'));
  // The container's end of the pair comes back to the host before both are deleted.
  const peer = veth === undefined ? undefined : engine.links.peerOf(veth);
  if (peer !== undefined && engine.links.isIfindexTaken(peer)) engine.links.takeIfindex();
  const next = gatewayOf(
    engine,
    connected.filter((other) => other !== endpoint),
  );
  if (wasGateway && next !== undefined && next.bindings.length === 0) tryTo(() => publish(engine, container, next));
  forgetAddress(engine, endpoint, network);
  disconnect(engine, endpoint, network);
}

/** The rules for the address of ENDPOINT are gone. */
function forgetAddress(engine: Engine, { address }: Endpoint, network: Network): void {
  if (!engine.options.iptables || address === undefined) return;
  tryTo(() => engine.firewall.removeEndpoint(engine.bridgeNetwork(network), address));
}

/** Runs ACTION, of which the engine only logs that it fails. */
function tryTo(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
  }
}

/** CONTAINER leaves all of its networks, first the one by which it is reached. */
export function leaveAll(engine: Engine, container: Container): void {
  for (;;) {
    const connected = inGatewayOrder(engine, container.endpoints.filter(isConnected));
    if (connected[0] === undefined) return;
    leave(engine, container, connected[0]);
  }
}

/** The endpoint by which its container is reached from outside, and has its default route. */
function gatewayOf(engine: Engine, endpoints: readonly Endpoint[]): Endpoint | undefined {
  return inGatewayOrder(engine, endpoints).find((endpoint) => hasGateway(engine, endpoint));
}

function hasGateway(engine: Engine, { spec }: Endpoint): boolean {
  const network = engine.network(spec.network);
  if (gatewayModeOf(network.spec, engine.release) === 'isolated') return false;
  return !network.spec.isInternal || engine.traits.internalHasGateway;
}

function inGatewayOrder(engine: Engine, endpoints: readonly Endpoint[]): Endpoint[] {
  const specOf = ({ spec }: Endpoint): Network['spec'] => engine.network(spec.network).spec;
  return [...endpoints].sort(
    (a, b) =>
      b.spec.gatewayPriority - a.spec.gatewayPriority ||
      Number(specOf(a).isInternal) - Number(specOf(b).isInternal) ||
      (specOf(a).name < specOf(b).name ? -1 : 1),
  );
}

/** Publishes the ports of CONTAINER by ENDPOINT. @throws {EngineError} {FirewallError} */
function publish(engine: Engine, container: Container, endpoint: Endpoint): void {
  const { traits } = engine;
  const network = engine.network(endpoint.spec.network);
  const groups = groupsOf(requestsOf(container.spec, traits), network, traits.sortsByContainerPort);
  const bindings = [...endpoint.bindings];
  const before = bindings.length;
  endpoint.bindings = bindings;
  try {
    const pool = poolOf(engine);
    for (const group of groups) bindings.push(...publishGroup(engine, endpoint, network, group, pool));
    openSockets(engine.host.network, bindings.slice(before));
    if (traits.deletesConnectionsAtStart) deleteConnections(engine, endpoint);
    changeLinks(engine, endpoint, 'addLink');
  } catch (error) {
    unpublishPorts(engine, endpoint);
    throw error;
  }
}

type AddressedRequest = PortRequest & { readonly hostAddress: string };

/** Requests that differ in their host address alone get the same port, since 27. */
function groupsOf(requests: readonly PortRequest[], { spec }: Network, grouped: boolean): AddressedRequest[][] {
  const groups: AddressedRequest[][] = [];
  for (const request of requests) {
    const addressed = {
      ...request,
      hostAddress: request.hostAddress ?? spec.options[OPTION.bindingAddress] ?? '0.0.0.0',
    };
    const last = groups.at(-1);
    if (grouped && last !== undefined && isSamePort(last[0], addressed)) last.push(addressed);
    else groups.push([addressed]);
  }
  return groups;
}

function isSamePort(a: PortRequest, b: PortRequest): boolean {
  return a.containerPort === b.containerPort && a.protocol === b.protocol && a.first === b.first && a.last === b.last;
}

/** Returns the ports that GROUP got. */
function publishGroup(
  engine: Engine,
  endpoint: Endpoint,
  network: Network,
  group: readonly AddressedRequest[],
  pool: EnginePool,
): PortBinding[] {
  const containerAddress = endpoint.address as string;
  const isRouted = gatewayModeOf(network.spec, engine.release) === 'routed';
  const bindings = isRouted
    ? group.map((request) => routedBinding(request, containerAddress))
    : allocatePorts(group, containerAddress, pool);
  if (engine.options.iptables) engine.firewall.addPorts(engine.bridgeNetwork(network), bindings);
  for (const binding of bindings) pool.take(binding);
  return bindings;
}

function routedBinding({ containerPort, protocol }: PortRequest, containerAddress: string): PortBinding {
  return { hostAddress: '0.0.0.0', hostPort: 0, containerAddress, containerPort, protocol };
}

interface EnginePool extends PortPool {
  /** A container has the port of BINDING now. */
  take(binding: PortBinding): void;
}

function poolOf(engine: Engine): EnginePool {
  const { host, memory, traits } = engine;
  const taken = new Map<string, PortBinding[]>();
  const takers: PortPool['takers'] = (hostPort, protocol) => taken.get(`${hostPort}/${protocol}`) ?? [];
  const take = (binding: PortBinding): void => {
    const { hostPort, protocol } = binding;
    taken.set(`${hostPort}/${protocol}`, [...takers(hostPort, protocol), binding]);
  };
  for (const binding of engine.publishedPorts) take(binding);
  const isBound = boundPorts(host.network);
  return {
    takers,
    take,
    hindrance: (binding) => {
      if (!isBindable(engine, binding.hostAddress)) return 'cannot assign requested address';
      const isOwn = takers(binding.hostPort, binding.protocol).length > 0;
      return !isOwn && isBound(binding) ? 'address already in use' : undefined;
    },
    dynamic: dynamicPorts(host.network.json.sysctl),
    lastPorts: memory.lastPorts,
    comparesAllAddresses: traits.comparesAllAddresses,
    bindError: (binding, hindrance) => bindError(engine, binding, hindrance),
  };
}

/** Whether the host has ADDRESS. Of a host without any interface of its own that is not known. */
function isBindable({ host, links }: Engine, address: string): boolean {
  const isLoopback = address.startsWith('127.');
  const isAny = address === '0.0.0.0' || host.network.sysctl('net.ipv4.ip_nonlocal_bind') === 1;
  return isLoopback || isAny || links.addresses.includes(address) || !links.isConnected;
}

function bindError({ traits, options }: Engine, binding: PortBinding, hindrance: Hindrance): string {
  const { hostAddress, hostPort, protocol, containerAddress, containerPort } = binding;
  if (traits.sortsByContainerPort) {
    const mapping = `${hostAddress}:${hostPort}:${containerAddress}:${containerPort}/${protocol}`;
    return `failed to bind host port for ${mapping}: ${hindrance}`;
  }
  const listen = `listen ${protocol}4 ${hostAddress}:${hostPort}: bind: ${hindrance}`;
  return options.userlandProxy ? `Error starting userland proxy: ${listen}` : listen;
}

/** net.ipv4.ip_local_port_range */
function dynamicPorts(sysctls: unknown): PortPool['dynamic'] {
  const known = (sysctls as Record<string, unknown> | undefined) ?? {};
  const given = known['net.ipv4.ip_local_port_range'] ?? known['net/ipv4/ip_local_port_range'];
  const [, first, last] = /^(\d+)\s+(\d+)$/.exec(String(given ?? '').trim()) ?? [];
  return first === undefined ? { first: 32768, last: 60999 } : { first: Number(first), last: Number(last) };
}

/** Whether the ports of all containers on NETWORK are open, by whichever network they are reached. */
function isAlwaysPublished({ traits, release }: Engine, { spec }: Network): boolean {
  return traits.publishesRouted && gatewayModeOf(spec, release) === 'routed';
}

/** ENDPOINT is not the one by which its container is reached any more. KEEPS_PORTS: they stay open all the same. */
function unpublish(engine: Engine, endpoint: Endpoint, keepsPorts: boolean): void {
  if (!keepsPorts) unpublishPorts(engine, endpoint);
  if (engine.traits.deletesConnections) deleteConnections(engine, endpoint);
}

function unpublishPorts(engine: Engine, endpoint: Endpoint): void {
  const { bindings } = endpoint;
  if (bindings.length === 0) return;
  closeSockets(engine.host.network, bindings);
  const network = engine.bridgeNetwork(engine.network(endpoint.spec.network));
  if (engine.options.iptables) tryTo(() => engine.firewall.removePorts(network, bindings));
  endpoint.bindings = [];
}

function deleteConnections({ host }: Engine, { address, bindings }: Endpoint): void {
  const replyAddress = address === undefined ? undefined : parseAddress(address);
  if (replyAddress !== undefined) host.deleteConnections({ replyAddress });
  for (const { protocol, hostPort } of bindings) {
    if (protocol === 'udp') host.deleteConnections({ udpPort: hostPort });
  }
}

/** ERROR, which happened while the ports of CONTAINER were published, in the engine's words. */
function programmingFailed(error: unknown, { name }: Container, endpoint: Endpoint): unknown {
  if (!(error instanceof EngineError)) return error;
  return new EngineError(
    `driver failed programming external connectivity on endpoint ${name} (${endpoint.id}): ${error.message}`,
  );
}
