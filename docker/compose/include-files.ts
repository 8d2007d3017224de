/** `include`: the services and networks of other compose files, each with its own folder and variables. */
import { ComposeError } from './compose-error.js';
import {
  asList,
  asText,
  asTextOrTexts,
  type ComposeMap,
  type ComposeNode,
  mapOf,
  member,
  refuseUnknown,
  unexpected,
} from './compose-node.js';
import { readDotEnv } from './dot-env.js';
import { type Loading, loadModel, type ModelSource, readReferred } from './load-model.js';
import { mergeNodes } from './merge-nodes.js';
import { folderOf, pathFrom } from './paths.js';
import { variablesOn } from './variables.js';

const SECTIONS = ['services', 'networks'];
const DEEPEST = 20;

/** DOCUMENT, a file of SOURCE, with what it includes; of what both have, its own comes on top. */
export function withIncluded(document: ComposeMap, source: ModelSource, loading: Loading): ComposeMap {
  let complete = document;
  for (const item of asList(member(document, 'include'), 'include', 'a list of files')) {
    const included = loadModel(includedSource(item, source, loading), loading);
    const entries = new Map(complete.entries);
    for (const section of SECTIONS) {
      const theirs = member(included, section);
      if (theirs === undefined) continue;
      const own = member(complete, section);
      const value = own === undefined ? theirs : mergeNodes(theirs, own, [section]);
      entries.set(section, { place: theirs.place, value });
    }
    complete = mapOf(entries, document.place);
  }
  return complete;
}

/** What ITEM of an include names. */
function includedSource(item: ComposeNode, source: ModelSource, loading: Loading): ModelSource {
  const map = item.kind === 'map' ? item : undefined;
  refuseUnknown(map, ['path', 'project_directory', 'env_file'], 'include');
  const paths = asTextOrTexts(map === undefined ? item : member(map, 'path'), 'path');
  if (paths.length === 0) throw unexpected(item, 'include', 'the path of a compose file');
  const files = paths.map(({ text, node }) => {
    const path = pathFrom(source.folder, text);
    if (source.included.includes(path))
      throw new ComposeError(`a circle of includes: ${[...source.included, path].join(' includes ')}`, node.place);
    if (source.included.length >= DEEPEST)
      throw new ComposeError(`files include one another over ${DEEPEST} deep`, node.place);
    return { path, text: readReferred(path, node.place, loading) };
  });
  const folderNode = member(map, 'project_directory');
  const folder =
    folderNode === undefined
      ? folderOf(files[0].path)
      : pathFrom(source.folder, asText(folderNode, 'project_directory', 'the path of a folder'));
  const environment = includedEnvironment(member(map, 'env_file'), folder, source, loading);
  return { files, folder, environment, included: source.included };
}

function includedEnvironment(
  node: ComposeNode | undefined,
  folder: string,
  source: ModelSource,
  loading: Loading,
): ReadonlyMap<string, string> {
  const own = new Map<string, string>();
  const read = (text: string, file: string): void => {
    const environment = variablesOn(own, source.environment);
    for (const [name, value] of readDotEnv(text, { file, generation: loading.generation, environment }))
      own.set(name, value);
  };
  if (node === undefined) {
    const file = pathFrom(folder, '.env');
    const text = loading.readFile(file);
    if (text !== undefined) read(text, file);
  }
  for (const { text, node: place } of asTextOrTexts(node, 'env_file')) {
    const file = pathFrom(source.folder, text);
    if (file !== '/dev/null') read(readReferred(file, place.place, loading), file);
  }
  return variablesOn(own, source.environment);
}
