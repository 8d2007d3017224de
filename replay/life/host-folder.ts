/** The files of a folder that describes a host with all that is on it: what `--host DIR` reads. */
import { join } from 'node:path';
import type { DockerState } from '../../docker/model.js';
import { isHostFolder } from '../../io/host-files.js';
import { isThere } from '../../io/path.js';
import { readText } from '../../io/text-file.js';

export const HOST_FILE = 'host.json';
export const RULES_FILE = 'rules.v4';
export const CONNTRACK_FILE = 'conntrack.txt';
export const SETS_FILE = 'ipset.txt';
/** In the format of /etc/hosts. */
export const NAMES_FILE = 'names';
/** What the Docker engine of the host knows. */
export const DOCKER_FILE = 'docker.json';

/** What the engine of the host at PATH knows; undefined: nothing says that it has one. */
export function readDockerState(path: string): DockerState | undefined {
  const file = join(path, DOCKER_FILE);
  if (!isHostFolder(path) || !isThere(file)) return undefined;
  return JSON.parse(readText(file));
}
