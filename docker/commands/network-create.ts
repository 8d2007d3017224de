/** `docker network create`: what is asked of a network. */
import { type Address, parseAddress, prefixMask } from '../../codecs/address.js';
import type { Word } from '../../codecs/iptables-save.js';
import { withNearest } from '../../codecs/nearest.js';
import { BRIDGE_OPTIONS } from '../bridge-options.js';
import type { IpamSubnet, NetworkSpec } from '../model.js';
import { CommandFault, notFollowed, partOf } from './fault.js';
import { type Flags, flagTable, parseFlags } from './flags.js';
import { labelsOf } from './labels.js';

const CREATE_FLAGS = flagTable(`
      --attachable
      --aux-address map
      --config-from string
      --config-only
  -d, --driver string
      --gateway list
      --ingress
      --internal
      --ip-range list
      --ipam-driver string
      --ipam-opt map
      --ipv4
      --ipv6
      --label list
  -o, --opt map
      --scope string
      --subnet list
      --help
`);

export interface NetworkRequest {
  readonly spec: NetworkSpec;
  /** For people. */
  readonly notes: readonly string[];
}

/**
 * Parses WORDS, those behind `docker network create` (COMMAND), of which NAME is the last.
 * @throws {CommandFault}
 */
export function networkRequest(words: readonly Word[], command: string, last: Word): NetworkRequest {
  const flags = parseFlags(words, CREATE_FLAGS, { command, isInterspersed: true });
  const [name, second] = flags.positionals;
  if (flags.isSet('help')) throw new CommandFault(last, '--help creates nothing', 'the command itself');
  if (name === undefined) throw new CommandFault(words.at(-1) ?? last, `${command} names no network`, 'a NETWORK');
  if (second !== undefined) throw new CommandFault(second, `"${second.text}" is one word too many`, 'one NETWORK');
  refuseUnfollowed(flags);
  const driver = driverIn(flags);
  const options = labelsOf(flags.all('opt'));
  const unknown = flags.all('opt').filter(({ text }) => !BRIDGE_OPTIONS.includes(text.split('=', 1)[0]));
  return {
    spec: {
      name: nameOf(name),
      driver,
      isInternal: flags.isSet('internal'),
      ipam: subnetsIn(flags),
      options,
      labels: labelsOf(flags.all('label')),
    },
    notes: unknown.map(({ text }) => {
      const [option] = text.split('=', 1);
      return withNearest(`-o ${option} is no option of bridge networks and has no effect`, option, BRIDGE_OPTIONS);
    }),
  };
}

/** Networks that are not made on this host alone, or are not of IPv4. */
function refuseUnfollowed(flags: Flags): void {
  for (const name of ['config-only', 'ingress', 'ipv6']) {
    if (flags.isSet(name)) throw notFollowed(flags.last(name)!, `--${name}`);
  }
  if (!flags.isSet('ipv4', true)) throw notFollowed(flags.last('ipv4')!, '--ipv4=false, a network without IPv4,');
  for (const name of ['config-from', 'ipam-opt']) {
    const word = flags.last(name);
    if (word !== undefined) throw notFollowed(word, `--${name}`);
  }
  const ipam = flags.last('ipam-driver');
  if (ipam !== undefined && ipam.text !== 'default')
    throw notFollowed(ipam, `the IPAM driver "${ipam.text}"`, 'default');
  const scope = flags.last('scope');
  if (scope !== undefined && scope.text !== 'local' && scope.text !== '')
    throw notFollowed(scope, `a network of scope ${scope.text}`, 'local');
}

function driverIn(flags: Flags): string {
  const word = flags.last('driver');
  if (word === undefined || word.text === 'bridge') return 'bridge';
  if (word.text === 'host' || word.text === 'null' || word.text === 'none')
    throw new CommandFault(word, `there is only one network of the driver ${word.text}`, 'bridge');
  throw notFollowed(word, `the network driver "${word.text}"`, 'bridge');
}

function nameOf(word: Word): string {
  const name = word.text.trim();
  if (['bridge', 'host', 'none', 'default'].includes(name))
    throw new CommandFault(word, `${name} is a network that there is already`, 'another name');
  if (name !== '') return name;
  throw new CommandFault(word, 'the name of the network is empty', 'a NETWORK');
}

interface GivenSubnet {
  readonly word: Word;
  readonly prefix: Prefix;
  range?: string;
  gateway?: string;
  reserved: Record<string, string>;
}

interface Prefix {
  /** Masked. */
  readonly network: Address;
  readonly length: number;
}

function prefixOf(word: Word): Prefix {
  const [, address, digits] = /^([^/]+)\/(\d{1,3})$/.exec(word.text) ?? [];
  const parsed = address === undefined ? undefined : parseAddress(address);
  if (parsed?.family === 'ipv6') throw notFollowed(word, 'a subnet of IPv6', 'one of IPv4');
  const length = Number(digits);
  if (parsed === undefined || length > 32)
    throw new CommandFault(word, `"${word.text}" is no subnet`, 'one such as 172.30.0.0/16');
  return { network: parsed.masked(prefixMask('ipv4', length)), length };
}

const contains = ({ network, length }: Prefix, address: Address): boolean =>
  address.family === 'ipv4' && address.masked(prefixMask('ipv4', length)).equals(network);

const textOf = ({ network, length }: Prefix): string => `${network}/${length}`;

/** The subnets of a network, each with what belongs to it (docker/cli, network create: createIPAMConfig). */
function subnetsIn(flags: Flags): IpamSubnet[] {
  const subnets: GivenSubnet[] = flags.split('subnet').map((word) => ({ word, prefix: prefixOf(word), reserved: {} }));
  for (const [i, { word, prefix }] of subnets.entries()) {
    const other = subnets
      .slice(0, i)
      .find((one) => contains(one.prefix, prefix.network) || contains(prefix, one.prefix.network));
    if (other !== undefined)
      throw new CommandFault(word, `${word.text} overlaps ${other.word.text}`, 'subnets apart from each other');
  }
  for (const word of flags.split('ip-range')) {
    const range = prefixOf(word);
    const subnet = subnetFor(word, range.network, subnets, '--ip-range');
    if (subnet.range !== undefined) throw new CommandFault(word, `a second --ip-range of ${subnet.word.text}`, 'one');
    subnet.range = textOf(range);
  }
  for (const word of flags.split('gateway')) {
    const gateway = addressIn(word);
    const subnet = subnetFor(word, gateway, subnets, '--gateway');
    if (subnet.gateway !== undefined) throw new CommandFault(word, `a second --gateway of ${subnet.word.text}`, 'one');
    subnet.gateway = String(gateway);
  }
  for (const word of flags.all('aux-address')) {
    const at = word.text.indexOf('=');
    if (at < 0) throw new CommandFault(word, `"${word.text}" has no address`, 'NAME=ADDRESS');
    const part = partOf(word, at + 1);
    const address = addressIn(part);
    subnetFor(part, address, subnets, '--aux-address').reserved[word.text.slice(0, at)] = String(address);
  }
  return subnets.map(({ prefix, range, gateway, reserved }) => ({ subnet: textOf(prefix), range, gateway, reserved }));
}

function addressIn(word: Word): Address {
  const address = parseAddress(word.text);
  if (address === undefined) throw new CommandFault(word, `"${word.text}" is no address`, 'one such as 172.30.0.1');
  if (address.family === 'ipv6') throw notFollowed(word, 'an address of IPv6', 'one of IPv4');
  return address;
}

function subnetFor(word: Word, address: Address, subnets: readonly GivenSubnet[], option: string): GivenSubnet {
  const found = subnets.find(({ prefix }) => contains(prefix, address));
  if (found !== undefined) return found;
  const wanted = subnets.length === 0 ? 'a --subnet' : `a --subnet with ${word.text} in it`;
  throw new CommandFault(word, `${option} ${word.text} is in no subnet of the network`, wanted);
}
