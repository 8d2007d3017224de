/** The tests that rules can make without `-m`: `-s -d -i -o -p -f` (struct ipt_ip; man iptables, "PARAMETERS"). */
import { type Address, maskLength } from '../../codecs/address.js';
import { protocolName } from '../../codecs/protocol-names.js';
import { startsWithBytes } from '../../codecs/text.js';
import { highestValue } from '../fields.js';
import { type AddressEnd, lowerAddress } from './address-conditions.js';
import { type Condition, equals, within } from './condition.js';

/** The address has no bits outside of the mask. */
export interface AddressMatch {
  readonly address: Address;
  readonly mask: Address;
  readonly negated: boolean;
}

export interface DeviceMatch {
  /** As written, including a trailing `+` (any name with this prefix). */
  readonly name: string;
  readonly negated: boolean;
}

export interface ProtocolMatch {
  /** Never 0, which means any protocol and is not a match. */
  readonly number: number;
  readonly negated: boolean;
}

export interface BaseMatch {
  readonly source: AddressMatch | undefined;
  readonly destination: AddressMatch | undefined;
  readonly inDev: DeviceMatch | undefined;
  readonly outDev: DeviceMatch | undefined;
  readonly protocol: ProtocolMatch | undefined;
  /** `-f`: a fragment other than the first. */
  readonly fragment: { readonly negated: boolean } | undefined;
}

export const ANY_PACKET: BaseMatch = {
  source: undefined,
  destination: undefined,
  inDev: undefined,
  outDev: undefined,
  protocol: undefined,
  fragment: undefined,
};

/** Whether BASE tests nothing (unconditional() in ip_tables). `-i +` matches everything too, but counts as a test. */
export function isUnconditional({ source, destination, inDev, outDev, protocol, fragment }: BaseMatch): boolean {
  return (source ?? destination ?? inDev ?? outDev ?? protocol ?? fragment) === undefined;
}

/**
 * Lowers BASE to conditions (ip_packet_match in ip_tables) for a host with interfaces of these NAMES. The condition
 * that most packets fail comes first.
 */
export function lowerBase(base: BaseMatch, names: readonly string[]): Condition[] {
  const { source, destination, inDev, outDev, protocol, fragment } = base;
  const conditions: Condition[] = [];
  if (inDev !== undefined) conditions.push(lowerDevice('inDev', inDev, names));
  if (outDev !== undefined) conditions.push(lowerDevice('outDev', outDev, names));
  if (protocol !== undefined) conditions.push(equals('protocol', protocol.number, protocol.negated));
  if (source !== undefined) conditions.push(...lowerAddressMatch('source', source));
  if (destination !== undefined) conditions.push(...lowerAddressMatch('destination', destination));
  if (fragment !== undefined) conditions.push(equals('fragmentOffset', 0, !fragment.negated));
  return conditions;
}

function lowerAddressMatch(end: AddressEnd, { address, mask, negated }: AddressMatch): Condition[] {
  return lowerAddress(end, address, mask, negated);
}

/** Interfaces are numbered from 1. 0 is no interface, which only `+` matches. */
function lowerDevice(field: 'inDev' | 'outDev', { name, negated }: DeviceMatch, names: readonly string[]): Condition {
  if (name === '+') return within(field, [{ min: 0, max: highestValue(field) }], negated);
  if (!name.endsWith('+')) {
    const index = names.indexOf(name);
    return within(field, index < 0 ? [] : [{ min: index + 1, max: index + 1 }], negated);
  }
  const prefix = name.slice(0, -1);
  const ranges = names.flatMap((one, index) =>
    startsWithBytes(one, prefix) ? [{ min: index + 1, max: index + 1 }] : [],
  );
  return within(field, ranges, negated);
}

/** Formats BASE as iptables-save does, each option with a leading space. */
export function saveBase(base: BaseMatch): string {
  const { source, destination, inDev, outDev, protocol, fragment } = base;
  let text = '';
  if (source !== undefined) text += formatMatch(' -s ', source, formatAddressMatch(source));
  if (destination !== undefined) text += formatMatch(' -d ', destination, formatAddressMatch(destination));
  // `+` matches any interface and none; `! -i +` never matches. iptables-save leaves out both.
  if (inDev !== undefined && inDev.name !== '+') text += formatMatch(' -i ', inDev, inDev.name);
  if (outDev !== undefined && outDev.name !== '+') text += formatMatch(' -o ', outDev, outDev.name);
  if (protocol !== undefined) text += formatMatch(' -p ', protocol, protocolName(protocol.number));
  if (fragment !== undefined) text += formatMatch(' -f', fragment, '');
  return text;
}

function formatMatch(option: string, match: { readonly negated: boolean }, value: string): string {
  if (!match.negated) return option + value;
  return option === '' ? `! ${value}` : ` !${option}${value}`;
}

function formatAddressMatch(match: AddressMatch): string {
  return `${match.address}/${maskLength(match.mask) ?? match.mask}`;
}
