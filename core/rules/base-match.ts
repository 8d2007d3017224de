/** What every rule can test without `-m`: `-s -d -i -o -p -f` (struct ipt_ip; man iptables, "PARAMETERS"). */
import { type Address, maskLength } from '../../codecs/address.js';
import { formatLoaded, type LoadedAddress } from '../../codecs/byte-order.js';
import type { Packet } from '../packet.js';
import type { RuleContext } from './context.js';
import type { PacketField } from './extension.js';
import { protocolName } from './parse/protocols.js';
import { anyOf, type Code, code, FALSE, type Generator, TRUE, unless } from './run/codegen.js';

/** The address has no bits outside the mask. */
export interface AddressMatch {
  readonly address: Address;
  readonly mask: Address;
  readonly negated: boolean;
}

export interface DeviceMatch {
  /** As written: with its `+` if it stands for all names that begin so. */
  readonly name: string;
  readonly negated: boolean;
}

export interface ProtocolMatch {
  /** Never 0: that is every protocol, and no match. */
  readonly number: number;
  readonly negated: boolean;
}

export interface BaseMatch {
  readonly source: AddressMatch | undefined;
  readonly destination: AddressMatch | undefined;
  readonly inDev: DeviceMatch | undefined;
  readonly outDev: DeviceMatch | undefined;
  readonly protocol: ProtocolMatch | undefined;
  /** `-f`: a later fragment. */
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

/** Whether BASE asks nothing (unconditional() of ip_tables): `-i +` lets all through as well, but asks. */
export function isUnconditional(base: BaseMatch): boolean {
  return Object.values(base).every((part) => part === undefined);
}

/** Does PACKET pass BASE? (ip_packet_match of ip_tables.) */
export function checkBase(base: BaseMatch, packet: Packet, context: RuleContext): boolean {
  const { source, destination, inDev, outDev, protocol, fragment } = base;
  if (source !== undefined && !addressMatches(source, packet.source)) return false;
  if (destination !== undefined && !addressMatches(destination, packet.destination)) return false;
  if (inDev !== undefined && !deviceMatches(inDev, packet.inDev, context)) return false;
  if (outDev !== undefined && !deviceMatches(outDev, packet.outDev, context)) return false;
  if (protocol !== undefined && (packet.protocol === protocol.number) === protocol.negated) return false;
  return fragment === undefined || (packet.fragmentOffset !== 0) !== fragment.negated;
}

/** The conditions of BASE, those that most packets fail first. */
export function compileBase(base: BaseMatch, context: RuleContext, gen: Generator): Code[] {
  const { source, destination, inDev, outDev, protocol, fragment } = base;
  const conditions: Code[] = [];
  if (inDev !== undefined) conditions.push(compileDevice(inDev, gen.field('inDev'), context));
  if (outDev !== undefined) conditions.push(compileDevice(outDev, gen.field('outDev'), context));
  if (protocol !== undefined) {
    conditions.push(unless(protocol.negated, code`${gen.field('protocol')} === ${protocol.number}`));
  }
  if (source !== undefined) conditions.push(compileAddress(source, gen.field('source')));
  if (destination !== undefined) conditions.push(compileAddress(destination, gen.field('destination')));
  if (fragment !== undefined) conditions.push(unless(fragment.negated, code`${gen.field('fragmentOffset')} !== 0`));
  return conditions;
}

/** What BASE reads of a packet. */
export function baseReads(base: BaseMatch): PacketField[] {
  const reads: PacketField[] = [];
  for (const field of ['source', 'destination', 'inDev', 'outDev', 'protocol', 'fragment'] as const) {
    if (base[field] !== undefined) reads.push(field);
  }
  return reads;
}

/** Why PACKET does not pass BASE, or that it does. */
export function explainBase(base: BaseMatch, packet: Packet, context: RuleContext): string {
  const { source, destination, inDev, outDev, protocol, fragment } = base;
  if (source !== undefined && !addressMatches(source, packet.source)) {
    return `source ${formatLoaded(packet.source)} is not ${formatMatch('', source, formatAddressMatch(source))}`;
  }
  if (destination !== undefined && !addressMatches(destination, packet.destination)) {
    const wanted = formatMatch('', destination, formatAddressMatch(destination));
    return `destination ${formatLoaded(packet.destination)} is not ${wanted}`;
  }
  if (inDev !== undefined && !deviceMatches(inDev, packet.inDev, context)) {
    return `came in by ${deviceName(packet.inDev, context)}, not by ${formatMatch('', inDev, inDev.name)}`;
  }
  if (outDev !== undefined && !deviceMatches(outDev, packet.outDev, context)) {
    return `leaves by ${deviceName(packet.outDev, context)}, not by ${formatMatch('', outDev, outDev.name)}`;
  }
  if (protocol !== undefined && (packet.protocol === protocol.number) === protocol.negated) {
    return `protocol ${protocolName(packet.protocol)} is not ${formatMatch('', protocol, protocolName(protocol.number))}`;
  }
  if (fragment !== undefined && (packet.fragmentOffset !== 0) === fragment.negated) {
    return fragment.negated ? 'is a later fragment' : 'is no later fragment';
  }
  return 'addresses, interfaces and protocol fit';
}

/** BASE as iptables-save prints it, each option with a space before it. */
export function saveBase(base: BaseMatch): string {
  const { source, destination, inDev, outDev, protocol, fragment } = base;
  let text = '';
  if (source !== undefined) text += formatMatch(' -s ', source, formatAddressMatch(source));
  if (destination !== undefined) text += formatMatch(' -d ', destination, formatAddressMatch(destination));
  // `+` is every interface and none, `! -i +` matches nothing: iptables-save leaves out both.
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

function addressMatches(match: AddressMatch, address: LoadedAddress): boolean {
  return ((address & match.mask.loaded) === match.address.loaded) !== match.negated;
}

function compileAddress(match: AddressMatch, field: Code): Code {
  const address = match.address.loaded;
  const mask = match.mask.loaded;
  if (mask === -1) return match.negated ? code`${field} !== ${address}` : code`${field} === ${address}`;
  if (match.negated) return code`(${field} & ${mask}) !== ${address}`;
  return code`(${field} & ${mask}) === ${address}`;
}

/** Whether an interface called NAME is one that MATCH means, negation aside. No device has the empty name. */
function nameMatches(match: DeviceMatch, name: string): boolean {
  return match.name.endsWith('+') ? name.startsWith(match.name.slice(0, -1)) : name === match.name;
}

/** Whether interface DEV (-1: none) is one that MATCH lets through. */
export function deviceMatches(match: DeviceMatch, dev: number, context: RuleContext): boolean {
  return nameMatches(match, dev < 0 ? '' : context.interfaceNames[dev]) !== match.negated;
}

function compileDevice(match: DeviceMatch, field: Code, context: RuleContext): Code {
  if (match.name === '+') return match.negated ? FALSE : TRUE;
  const devices: Code[] = [];
  for (const [dev, name] of context.interfaceNames.entries()) {
    if (nameMatches(match, name)) devices.push(code`${field} === ${dev}`);
  }
  return unless(match.negated, anyOf(devices));
}

function deviceName(dev: number, context: RuleContext): string {
  return dev < 0 ? 'no interface' : context.interfaceNames[dev];
}
