/** What `nfreplay docker` makes a host of: a compose file, what docker inspect printed, or a host with Docker on it. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import type { HostSource } from '../../codecs/host/parse-host.js';
import { isSnapshot } from '../../codecs/host/snapshot.js';
import { type Inspected, isInspected, readInspected } from '../../docker/inspect/read-inspect.js';
import type { DockerState } from '../../docker/model.js';
import { filesOfHost, isHostFolder, readHostAt } from '../../io/host-files.js';
import { readText } from '../../io/text-file.js';
import { ReplayOptionsError } from '../errors.js';
import { readDockerState } from '../life/host-folder.js';
import { composeFilesIn } from './compose-files.js';

export type DockerSource =
  | { readonly kind: 'compose'; readonly files: readonly string[] }
  /** Only this is known of its host. */
  | { readonly kind: 'inspect'; readonly inspected: Inspected; readonly path: string }
  | {
      readonly kind: 'host';
      readonly path: string;
      readonly host: HostSource;
      readonly inspected: Inspected;
      /** Of a folder that nfreplay has written. */
      readonly state: DockerState | undefined;
    };

/**
 * What is at PATH.
 * @throws {FileError} {HostError} {ReplayOptionsError}
 */
export function dockerSource(path: string): DockerSource {
  if (isHostFolder(path)) {
    const files = composeFilesIn(path);
    const isHost = filesOfHost(path).length > 0;
    if (!isHost && files.length === 0)
      throw new ReplayOptionsError(`${path}: neither a compose file nor the description of a host is in this folder`);
    return files.length > 0 && !isHost ? { kind: 'compose', files } : hostWithDocker(path);
  }
  if (/\.ya?ml$/i.test(path)) return { kind: 'compose', files: [path] };
  const text = readText(path);
  const isHost = isSnapshot(text) || (/^\s*\{/.test(text) && /"addr"\s*:/.test(text));
  if (isHost) return hostWithDocker(path);
  if (isInspected(text)) return { kind: 'inspect', inspected: readInspected(text, path), path };
  return { kind: 'compose', files: [path] };
}

function hostWithDocker(path: string): DockerSource {
  const host = readHostAt(path);
  const state = readDockerState(path);
  const objectsOf = (member: string): JsonObject[] => {
    const list = host.json[member];
    return Array.isArray(list) ? (list as JsonObject[]) : [];
  };
  const inspected = { containers: objectsOf('containers'), networks: objectsOf('networks') };
  if (state === undefined && inspected.networks.length === 0) {
    throw new ReplayOptionsError(
      `${path}: nothing tells of Docker on this host: no networks (docker network inspect $(docker network ls -q)), ` +
        'which `nfreplay snapshot` asks for if docker is there',
    );
  }
  return { kind: 'host', path, host, inspected, state };
}
