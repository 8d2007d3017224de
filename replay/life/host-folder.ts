/** The files of a folder that describes a host with all that is on it: what `--host DIR` reads. */
import { basename, dirname, join } from 'node:path';
import type { JsonObject } from '../../codecs/host/json-values.js';
import { inspectMembers } from '../../docker/inspect/shown-names.js';
import type { DockerState } from '../../docker/model.js';
import { parseDockerState } from '../../docker/state-file.js';
import { isHostFolder } from '../../io/host-files.js';
import { isThere, refuseIrregular } from '../../io/path.js';
import { readText } from '../../io/text-file.js';

export const HOST_FILE = 'host.json';
export const RULES_FILE = 'rules.v4';
export const CONNTRACK_FILE = 'conntrack.txt';
export const SETS_FILE = 'ipset.txt';
/** In the format of /etc/hosts. */
export const NAMES_FILE = 'names';
/** What the Docker engine of the host knows. */
export const DOCKER_FILE = 'docker.json';

/** Members that have files of their own. */
const OWN_FILES: readonly string[] = ['iptables', 'iptables-legacy', 'iptables-nft', 'ipset', 'conntrack'];

/** The host in JSON, with names of the containers and networks of its engine, if it has one. */
export function hostJson(json: JsonObject, state: DockerState | undefined): JsonObject {
  const kept = Object.entries(json).filter(([name, value]) => value !== undefined && !OWN_FILES.includes(name));
  return { ...Object.fromEntries(kept), ...(state === undefined ? {} : inspectMembers(state)) };
}

/**
 * What the engine of the host at PATH knows: of a folder, or of the host.json of one; undefined: nothing says that it
 * has one.
 * @throws {HostError} if docker.json is damaged
 */
export function readDockerState(path: string): DockerState | undefined {
  const folder = isHostFolder(path) ? path : dirname(path);
  const file = join(folder, DOCKER_FILE);
  if (path === '-' || (folder !== path && basename(path) !== HOST_FILE) || !isThere(file)) return undefined;
  refuseIrregular(file);
  const text = readText(file);
  // Another file of this name may be what docker inspect printed.
  return /^\s*\[/.test(text) ? undefined : parseDockerState(text, file);
}
