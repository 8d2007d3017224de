/** Containers are made, start, stop and go. */
import { type ContainerSpec, type EndpointSpec, isDefault } from '../model.js';
import { isSince } from '../releases.js';
import { isConnected, join, leave, leaveAll, newEndpoint } from './endpoints.js';
import type { Container, Endpoint, Engine, Network } from './engine.js';
import { EngineError } from './engine-error.js';
import { chosenName } from './identity.js';
import { isOnDefault } from './legacy-links.js';

const NAME = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** `docker create`. @throws {EngineError} */
export function createContainer(engine: Engine, spec: ContainerSpec): Container {
  if (spec.name !== undefined) refuseName(engine, spec.name);
  const name = spec.name ?? freeName(engine, engine.choose());
  const container: Container = {
    spec,
    name,
    id: engine.drawId('container', name),
    isRunning: false,
    wasStopped: false,
    endpoints: spec.endpoints.map(newEndpoint),
  };
  if (isSince(engine.release, 25, 0, 0)) refuseAddresses(engine, spec.endpoints);
  engine.containers.push(container);
  return container;
}

function refuseName(engine: Engine, name: string): void {
  if (!NAME.test(name)) {
    throw new EngineError(`Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
  const other = engine.containers.find((container) => container.name === name);
  if (other === undefined) return;
  throw new EngineError(
    `Conflict. The container name "/${name}" is already in use by container "${other.id}". ` +
      'You have to remove (or rename) that container to be able to reuse that name.',
  );
}

function freeName(engine: Engine, chosen: number): string {
  const name = chosenName(chosen);
  return engine.containers.some((container) => container.name === name) ? `${name}${chosen}` : name;
}

function refuseAddresses(engine: Engine, endpoints: readonly EndpointSpec[]): void {
  for (const { network, address } of endpoints) refuseAddress(engine, network, address);
}

/** An address that somebody asks for has to be of a subnet that somebody asked for. @throws {EngineError} */
function refuseAddress(engine: Engine, networkName: string, address: string | undefined): void {
  const network = engine.findNetwork(networkName);
  if (address === undefined || network === undefined) return;
  const { spec } = network;
  if (!isDefault(network) && spec.ipam[0]?.subnet !== undefined) return;
  const which = isDefault(network)
    ? 'on user defined networks only'
    : 'only when connecting to networks with user configured subnets';
  const prefix = `invalid config for network ${spec.name}: invalid endpoint settings:\n`;
  throw new EngineError(
    `${isSince(engine.release, 25, 0, 0) ? prefix : ''}user specified IP address is supported ${which}`,
  );
}

/** `docker start`. One that fails leaves the container as it was. @throws {EngineError} */
export function startContainer(engine: Engine, container: Container): void {
  if (container.isRunning) return;
  const { vethEndsInContainer, namesNetworkingInErrors } = engine.traits;
  const broken = brokenLink(engine, container);
  try {
    refuseSharing(engine, container);
    refuseAddresses(
      engine,
      container.endpoints.map(({ spec }) => spec),
    );
    // Links are looked at before a container has its networks since these are made in it, else afterwards.
    if (broken === undefined || !vethEndsInContainer) {
      for (const endpoint of startOrder(engine, container)) join(engine, container, endpoint);
    }
    if (broken !== undefined) throw new EngineError(broken);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    leaveAll(engine, container);
    if (container.spec.isRemovedWhenStopped) forget(engine, container);
    const isShared = container.spec.networkMode.startsWith('container:');
    const isNamed = namesNetworkingInErrors && error.message !== broken && !isShared;
    const prefix = isNamed ? 'failed to set up container networking: ' : '';
    throw new EngineError(prefix + error.message);
  }
  container.isRunning = true;
  container.wasStopped = false;
}

/** What the engine says of a link of CONTAINER to one that does not run; undefined if there is none. */
function brokenLink(engine: Engine, { name, spec }: Container): string | undefined {
  const stopped = spec.links.find((link) => engine.findContainer(link)?.isRunning === false);
  if (stopped === undefined) return undefined;
  return `Cannot link to a non running container: /${stopped} AS /${name}/${stopped}`;
}

/** A container that shares the network of another one needs that to run. @throws {EngineError} */
function refuseSharing(engine: Engine, { spec }: Container): void {
  if (!spec.networkMode.startsWith('container:')) return;
  const isNew = isSince(engine.release, 28, 0, 0);
  const prefix = isNew ? 'joining network namespace of container: ' : '';
  const name = spec.networkMode.slice('container:'.length);
  const other = engine.findContainer(name);
  if (other === undefined) throw new EngineError(`${prefix}No such container: ${name}`);
  if (other.isRunning) return;
  throw new EngineError(
    isNew
      ? `${prefix}cannot join network namespace of a non running container: container ${other.name} is exited`
      : `cannot join network of a non running container: ${other.id}`,
  );
}

/** The default network first; the others in the order in which they were connected, which a real engine may change. */
function startOrder(engine: Engine, { endpoints }: Container): Endpoint[] {
  const isFirst = (endpoint: Endpoint): boolean => isOnDefault(engine, endpoint);
  return [...endpoints.filter(isFirst), ...endpoints.filter((endpoint) => !isFirst(endpoint))];
}

/** CONTAINER ends, because somebody stops or kills it, or starts it again, or because the engine ends. */
export function stopContainer(engine: Engine, container: Container, cause: 'stop' | 'restart' | 'shutdown'): void {
  if (!container.isRunning) return;
  container.isRunning = false;
  container.wasStopped = cause === 'stop';
  leaveAll(engine, container);
  if (container.spec.isRemovedWhenStopped && cause !== 'restart') forget(engine, container);
}

/** `docker restart`. @throws {EngineError} */
export function restartContainer(engine: Engine, container: Container): void {
  stopContainer(engine, container, 'restart');
  try {
    startContainer(engine, container);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new EngineError(`Cannot restart container ${container.name}: ${error.message}`);
  }
}

/** `docker kill`. @throws {EngineError} */
export function killContainer(engine: Engine, container: Container): void {
  if (!container.isRunning) {
    const message = `Cannot kill container: ${container.name}: Container ${container.id} is not running`;
    const isNew = isSince(engine.release, 25, 0, 0);
    throw new EngineError(isNew ? message.replace('Cannot', 'cannot').replace('Container', 'container') : message);
  }
  stopContainer(engine, container, 'stop');
}

/** `docker rm`. @throws {EngineError} */
export function removeContainer(engine: Engine, container: Container, isForced: boolean): void {
  if (container.isRunning && !isForced) throw new EngineError(stillRunning(engine, container));
  stopContainer(engine, container, 'stop');
  forget(engine, container);
}

function stillRunning({ release }: Engine, { id, name }: Container): string {
  if (!isSince(release, 26, 0, 0)) {
    return `You cannot remove a running container ${id}. Stop the container before attempting removal or force remove`;
  }
  const shownName = isSince(release, 28, 0, 0) ? name : `/${name}`;
  const advice = 'container is running: stop the container before removing or force remove';
  return `cannot remove container "${shownName}": ${advice}`;
}

function forget(engine: Engine, container: Container): void {
  engine.containers = engine.containers.filter((other) => other !== container);
}

/** `docker network connect`. @throws {EngineError} */
export function connectContainer(engine: Engine, container: Container, spec: EndpointSpec): void {
  if (!container.isRunning && engine.findNetwork(spec.network) === undefined) {
    // Nobody looks for the network before the container starts.
    if (!isNamed(container, spec.network)) container.endpoints.push(newEndpoint(spec));
    return;
  }
  const network = engine.network(spec.network);
  refuseMode(container, network.spec.name);
  if (partIn(engine, container, network) !== undefined) {
    if (!container.isRunning) return;
    throw new EngineError(`endpoint with name ${container.name} already exists in network ${network.spec.name}`);
  }
  refuseAddress(engine, spec.network, spec.address);
  const endpoint = newEndpoint(spec);
  container.endpoints.push(endpoint);
  // Where this fails, the container stays a member, and is connected when it starts again.
  if (container.isRunning) join(engine, container, endpoint);
}

function refuseMode({ spec }: Container, network: string): void {
  const isPrivate = spec.networkMode === 'none' || network === 'none';
  if (isPrivate) {
    throw new EngineError(
      'container cannot be connected to multiple networks with one of the networks in private (none) mode',
    );
  }
  if (spec.networkMode.startsWith('container:')) {
    throw new EngineError(
      'container sharing network namespace with another container or host cannot be connected to any other network',
    );
  }
  if (spec.networkMode === 'host' || network === 'host') {
    throw new EngineError('container cannot be disconnected from host network or connected to host network');
  }
}

function isNamed({ endpoints }: Container, network: string): boolean {
  return endpoints.some(({ spec }) => spec.network === network);
}

function partIn(engine: Engine, { endpoints }: Container, network: Network): Endpoint | undefined {
  return endpoints.find(({ spec }) => engine.findNetwork(spec.network) === network);
}

/** `docker network disconnect`. @throws {EngineError} */
export function disconnectContainer(engine: Engine, container: Container, networkName: string): void {
  if (!container.isRunning && isNamed(container, networkName)) {
    container.endpoints = container.endpoints.filter(({ spec }) => spec.network !== networkName);
    return;
  }
  const network = engine.network(networkName);
  const endpoint = partIn(engine, container, network);
  if (endpoint === undefined) {
    throw new EngineError(`container ${container.id} is not connected to network ${network.spec.name}`);
  }
  if (isConnected(endpoint)) leave(engine, container, endpoint);
  container.endpoints = container.endpoints.filter((other) => other !== endpoint);
}
