/** Compose files to one model: documents are interpolated, included, extended and merged, in compose's order. */
import { ComposeError, type Place } from './compose-error.js';
import { type ComposeMap, type ComposeNode, mapOf } from './compose-node.js';
import { readComposeYaml } from './compose-yaml.js';
import { ServiceExtender } from './extend-services.js';
import { withIncluded } from './include-files.js';
import { interpolateDocument } from './interpolate-document.js';
import { mergeNodes, withoutResets } from './merge-nodes.js';
import { isRemote } from './paths.js';
import type { ComposeGeneration } from './scalar-type.js';
import { asVersion2, isVersion1 } from './version-one.js';

export interface ComposeFile {
  /** As messages show it; relative paths in the file start from its folder. */
  readonly path: string;
  readonly text: string;
}

/** What loading depends on; one object for a project, included files and all. */
export interface Loading {
  readonly generation: ComposeGeneration;
  /** The content of a file; undefined: there is none. */
  readonly readFile: (path: string) => string | undefined;
  /** Is told a variable that matters for the network and is not set. */
  readonly onUnset: (name: string) => void;
  /** How many files were read, and of how many values the model consists. */
  readonly spent: { files: number; values: number };
}

export interface ModelSource {
  readonly files: readonly ComposeFile[];
  /** What relative paths start from. */
  readonly folder: string;
  readonly environment: ReadonlyMap<string, string>;
  /** The files that include these, outermost first. */
  readonly included: readonly string[];
}

/** Far more than projects have. */
const MOST_FILES = 200;
const MOST_VALUES = 500_000;

/**
 * The members of all files together.
 * @throws {ComposeError} if compose would refuse them
 */
export function loadModel(source: ModelSource, loading: Loading): ComposeMap {
  let model: ComposeMap | undefined;
  for (const file of source.files)
    for (const [at, document] of readComposeYaml(file.text, file.path, loading.generation).entries()) {
      if (at > 0 && loading.generation === 1)
        throw new ComposeError('a second document (---), which compose 1 does not read', document.place);
      const read = loadDocument(document, file, source, loading);
      model = model === undefined ? read : mergeFiles(model, read, loading);
    }
  if (model === undefined)
    throw new ComposeError('the file is empty; expected services: and what they are', startOf(source.files[0].path));
  if (loading.generation === 1) model = extendMerged(model, source, loading);
  return withoutResets(model) as ComposeMap;
}

const startOf = (file: string): Place => ({ file, line: 1, column: 1 });

function loadDocument(node: ComposeNode, file: ComposeFile, source: ModelSource, loading: Loading): ComposeMap {
  if (node.kind !== 'map')
    throw new ComposeError('this is no compose file; expected services: and what they are', node.place);
  spend(node, loading);
  const document = interpolateDocument(asVersion2(node, loading.generation), source.environment, loading);
  if (loading.generation === 1) return document;
  const complete = withIncluded(document, { ...source, included: [...source.included, file.path] }, loading);
  const extender = new ServiceExtender({ file: file.path, folder: source.folder, document: complete }, source, loading);
  return extender.extendAll();
}

/** Counts what is read against what one project may consist of. */
export function spend(node: ComposeNode, { spent }: Loading): void {
  spent.values += node.size;
  if (spent.values > MOST_VALUES)
    throw new ComposeError(`with what it includes and extends, a project of over ${MOST_VALUES} values`, node.place);
}

function mergeFiles(base: ComposeMap, over: ComposeMap, { generation }: Loading): ComposeMap {
  if (generation === 2) return mergeNodes(base, over, []) as ComposeMap;
  if (isVersion1(base) !== isVersion1(over))
    throw new ComposeError(
      'this file and the one before are not both of version 1; compose 1 does not merge them',
      over.place,
    );
  // Compose 1 merges services only; a network of a later file takes the place of the earlier.
  const entries = new Map(base.entries);
  for (const [name, entry] of over.entries) {
    const before = entries.get(name);
    const isSection = before?.value.kind === 'map' && entry.value.kind === 'map';
    if (before === undefined || !isSection) entries.set(name, entry);
    else if (name === 'services') entries.set(name, { ...entry, value: mergeNodes(before.value, entry.value, [name]) });
    else {
      const both = new Map([...(before.value as ComposeMap).entries, ...(entry.value as ComposeMap).entries]);
      entries.set(name, { ...entry, value: mapOf(both, entry.value.place) });
    }
  }
  return mapOf(entries, over.place);
}

/** MODEL with the services extended as compose 1 does: after the files are merged, but by those of the first file. */
function extendMerged(model: ComposeMap, source: ModelSource, loading: Loading): ComposeMap {
  const [main] = source.files;
  const [document] = readComposeYaml(main.text, main.path, 1);
  const base = interpolateDocument(asVersion2(document as ComposeMap, 1), source.environment, loading);
  const extender = new ServiceExtender({ file: main.path, folder: source.folder, document: base }, source, loading);
  return extender.extendAll(model);
}

/**
 * The content of PATH, which the file at PLACE names.
 * @throws {ComposeError} if there is none, or it is not a local one
 */
export function readReferred(path: string, place: Place, loading: Loading): string {
  if (isRemote(path)) throw new ComposeError(`"${path}" is elsewhere; nfreplay reads local files only`, place, true);
  if (++loading.spent.files > MOST_FILES) throw new ComposeError(`a project of over ${MOST_FILES} files`, place);
  const text = loading.readFile(path);
  if (text === undefined) throw new ComposeError(`there is no file ${path}, or it cannot be read`, place);
  return text;
}
