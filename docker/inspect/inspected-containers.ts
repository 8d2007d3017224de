/** Containers as `docker inspect` prints them. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import { objectIn, objectsIn, textIn } from '../../codecs/host/lenient-values.js';
import {
  type ContainerSpec,
  type ContainerState,
  DEFAULT_NETWORK,
  type EndpointState,
  type PortBinding,
  type PortSpec,
  type Protocol,
} from '../model.js';
import { textsIn } from './inspected-networks.js';

/** CONTAINER, which its engine has made. Its published ports are not told yet (`publishedPorts`). */
export function containerState(container: JsonObject): ContainerState {
  const config = objectIn(container.Config);
  const host = objectIn(container.HostConfig);
  const isRunning = objectIn(container.State).Running === true;
  const name = (textIn(container.Name) ?? '').replace(/^\//, '');
  const networkMode = modeOf(textIn(host.NetworkMode) ?? 'default');
  const endpoints = networkMode === 'networks' ? endpointsIn(container) : [];
  const policy = textIn(objectIn(host.RestartPolicy).Name) ?? 'no';
  const spec: ContainerSpec = {
    name,
    image: textIn(config.Image) ?? textIn(container.Image) ?? '',
    hostname: textIn(config.Hostname),
    networkMode,
    endpoints: endpoints.map((endpoint) => endpoint.spec),
    ports: portsIn(host.PortBindings),
    exposed: Object.keys(objectIn(config.ExposedPorts)).flatMap(exposedIn),
    publishesAll: host.PublishAllPorts === true,
    restart: policy as ContainerSpec['restart'],
    links: Array.isArray(host.Links) ? host.Links.flatMap(linkIn) : [],
    isRemovedWhenStopped: host.AutoRemove === true,
    labels: textsIn(config.Labels),
  };
  return { spec, name, id: textIn(container.Id) ?? '', isRunning, wasStopped: !isRunning, endpoints };
}

function modeOf(mode: string): ContainerSpec['networkMode'] {
  if (mode === 'host' || mode === 'none') return mode;
  return mode.startsWith('container:') ? (mode as `container:${string}`) : 'networks';
}

/** The network that the container was made with comes first, the others as they are listed. */
function endpointsIn(container: JsonObject): EndpointState[] {
  const mode = textIn(objectIn(container.HostConfig).NetworkMode) ?? 'default';
  const first = mode === 'default' ? DEFAULT_NETWORK : mode;
  const networks = Object.entries(objectIn(objectIn(container.NetworkSettings).Networks));
  const sorted = [...networks.filter(([name]) => name === first), ...networks.filter(([name]) => name !== first)];
  return sorted.map(([network, value]): EndpointState => {
    const endpoint = objectIn(value);
    const { Aliases, GwPriority } = endpoint;
    return {
      spec: {
        network,
        address: textIn(objectIn(endpoint.IPAMConfig).IPv4Address),
        mac: network === first ? textIn(objectIn(container.Config).MacAddress) : undefined,
        aliases: Array.isArray(Aliases) ? Aliases.filter((alias) => typeof alias === 'string') : [],
        gatewayPriority: typeof GwPriority === 'number' ? GwPriority : 0,
      },
      id: textIn(endpoint.EndpointID) ?? '',
      address: textIn(endpoint.IPAddress),
      mac: textIn(endpoint.MacAddress),
      veth: undefined,
      bindings: [],
    };
  });
}

const PORT = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/;

function exposedIn(text: string): Omit<PortSpec, 'hostAddress' | 'host'>[] {
  const [, first, last = first, protocol = 'tcp'] = PORT.exec(text) ?? [];
  if (first === undefined) return [];
  return [{ container: { first: Number(first), last: Number(last) }, protocol: protocol as Protocol }];
}

/** `{ "80/tcp": [{ "HostIp": "", "HostPort": "8080" }] }` */
function portsIn(bindings: unknown): PortSpec[] {
  return Object.entries(objectIn(bindings)).flatMap(([text, list]) =>
    exposedIn(text).flatMap(({ container, protocol }) =>
      objectsIn(list).flatMap(({ HostIp, HostPort }): PortSpec[] => {
        const address = textIn(HostIp);
        const [, first, last = first] = PORT.exec(textIn(HostPort) ?? '') ?? [];
        const host = first === undefined ? undefined : { first: Number(first), last: Number(last) };
        return address?.includes(':') ? [] : [{ hostAddress: address, host, container, protocol }];
      }),
    ),
  );
}

/** The ports of IPv4 that CONTAINER publishes now; `containerAddress` is that of nobody yet. */
export function publishedPorts(container: JsonObject): PortBinding[] {
  return portsIn(objectIn(container.NetworkSettings).Ports).flatMap(
    ({ hostAddress, host, container: port, protocol }) =>
      host === undefined
        ? []
        : [
            {
              hostAddress: hostAddress ?? '0.0.0.0',
              hostPort: host.first,
              containerAddress: '',
              containerPort: port.first,
              protocol,
            },
          ],
  );
}

/** The ports that CONTAINER publishes on addresses of IPv6, such as `[::]:80`. */
export function ipv6Ports(container: JsonObject): string[] {
  const lists = Object.values(objectIn(objectIn(container.NetworkSettings).Ports));
  return lists.flatMap((list) =>
    objectsIn(list).flatMap(({ HostIp, HostPort }) => {
      const address = textIn(HostIp);
      return address?.includes(':') ? [`[${address}]:${textIn(HostPort) ?? ''}`] : [];
    }),
  );
}

/** `/db:/web/alias`: the name of the container that is linked to. */
function linkIn(link: unknown): string[] {
  const [, name] = /^\/([^:]+):/.exec(typeof link === 'string' ? link : '') ?? [];
  return name === undefined ? [] : [name];
}
