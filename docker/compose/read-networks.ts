/** The networks of a project, as `networks` describes them. */
import { ADDRESS_BITS, parseAddress } from '../../codecs/address.js';
import { withNearest } from '../../codecs/nearest.js';
import { BRIDGE_OPTIONS } from '../bridge-options.js';
import type { ComposeNetwork } from '../commands/action.js';
import type { IpamSubnet } from '../model.js';
import { ComposeError, whereAt } from './compose-error.js';
import { IPAM_MEMBERS, NETWORK_SECTION_MEMBERS, POOL_MEMBERS } from './compose-members.js';
import {
  asBoolean,
  asList,
  asMap,
  asPairs,
  asText,
  asWord,
  type ComposeMap,
  type ComposeNode,
  isNothing,
  member,
  refuseUnknown,
  unexpected,
} from './compose-node.js';
import type { ComposeGeneration } from './scalar-type.js';

export interface NetworkReading {
  readonly generation: ComposeGeneration;
  readonly project: string;
  readonly note: (text: string) => void;
}

/** The network KEY. Of what the file does not say of it, NODE is undefined. */
export function readNetwork(key: string, node: ComposeNode | undefined, reading: NetworkReading): ComposeNetwork {
  const map = asMap(node, `the network "${key}"`, 'a mapping, or nothing');
  refuseUnknown(map, NETWORK_SECTION_MEMBERS[reading.generation], `the network "${key}"`, NETWORK_SECTION_MEMBERS[2]);
  const { isExternal, externalName } = externalOf(map);
  const nameNode = member(map, 'name');
  const givenName = nameNode && asText(nameNode, 'name');
  if (isExternal) refuseOwnMembers(key, map, reading);
  const name = givenName ?? externalName ?? (isExternal ? key : `${reading.project}_${key}`);
  const isFlag = (flag: string, otherwise: boolean): boolean => {
    const value = member(map, flag);
    return value === undefined ? otherwise : asBoolean(value, flag);
  };
  const v6 = member(map, 'enable_ipv6');
  if (v6 !== undefined && asBoolean(v6, 'enable_ipv6'))
    reading.note(`${whereAt(v6.place)}: network "${key}": only its IPv4 side is made, as nfreplay emulates IPv4`);
  if (!isFlag('enable_ipv4', true))
    throw new ComposeError(
      `the network "${key}" has no IPv4, which is all that nfreplay emulates`,
      member(map, 'enable_ipv4')!.place,
      true,
    );
  return {
    spec: {
      name,
      driver: driverOf(key, member(map, 'driver')),
      isInternal: isFlag('internal', false),
      ipam: ipamOf(key, member(map, 'ipam'), reading),
      options: optionsOf(key, member(map, 'driver_opts'), reading),
      labels: asPairs(member(map, 'labels'), 'labels'),
    },
    isExternal,
  };
}

/** `external: true`, or, as it was written before, `external: { name: NAME }`. */
function externalOf(map: ComposeMap | undefined): { isExternal: boolean; externalName: string | undefined } {
  const node = member(map, 'external');
  if (node === undefined) return { isExternal: false, externalName: undefined };
  if (node.kind !== 'map') return { isExternal: asBoolean(node, 'external'), externalName: undefined };
  refuseUnknown(node, ['name'], 'external');
  const name = member(node, 'name');
  return { isExternal: true, externalName: name && asText(name, 'name') };
}

function refuseOwnMembers(key: string, map: ComposeMap | undefined, { generation }: NetworkReading): void {
  for (const [name, { place, value }] of map?.entries ?? []) {
    const isAllowed = ['external', 'name'].includes(name) || name.startsWith('x-');
    if (isAllowed || (generation === 1 && name === 'driver')) continue;
    if (generation === 2 && isNothing(value)) continue;
    // Compose 2 does not look at them.
    if (generation === 2) continue;
    throw new ComposeError(`the network "${key}" is external; only its name can be said here, no ${name}`, place);
  }
}

/** Names of drivers that are compiled into engines. */
const DRIVERS = ['bridge', 'host', 'ipvlan', 'macvlan', 'null', 'overlay'];

function driverOf(key: string, node: ComposeNode | undefined): string {
  const driver = node === undefined ? '' : asText(node, 'driver');
  if (node === undefined || driver === '' || driver === 'bridge' || driver === 'default') return 'bridge';
  const problem = DRIVERS.includes(driver)
    ? `the driver ${driver} of the network "${key}" is not supported; nfreplay follows bridge`
    : withNearest(`unknown driver "${driver}" of the network "${key}"; nfreplay follows bridge`, driver, DRIVERS);
  throw new ComposeError(problem, node.place, true);
}

function optionsOf(
  key: string,
  node: ComposeNode | undefined,
  { note }: NetworkReading,
): Readonly<Record<string, string>> {
  const options: [string, string][] = [];
  for (const [name, { place, value }] of asMap(node, 'driver_opts')?.entries ?? []) {
    if (isNothing(value)) continue;
    if (value.kind === 'scalar' && value.type === 'boolean')
      throw new ComposeError(
        `${name} is ${value.text}, which is no text; write it in quotes: "${value.text}"`,
        value.place,
      );
    if (!BRIDGE_OPTIONS.includes(name)) {
      const what = `option "${name}" of the network "${key}" is none of bridge networks and has no effect`;
      note(`${whereAt(place)}: ${withNearest(what, name, BRIDGE_OPTIONS)}`);
    }
    options.push([name, asWord(value, name)]);
  }
  return Object.fromEntries(options);
}

function ipamOf(key: string, node: ComposeNode | undefined, { note }: NetworkReading): IpamSubnet[] {
  const map = asMap(node, 'ipam');
  refuseUnknown(map, IPAM_MEMBERS, 'ipam');
  const driver = member(map, 'driver');
  if (driver !== undefined && !['default', ''].includes(asText(driver, 'driver')))
    throw new ComposeError(
      `the IPAM driver of the network "${key}" is not supported; expected default`,
      driver.place,
      true,
    );
  const pools = asList(member(map, 'config'), 'config', 'a list of subnets').map((pool) => {
    const members = asMap(pool, 'a subnet', 'a mapping with subnet');
    refuseUnknown(members, POOL_MEMBERS, 'a subnet');
    return poolOf(members);
  });
  if (pools.includes('IPv6')) note(`network "${key}": its IPv6 subnets are left out, as nfreplay emulates IPv4`);
  return pools.filter((pool) => pool !== undefined && pool !== 'IPv6');
}

/** IPv6: it is one of those. Undefined: it says nothing. */
function poolOf(map: ComposeMap | undefined): IpamSubnet | 'IPv6' | undefined {
  if (map === undefined || map.entries.size === 0) return undefined;
  const families: ('ipv4' | 'ipv6')[] = [];
  const read = (name: string, form: 'prefix' | 'address'): string | undefined => {
    const value = member(map, name);
    const text = value && asText(value, name);
    if (value === undefined || text === undefined || text === '') return undefined;
    families.push(familyOf(text, form) ?? refuseAddress(value, name, form));
    return text;
  };
  const subnet = read('subnet', 'prefix');
  const range = read('ip_range', 'prefix');
  const gateway = read('gateway', 'address');
  const reserved: [string, string][] = [];
  for (const [name, { value }] of asMap(member(map, 'aux_addresses'), 'aux_addresses')?.entries ?? []) {
    const text = asText(value, name);
    families.push(familyOf(text, 'address') ?? refuseAddress(value, name, 'address'));
    reserved.push([name, text]);
  }
  if (families[0] === 'ipv6') return 'IPv6';
  return { subnet, range, gateway, reserved: Object.fromEntries(reserved) };
}

function familyOf(text: string, form: 'prefix' | 'address'): 'ipv4' | 'ipv6' | undefined {
  const [, addressText, lengthText] = (form === 'prefix' ? /^([^/]+)\/(\d{1,3})$/ : /^([^/]+)()$/).exec(text) ?? [];
  const address = addressText === undefined ? undefined : parseAddress(addressText);
  return address === undefined || Number(lengthText) > ADDRESS_BITS[address.family] ? undefined : address.family;
}

function refuseAddress(node: ComposeNode, name: string, form: 'prefix' | 'address'): never {
  throw unexpected(node, name, form === 'prefix' ? 'a prefix such as 172.28.0.0/16' : 'an address such as 172.28.0.1');
}
