/** Names of addresses and interfaces in what `docker inspect` and `docker network inspect` print. */
import { objectIn, objectsIn, textIn } from './lenient-values.js';

export interface ContainerNames {
  /** By address, such as `172.17.0.3`. */
  readonly addresses: ReadonlyMap<string, string>;
  /** By interface: the network of a bridge. */
  readonly interfaces: ReadonlyMap<string, string>;
}

/** Docker calls the bridge of a network by its id's first characters, unless an option says otherwise. */
const BRIDGE_ID_LENGTH = 12;
const BRIDGE_NAME = 'com.docker.network.bridge.name';

/** The names in CONTAINERS and NETWORKS. What is not as Docker prints it is left out: no result depends on it. */
export function containerNames(containers: unknown, networks: unknown): ContainerNames {
  const addresses = new Map<string, string>();
  const interfaces = new Map<string, string>();
  for (const network of objectsIn(networks)) {
    const name = textIn(network.Name);
    if (name === undefined) continue;
    for (const container of Object.values(objectIn(network.Containers))) {
      const { Name, IPv4Address, IPv6Address } = objectIn(container);
      for (const end of [IPv4Address, IPv6Address]) addName(addresses, textIn(end), textIn(Name));
    }
    if (network.Driver !== 'bridge') continue;
    const id = textIn(network.Id);
    const bridge =
      textIn(objectIn(network.Options)[BRIDGE_NAME]) ??
      (id === undefined ? undefined : `br-${id.slice(0, BRIDGE_ID_LENGTH)}`);
    if (bridge !== undefined) interfaces.set(bridge, name);
  }
  for (const container of objectsIn(containers)) {
    const name = textIn(container.Name)?.replace(/^\//, '');
    const settings = objectIn(container.NetworkSettings);
    for (const end of [settings, ...Object.values(objectIn(settings.Networks)).map(objectIn)]) {
      addName(addresses, textIn(end.IPAddress), name);
      addName(addresses, textIn(end.GlobalIPv6Address), name);
    }
  }
  return { addresses, interfaces };
}

function addName(names: Map<string, string>, address: string | undefined, name: string | undefined): void {
  if (address !== undefined && name !== undefined) names.set(address.replace(/\/\d+$/, ''), name);
}
