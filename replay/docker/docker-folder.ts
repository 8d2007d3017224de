/** The folder that `nfreplay docker` writes, and `--host DIR` reads. */
import { join } from 'node:path';
import { shownJson } from '../../codecs/text.js';
import { saveSets } from '../../core/ipset/index.js';
import { saveReadably } from '../../core/rules/save.js';
import { containerAddresses } from '../../docker/inspect/shown-names.js';
import type { OfflineHost } from '../../docker/offline-host.js';
import { formatDockerState } from '../../docker/state-file.js';
import { namesIn } from '../../io/path.js';
import { StagedDir, type StagedDirOptions } from '../../io/staged-dir.js';
import { readText, writeText } from '../../io/text-file.js';
import {
  CONNTRACK_FILE,
  DOCKER_FILE,
  HOST_FILE,
  hostJson,
  NAMES_FILE,
  RULES_FILE,
  SETS_FILE,
} from '../life/host-folder.js';
import type { Names } from '../names.js';
import type { MadeDockerHost } from './make-docker-host.js';

const FILES: readonly string[] = [HOST_FILE, RULES_FILE, NAMES_FILE, DOCKER_FILE, SETS_FILE, CONNTRACK_FILE];

/** The files of the host MADE, by name. NAMES: more names for addresses. */
export function dockerHostFiles({ state, host }: MadeDockerHost, names: Names): Map<string, string> {
  const sets = saveSets(host.sets);
  const { conntrack } = host.network.json;
  const named = new Map([...containerAddresses(state), ...names]);
  return new Map([
    [HOST_FILE, `${shownJson(hostJson(host.network.json, state))}\n`],
    [RULES_FILE, rulesText(host)],
    [NAMES_FILE, Array.from(named, ([address, name]) => `${address} ${name}\n`).join('')],
    [DOCKER_FILE, formatDockerState(state)],
    ...(sets === '' ? [] : [[SETS_FILE, sets] as const]),
    ...(typeof conntrack === 'string' && conntrack.trim() !== '' ? [[CONNTRACK_FILE, conntrack] as const] : []),
  ]);
}

/** The rules of HOST, as its iptables prints them. */
export function rulesText({ rules: { ruleset }, backend }: OfflineHost): string {
  return saveReadably(ruleset, backend);
}

/**
 * Puts FILES in place as the folder DIR.
 * @throws {FileError} if there are files in it that no command wrote
 */
export function writeDockerFolder(
  dir: string,
  files: ReadonlyMap<string, string>,
  onCreate?: StagedDirOptions['onCreate'],
): void {
  const staged = new StagedDir(dir, { foreignFile, ...(onCreate === undefined ? {} : { onCreate }) });
  try {
    for (const [name, text] of files) writeText(join(staged.path, name), text);
    staged.commit();
  } catch (error) {
    staged.discard();
    throw error;
  }
}

/** The name of a file in FOLDER that no command has written; undefined if there is none. */
function foreignFile(folder: string): string | undefined {
  const names = namesIn(folder);
  const isOwn = names.includes(DOCKER_FILE) && /"schema":\s*1,/.test(readText(join(folder, DOCKER_FILE)).slice(0, 200));
  return isOwn ? names.find((name) => !FILES.includes(name)) : names[0];
}
