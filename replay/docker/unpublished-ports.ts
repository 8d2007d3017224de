/** What of the ports that people ask Docker to publish no packet of IPv4 can show. */
import type { ContainerState, DockerState, PortRange, PortSpec } from '../../docker/model.js';

/** The ports in STATE that are not published, and those that are published on IPv6 too; for people. */
export function portNotes(state: DockerState): string[] {
  const running = state.containers.filter(({ isRunning }) => isRunning);
  const isOnIpv6 = state.options.userlandProxy && running.some(isOnAllAddresses);
  return [
    ...running.flatMap((container) => internalNotes(container, state)),
    ...(isOnIpv6 ? ['IPv6 is not followed: ports published on all addresses are published on [::] too'] : []),
  ];
}

/** Docker publishes nothing of a container that is on internal networks only, and says nothing about it. */
function internalNotes({ name, spec, endpoints }: ContainerState, { networks }: DockerState): string[] {
  const connected = endpoints.filter(({ address }) => address !== undefined);
  const names = connected.map(({ spec: { network } }) => network);
  const isInternal = (of: string): boolean => networks.some((one) => one.spec.name === of && one.spec.isInternal);
  const isPublished = endpoints.some(({ bindings }) => bindings.length > 0);
  if (names.length === 0 || isPublished || spec.ports.length === 0 || !names.every(isInternal)) return [];
  const are = spec.ports.length === 1 ? 'is' : 'are';
  const [all, they] = names.length === 1 ? [names[0], 'is'] : [names.join(' and '), 'are'];
  return [`${spec.ports.map(portText).join(' and ')} of ${name} ${are} not published: ${all} ${they} internal`];
}

function portText({ hostAddress, host, container, protocol }: PortSpec): string {
  const ends = host === undefined && hostAddress === undefined ? [] : [host === undefined ? '' : rangeText(host)];
  const text = [...(hostAddress === undefined ? [] : [hostAddress]), ...ends, rangeText(container)].join(':');
  return protocol === 'tcp' ? text : `${text}/${protocol}`;
}

function rangeText({ first, last }: PortRange): string {
  return first === last ? `${first}` : `${first}-${last}`;
}

/** Whether a port without an address of its own is published on all of the host's. */
function isOnAllAddresses({ spec, endpoints }: ContainerState): boolean {
  const asksForAll = spec.publishesAll || spec.ports.some(({ hostAddress }) => hostAddress === undefined);
  return asksForAll && endpoints.some(({ bindings }) => bindings.some((one) => one.hostAddress === '0.0.0.0'));
}
