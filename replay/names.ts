/** Names for addresses, which reports show beside them. */
import { join } from 'node:path';
import { formatLoaded } from '../codecs/byte-order.js';
import type { HostDescription } from '../codecs/host/description.js';
import { parseHostAddresses, parseHostsFile } from '../codecs/hosts-file.js';
import { IPV4_DESTINATION_AT, IPV4_SOURCE_AT } from '../codecs/layouts.js';
import { isHostFolder } from '../io/host-files.js';
import { isThere, refuseIrregular } from '../io/path.js';
import { readText } from '../io/text-file.js';
import type { EgressSummary } from './host-capture/egress-summary.js';
import type { Setting } from './setting.js';
import type { Summary } from './summary.js';

/** Names by address. */
export type Names = ReadonlyMap<string, string>;

/** The addresses that have each name of NAMES. */
export function addressesByName(names: Names): Map<string, string[]> {
  const addresses = new Map<string, string[]>();
  for (const [address, name] of names) addresses.set(name, [...(addresses.get(name) ?? []), address]);
  return addresses;
}

/**
 * The names in the file at PATH, and for other addresses those of the containers of HOST, and of the host at HOST_PATH.
 * @throws {FileError} if the file cannot be read
 * @throws {HostError} if it is not like /etc/hosts
 */
export function loadNames(path: string | undefined, host: HostDescription | undefined, hostPath?: string): Names {
  const own = hostPath === undefined ? undefined : namesFileOf(hostPath);
  const files = [own, path].flatMap((file) => (file === undefined ? [] : [...parseHostsFile(readText(file), file)]));
  return new Map([...(host?.texts.names.addresses ?? []), ...files]);
}

/** The file with names that belongs to the host at PATH: `nfreplay docker` and snapshots of a replay write it. */
function namesFileOf(path: string): string | undefined {
  const file = join(path, 'names');
  if (!isHostFolder(path) || !isThere(file) || !isThere(join(path, 'host.json'))) return undefined;
  refuseIrregular(file);
  return file;
}

/**
 * The addresses of the names in the file at PATH, for rules that name hosts.
 * @throws {FileError} {HostError} as `loadNames`
 */
export function loadHostAddresses(path: string): ReadonlyMap<string, readonly string[]> {
  return parseHostAddresses(readText(path), path);
}

/** What a summary says of the host: names of what is in its PARTS and in EGRESS, and what nothing reads. */
export function hostSummary(
  { host, names }: Pick<Setting, 'host' | 'names'>,
  parts: readonly unknown[],
  egress: EgressSummary | undefined,
): Pick<Summary, 'names' | 'networks' | 'unread'> {
  const used = usedNames(names, parts, egress);
  const { links, texts, unreadMembers } = host.description;
  const networks = links.flatMap(({ name }): [string, string][] => {
    const network = texts.names.interfaces.get(name);
    return network === undefined ? [] : [[name, network]];
  });
  return {
    ...(used.size === 0 ? {} : { names: Object.fromEntries(used) }),
    ...(networks.length === 0 ? {} : { networks: Object.fromEntries(networks) }),
    unread: { members: unreadMembers, sysctls: host.sysctls.unread },
  };
}

/** Those of NAMES that are about an address in PARTS or EGRESS, in their order. */
function usedNames(names: Names, parts: readonly unknown[], egress: EgressSummary | undefined): Names {
  const used = new Map<string, string>();
  const use = (address: string): void => {
    const name = names.get(address);
    if (name !== undefined) used.set(address, name);
  };
  if (names.size === 0) return used;
  for (const part of parts) visitTexts(part, use);
  for (const { captured, emulated } of egress?.listed ?? [])
    for (const packet of [captured, emulated]) if (packet !== undefined) addressesIn(packet.bytes).forEach(use);
  return used;
}

function visitTexts(value: unknown, visit: (text: string) => void): void {
  if (typeof value === 'string') visit(value);
  else if (typeof value === 'object' && value !== null)
    for (const item of Object.values(value)) visitTexts(item, visit);
}

/** The addresses of the IPv4 packet in HEX. */
function addressesIn(hex: string): string[] {
  const bytes = Buffer.from(hex, 'hex');
  if (bytes.length < IPV4_DESTINATION_AT + 4) return [];
  return [IPV4_SOURCE_AT, IPV4_DESTINATION_AT].map((at) => formatLoaded(bytes.readInt32LE(at)));
}
