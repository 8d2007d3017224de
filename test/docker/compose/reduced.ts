/** What a compose project does to a network, in the form in which `compose config` and nfreplay are compared. */
import type { ComposeProject } from '../../../docker/commands/action.js';
import type { PortRange, PortSpec } from '../../../docker/model.js';

export interface ReducedService {
  count: number;
  /** `ADDRESS:PORT:CONTAINER-PORT/PROTOCOL`, sorted; without IPv6. */
  ports: string[];
  restart: string;
  /** Of the engine, with the address that is asked for. Compose 1 does not tell. */
  networks?: Record<string, string | null>;
  mode?: string;
}

export interface Reduced {
  services: Record<string, ReducedService>;
  /** Compose 1 does not tell. */
  networks?: Record<
    string,
    { external: boolean; internal: boolean; subnets: string[]; options: Record<string, string> }
  >;
}

function reducedPort(address = '', host = '', container = '', protocol = 'tcp'): string {
  return `${address}:${host === '0' ? '' : host}:${container}/${protocol.toLowerCase()}`;
}

const rangeText = (range: PortRange | undefined): string =>
  range === undefined ? '' : range.first === range.last ? String(range.first) : `${range.first}-${range.last}`;

function portText({ hostAddress, host, container, protocol }: PortSpec): string {
  return reducedPort(hostAddress, rangeText(host), rangeText(container), protocol);
}

/** PROJECT, as compose of GENERATION tells it. */
export function reducedProject({ services, networks }: ComposeProject, generation: 1 | 2): Reduced {
  const reduced: Reduced = { services: {} };
  for (const { name, containers } of services) {
    const [first] = containers;
    const service: ReducedService = { count: containers.length, ports: [], restart: 'no' };
    reduced.services[name] = service;
    if (first === undefined) continue;
    service.ports = first.ports.map(portText).sort();
    service.restart = first.restart;
    if (generation === 1) continue;
    service.mode = first.networkMode;
    const [{ network } = { network: '' }] = first.endpoints;
    if (network === 'bridge') service.mode = 'bridge';
    else if (first.networkMode === 'networks')
      service.networks = Object.fromEntries(
        first.endpoints.map((endpoint) => [endpoint.network, endpoint.address ?? null]),
      );
  }
  if (generation === 1) return reduced;
  reduced.networks = {};
  for (const { spec, isExternal } of networks)
    reduced.networks[spec.name] = {
      external: isExternal,
      internal: spec.isInternal,
      subnets: spec.ipam.map(({ subnet, range, gateway }) => [subnet, range, gateway].join(' ')),
      options: { ...spec.options },
    };
  return reduced;
}

// biome-ignore lint/suspicious/noExplicitAny: what a program prints
type Printed = any;

/** What `docker compose config --format json` prints, or `docker-compose config`. */
export function reducedConfig(config: Printed, generation: 1 | 2): Reduced {
  const reduced: Reduced = { services: {} };
  for (const [name, service] of Object.entries<Printed>(config.services ?? {})) {
    // Compose 1 counts replicas of this mode only, when it starts them.
    const isReplicated = generation === 2 || (service.deploy?.mode ?? 'replicated') === 'replicated';
    const count: number = service.scale ?? (isReplicated ? service.deploy?.replicas : undefined) ?? 1;
    const one: ReducedService = { count, ports: [], restart: 'no' };
    reduced.services[name] = one;
    if (count === 0) continue;
    const isPublished = service.network_mode !== 'host' && service.network_mode !== 'none';
    const ports: string[] = isPublished ? (service.ports ?? []).map(printedPort) : [];
    one.ports = [...new Set(ports)].filter((port) => port !== '').sort();
    one.restart = printedPolicy(service, generation);
    if (generation === 1) continue;
    // Compose finds the container when it starts the other.
    const shared = /^service:(.*)/.exec(service.network_mode)?.[1];
    one.mode = shared === undefined ? (service.network_mode ?? 'networks') : `container:${config.name}-${shared}-1`;
    if (service.network_mode !== undefined) continue;
    const named = Object.entries<Printed>(service.networks ?? {});
    one.networks = Object.fromEntries(
      named.map(([key, endpoint]) => [config.networks[key].name, endpoint?.ipv4_address ?? null]),
    );
  }
  if (generation === 1) return reduced;
  reduced.networks = {};
  for (const network of Object.values<Printed>(config.networks ?? {}))
    reduced.networks[network.name] = {
      external: network.external === true,
      internal: network.internal === true,
      subnets: (network.ipam?.config ?? [])
        .filter(({ subnet }: Printed) => !subnet?.includes(':'))
        .map((pool: Printed) => [pool.subnet, pool.ip_range, pool.gateway].join(' ')),
      options: network.driver_opts ?? {},
    };
  return reduced;
}

function printedPort(port: Printed): string {
  if (typeof port === 'object') {
    if (port.host_ip?.includes(':')) return '';
    return reducedPort(port.host_ip, String(port.published ?? ''), String(port.target), port.protocol);
  }
  const [, address, host, container, protocol] =
    /^(?:(?:(.*):)?(\d*(?:-\d+)?):)?(\d+)\/(\w+)$/.exec(String(port)) ?? [];
  return address?.includes(':') ? '' : reducedPort(address, host, container, protocol);
}

function printedPolicy(service: Printed, generation: 1 | 2): string {
  const policy = service.deploy?.restart_policy;
  const name =
    policy === undefined ? (service.restart ?? 'no') : (policy.condition ?? (generation === 1 ? 'any' : 'no'));
  return { any: 'always', none: 'no' }[name as string] ?? String(name).split(':')[0];
}
