/** Which host ports published ports get (libnetwork/portallocator), and which are refused. */
import type { PortBinding, Protocol } from '../model.js';
import { EngineError } from './engine-error.js';
import type { PortRequest } from './published-ports.js';

export interface PortPool {
  /** Those of the engine's containers that have this host port. */
  takers(hostPort: number, protocol: Protocol): readonly PortBinding[];
  /** Whether something else on the host has the port, or the host does not have the address. */
  hindrance(binding: PortBinding): Hindrance | undefined;
  /** Where the engine itself chooses. */
  readonly dynamic: { readonly first: number; readonly last: number };
  /** See EngineMemory.lastPorts; changed. */
  readonly lastPorts: Record<string, number>;
  /** See EngineTraits. */
  readonly comparesAllAddresses: boolean;
  /** What an engine says of a port that it cannot bind. */
  bindError(binding: PortBinding, hindrance: Hindrance): string;
}

/** What bind(2) says. */
export type Hindrance = 'address already in use' | 'cannot assign requested address';

const ANY = '0.0.0.0';
/** maxAllocatePortAttempts */
const ATTEMPTS = 10;

/**
 * Host ports for REQUESTS, which differ in their host address alone and get the same port.
 * @throws {EngineError} in the engine's words
 */
export function allocatePorts(
  requests: readonly (PortRequest & { readonly hostAddress: string })[],
  containerAddress: string,
  pool: PortPool,
): PortBinding[] {
  const [{ first, last }] = requests;
  const isChosen = first === 0 || first !== last;
  let refused = '';
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const hostPort = isChosen ? nextPort(requests, pool) : first;
    const bindings = requests.map(({ hostAddress, containerPort, protocol }) => {
      return { hostAddress, hostPort, containerAddress, containerPort, protocol };
    });
    const owner = bindings.map((binding) => takenBy(binding, pool)).find((other) => other !== undefined);
    if (owner !== undefined) {
      throw new EngineError(`Bind for ${owner.hostAddress}:${hostPort} failed: port is already allocated`);
    }
    if (listensTwice(bindings)) throw new EngineError('failed to listen on TCP socket: address already in use');
    const failures = bindings.flatMap((binding) => {
      const hindrance = overlaps(binding, pool) ? 'address already in use' : pool.hindrance(binding);
      return hindrance === undefined ? [] : pool.bindError(binding, hindrance);
    });
    if (failures.length === 0) return bindings;
    [refused] = failures;
    if (!isChosen) break;
  }
  throw new EngineError(refused);
}

/** The next free port behind the last one that was chosen of this range. */
function nextPort(requests: readonly (PortRequest & { readonly hostAddress: string })[], pool: PortPool): number {
  const [{ hostAddress, protocol, first, last }] = requests;
  const range = first === 0 ? pool.dynamic : { first, last };
  const key = keyOf(hostAddress, protocol, range);
  let port = pool.lastPorts[key] ?? range.last;
  for (let i = range.first; i <= range.last; i++) {
    port = port + 1 > range.last ? range.first : port + 1;
    const hostPort = port;
    const isFree = requests.every(
      (request) => takenBy({ ...request, hostPort, containerAddress: '' }, pool) === undefined,
    );
    if (!isFree) continue;
    for (const request of requests) pool.lastPorts[keyOf(request.hostAddress, protocol, range)] = port;
    return port;
  }
  throw new EngineError('all ports are allocated');
}

function keyOf(address: string, protocol: Protocol, { first, last }: PortPool['dynamic']): string {
  return `${address}/${protocol} ${first}-${last}`;
}

/** The binding of another container that has this port. */
function takenBy({ hostAddress, hostPort, protocol }: PortBinding, pool: PortPool): PortBinding | undefined {
  return pool.takers(hostPort, protocol).find((other) => {
    const isAny = pool.comparesAllAddresses && (hostAddress === ANY || other.hostAddress === ANY);
    return other.hostAddress === hostAddress || isAny;
  });
}

/** Of TCP, a socket on all addresses and one on a single address can be bound, but cannot both listen. */
function listensTwice(bindings: readonly PortBinding[]): boolean {
  const hasAny = bindings.some(({ hostAddress }) => hostAddress === ANY);
  return hasAny && bindings.length > 1 && bindings[0].protocol === 'tcp';
}

/** A port on all addresses cannot be bound where one address has it, nor the other way round. */
function overlaps({ hostAddress, hostPort, protocol }: PortBinding, pool: PortPool): boolean {
  return pool
    .takers(hostPort, protocol)
    .some((other) => other.hostAddress !== hostAddress && (other.hostAddress === ANY || hostAddress === ANY));
}
