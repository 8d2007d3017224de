/** `extends`: a service that is another one, of the same file or of another, and what it says itself on top. */
import { withNearest } from '../../codecs/nearest.js';
import { ComposeError } from './compose-error.js';
import {
  asMap,
  asText,
  type ComposeEntry,
  type ComposeMap,
  type ComposeNode,
  isNothing,
  mapOf,
  member,
  refuseUnknown,
} from './compose-node.js';
import { readComposeYaml } from './compose-yaml.js';
import { interpolateDocument } from './interpolate-document.js';
import { type Loading, type ModelSource, readReferred, spend } from './load-model.js';
import { mergeNodes } from './merge-nodes.js';
import { folderOf, pathFrom } from './paths.js';
import { asVersion2 } from './version-one.js';

/** A file in which services are looked for. */
interface ExtendedFile {
  readonly file: string;
  /** What paths in it start from. */
  readonly folder: string;
  readonly document: ComposeMap;
}

/** Longer chains would exhaust the stack. */
const LONGEST_CHAIN = 100;
/** A service that has one of these cannot be extended (compose 1). */
const NOT_EXTENDED_1: readonly string[] = ['links', 'volumes_from', 'depends_on'];

export class ServiceExtender {
  readonly #main: ExtendedFile;
  readonly #environment: ReadonlyMap<string, string>;
  readonly #loading: Loading;
  readonly #files = new Map<string, ExtendedFile>();

  constructor(main: ExtendedFile, { environment }: ModelSource, loading: Loading) {
    this.#main = main;
    this.#environment = environment;
    this.#loading = loading;
    this.#files.set(main.file, main);
  }

  /** MODEL with all its services extended. */
  extendAll(model: ComposeMap = this.#main.document): ComposeMap {
    const services = member(model, 'services');
    if (services === undefined || services.kind !== 'map') return model;
    const entries = new Map<string, ComposeEntry>();
    for (const [name, { place, value }] of services.entries)
      entries.set(name, { place, value: this.#extended(name, value, this.#main, []) });
    const section = { place: services.place, value: { ...mapOf(entries, services.place), ...tagOf(services) } };
    return mapOf(new Map([...model.entries, ['services', section]]), model.place);
  }

  /** SERVICE of IN with what it extends below it. CHAIN: the services that extend it. */
  #extended(name: string, service: ComposeNode, within: ExtendedFile, chain: readonly string[]): ComposeNode {
    if (service.kind !== 'map') return service;
    const extending = member(service, 'extends');
    if (extending === undefined) return service;
    const self = `${name} of ${within.file}`;
    if (chain.includes(self))
      throw new ComposeError(`a circle of extends: ${[...chain, self].join(' extends ')}`, extending.place);
    if (chain.length >= LONGEST_CHAIN)
      throw new ComposeError(`over ${LONGEST_CHAIN} services extend one another`, extending.place);
    const { base, file, from } = this.#base(extending, within);
    const complete = this.#extended(from, base, file, [...chain, self]);
    if (complete.kind !== 'map') return withoutExtends(service);
    if (this.#loading.generation === 1) refuseExtending(complete, from, extending);
    const merged = mergeNodes(complete, withoutExtends(service), ['services', name]);
    spend(merged, this.#loading);
    return { ...merged, ...tagOf(service) };
  }

  /** The service that EXTENDING, the value of a member of WITHIN, names. */
  #base(extending: ComposeNode, within: ExtendedFile): { base: ComposeNode; file: ExtendedFile; from: string } {
    const map = extending.kind === 'map' ? extending : undefined;
    refuseUnknown(map, ['service', 'file'], 'extends');
    const nameNode = map === undefined ? extending : member(map, 'service');
    if (nameNode === undefined) throw new ComposeError('extends without service, the name of one', extending.place);
    const from = asText(nameNode, 'service', 'the name of a service');
    const fileNode = member(map, 'file');
    const file = fileNode === undefined ? within : this.#file(fileNode, within);
    const services = asMap(member(file.document, 'services'), 'services');
    const base = services?.entries.get(from)?.value;
    if (services === undefined || base === undefined)
      throw new ComposeError(
        withNearest(`there is no service "${from}" in ${file.file}`, from, services?.entries.keys() ?? []),
        nameNode.place,
      );
    return { base, file, from };
  }

  #file(node: ComposeNode, within: ExtendedFile): ExtendedFile {
    const path = pathFrom(within.folder, asText(node, 'file', 'the path of a compose file'));
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const text = readReferred(path, node.place, this.#loading);
    const [document] = readComposeYaml(text, path, this.#loading.generation);
    if (document?.kind !== 'map') throw new ComposeError(`${path} is no compose file`, node.place);
    spend(document, this.#loading);
    const file = {
      file: path,
      folder: folderOf(path),
      document: interpolateDocument(asVersion2(document, this.#loading.generation), this.#environment, this.#loading),
    };
    this.#files.set(path, file);
    return file;
  }
}

const tagOf = ({ tag }: ComposeNode): Pick<ComposeNode, 'tag'> => (tag === undefined ? {} : { tag });

function withoutExtends(service: ComposeMap): ComposeMap {
  const entries = new Map(service.entries);
  entries.delete('extends');
  return { ...mapOf(entries, service.place), ...tagOf(service) };
}

function refuseExtending(base: ComposeMap, name: string, { place }: ComposeNode): void {
  const mode = member(base, 'network_mode') ?? member(base, 'net');
  const isShared = mode?.kind === 'scalar' && /^(?:service|container):/.test(mode.text);
  const what = NOT_EXTENDED_1.find((one) => !isNothing(member(base, one))) ?? (isShared ? 'network_mode' : undefined);
  if (what !== undefined)
    throw new ComposeError(`compose 1 does not extend "${name}", as it has ${what}; compose 2 does`, place);
}
