/** What of containers and networks names addresses and interfaces, in the form of `docker inspect`. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import { OPTION } from '../bridge-options.js';
import type { DockerState } from '../model.js';

/** The members `containers` and `networks` of a host.json on which the engine of STATE runs. */
export function inspectMembers({ containers, networks }: DockerState): Record<'containers' | 'networks', JsonObject[]> {
  return {
    containers: containers.map(({ name, id, endpoints }) => ({
      Id: id,
      Name: `/${name}`,
      NetworkSettings: {
        Networks: Object.fromEntries(
          endpoints.flatMap(({ spec, address }): [string, JsonObject][] =>
            address === undefined ? [] : [[spec.network, { IPAddress: address }]],
          ),
        ),
      },
    })),
    networks: networks.map(({ spec, id, bridge }) => ({
      Name: spec.name,
      Id: id,
      Driver: spec.driver,
      Options: bridge === undefined ? {} : { [OPTION.bridgeName]: bridge },
    })),
  };
}

/** The names of containers by address. */
export function containerAddresses({ containers }: DockerState): Map<string, string> {
  return new Map(
    containers.flatMap(({ name, endpoints }) =>
      endpoints.flatMap(({ address }): [string, string][] => (address === undefined ? [] : [[address, name]])),
    ),
  );
}
