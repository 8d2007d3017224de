/** In which ways the releases of the engine differ, other than in their rules. */
import { isSince, type Release } from '../releases.js';

export interface EngineTraits {
  /** How a network without a subnet gets one: the first free pool, the next one in a ring, or the first gap. */
  readonly subnets: 'first' | 'ring' | 'gap';
  /** A container's MAC is made of its address (02:42 and the address); later ones are random. */
  readonly macFollowsAddress: boolean;
  /** The container's end of a veth pair is created in the container, and takes no number on the host. */
  readonly vethEndsInContainer: boolean;
  /** Containers on an internal network have a default route. */
  readonly internalHasGateway: boolean;
  /** Entries of the connection table are deleted where a container stops being reached from outside. */
  readonly deletesConnections: boolean;
  /** They are deleted where it starts being reached, too. */
  readonly deletesConnectionsAtStart: boolean;
  /** A routed network opens the ports of all of its containers, not of those alone that are reached by it. */
  readonly publishesRouted: boolean;
  /** Port bindings are made in the order of container ports; before, of host ports, highest first. */
  readonly sortsByContainerPort: boolean;
  /** The engine itself finds that a port on one address is taken where it is published on all; before, bind does. */
  readonly comparesAllAddresses: boolean;
  /** Errors of a start begin with "failed to set up container networking". */
  readonly namesNetworkingInErrors: boolean;
}

/** The differences of RELEASE (libnetwork and daemon/ of moby at its tag). */
export function traitsOf(release: Release): EngineTraits {
  const since = (...other: readonly number[]): boolean => isSince(release, ...other);
  const ring = since(18, 6, 0) ? 'ring' : 'first';
  return {
    subnets: since(27, 0, 0) ? 'gap' : ring,
    macFollowsAddress: !since(28, 0, 0),
    vethEndsInContainer: since(28, 0, 0),
    internalHasGateway: !since(25, 0, 0),
    deletesConnections: since(17, 5, 0),
    deletesConnectionsAtStart: since(23, 0, 0),
    publishesRouted: since(29, 0, 0),
    sortsByContainerPort: since(27, 0, 0),
    comparesAllAddresses: since(28, 3, 0),
    namesNetworkingInErrors: since(28, 0, 0),
  };
}
