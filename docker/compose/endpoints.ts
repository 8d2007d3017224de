/** Which networks the containers of a service are on, and how. */
import { parseAddress } from '../../codecs/address.js';
import { withNearest } from '../../codecs/nearest.js';
import type { EndpointSpec } from '../model.js';
import { isSince } from '../releases.js';
import { ComposeError, whereAt } from './compose-error.js';
import { ENDPOINT_MEMBERS } from './compose-members.js';
import {
  asInteger,
  asMap,
  asText,
  asTexts,
  type ComposeMap,
  type ComposeNode,
  isNothing,
  member,
  refuseUnknown,
  unexpected,
} from './compose-node.js';
import type { ServiceModel, ServiceNetwork, ServiceReading } from './read-service.js';

/** The networks of the service MAP, the most important one first. NODE: its `networks`. */
export function networksOf(node: ComposeNode | undefined, map: ComposeMap, reading: ServiceReading): ServiceNetwork[] {
  const networks = node === undefined ? [] : givenNetworks(node, reading);
  if (networks.length === 0) return [{ name: 'default', node: map, members: undefined, priority: 0 }];
  const { generation, networkNames } = reading;
  // Compose 2 goes by the names that the file uses; compose 1 by those of the engine, unless there is a priority.
  const keyOf = ({ name }: ServiceNetwork): string => (generation === 1 ? (networkNames.get(name) ?? name) : name);
  const byName = [...networks].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const isPrioritized = networks.some(({ priority }) => priority !== 0);
  const start = generation === 1 && isPrioritized ? networks : byName;
  return [...start].sort((a, b) => b.priority - a.priority);
}

function givenNetworks(node: ComposeNode, { generation, networkNames }: ServiceReading): ServiceNetwork[] {
  const known = (name: string, at: ComposeNode): string => {
    if (networkNames.has(name)) return name;
    throw new ComposeError(
      withNearest(`there is no network "${name}" in networks`, name, networkNames.keys()),
      at.place,
    );
  };
  if (node.kind !== 'map') {
    const names = new Set<string>();
    return asTexts(node, 'networks').map(({ text, node: at }) => {
      if (names.has(text)) throw new ComposeError(`the network "${text}" is there twice`, at.place);
      names.add(text);
      return { name: known(text, at), node: at, members: undefined, priority: 0 };
    });
  }
  return [...node.entries].map(([name, { place, value }]) => {
    const members = asMap(value, `the network "${name}"`, 'a mapping, or nothing');
    refuseUnknown(members, ENDPOINT_MEMBERS[generation], `the network "${name}" of a service`, ENDPOINT_MEMBERS[2]);
    const priority = member(members, 'priority');
    const at = { ...value, place };
    return { name: known(name, at), node: at, members, priority: priority ? asInteger(priority, 'priority') : 0 };
  });
}

const ENDPOINT_OPTIONS: readonly string[] = [
  'com.docker.network.endpoint.ifname',
  'com.docker.network.endpoint.sysctls',
];

/** How the container CONTAINER_NAME of SERVICE takes part in its networks, the one of its default route first. */
export function endpointsOf(service: ServiceModel, containerName: string, reading: ServiceReading): EndpointSpec[] {
  const macNode = member(service.map, 'mac_address');
  const ownMac = macNode && macOf(macNode);
  const endpoint = (network: string, mac: string | undefined): EndpointSpec[] => [
    { network, address: undefined, mac, aliases: [], gatewayPriority: 0 },
  ];
  if (service.mode.kind === 'bridge') return endpoint('bridge', ownMac);
  if (service.mode.kind === 'network') return endpoint(service.mode.name, ownMac);
  const endpoints = service.networks.map((network) => endpointOf(service, network, containerName, reading));
  const [first, ...others] = endpoints;
  if (first === undefined || ownMac === undefined || macNode === undefined) return withKnownMacs(endpoints, reading);
  if (first.mac !== undefined && first.mac !== ownMac)
    throw new ComposeError(`mac_address is ${ownMac}, but that of the first network is ${first.mac}`, macNode.place);
  return withKnownMacs([{ ...first, mac: ownMac }, ...others], reading);
}

/** Engines before 25 take one MAC a container, for its first network. */
function withKnownMacs(endpoints: EndpointSpec[], { release, note }: ServiceReading): EndpointSpec[] {
  if (isSince(release, 25)) return endpoints;
  return endpoints.map((endpoint, at) => {
    if (at === 0 || endpoint.mac === undefined) return endpoint;
    note(
      `engines before 25 do not take a MAC for each network of a container; that of ${endpoint.network} is left out`,
    );
    return { ...endpoint, mac: undefined };
  });
}

function endpointOf(
  service: ServiceModel,
  { name, members }: ServiceNetwork,
  containerName: string,
  { generation, release, networkNames, note }: ServiceReading,
): EndpointSpec {
  const links = member(members, 'link_local_ips');
  if (links !== undefined && !(links.kind === 'list' && links.items.length === 0))
    throw new ComposeError('link_local_ips, further addresses of a container, are not supported', links.place, true);
  for (const [option, { place, value }] of asMap(member(members, 'driver_opts'), 'driver_opts')?.entries ?? []) {
    if (!ENDPOINT_OPTIONS.includes(option) && !isNothing(value))
      note(`${whereAt(place)}: option "${option}" of a container's network has no effect here`);
  }
  const v6 = member(members, 'ipv6_address');
  if (v6 !== undefined) note(`${whereAt(v6.place)}: ipv6_address is left out, as nfreplay emulates IPv4`);
  const priority = member(members, 'gw_priority');
  const mac = member(members, 'mac_address');
  const aliases = asTexts(member(members, 'aliases'), 'aliases').map(({ text }) => text);
  const knowsPriority = isSince(release, 28);
  if (priority !== undefined && !knowsPriority)
    note(`${whereAt(priority.place)}: engines before 28 do not know gw_priority; it has no effect`);
  return {
    network: networkNames.get(name) ?? name,
    address: addressOf(member(members, 'ipv4_address')),
    mac: mac && macOf(mac),
    aliases: [...new Set([...(generation === 2 ? [containerName] : []), service.name, ...aliases])],
    gatewayPriority: priority !== undefined && knowsPriority ? asInteger(priority, 'gw_priority') : 0,
  };
}

function addressOf(node: ComposeNode | undefined): string | undefined {
  if (node === undefined) return undefined;
  const text = asText(node, 'ipv4_address', 'an address such as 172.28.0.10');
  if (text === '') return undefined;
  if (parseAddress(text)?.family !== 'ipv4') throw unexpected(node, 'ipv4_address', 'an address such as 172.28.0.10');
  return text;
}

function macOf(node: ComposeNode): string | undefined {
  const text = asText(node, 'mac_address', 'a MAC such as 02:42:ac:11:00:02');
  if (text === '') return undefined;
  if (!/^[\da-f]{2}([:-])[\da-f]{2}(?:\1[\da-f]{2}){4}$/i.test(text))
    throw unexpected(node, 'mac_address', 'a MAC such as 02:42:ac:11:00:02');
  return text.toLowerCase().replaceAll('-', ':');
}
