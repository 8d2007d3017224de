/** Networks come and go. */
import { shown } from '../../codecs/text.js';
import { OPTION } from '../bridge-options.js';
import { UnsupportedError } from '../error.js';
import { DEFAULT_NETWORK, type IpamSubnet, isDefault, type NetworkSpec } from '../model.js';
import { isSince } from '../releases.js';
import { freeAddress, isFree, NO_ADDRESSES, withAddress } from './addresses.js';
import { DEFAULT_BRIDGE, isTrue, mtuOf } from './bridge-options.js';
import type { Engine, Network } from './engine.js';
import { EngineError } from './engine-error.js';
import { enableForwarding } from './forwarding.js';
import { oldRandomMac, randomMac } from './identity.js';
import { doOverlap, formatPrefix, isWithin, networkOf, type Prefix, parseIpv4, parsePrefix } from './prefixes.js';
import { chooseSubnet, DEFAULT_POOLS } from './subnets.js';

/** Networks that every engine has, which nobody can make or remove. */
const PREDEFINED: readonly string[] = [DEFAULT_NETWORK, 'host', 'none'];

/**
 * `docker network create`; returns the network.
 * @throws {EngineError} {FirewallError}
 * @throws {UnsupportedError} if the driver is not followed
 */
export function createNetwork(engine: Engine, spec: NetworkSpec): Network {
  if (spec.driver === 'host' || spec.driver === 'null') {
    throw new EngineError(`only one instance of "${spec.driver}" network is allowed`);
  }
  if (spec.driver !== 'bridge') {
    throw new UnsupportedError(
      `networks of the driver ${shown(spec.driver)} are not followed; only those of bridge are`,
    );
  }
  if (PREDEFINED.includes(spec.name)) {
    throw new EngineError(`operation is not permitted on predefined ${spec.name} network`);
  }
  if (engine.networks.some((network) => network.spec.name === spec.name)) {
    throw new EngineError(`network with name ${spec.name} already exists`);
  }
  const network = newNetwork(engine, withDefaultOptions(engine, spec));
  refuseConflicts(engine, network);
  setUpNetwork(engine, network);
  engine.networks.push(network);
  return network;
}

/** SPEC with the options that --default-network-opt gives to every network. */
export function withDefaultOptions({ options }: Engine, spec: NetworkSpec): NetworkSpec {
  return { ...spec, options: { ...options.defaultNetworkOptions, ...spec.options } };
}

/** A network with a subnet, which does nothing to the host yet. @throws {EngineError} */
export function newNetwork(engine: Engine, spec: NetworkSpec): Network {
  const sixth = spec.ipam.find(({ subnet }) => subnet?.includes(':'));
  if (sixth !== undefined) throw new UnsupportedError(`the IPv6 subnet ${sixth.subnet} is not followed`);
  if (spec.ipam.length > 1) throw new EngineError("bridge driver doesn't support multiple subnets");
  const id = engine.drawId('network', spec.name);
  const ipam: IpamSubnet = spec.ipam[0] ?? { subnet: undefined, range: undefined, gateway: undefined, reserved: {} };
  const subnet = ipam.subnet === undefined ? chosenSubnet(engine) : givenSubnet(engine, ipam.subnet);
  const network: Network = {
    spec,
    id,
    bridge: spec.options[OPTION.bridgeName] || `br-${id.slice(0, 12)}`,
    subnet: formatPrefix(subnet),
    gateway: undefined,
    addressing: NO_ADDRESSES,
  };
  const gateway = reserve(network, ipam.gateway);
  network.gateway = gateway;
  for (const address of Object.values(ipam.reserved)) reserve(network, address);
  return network;
}

function chosenSubnet(engine: Engine): Prefix {
  const { defaultAddressPools } = engine.options;
  const chosen = chooseSubnet({
    pools: defaultAddressPools.length > 0 ? defaultAddressPools : DEFAULT_POOLS,
    how: engine.traits.subnets,
    taken: subnetsOf(engine),
    routes: engine.links.onLinkRoutes,
    nextPool: engine.memory.nextPool,
  });
  if (chosen !== undefined) {
    engine.memory.nextPool = chosen.nextPool;
    return chosen.subnet;
  }
  throw new EngineError(
    engine.traits.subnets === 'gap'
      ? 'all predefined address pools have been fully subnetted'
      : 'could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
  );
}

function givenSubnet(engine: Engine, text: string): Prefix {
  const given = parsePrefix(text);
  if (given === undefined) throw new EngineError(`invalid pool request: ${text}`);
  const subnet = networkOf(given);
  if (subnetsOf(engine).some((other) => doOverlap(other, subnet))) {
    const isNew = isSince(engine.release, 27, 0, 0);
    throw new EngineError(`${isNew ? 'invalid pool request: ' : ''}Pool overlaps with other one on this address space`);
  }
  return subnet;
}

/** Of all networks that the engine has. */
function subnetsOf(engine: Engine): Prefix[] {
  return engine.networks.flatMap(({ subnet }) => (subnet === undefined ? [] : (parsePrefix(subnet) ?? [])));
}

/** Takes ADDRESS, or the next free one, for the host or for nobody. @throws {EngineError} */
export function reserve(network: Network, address?: string): string {
  const { addressing } = network;
  const space = spaceOf(network);
  if (addressing === undefined || space === undefined) throw new EngineError('network has no addresses');
  const number = address === undefined ? undefined : parseIpv4(address);
  if (number !== undefined && !isWithin(number, space.subnet)) {
    throw new EngineError(`failed to allocate gateway (${address}): requested address is out of range`);
  }
  if (number !== undefined && !isFree(number, space, addressing)) throw new EngineError('Address already in use');
  const taken = address ?? freeAddress(space, addressing);
  if (taken === undefined) {
    const { spec, id } = network;
    throw new EngineError(`no available IPv4 addresses on this network's address pools: ${spec.name} (${id})`);
  }
  network.addressing = withAddress(addressing, taken);
  return taken;
}

export function spaceOf({ spec, subnet }: Network): { subnet: Prefix; range: Prefix | undefined } | undefined {
  const prefix = subnet === undefined ? undefined : parsePrefix(subnet);
  const range = spec.ipam[0]?.range;
  if (prefix === undefined) return undefined;
  return { subnet: prefix, range: range === undefined ? undefined : parsePrefix(range) };
}

function refuseConflicts(engine: Engine, { id, bridge, spec }: Network): void {
  const other = engine.networks.find((network) => network.bridge === bridge);
  if (other === undefined || spec.name === DEFAULT_NETWORK) return;
  if (isDefault(other) && isSince(engine.release, 17, 10, 0) && !isSince(engine.release, 25, 0, 0)) {
    // These take the default network away, with its containers connected.
    throw new UnsupportedError(`a network on ${bridge}, the bridge of the default network, is not followed`);
  }
  const others = `network ${other.id} (${other.bridge})`;
  throw new EngineError(
    `cannot create network ${id} (${bridge}): conflicts with ${others}: networks have same bridge name`,
  );
}

/**
 * Makes the bridge of NETWORK, with its address and rules. IS_RESTORED: the engine starts, and finds the network.
 * @throws {EngineError} {FirewallError}
 */
export function setUpNetwork(engine: Engine, network: Network, isRestored = false): void {
  const { links, options, release, firewall } = engine;
  const { bridge, spec } = network;
  if (bridge === undefined) return;
  if (!links.has(bridge)) links.addBridge({ name: bridge, mac: bridgeMac(engine), mtu: bridgeMtu(engine, network) });
  assignAddress(engine, network);
  if (!options.userlandProxy) links.routesLocalnet(bridge);
  const enables = isSince(release, 28, 0, 0) && enableForwarding(engine);
  if (isRestored) firewall.restoreNetwork(engine.bridgeNetwork(network), enables);
  else firewall.addNetwork(engine.bridgeNetwork(network), enables);
  if (options.iptables && filtersBridged(engine, spec)) filterBridged(engine);
  links.setUp(bridge);
}

/** Since 25 the engine sets the MTU of a bridge; before, it is the lowest of its ports. */
function bridgeMtu(engine: Engine, { spec }: Network): number {
  return isSince(engine.release, 25, 0, 0) ? mtuOf(spec) : 1500;
}

function bridgeMac(engine: Engine): string {
  const { macFollowsAddress } = engine.traits;
  return macFollowsAddress ? oldRandomMac('bridge', engine.choose()) : randomMac('bridge', engine.choose());
}

/** The bridge gets the gateway's address, instead of another one that it has. */
function assignAddress({ links }: Engine, { spec, bridge, gateway, subnet }: Network): void {
  const isWithout = isTrue(spec, OPTION.inhibitIpv4, false) || spec.options[OPTION.gatewayMode] === 'isolated';
  const length = subnet === undefined ? undefined : parsePrefix(subnet)?.length;
  const address = gateway === undefined ? undefined : parseIpv4(gateway);
  if (isWithout || bridge === undefined || length === undefined || address === undefined) return;
  const present = links.addressesOf(bridge);
  if (present.some((other) => other.address === address && other.length === length)) return;
  if (present[0] !== undefined) links.removeAddress(bridge, present[0]);
  links.addAddress(bridge, { address, length });
}

/** Whether the engine needs br_netfilter for the network SPEC. */
function filtersBridged({ release, options }: Engine, spec: NetworkSpec): boolean {
  if (!isTrue(spec, OPTION.icc, true)) return true;
  return isSince(release, 27, 4, 0) && !options.userlandProxy;
}

/** Packets between ports of one bridge pass iptables. */
function filterBridged(engine: Engine): void {
  engine.host.network.setSysctl('net.bridge.bridge-nf-call-iptables', 1);
}

/** `docker network rm`. @throws {EngineError} */
export function removeNetwork(engine: Engine, nameOrId: string): void {
  const network = engine.findNetwork(nameOrId);
  if (network === undefined) throw new EngineError(`network ${nameOrId} not found`);
  const { name } = network.spec;
  if (PREDEFINED.includes(name)) throw new EngineError(`${name} is a pre-defined network and cannot be removed`);
  const members = connectedTo(engine, network);
  if (members.length > 0) throw new EngineError(activeEndpoints(engine, network, members));
  takeDownNetwork(engine, network);
}

function activeEndpoints(engine: Engine, { spec, id }: Network, members: readonly Member[]): string {
  if (!isSince(engine.release, 28, 0, 0))
    return `error while removing network: network ${spec.name} id ${id} has active endpoints`;
  const sorted = [...members].sort((a, b) => (a.container < b.container ? -1 : 1));
  const names = sorted.map(({ container, endpointId }) => `name:"${container}" id:"${endpointId.slice(0, 12)}"`);
  return `error while removing network: network ${spec.name} has active endpoints (${names.join(', ')})`;
}

interface Member {
  readonly container: string;
  readonly endpointId: string;
}

/** Running containers on NETWORK. */
export function connectedTo(engine: Engine, network: Network): Member[] {
  return engine.containers.flatMap(({ name, endpoints }) =>
    endpoints
      .filter(({ spec, address }) => address !== undefined && engine.findNetwork(spec.network) === network)
      .map(({ id }) => ({ container: name, endpointId: id })),
  );
}

/** NETWORK is gone: its bridge, unless it is the default one or was there before, and its rules. */
export function takeDownNetwork(engine: Engine, network: Network): void {
  const { bridge, spec } = network;
  engine.networks = engine.networks.filter((other) => other !== network);
  if (bridge === undefined) return;
  if (spec.name !== DEFAULT_NETWORK && bridge !== DEFAULT_BRIDGE) engine.links.remove(bridge);
  engine.firewall.removeNetwork(engine.bridgeNetwork(network));
}

/** `docker network prune`: networks that no running container is on; returns their names. */
export function pruneNetworks(engine: Engine): string[] {
  const unused = engine.networks.filter(
    (network) => !PREDEFINED.includes(network.spec.name) && connectedTo(engine, network).length === 0,
  );
  for (const network of unused) takeDownNetwork(engine, network);
  return unused.map(({ spec }) => spec.name);
}
