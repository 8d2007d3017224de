/** Which networks `docker run` connects a container to: `--network web`, or `--network name=web,ip=10.0.0.5,alias=x`. */
import { parseAddress } from '../../codecs/address.js';
import type { Word } from '../../codecs/iptables-save.js';
import { withNearest } from '../../codecs/nearest.js';
import type { ContainerSpec, EndpointSpec } from '../model.js';
import { CommandFault, notFollowed, partOf } from './fault.js';
import { commaParts, type Flags } from './flags.js';

export interface ContainerNetworks {
  readonly mode: ContainerSpec['networkMode'];
  readonly endpoints: readonly EndpointSpec[];
}

interface Attachment {
  /** The network, or host, none, container:NAME. */
  readonly target: Word;
  readonly address: Word | undefined;
  readonly mac: Word | undefined;
  readonly aliases: readonly Word[];
  readonly gatewayPriority: number;
}

/** What is the default bridge in other words (Linux). */
const DEFAULT: readonly string[] = ['bridge', 'default'];

/** @throws {CommandFault} */
export function containerNetworks(flags: Flags): ContainerNetworks {
  // Both are one option, of which --net is the older name.
  const given = [...flags.all('network'), ...flags.all('net')].map(attachmentOf);
  const attachments = withOwnOptions(given, flags);
  refuseConflicts(attachments);
  const [first] = attachments;
  const mode = first.target.text;
  if (mode === 'host' || mode === 'none') return { mode, endpoints: [] };
  if (mode.startsWith('container:')) {
    if (mode === 'container:') throw new CommandFault(first.target, 'the container is missing', 'container:NAME');
    return { mode: mode as `container:${string}`, endpoints: [] };
  }
  return { mode: 'networks', endpoints: attachments.map(endpointOf) };
}

function endpointOf({ target, address, mac, aliases, gatewayPriority }: Attachment): EndpointSpec {
  return {
    network: isDefault(target.text) ? 'bridge' : target.text,
    address: address && addressOf(address),
    mac: mac && macOf(mac),
    aliases: aliases.map(({ text }) => text),
    gatewayPriority,
  };
}

const isDefault = (name: string): boolean => DEFAULT.includes(name);
const isMode = (name: string): boolean => name === 'host' || name === 'none' || name.startsWith('container:');

/** A network of its own, which names and addresses can be chosen on. */
const isUserDefined = (name: string): boolean => !isDefault(name) && !isMode(name);

const MEMBERS: readonly string[] = [
  ...['name', 'alias', 'ip', 'ip6', 'mac-address', 'link-local-ip', 'driver-opt', 'gw-priority'],
];

/** `web`, or members with `=` between commas. */
function attachmentOf(word: Word): Attachment {
  if (word.text === '') throw new CommandFault(word, '--network names no network', '--network NAME');
  // A network whose name has a comma and no `=` is one.
  if (!word.text.includes('=')) return plain(word);
  const members = new Map<string, Word[]>();
  for (const part of commaParts(word)) {
    const at = part.text.indexOf('=');
    const key = at < 0 ? '' : part.text.slice(0, at).trim().toLowerCase();
    if (at < 0) throw new CommandFault(part, `"${part.text}" has no value`, 'name=NETWORK,ip=ADDRESS,alias=NAME');
    if (!MEMBERS.includes(key))
      throw new CommandFault(part, withNearest(`--network has no member ${key}`, key, MEMBERS), MEMBERS.join(', '));
    members.set(key, [...(members.get(key) ?? []), partOf(part, at + 1)]);
  }
  const last = (key: string): Word | undefined => members.get(key)?.at(-1);
  const target = last('name');
  if (target === undefined || target.text === '')
    throw new CommandFault(word, '--network names no network', 'name=NETWORK');
  const ipv6 = last('ip6') ?? last('link-local-ip');
  if (ipv6 !== undefined) throw notFollowed(ipv6, 'an address of IPv6, or a link-local one,');
  return {
    target,
    address: last('ip'),
    mac: last('mac-address'),
    aliases: members.get('alias') ?? [],
    gatewayPriority: priorityOf(last('gw-priority')),
  };
}

const plain = (target: Word): Attachment => ({
  target,
  address: undefined,
  mac: undefined,
  aliases: [],
  gatewayPriority: 0,
});

function priorityOf(word: Word | undefined): number {
  if (word === undefined) return 0;
  if (!/^[-+]?\d{1,18}$/.test(word.text))
    throw new CommandFault(word, `gw-priority takes no "${word.text}"`, 'a whole number');
  return Number(word.text);
}

/** ATTACHMENTS, the first of which has what --ip, --mac-address and --network-alias say. */
function withOwnOptions(attachments: readonly Attachment[], flags: Flags): Attachment[] {
  const [first = plain({ text: 'bridge', line: 0, column: 0 }), ...others] = attachments;
  const ip = flags.last('ip');
  const mac = flags.last('mac-address');
  const aliases = [...flags.all('network-alias'), ...flags.all('net-alias')];
  const refuse = (word: Word, option: string): never => {
    throw new CommandFault(word, `${option} and the same member of --network exclude each other`, 'one of them');
  };
  if (ip !== undefined && first.address !== undefined) refuse(ip, '--ip');
  if (mac !== undefined && first.mac !== undefined) refuse(mac, '--mac-address');
  if (aliases.length > 0 && first.aliases.length > 0) refuse(aliases[0], '--network-alias');
  const { address = ip, mac: ownMac = mac } = first;
  return [{ ...first, address, mac: ownMac, aliases: aliases.length > 0 ? aliases : first.aliases }, ...others];
}

function refuseConflicts(attachments: readonly Attachment[]): void {
  const seen = new Set<string>();
  for (const { target, aliases, address } of attachments) {
    if (seen.has(target.text)) throw new CommandFault(target, `--network ${target.text} was given before`, 'it once');
    seen.add(target.text);
    if (isUserDefined(target.text)) continue;
    const other = attachments.find(
      (one) => isUserDefined(one.target.text) || (one.target !== target && isMode(target.text)),
    );
    if (other !== undefined)
      throw new CommandFault(target, `--network ${target.text} does not go with other networks`, 'one of them');
    if (aliases.length > 0)
      throw new CommandFault(aliases[0], 'only networks of their own have aliases', `no alias, or --network NAME`);
    if (address !== undefined)
      throw new CommandFault(
        address,
        'an address can be chosen on networks of their own only',
        'no --ip, or --network NAME',
      );
  }
}

/** @throws {CommandFault} */
export function addressOf(word: Word): string {
  const address = parseAddress(word.text);
  if (address === undefined)
    throw new CommandFault(word, `"${word.text}" is no IP address`, 'an address, such as 172.30.0.5');
  if (address.family === 'ipv6') throw notFollowed(word, 'an address of IPv6', 'one of IPv4');
  return String(address);
}

const MAC = /^(?:[\da-f]{2}(?::[\da-f]{2}){5}|[\da-f]{2}(?:-[\da-f]{2}){5}|[\da-f]{4}(?:\.[\da-f]{4}){2})$/i;

function macOf(word: Word): string {
  if (!MAC.test(word.text))
    throw new CommandFault(word, `"${word.text}" is no MAC address`, 'one such as 02:42:ac:11:00:02');
  return word.text
    .toLowerCase()
    .replace(/[-:.]/g, '')
    .replace(/(..)(?!$)/g, '$1:');
}
