/** Files of version 1, which have no `services`: each member is one. */
import { ComposeError, type Place } from './compose-error.js';
import { SERVICE_MEMBERS_V1, TOP_MEMBERS } from './compose-members.js';
import {
  asText,
  type ComposeEntry,
  type ComposeMap,
  type ComposeNode,
  mapOf,
  member,
  refuseUnknown,
  scalar,
} from './compose-node.js';
import type { ComposeGeneration } from './scalar-type.js';

/** A file of version 2 has one of these. */
const SECTIONS = ['version', 'services', 'networks', 'volumes'];

/** DOCUMENT with its services in `services`, and version 1 if that is its form. */
export function asVersion2(document: ComposeMap, generation: ComposeGeneration): ComposeMap {
  const known = TOP_MEMBERS[generation];
  const first = [...document.entries].find(([name]) => !TOP_MEMBERS[2].includes(name) && !name.startsWith('x-'));
  const isVersion1 = first !== undefined && !SECTIONS.some((name) => document.entries.has(name));
  if (!isVersion1 || !isService(first[1].value)) {
    refuseUnknown(document, known, 'a compose file', TOP_MEMBERS[2]);
    const version = member(document, 'version');
    if (version !== undefined) asText(version, 'version', 'one such as 3.8');
    return document;
  }
  const [name, { place }] = first;
  if (generation === 2)
    throw new ComposeError(
      `"${name}" is no member of a compose file; without services: this is a file of version 1, which only ` +
        'compose 1 reads (docker-compose, with engines up to 20.10)',
      place,
    );
  return sections(document, document.place);
}

function sections(document: ComposeMap, place: Place): ComposeMap {
  const entries = new Map<string, ComposeEntry>([['services', { place, value: document }]]);
  return mapOf(entries.set('version', { place, value: scalar('1', place) }), place);
}

const isService = (node: ComposeNode): boolean =>
  node.kind === 'map' && [...node.entries.keys()].some((name) => SERVICE_MEMBERS_V1.includes(name));

/** Whether the files of MODEL are of version 1. */
export function isVersion1(model: ComposeMap): boolean {
  const version = member(model, 'version');
  return version?.kind === 'scalar' && version.text === '1';
}
