/** The engine starts and stops: what that does to the host, in which order. */
import { UnsupportedError } from '../error.js';
import { type DaemonOptions, DEFAULT_NETWORK, type NetworkSpec } from '../model.js';
import { isSince } from '../releases.js';
import { DEFAULT_BRIDGE, defaultNetworkOptions } from './bridge-options.js';
import { startContainer, stopContainer } from './containers.js';
import { isConnected } from './endpoints.js';
import type { Container, Engine, Network } from './engine.js';
import { EngineError } from './engine-error.js';
import { enableForwarding } from './forwarding.js';
import { newNetwork, setUpNetwork, takeDownNetwork } from './networks.js';
import { formatIpv4, formatPrefix, isWithin, networkOf, type Prefix, parsePrefix } from './prefixes.js';
import { DEFAULT_POOLS, firstFreeOfRoutes } from './subnets.js';

/** What `dockerd` does without options. */
export const DEFAULT_OPTIONS: DaemonOptions = {
  iptables: true,
  ipForward: true,
  ipForwardNoDrop: false,
  ipMasq: true,
  icc: true,
  userlandProxy: true,
  ip: '0.0.0.0',
  bip: undefined,
  fixedCidr: undefined,
  defaultGateway: undefined,
  bridge: undefined,
  defaultAddressPools: [],
  mtu: 1500,
  liveRestore: false,
  defaultNetworkOptions: {},
  allowDirectRouting: false,
};

/** The engine starts. @throws {EngineError} {FirewallError} if it ends again */
export function startDaemon(engine: Engine): void {
  if (engine.isRunning) return;
  engine.memory = { nextPool: 0, lastPorts: {} };
  engine.resetFirewall(false);
  const { options, release } = engine;
  const isOld = !isSince(release, 28, 0, 0);
  if (options.iptables && !isSince(release, 27, 3, 0)) loadBridgeModule(engine);
  const survivors = engine.containers.filter(({ isRunning }) => isRunning);
  engine.firewall.start(isOld && enableForwarding(engine), engine.networks.length === 0);
  const drawn = engine.networks.length === 0 ? undefined : engine.drawRestart();
  // As its store lists them; the map that they pass through on a real host begins anywhere.
  const byId = [...engine.networks].sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const network of inOrder(byId, drawn?.networks, ({ spec }) => spec.name)) {
    setUpNetwork(engine, network, true);
  }
  if (survivors.length > 0) restoreContainers(engine, survivors);
  else remakeDefaultNetworks(engine);
  engine.isRunning = true;
  startAgain(engine, drawn?.containers);
}

/** br_netfilter, if it is not there: packets between ports of one bridge pass iptables then. */
function loadBridgeModule({ host: { network } }: Engine): void {
  const name = 'net.bridge.bridge-nf-call-iptables';
  if (network.sysctl(name) === undefined) network.setSysctl(name, 1);
}

/** Containers that ran while the engine did not (live-restore): their rules are written again. */
function restoreContainers(engine: Engine, containers: readonly Container[]): void {
  if (!engine.options.iptables) return;
  for (const { endpoints } of containers) {
    for (const { spec, address, bindings } of endpoints.filter(isConnected)) {
      const network = engine.bridgeNetwork(engine.network(spec.network));
      engine.firewall.addEndpoint(network, address as string);
      if (bindings.length > 0) engine.firewall.addPorts(network, bindings);
    }
  }
}

/** The networks `none` and `host` stay; `bridge` is made anew at each start. */
function remakeDefaultNetworks(engine: Engine): void {
  for (const name of ['none', 'host']) {
    if (engine.findNetwork(name) === undefined) engine.networks.push(specialNetwork(engine, name));
  }
  const { options, links } = engine;
  const stale = engine.findNetwork(DEFAULT_NETWORK);
  if (stale !== undefined) takeDownNetwork(engine, stale);
  const movesBridge = stale !== undefined && options.defaultAddressPools.length > 0 && !options.liveRestore;
  if (options.bridge === 'none' || movesBridge) links.remove(DEFAULT_BRIDGE);
  if (options.bridge !== 'none') makeDefaultNetwork(engine);
}

function specialNetwork(engine: Engine, name: string): Network {
  const driver = name === 'none' ? 'null' : name;
  return {
    spec: { name, driver, isInternal: false, ipam: [], options: {}, labels: {} },
    id: engine.drawId('network', name),
    bridge: undefined,
    subnet: undefined,
    gateway: undefined,
    addressing: undefined,
  };
}

function makeDefaultNetwork(engine: Engine): void {
  const { options, links } = engine;
  if (options.bridge !== undefined && !links.has(options.bridge)) {
    throw new EngineError(
      `Error starting daemon: Error initializing network controller: bridge ${options.bridge} does not exist`,
    );
  }
  const network = newNetwork(engine, defaultNetworkSpec(engine));
  setUpNetwork(engine, network);
  engine.networks.push(network);
}

function defaultNetworkSpec(engine: Engine): NetworkSpec {
  const { options } = engine;
  const address = bridgeAddress(engine);
  const range = options.fixedCidr === undefined ? undefined : parsePrefix(options.fixedCidr);
  const subnet = address === undefined ? range : networkOf(address);
  const isHost = address !== undefined && address.address !== networkOf(address).address;
  const reserved: Record<string, string> = {};
  if (options.defaultGateway !== undefined) reserved.DefaultGatewayIPv4 = options.defaultGateway;
  return {
    name: DEFAULT_NETWORK,
    driver: 'bridge',
    isInternal: false,
    ipam: [
      {
        subnet: subnet === undefined ? undefined : formatPrefix(networkOf(subnet)),
        range: range === undefined ? undefined : formatPrefix(networkOf(range)),
        gateway: isHost ? formatIpv4(address.address) : undefined,
        reserved,
      },
    ],
    options: defaultNetworkOptions(options),
    labels: {},
  };
}

/** The address and subnet of the default bridge: --bip, what it has, or before 28 the first pool that is free. */
function bridgeAddress({ options, links, release }: Engine): Prefix | undefined {
  if (options.bip !== undefined) return parsePrefix(options.bip);
  const present = links.addressesOf(options.bridge ?? DEFAULT_BRIDGE);
  const range = options.fixedCidr === undefined ? undefined : parsePrefix(options.fixedCidr);
  const fitting = present.find(({ address }) => range !== undefined && isWithin(address, range));
  if (fitting !== undefined || present[0] !== undefined) return fitting ?? present[0];
  if (isSince(release, 28, 0, 0)) return undefined;
  const pools = options.defaultAddressPools.length > 0 ? options.defaultAddressPools : DEFAULT_POOLS;
  const free = firstFreeOfRoutes(pools, links.onLinkRoutes);
  if (free === undefined) throw new EngineError('list bridge addresses failed: no available network');
  return free;
}

/** Containers start again as their restart policy says; a real engine starts them at the same time. */
function startAgain(engine: Engine, order: readonly string[] | undefined): void {
  refuseUnknownPolicies(engine);
  const stopped = engine.containers.filter((one) => !one.isRunning && startsAgain(engine, one));
  if (order === undefined) noteOrder(engine, stopped);
  for (const container of inOrder(stopped, order, ({ name }) => name)) {
    try {
      startContainer(engine, container);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      engine.notes.push(`${container.name} did not start again: ${error.message}`);
    }
  }
}

/** @throws {UnsupportedError} if nobody knows whether a container starts again */
function refuseUnknownPolicies({ containers }: Engine): void {
  const unknown = containers.filter(({ spec, isRunning }) => spec.restart === 'unknown' && !isRunning);
  if (unknown.length === 0) return;
  throw new UnsupportedError(
    `whether ${unknown.map(({ name }) => name).join(', ')} would start again is not known: ` +
      'this description of the host has no restart policies; a new snapshot (nfreplay snapshot) has them',
  );
}

/** Says which addresses may be exchanged because CONTAINERS start at the same time. */
function noteOrder(engine: Engine, containers: readonly Container[]): void {
  const endpoints = containers.flatMap((container) =>
    container.endpoints.filter(({ spec }) => spec.address === undefined),
  );
  const names = endpoints.map(({ spec }) => spec.network);
  const shared = names.find((name, i) => names.indexOf(name) < i);
  if (shared === undefined) return;
  engine.notes.push(
    `containers on ${shared} start again in the order in which they were made; ` +
      'a real engine starts them at the same time, so that their addresses may be exchanged',
  );
}

function startsAgain(engine: Engine, { spec, wasStopped, name }: Container): boolean {
  // Only of unless-stopped does the engine ask whether somebody has stopped it.
  if (spec.restart === 'on-failure') {
    engine.notes.push(`${name} starts again: taken as one that was ended by a signal, which is a failure`);
  }
  return spec.restart !== 'no' && (spec.restart !== 'unless-stopped' || !wasStopped);
}

/** The engine stops, and with it all containers, unless they live on. Bridges and rules stay. */
export function stopDaemon(engine: Engine): void {
  if (!engine.isRunning) return;
  if (!engine.options.liveRestore) {
    for (const container of [...engine.containers]) stopContainer(engine, container, 'shutdown');
  }
  engine.isRunning = false;
}

/** ITEMS as their names stand in ORDER, the others behind them. */
function inOrder<T>(items: readonly T[], order: readonly string[] = [], nameOf: (item: T) => string): T[] {
  const place = (item: T): number => (order.includes(nameOf(item)) ? order.indexOf(nameOf(item)) : order.length);
  return [...items].sort((a, b) => place(a) - place(b));
}
