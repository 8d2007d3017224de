/** The ports that a container publishes, one by one, in the order in which an engine makes them. */
import type { ContainerSpec, PortSpec, Protocol } from '../model.js';
import type { EngineTraits } from './traits.js';

/** A container port, and the host ports of which it may get one. */
export interface PortRequest {
  /** Undefined: the default of the network. */
  readonly hostAddress: string | undefined;
  /** 0 and 0: the engine chooses. */
  readonly first: number;
  readonly last: number;
  readonly containerPort: number;
  readonly protocol: Protocol;
}

export function requestsOf(spec: ContainerSpec, traits: EngineTraits): PortRequest[] {
  const published = publishedPorts(spec.ports);
  const keys = new Set(published.map(keyOf));
  const exposed = spec.publishesAll
    ? exposedPorts(spec).filter(({ port, protocol }) => !keys.has(keyOf({ containerPort: port, protocol })))
    : [];
  const all = [
    ...published,
    ...exposed.map(({ port, protocol }) => ({
      hostAddress: undefined,
      first: 0,
      last: 0,
      containerPort: port,
      protocol,
    })),
  ];
  return traits.sortsByContainerPort ? all.sort(byContainerPort) : groupedByPort(all.sort(byHostPort));
}

/** PORTS one by one. */
export function publishedPorts(ports: readonly PortSpec[]): PortRequest[] {
  return ports.flatMap(singlePorts);
}

/** What is exposed, and what is published. */
export function exposedPorts(spec: ContainerSpec): { readonly port: number; readonly protocol: Protocol }[] {
  const exposed = spec.exposed.map((port) => ({ ...port, hostAddress: undefined, host: undefined }));
  const ports = publishedPorts([...exposed, ...spec.ports]).sort(byHostPort);
  const firsts = new Map(ports.map((port) => [keyOf(port), port]));
  return [...firsts.values()].map(({ containerPort, protocol }) => ({ port: containerPort, protocol }));
}

/** A range of container ports takes as many host ports; one container port takes any of a range. */
function singlePorts({ hostAddress, host, container, protocol }: PortSpec): PortRequest[] {
  const isAnyOf = host !== undefined && container.first === container.last;
  return numbersIn(container).map((containerPort, i) => ({
    hostAddress,
    first: host === undefined ? 0 : host.first + i,
    last: host === undefined ? 0 : isAnyOf ? host.last : host.first + i,
    containerPort,
    protocol,
  }));
}

function numbersIn({ first, last }: { readonly first: number; readonly last: number }): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

const PROTOCOLS: readonly Protocol[] = ['tcp', 'udp', 'sctp'];

/** cmpPortBinding: exact host ports first. */
function byContainerPort(a: PortRequest, b: PortRequest): number {
  const isRange = (request: PortRequest): number => Number(request.first === 0 || request.first !== request.last);
  return (
    isRange(a) - isRange(b) ||
    a.containerPort - b.containerPort ||
    PROTOCOLS.indexOf(a.protocol) - PROTOCOLS.indexOf(b.protocol) ||
    a.first - b.first ||
    a.last - b.last ||
    compareText(a.hostAddress, b.hostAddress)
  );
}

/** nat.SortPortMap of docker/go-connections, as far as that is an order. A range of host ports counts as none. */
function byHostPort(a: PortRequest, b: PortRequest): number {
  const hostPort = ({ first, last }: PortRequest): number => (first === last ? first : 0);
  return (
    hostPort(b) - hostPort(a) ||
    b.containerPort - a.containerPort ||
    PROTOCOLS.indexOf(a.protocol) - PROTOCOLS.indexOf(b.protocol)
  );
}

/** Bindings of one container port follow each other. */
function groupedByPort(requests: readonly PortRequest[]): PortRequest[] {
  const groups = new Map<string, PortRequest[]>();
  for (const request of requests) {
    const key = keyOf(request);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [request]);
    else group.push(request);
  }
  return [...groups.values()].flat();
}

function keyOf({ containerPort, protocol }: Pick<PortRequest, 'containerPort' | 'protocol'>): string {
  return `${containerPort}/${protocol}`;
}

function compareText(a = '', b = ''): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
