/** Recorded stories as the tests keep them: what is compared of them, compressed in one file. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import type { Backend } from '../../core/rules/model.js';
import { packCases, unpackCases } from '../recorded/case-archive.js';
import type { EngineName } from './live/engine.js';
import { type Recording, recordingOf } from './recording.js';

export const STORY_SUFFIX = '.story.gz';
const ABOUT = 'about.json';

interface About {
  readonly licence: string;
  readonly engine: EngineName;
  readonly backend: Backend;
}

const LICENCE = 'MIT, nfreplay contributors';
const KEPT = /^(?:any\.pcap|story\.jsonl|.*\/(?:addr|route|networks|containers)\.json|.*\/[a-z-]+\.txt)$/;
const LEFT_OUT = /\/(?:sysctl|listing-\w+)\.txt$/;
/** These are read from the first snapshot only. */
const KEPT_OF_FIRST = ['link.json', 'rule.json', 'sysctl.txt'];

/** FILES of a recording, by path. */
export function packStory(files: ReadonlyMap<string, Uint8Array>, engine: EngineName, backend: Backend): Uint8Array {
  const first = recordingOf(files, { engine, backend }).snapshots[0].name;
  const kept = [...files].filter(
    ([path]) => (KEPT.test(path) && !LEFT_OUT.test(path)) || KEPT_OF_FIRST.some((name) => path === `${first}/${name}`),
  );
  const about: About = { licence: LICENCE, engine, backend };
  const reduced = kept.map(([path, bytes]): [string, Uint8Array] => [path, reducedFile(path, bytes)]);
  return packCases([{ seed: 0, files: new Map([[ABOUT, encode(JSON.stringify(about))], ...reduced]) }]);
}

export function unpackStory(archive: Uint8Array): Recording {
  const [{ files }] = unpackCases(archive);
  const { engine, backend } = JSON.parse(new TextDecoder().decode(files.get(ABOUT))) as About;
  return recordingOf(files, { engine, backend });
}

/** The contents of the file at PATH without what nobody reads. */
function reducedFile(path: string, bytes: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(bytes);
  if (path.endsWith('containers.json')) return encodeList(JSON.parse(text) as JsonObject[], reducedContainer);
  if (path.endsWith('networks.json')) return encodeList(JSON.parse(text) as JsonObject[], reducedNetwork);
  if (path.endsWith('route.json'))
    return encodeList((JSON.parse(text) as JsonObject[]).filter(({ dst }) => !String(dst).includes(':')));
  if (path.endsWith('sysctl.txt'))
    return encode(text.replace(/^net\.ipv[46]\.(?:conf|neigh)\.(?!all\.|default\.|lo\.|eth0\.).*\n/gm, ''));
  return bytes;
}

interface InspectedContainer extends JsonObject {
  readonly State: JsonObject;
  readonly NetworkSettings: { readonly Ports: unknown; readonly Networks: Record<string, JsonObject> };
}

function reducedContainer(json: JsonObject): JsonObject {
  const { Id, Name, State, NetworkSettings } = json as InspectedContainer;
  const networks = Object.entries(NetworkSettings.Networks).map(([name, { IPAddress, MacAddress }]) => [
    name,
    { IPAddress, MacAddress },
  ]);
  return {
    ...{ Id, Name, State: { Running: State.Running, StartedAt: State.StartedAt } },
    NetworkSettings: { Ports: NetworkSettings.Ports, Networks: Object.fromEntries(networks) },
  };
}

function reducedNetwork({ Id, Name, Driver, IPAM }: JsonObject): JsonObject {
  return { Id, Name, Driver, IPAM };
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function encodeList(list: readonly JsonObject[], reduce = (entry: JsonObject): JsonObject => entry): Uint8Array {
  return encode(JSON.stringify(list.map(reduce)));
}
