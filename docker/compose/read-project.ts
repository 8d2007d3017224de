/**
 * Compose files to what compose makes of them: networks and containers, by name, in order. Two generations of compose
 * are followed: 1 (docker-compose 1.29, in Python) and 2 (docker compose, the engine's plugin, of all later numbers).
 * They differ in names (`shop_web_1`, `shop-web-1`), in what members there are, and in how YAML is read.
 */
import { withNearest } from '../../codecs/nearest.js';
import type { ComposeNetwork, ComposeProject, ComposeService } from '../commands/action.js';
import type { ContainerSpec } from '../model.js';
import { isSince, type Release } from '../releases.js';
import { ComposeError, type Place, Problems } from './compose-error.js';
import { asMap, asTexts, type ComposeMap, type ComposeNode, member } from './compose-node.js';
import { type Dependency, dependenciesOf, startOrder } from './dependencies.js';
import { readDotEnv } from './dot-env.js';
import { endpointsOf } from './endpoints.js';
import { type ComposeFile, type Loading, loadModel } from './load-model.js';
import { pathFrom } from './paths.js';
import { projectName } from './project-name.js';
import { readNetwork } from './read-networks.js';
import { containerSpec, readService, type ServiceModel, type ServiceReading } from './read-service.js';
import type { ComposeGeneration } from './scalar-type.js';
import { Variables } from './variables.js';
import { isVersion1 } from './version-one.js';

export interface ComposeOptions {
  /** Of the engine. */
  readonly release: Release;
  /** Undefined: the one that goes with the release (`generationFor`). */
  readonly generation?: ComposeGeneration | undefined;
  /** What relative paths in the files start from, with `.env`: the first file's folder, or `--project-directory`. */
  readonly folder: string;
  /** The name of that folder, without those above it. */
  readonly folderName: string;
  /** `-p` */
  readonly projectName?: string | undefined;
  /** Variables that are set. They come before those of `.env`. */
  readonly environment?: ReadonlyMap<string, string> | undefined;
  /** Told the name of each of these that is asked for. */
  readonly onVariable?: ((name: string) => void) | undefined;
  /** `--env-file`; undefined or empty: `.env`, if there is one. */
  readonly envFiles?: readonly ComposeFile[] | undefined;
  /** `--profile` */
  readonly profiles?: readonly string[] | undefined;
  /** Those that were named; undefined or empty: all. */
  readonly services?: readonly string[] | undefined;
  /** Whether the services that these need count, too. */
  readonly withDependencies?: boolean | undefined;
  /** `--scale` */
  readonly scale?: ReadonlyMap<string, number> | undefined;
  /** The text of a file that others name; undefined: there is none. */
  readonly readFile: (path: string) => string | undefined;
}

/**
 * Which compose goes with an engine of RELEASE. `docker compose` is there since 20.10, and as the program
 * docker-compose (IS_STANDALONE) since 23.0.
 */
export function generationFor(release: Release, isStandalone = false): ComposeGeneration {
  return isSince(release, ...(isStandalone ? [23] : [20, 10])) ? 2 : 1;
}

/**
 * The project that FILES, at least one, describe, later ones on top of earlier ones.
 * @throws {ComposeError} with a line for each fault that was found
 */
export function readComposeProject(files: readonly ComposeFile[], options: ComposeOptions): ComposeProject {
  return new ProjectReader(files, options).read();
}

/** Of all services together. */
const MOST_CONTAINERS = 2000;
const MOST_PORTS = 200_000;

class ProjectReader {
  readonly #files: readonly ComposeFile[];
  readonly #options: ComposeOptions;
  readonly #generation: ComposeGeneration;
  readonly #environment: Map<string, string>;
  readonly #name: string;
  readonly #unset = new Set<string>();
  readonly #notes: string[] = [];
  readonly #problems = new Problems();

  constructor(files: readonly ComposeFile[], options: ComposeOptions) {
    this.#files = files;
    this.#options = options;
    this.#generation = options.generation ?? generationFor(options.release);
    this.#environment = this.#readEnvironment();
    this.#name = projectName({
      generation: this.#generation,
      given: options.projectName,
      folderName: options.folderName,
      files,
      environment: this.#environment,
    });
    if (this.#generation === 2) this.#environment.set('COMPOSE_PROJECT_NAME', this.#name);
  }

  read(): ComposeProject {
    const model = loadModel(
      { files: this.#files, folder: this.#options.folder, environment: this.#environment, included: [] },
      this.#loading(),
    );
    const services = asMap(member(model, 'services'), 'services', 'a mapping of services by name');
    if (services === undefined || services.entries.size === 0)
      throw new ComposeError('there are no services; expected services: and what they are', model.place);
    const networks = this.#networks(model);
    const reading = this.#reading(model, networks);
    const models = this.#serviceModels(services, reading);
    this.#problems.finish();
    const graph = this.#chosen(services, models);
    const order = startOrder(graph);
    const made = this.#composeServices(order, models, reading);
    const used = this.#usedNetworks(
      order.map((name) => models.get(name)!),
      networks,
    );
    this.#noteOrder(graph, used);
    return {
      name: this.#name,
      networks: used,
      services: made.filter((one) => one !== undefined),
      notes: this.#allNotes(),
    };
  }

  #readEnvironment(): Map<string, string> {
    const { environment: given, envFiles = [], folder, readFile, onVariable } = this.#options;
    const environment = new Variables(given ?? [], onVariable);
    const path = pathFrom(folder, '.env');
    const text = envFiles.length > 0 ? undefined : readFile(path);
    const files = text === undefined ? envFiles : [{ path, text }];
    const own = new Map<string, string>();
    for (const file of files) {
      const known = environment.on(own);
      const reading = { file: file.path, generation: this.#generation, environment: known };
      for (const [name, value] of readDotEnv(file.text, reading)) own.set(name, value);
    }
    return environment.on(own);
  }

  #loading(): Loading {
    return {
      generation: this.#generation,
      readFile: this.#options.readFile,
      onUnset: (name) => this.#unset.add(name),
      spent: { files: 0, values: 0 },
    };
  }

  /** By the names that the files use, with the implicit one. */
  #networks(model: ComposeMap): Map<string, ComposeNetwork | undefined> {
    const networks = new Map<string, ComposeNetwork | undefined>();
    const read = (key: string, node: ComposeNode | undefined): void => {
      const reading = { generation: this.#generation, project: this.#name, note: (text: string) => this.#note(text) };
      networks.set(
        key,
        this.#problems.collect(() => readNetwork(key, node, reading)),
      );
    };
    const section = asMap(member(model, 'networks'), 'networks', 'a mapping of networks by name');
    for (const [key, { value }] of section?.entries ?? []) if (!key.startsWith('x-')) read(key, value);
    if (!networks.has('default')) read('default', undefined);
    return networks;
  }

  #reading(model: ComposeMap, networks: ReadonlyMap<string, ComposeNetwork | undefined>): ServiceReading {
    const { release, scale = new Map<string, number>() } = this.#options;
    const isCompatible = /^(?:1|true|t|yes)$/i.test(this.#environment.get('COMPOSE_COMPATIBILITY') ?? '');
    return {
      generation: this.#generation,
      release,
      project: this.#name,
      separator: this.#generation === 1 || isCompatible ? '_' : '-',
      isVersion1: isVersion1(model),
      networkNames: new Map([...networks].map(([key, network]) => [key, network?.spec.name ?? key])),
      scale,
      note: (text) => this.#note(text),
    };
  }

  #serviceModels(services: ComposeMap, reading: ServiceReading): Map<string, ServiceModel> {
    const models = new Map<string, ServiceModel>();
    for (const [name, { place, value }] of services.entries) {
      const model = this.#problems.collect(() => {
        if (!/^[a-zA-Z0-9._-]+$/.test(name))
          throw new ComposeError(`"${name}" is no name for a service: letters, digits, and . _ -`, place);
        if (value.kind === 'map' && member(value, 'provider') !== undefined) {
          this.#note(`the service "${name}" is another program's (provider); it has no container`);
          return undefined;
        }
        return readService(name, value.kind === 'scalar' ? { ...value, place } : value, reading);
      });
      if (model !== undefined) models.set(name, model);
    }
    for (const name of reading.scale.keys()) if (!services.entries.has(name)) throw this.#noService(name, services);
    return models;
  }

  #noService(name: string, services: ComposeMap): ComposeError {
    return new ComposeError(
      withNearest(`there is no service "${name}"`, name, services.entries.keys()),
      services.place,
    );
  }

  /** The services that are on by their profiles, or were asked for, with what these need. */
  #chosen(services: ComposeMap, models: ReadonlyMap<string, ServiceModel>): Map<string, readonly Dependency[]> {
    const { services: named = [], withDependencies = true } = this.#options;
    for (const name of named) if (!services.entries.has(name)) throw this.#noService(name, services);
    const active = this.#active(models, named);
    const needs = new Map<string, readonly Dependency[]>();
    for (const [name, { map }] of models) needs.set(name, dependenciesOf(map, this.#generation));
    const chosen = new Set<string>();
    const waiting = named.length === 0 ? [...active] : named.filter((name) => models.has(name));
    if (named.length === 0) this.#noteInactive(models, active);
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (chosen.has(name)) continue;
      chosen.add(name);
      for (const { on, isOptional, node } of needs.get(name)!) {
        if (active.has(on)) {
          if (withDependencies || named.length === 0) waiting.push(on);
        } else if (!(isOptional && services.entries.has(on)) && !isProvided(services, on))
          throw this.#noDependency(name, on, node, services);
      }
    }
    return new Map([...needs].filter(([name]) => chosen.has(name)));
  }

  #active(models: ReadonlyMap<string, ServiceModel>, named: readonly string[]): Set<string> {
    const given = this.#options.profiles ?? [];
    const fromVariable = this.#environment.get('COMPOSE_PROFILES') || undefined;
    const profiles = new Set(given.length > 0 ? given : fromVariable?.split(',').map((text) => text.trim()));
    for (const name of named) for (const profile of profilesOf(models.get(name))) profiles.add(profile);
    const isActive = (name: string): boolean => {
      const own = profilesOf(models.get(name));
      return own.length === 0 || profiles.has('*') || own.some((profile) => profiles.has(profile));
    };
    return new Set([...models.keys()].filter(isActive));
  }

  #noteInactive(models: ReadonlyMap<string, ServiceModel>, active: ReadonlySet<string>): void {
    for (const [name, model] of models) {
      if (active.has(name)) continue;
      const own = profilesOf(model);
      const off = own.length === 1 ? `its profile ${own[0]} is off` : `its profiles ${own.join(', ')} are off`;
      this.#note(`${name} does not start: ${off} (--profile ${own[0]})`);
    }
  }

  #noDependency(name: string, on: string, { place }: ComposeNode, services: ComposeMap): ComposeError {
    const problem = services.entries.has(on)
      ? `the service "${name}" needs "${on}", which is off: none of its profiles is on`
      : withNearest(`the service "${name}" needs "${on}", which there is not`, on, services.entries.keys());
    return new ComposeError(problem, place);
  }

  #composeServices(
    order: readonly string[],
    models: ReadonlyMap<string, ServiceModel>,
    reading: ServiceReading,
  ): (ComposeService | undefined)[] {
    const made = order.map((name) => {
      const service = this.#composeService(models.get(name)!, models, reading);
      // Not one of many problems, as it ends the reading.
      if (this.#containers > MOST_CONTAINERS || this.#ports > MOST_PORTS) this.#problems.finish();
      return service;
    });
    this.#problems.finish();
    return made;
  }

  #composeService(
    model: ServiceModel,
    models: ReadonlyMap<string, ServiceModel>,
    reading: ServiceReading,
  ): ComposeService | undefined {
    return this.#problems.collect(() => {
      const spec = containerSpec(model, reading);
      const links = linksOf(model, models);
      const networkMode = modeOf(model, models);
      const containers = model.containerNames.map((name) => ({
        ...spec,
        name,
        networkMode,
        endpoints: endpointsOf(model, name, reading),
        links,
      }));
      this.#countContainers(containers.length, spec.ports.length, model.map.place);
      return { name: model.name, containers };
    });
  }

  #containers = 0;
  #ports = 0;

  /** Refuses what no host bears, before it takes long. */
  #countContainers(count: number, ports: number, place: Place): void {
    this.#containers += count;
    this.#ports += count * ports;
    if (this.#containers > MOST_CONTAINERS)
      throw new ComposeError(`a project of over ${MOST_CONTAINERS} containers`, place, true);
    if (this.#ports > MOST_PORTS)
      throw new ComposeError(`a project that publishes over ${MOST_PORTS} ports`, place, true);
  }

  /** Those that SERVICES use, in the order in which they are made. */
  #usedNetworks(
    services: readonly ServiceModel[],
    networks: ReadonlyMap<string, ComposeNetwork | undefined>,
  ): ComposeNetwork[] {
    const used = new Set(services.flatMap((service) => service.networks.map(({ name }) => name)));
    // Compose 1 makes them as services use them; compose 2, which makes them at once, plans them by name.
    const keys = this.#generation === 1 ? [...used] : [...used].sort();
    return keys.map((key) => networks.get(key)).filter((network) => network !== undefined);
  }

  #note(text: string): void {
    if (!this.#notes.includes(text)) this.#notes.push(text);
  }

  #noteOrder(graph: ReadonlyMap<string, readonly Dependency[]>, networks: readonly ComposeNetwork[]): void {
    const chosen = networks.filter(({ isExternal, spec }) => !isExternal && !spec.ipam.some(({ subnet }) => subnet));
    if (this.#generation === 2 && chosen.length > 1)
      this.#note(
        `compose makes networks at once, and they get their subnets as they come; here by name: ` +
          chosen.map(({ spec }) => spec.name).join(', '),
      );
    const free = [...graph.values()].filter((needs) => needs.length === 0);
    if (free.length > 1)
      this.#note(
        'compose starts services at once where depends_on does not order them, and they get their addresses as they ' +
          'come; here in the order of the file',
      );
  }

  #allNotes(): string[] {
    if (this.#unset.size === 0) return this.#notes;
    const names = [...this.#unset].sort();
    const [are, they] = names.length === 1 ? ['the variable', 'is'] : ['the variables', 'are'];
    return [`${are} ${names.join(', ')} ${they} not set, and taken as blank`, ...this.#notes];
  }
}

function profilesOf(model: ServiceModel | undefined): string[] {
  return asTexts(member(model?.map, 'profiles'), 'profiles').map(({ text }) => text);
}

/** Whether another program provides the service NAME, so that nothing waits for its container. */
function isProvided(services: ComposeMap, name: string): boolean {
  const service = services.entries.get(name)?.value;
  return service?.kind === 'map' && member(service, 'provider') !== undefined;
}

function modeOf({ mode, name }: ServiceModel, models: ReadonlyMap<string, ServiceModel>): ContainerSpec['networkMode'] {
  switch (mode.kind) {
    case 'host':
    case 'none':
      return mode.kind;
    case 'container':
      return `container:${models.get(mode.name)?.containerNames[0] ?? mode.name}`;
    case 'service': {
      const [first] = models.get(mode.name)?.containerNames ?? [];
      if (first === undefined)
        throw new ComposeError(
          `the service "${name}" uses the network of "${mode.name}", which has no container`,
          mode.node.place,
        );
      return `container:${first}`;
    }
    default:
      return 'networks';
  }
}

/** Links to containers on the default bridge; on other networks they are but names. */
function linksOf({ map, mode }: ServiceModel, models: ReadonlyMap<string, ServiceModel>): string[] {
  if (mode.kind !== 'bridge') return [];
  const own = asTexts(member(map, 'links'), 'links').flatMap(
    ({ text }) => models.get(text.split(':', 1)[0])?.containerNames ?? [],
  );
  const external = asTexts(member(map, 'external_links'), 'external_links').map(({ text }) => text.split(':', 1)[0]);
  return [...new Set([...own, ...external])];
}
