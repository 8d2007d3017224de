/** Which veth of the host leads to which container: docker inspect does not say it. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import { objectsIn } from '../../codecs/host/lenient-values.js';
import type { ContainerState, NetworkState } from '../model.js';

/**
 * CONTAINERS, in the order in which they started, with their veths on the host of JSON, on the bridges of NETWORKS.
 * Those of one container have the same network namespace at their other ends, and the kernel numbers interfaces as they
 * are made. A container whose bridges are others than those of its veths gets none.
 */
export function withVeths(
  containers: readonly ContainerState[],
  networks: readonly NetworkState[],
  json: JsonObject,
): ContainerState[] {
  const bridges = new Map(networks.flatMap(({ spec, bridge }) => (bridge === undefined ? [] : [[bridge, spec.name]])));
  const groups = new Map<unknown, Map<string, string>>();
  for (const { ifname, master, link_netnsid } of [...objectsIn(json.addr)].sort(byNumber)) {
    const network = bridges.get(String(master));
    if (network === undefined || link_netnsid === undefined) continue;
    groups.set(link_netnsid, (groups.get(link_netnsid) ?? new Map()).set(network, String(ifname)));
  }
  const left = [...groups.values()];
  return containers.map((container) => {
    const connected = container.endpoints.filter(({ address }) => address !== undefined);
    const [veths] = left;
    const fits = connected.length === veths?.size && connected.every(({ spec }) => veths.has(spec.network));
    if (connected.length === 0 || !fits) return container;
    left.shift();
    const endpoints = container.endpoints.map((endpoint) => ({ ...endpoint, veth: veths.get(endpoint.spec.network) }));
    return { ...container, endpoints };
  });
}

function byNumber(a: JsonObject, b: JsonObject): number {
  return Number(a.ifindex) - Number(b.ifindex);
}
