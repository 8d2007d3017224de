/** `--link`: containers of the default network that may reach each other where others may not. */
import { OPTION } from '../bridge-options.js';
import type { Link } from '../firewall/firewall.js';
import { type EndpointState, isDefault } from '../model.js';
import { isSince } from '../releases.js';
import { isTrue } from './bridge-options.js';
import type { Container, Endpoint, Engine, Network } from './engine.js';
import { EngineError } from './engine-error.js';
import { exposedPorts } from './published-ports.js';

/**
 * The endpoints to which CONTAINER is linked when it starts. Of containers that link to it, an engine remembers the
 * last one of its own children, by mistake; so there are none, unless it links to others itself.
 */
export function linkedTo(engine: Engine, container: Container): EndpointState['linked'] {
  const ids = container.spec.links.map((name) => {
    const child = engine.findContainer(name);
    return child === undefined ? '' : (endpointOf(engine, child)?.id ?? '');
  });
  const last = ids.at(-1) ?? '';
  const isChild = engine.containers.some(({ spec }) =>
    spec.links.some((name) => engine.findContainer(name) === container),
  );
  const parents = isChild && last !== '' ? [last] : [];
  const children = ids.filter((id) => id !== '');
  return children.length === 0 ? undefined : { children, parents };
}

/** What an engine says where one of LINKS leads to no container. @throws {EngineError} */
export function refuseMissing(engine: Engine, links: readonly string[]): void {
  const missing = links.find((name) => engine.findContainer(name) === undefined);
  if (missing === undefined) return;
  const isOld = !isSince(engine.release, 17, 12, 0);
  throw new EngineError(
    isOld
      ? `Could not get container for ${missing}`
      : `could not get container for ${missing}: No such container: ${missing}`,
  );
}

function endpointOf(engine: Engine, { endpoints }: Container): Endpoint | undefined {
  return endpoints.find((endpoint) => isOnDefault(engine, endpoint));
}

/** Whether ENDPOINT is one of the default network. */
export function isOnDefault(engine: Engine, { spec }: Endpoint): boolean {
  const network = engine.findNetwork(spec.network);
  return network !== undefined && isDefault(network);
}

/** The rules for the links of ENDPOINT come or go. @throws {EngineError} if a container has a new endpoint since */
export function changeLinks(engine: Engine, endpoint: Endpoint, change: 'addLink' | 'removeLink'): void {
  const network = engine.network(endpoint.spec.network);
  if (!hasRules(engine, network)) return;
  const bridge = engine.bridgeNetwork(network);
  for (const link of linksOf(engine, endpoint)) engine.firewall[change](bridge, link);
}

function hasRules({ options }: Engine, network: Network): boolean {
  return options.iptables && isDefault(network) && !isTrue(network.spec, OPTION.icc, true);
}

/** The links on NETWORK that have rules. */
export function linksOfNetwork(engine: Engine, network: Network): Link[] {
  if (!hasRules(engine, network)) return [];
  return engine.containers.flatMap((container) => {
    const endpoint = endpointOf(engine, container);
    return endpoint === undefined ? [] : [...linksOf(engine, endpoint)];
  });
}

function* linksOf(engine: Engine, endpoint: Endpoint): Generator<Link> {
  const { children = [], parents = [] } = endpoint.linked ?? {};
  for (const id of parents) yield linkOf(find(engine, id), ownerOf(engine, endpoint));
  for (const id of children) yield linkOf(ownerOf(engine, endpoint), find(engine, id));
}

interface End {
  readonly container: Container;
  readonly endpoint: Endpoint;
}

function linkOf(parent: End, child: End): Link {
  const ports = exposedPorts(child.container.spec);
  return { parent: parent.endpoint.address as string, child: child.endpoint.address as string, ports };
}

function ownerOf(engine: Engine, endpoint: Endpoint): End {
  return find(engine, endpoint.id);
}

/** The endpoint with the id ID. @throws {EngineError} */
function find(engine: Engine, id: string): End {
  for (const container of engine.containers) {
    const endpoint = container.endpoints.find((other) => other.id === id && other.address !== undefined);
    if (endpoint !== undefined) return { container, endpoint };
  }
  throw new EngineError(`invalid endpoint id: ${id}`);
}
