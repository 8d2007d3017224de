/** Connections that a host has before the first packet, from a list of them. */
import { type ConntrackList, readConntrackList } from '../codecs/conntrack-reader.js';
import { HostError } from '../codecs/host/error.js';
import type { ListedConnections, RestoredConnections } from '../core/conntrack/restore.js';
import type { Host } from '../core/host/host.js';
import { readText } from '../io/text-file.js';
import { ReplayOptionsError } from './errors.js';
import type { ReplayOptions } from './replay.js';
import type { Summary } from './summary.js';

/** In place of a file: the list that the host's description brings. */
export const HOST_CONNTRACK = 'host';

export interface Beginning {
  listed: ListedConnections;
  read: ConntrackList;
}

/**
 * Reads the list that OPTIONS name, perhaps that of HOST.
 * @throws {ConntrackListError} {FileError} if it cannot be read
 * @throws {ReplayOptionsError} {HostError} if HOST has none
 */
export function readBeginning(
  options: Pick<ReplayOptions, 'conntrackPath' | 'hasEnded'>,
  host: Host,
): Beginning | undefined {
  const { conntrackPath: path } = options;
  if (path === undefined) return undefined;
  const { text, file } = path === HOST_CONNTRACK ? listOf(host) : { text: readText(path, options), file: path };
  const read = readConntrackList(text, file);
  return { listed: { list: read.connections, file }, read };
}

function listOf({ description }: Host): { text: string; file: string } {
  const { conntrack } = description.texts;
  if (conntrack === undefined) {
    throw new ReplayOptionsError(
      '--conntrack host: the host has no list of connections (a snapshot has, and a folder with conntrack.txt); ' +
        'a file of this name is ./host',
    );
  }
  if (conntrack.failure !== undefined) {
    const problem = `conntrack -L failed on the host: ${conntrack.failure}; give the list with --conntrack FILE`;
    throw new HostError('', problem, conntrack.file);
  }
  return conntrack;
}

/** Says in SUMMARY which connections the host began with, and what was assumed about them. */
export function addBeginning(
  summary: Summary,
  beginning: Beginning | undefined,
  restored: RestoredConnections,
  { description }: Host,
): void {
  if (beginning === undefined) {
    const own = description.texts.conntrack?.text ?? '';
    if (own.trim() !== '') summary.assumed.push('no connections to begin with (--conntrack host: those that it lists)');
    return;
  }
  const { file } = beginning.listed;
  const { ipv6, zoned } = beginning.read;
  summary.assumed.push(`connections to begin with: the ${restored.count} in ${file}`, ...restored.assumed);
  if (ipv6 > 0) summary.assumed.push(`IPv6 connections in ${file}: left out ${ipv6}`);
  if (zoned > 0) summary.assumed.push(`connections of other zones in ${file}: left out ${zoned}`);
  summary.warnings.push(...restored.warnings);
}
