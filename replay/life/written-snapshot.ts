/** What a snapshot of the emulated host consists of: a folder that `--host DIR` reads again. */
import { join } from 'node:path';
import type { JsonObject } from '../../codecs/host/json-values.js';
import { shownJson } from '../../codecs/text.js';
import type { Emulator } from '../../core/emulator.js';
import type { TableName } from '../../core/hooks.js';
import { saveSets } from '../../core/ipset/index.js';
import type { Backend, SavedCounters } from '../../core/rules/model.js';
import { saveExactly } from '../../core/rules/save.js';
import type { DockerState } from '../../docker/model.js';
import { formatDockerState } from '../../docker/state-file.js';
import { writeText } from '../../io/text-file.js';
import { writeConnections } from '../result-texts.js';
import { version } from '../version.js';
import { CONNTRACK_FILE, DOCKER_FILE, HOST_FILE, hostJson, NAMES_FILE, RULES_FILE, SETS_FILE } from './host-folder.js';
import { MARKER_FILE } from './snapshot-folder.js';

/** A host, at one moment. */
export interface HostMoment {
  /** As it was given. */
  readonly whenText: string;
  readonly emulator: Emulator;
  readonly backend: Backend;
  /** As iptables-save shows them. */
  readonly counters: ReadonlyMap<TableName, SavedCounters>;
  /** The host, with the members of a host.json. */
  readonly json: JsonObject;
  readonly docker: DockerState | undefined;
  /** By address. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * Writes what is known of HOST into FOLDER, which exists.
 * @throws {FileError}
 */
export function writeSnapshot(folder: string, host: HostMoment): void {
  const { whenText, emulator, backend, counters, docker, names } = host;
  const write = (file: string, text: string): void => writeText(join(folder, file), text);
  const marker = { generator: `nfreplay ${version()}`, when: whenText };
  write(MARKER_FILE, `${shownJson(marker)}\n`);
  write(HOST_FILE, `${shownJson(hostJson(host.json, docker))}\n`);
  write(RULES_FILE, saveExactly(emulator.ruleset, backend, counters));
  for (const _ of writeConnections(join(folder, CONNTRACK_FILE), emulator));
  if ([...emulator.sets].length > 0) write(SETS_FILE, saveSets(emulator.sets));
  if (names.size > 0) write(NAMES_FILE, Array.from(names, ([address, name]) => `${address} ${name}\n`).join(''));
  if (docker !== undefined) write(DOCKER_FILE, formatDockerState(docker));
}
