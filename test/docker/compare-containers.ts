/** What `docker inspect` says of containers and networks, and the state of an emulated engine. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import type { DockerState } from '../../docker/model.js';
import { listDifferences } from './compare-network.js';

/** MACS: whether those of containers follow from their addresses. */
export function containerDifferences(
  wanted: { containers: readonly JsonObject[]; networks: readonly JsonObject[] },
  { containers, networks }: DockerState,
  macs: boolean,
): string[] {
  const found = containers.map(({ name, isRunning, endpoints }) => {
    const parts = isRunning
      ? endpoints.map(({ spec, address, mac }) => endpointText(nameOf(spec.network), address, macs ? mac : undefined))
      : [];
    const ports = endpoints.flatMap(({ bindings }) =>
      bindings.map((b) => `${b.hostAddress}:${b.hostPort}>${b.containerPort}/${b.protocol}`),
    );
    return containerText(name, isRunning, parts, ports);
  });
  const foundNetworks = networks
    .filter(({ bridge }) => bridge !== undefined)
    .map(({ spec, subnet }) => `${spec.name} ${subnet}`);
  return [
    ...listDifferences(
      'container',
      wanted.containers.map((one) => inspectedContainer(one, macs)),
      found,
    ),
    ...listDifferences('network', wanted.networks.flatMap(inspectedNetwork), foundNetworks),
  ];

  function nameOf(nameOrId: string): string {
    return networks.find(({ id }) => id === nameOrId)?.spec.name ?? nameOrId;
  }
}

const endpointText = (network: string, address: string | undefined, mac: string | undefined): string =>
  [network, address, mac].filter((word) => word !== undefined && word !== '').join(' ');

function containerText(
  name: string,
  isRunning: boolean,
  endpoints: readonly string[],
  ports: readonly string[],
): string {
  const state = isRunning ? 'running' : 'stopped';
  return `${name} ${state} [${[...endpoints].sort().join('; ')}] [${[...ports].sort().join('; ')}]`;
}

interface Inspected {
  readonly Name: string;
  readonly State: { readonly Running: boolean };
  readonly NetworkSettings: {
    readonly Ports: Record<string, { HostIp: string; HostPort: string }[] | null>;
    readonly Networks: Record<string, { IPAddress: string; MacAddress: string }>;
  };
}

function inspectedContainer(json: JsonObject, macs: boolean): string {
  const { Name, State, NetworkSettings } = json as unknown as Inspected;
  const endpoints = Object.entries(NetworkSettings.Networks).filter(([name]) => name !== 'none' && name !== 'host');
  const parts = endpoints.map(([network, { IPAddress, MacAddress }]) =>
    endpointText(network, IPAddress || undefined, macs ? MacAddress : undefined),
  );
  const ports = Object.entries(NetworkSettings.Ports ?? {}).flatMap(([port, bindings]) =>
    (bindings ?? [])
      .filter(({ HostIp }) => !HostIp.includes(':'))
      .map(({ HostIp, HostPort }) => `${HostIp}:${Number(HostPort)}>${port}`),
  );
  return containerText(Name.slice(1), State.Running, State.Running ? parts : [], ports);
}

function inspectedNetwork(json: JsonObject): string[] {
  const { Name, Driver, IPAM } = json as unknown as {
    Name: string;
    Driver: string;
    IPAM: { Config: { Subnet: string }[] };
  };
  if (Driver !== 'bridge') return [];
  const [config] = IPAM.Config;
  return [`${Name} ${config?.Subnet}`];
}
