/** What `docker compose` does to an engine: it compares what there is with what a project asks for. */
import type { ComposeProject } from '../commands/action.js';
import type { ContainerSpec, NetworkSpec } from '../model.js';
import { createContainer, removeContainer, restartContainer, startContainer, stopContainer } from './containers.js';
import type { Container, Engine, Network } from './engine.js';
import { EngineError } from './engine-error.js';
import { connectedTo, createNetwork, takeDownNetwork, withDefaultOptions } from './networks.js';
import { publishedPorts } from './published-ports.js';

const LABELS = 'com.docker.compose.';
const PROJECT_LABEL = `${LABELS}project`;
const SERVICE_LABEL = `${LABELS}service`;

/** Tells people what was done. */
type Say = (line: string) => void;

/** `docker compose up -d`. @throws {EngineError} */
export function composeUp(engine: Engine, project: ComposeProject, removesOrphans: boolean, say: Say): void {
  makeNetworks(engine, project, say);
  treatOrphans(engine, project, removesOrphans, say);
  for (const { name, containers } of project.services) {
    const isWanted = (old: Container): boolean => containers.some((spec) => spec.name === old.name);
    for (const old of ofService(engine, project, name)) if (!isWanted(old)) remove(engine, old, say);
  }
  const wanted = project.services.flatMap(({ name, containers }) =>
    containers.map((spec) => labelled(spec, project, { [SERVICE_LABEL]: name })),
  );
  for (const spec of wanted) makeContainer(engine, spec, say);
  for (const { name } of wanted) start(engine, engine.container(name), say);
}

/** What a container or a network asks for, with the labels by which compose knows its own. */
function labelled<T extends ContainerSpec | NetworkSpec>(
  spec: T,
  { name }: ComposeProject,
  more: Readonly<Record<string, string>>,
): T {
  return { ...spec, labels: { ...spec.labels, [PROJECT_LABEL]: name, ...more } };
}

function makeNetworks(engine: Engine, project: ComposeProject, say: Say): void {
  for (const { spec: asked, isExternal } of project.networks) {
    const spec = isExternal ? asked : withDefaultOptions(engine, labelled(asked, project, {}));
    const present = engine.findNetwork(spec.name);
    if (isExternal && present === undefined) {
      throw new EngineError(`network ${spec.name} declared as external, but could not be found`);
    }
    if (isExternal || (present !== undefined && isSameNetwork(present.spec, spec))) continue;
    if (present !== undefined) removeWithMembers(engine, present, say);
    createNetwork(engine, spec);
    say(`Network ${spec.name}  Created`);
  }
}

/** A network that has changed is made anew: its containers go first, and are made again later. */
function removeWithMembers(engine: Engine, network: Network, say: Say): void {
  const members = engine.containers.filter(({ endpoints }) =>
    endpoints.some(({ spec }) => engine.findNetwork(spec.network) === network),
  );
  for (const container of members) remove(engine, container, say);
  takeDownNetwork(engine, network);
  say(`Network ${network.spec.name}  Removed`);
}

/** An unchanged container stays; a changed one is removed and made again. */
function makeContainer(engine: Engine, spec: ContainerSpec & { readonly name: string }, say: Say): void {
  const present = engine.findContainer(spec.name);
  if (present !== undefined && isSameContainer(present.spec, spec)) {
    if (present.isRunning) say(`Container ${spec.name}  Running`);
    return;
  }
  if (present !== undefined) removeContainer(engine, present, true);
  createContainer(engine, spec);
  say(`Container ${spec.name}  ${present === undefined ? 'Created' : 'Recreated'}`);
}

function treatOrphans(engine: Engine, project: ComposeProject, removesOrphans: boolean, say: Say): void {
  const names = project.services.map(({ name }) => name);
  const orphans = ofProject(engine, project).filter(({ spec }) => !names.includes(spec.labels[SERVICE_LABEL]));
  if (removesOrphans) {
    for (const container of orphans) remove(engine, container, say);
  } else if (orphans.length > 0) {
    const list = orphans.map(({ name }) => name).join(' ');
    say(
      `Found orphan containers ([${list}]) for this project. If you removed or renamed this service in your compose ` +
        'file, you can run this command with the --remove-orphans flag to clean it up.',
    );
  }
}

function remove(engine: Engine, container: Container, say: Say): void {
  removeContainer(engine, container, true);
  say(`Container ${container.name}  Removed`);
}

function start(engine: Engine, container: Container, say: Say): void {
  if (container.isRunning) return;
  startContainer(engine, container);
  say(`Container ${container.name}  Started`);
}

function ofProject(engine: Engine, { name }: ComposeProject): Container[] {
  return engine.containers.filter(({ spec }) => spec.labels[PROJECT_LABEL] === name);
}

function ofService(engine: Engine, project: ComposeProject, service: string): Container[] {
  return ofProject(engine, project).filter(({ spec }) => spec.labels[SERVICE_LABEL] === service);
}

/** Containers of PROJECT that there are, in the order of its services. */
function presentOf(engine: Engine, { services }: ComposeProject): Container[] {
  return services.flatMap(({ containers }) => containers.flatMap(({ name }) => engine.findContainer(name) ?? []));
}

export function composeStop(engine: Engine, project: ComposeProject, say: Say): void {
  for (const container of presentOf(engine, project).reverse()) {
    if (!container.isRunning) continue;
    stopContainer(engine, container, 'stop');
    say(`Container ${container.name}  Stopped`);
  }
}

/** @throws {EngineError} */
export function composeStart(engine: Engine, project: ComposeProject, say: Say): void {
  for (const container of presentOf(engine, project)) start(engine, container, say);
}

/** @throws {EngineError} */
export function composeRestart(engine: Engine, project: ComposeProject, say: Say): void {
  for (const container of presentOf(engine, project)) {
    restartContainer(engine, container);
    say(`Container ${container.name}  Started`);
  }
}

/** `docker compose down`: containers go, then the networks that nobody else is on. */
export function composeDown(engine: Engine, project: ComposeProject, say: Say): void {
  for (const container of presentOf(engine, project).reverse()) remove(engine, container, say);
  for (const { spec, isExternal } of project.networks) {
    const network = engine.findNetwork(spec.name);
    if (isExternal || network === undefined) continue;
    const isUsed = connectedTo(engine, network).length > 0;
    if (!isUsed) takeDownNetwork(engine, network);
    say(`Network ${spec.name}  ${isUsed ? 'Resource is still in use' : 'Removed'}`);
  }
}

/** Whether PRESENT is what WANTED asks for. Of one that a real compose made, only what matters for packets is known. */
function isSameContainer(present: ContainerSpec, wanted: ContainerSpec): boolean {
  return isReal(present.labels) ? isSame(essentialsOf(present), essentialsOf(wanted)) : isSame(present, wanted);
}

function essentialsOf({ image, networkMode, endpoints, ports, restart, links, publishesAll }: ContainerSpec): unknown {
  const places = endpoints.map(({ network, address, mac }) => ({ network, address, mac }));
  const published = publishedPorts(ports).map((port) => JSON.stringify(sorted(port)));
  return { image, networkMode, places, published: published.sort(), restart, links, publishesAll };
}

function isSameNetwork(present: NetworkSpec, wanted: NetworkSpec): boolean {
  if (!isReal(present.labels)) return isSame(present, wanted);
  const isAsked = wanted.ipam.every((subnet, i) => {
    const { subnet: prefix, gateway } = present.ipam[i] ?? {};
    return (subnet.subnet ?? prefix) === prefix && (subnet.gateway ?? gateway) === gateway;
  });
  return isAsked && isSame(driverOf(wanted), driverOf(present));
}

function driverOf({ driver, isInternal, options }: NetworkSpec): unknown {
  return { driver, isInternal, options };
}

/** A compose that is not this one has written LABELS. */
function isReal(labels: Readonly<Record<string, string>>): boolean {
  return labels[`${LABELS}config-hash`] !== undefined || labels[`${LABELS}version`] !== undefined;
}

/** Whether A and B, both plain data, ask for the same; the order of members does not matter. */
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]));
}
