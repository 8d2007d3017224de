/** Port ranges for tcp and udp. */

import { type FieldCondition, within } from '../rules/condition.js';
import type { OptionSpec, ParsedOptions } from '../rules/extension.js';
import type { ListedPart } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { formatPortRange, type PortRange, parseLibcPortRange, parsePortRange } from '../rules/parse/values.js';

export interface PortMatch extends PortRange {
  readonly negated: boolean;
}

export const PORT_OPTIONS: readonly OptionSpec[] = [
  { name: '--sport', aliases: ['--source-port'], words: 1, invertible: true, expected: 'a port or first:last' },
  { name: '--dport', aliases: ['--destination-port'], words: 1, invertible: true, expected: 'a port or first:last' },
];

/** How `iptables -L` prints them. */
export const LISTED_PORTS: readonly ListedPart[] = [
  [/spts?:(!)?(\S+)/, '$1 --sport $2'],
  [/dpts?:(!)?(\S+)/, '$1 --dport $2'],
];

/**
 * Parses the port option NAME; undefined if it is absent or means all ports. Service names are those of PROTOCOL, or of
 * any protocol. For tcp, the first port must not be above the last; for udp, iptables does not check, and no port
 * matches then.
 */
export function parsePortMatch(options: ParsedOptions, name: string, protocol?: 'tcp'): PortMatch | undefined {
  const option = options.get(name);
  if (option === undefined) return undefined;
  const { negated } = option;
  const [word] = option.values;
  const { min, max } = protocol === undefined ? parseLibcPortRange(word) : parsePortRange(word, protocol);
  if (min > max && protocol === 'tcp') {
    throw new RuleFault(word, 'the first port is above the last', 'first:last');
  }
  return min === 0 && max === 0xffff && !negated ? undefined : { min, max, negated };
}

/** MATCH as iptables-nft keeps it: all but the first ports are the last ones, and none is all. */
export function asOfNft(match: PortMatch | undefined): PortMatch | undefined {
  if (match === undefined || !match.negated || match.min !== 0 || match.max === 0) return match;
  return match.max === 0xffff ? undefined : { min: match.max + 1, max: 0xffff, negated: false };
}

/** The conditions of the ports that are tested. */
export function lowerPorts(sport: PortMatch | undefined, dport: PortMatch | undefined): FieldCondition[] {
  const conditions: FieldCondition[] = [];
  if (dport !== undefined) conditions.push(within('dport', [dport], dport.negated));
  if (sport !== undefined) conditions.push(within('sport', [sport], sport.negated));
  return conditions;
}

/** ` --dport 80`, or nothing for all ports, negated or not, like iptables-save. */
export function savePort(name: string, match: PortMatch | undefined): string {
  if (match === undefined || (match.min === 0 && match.max === 0xffff)) return '';
  return `${match.negated ? ' !' : ''} ${name} ${formatPortRange(match)}`;
}

/** The same for extensions that print all ports too, if they are given. */
export function saveAnyPort(name: string, match: PortMatch | undefined): string {
  return match === undefined ? '' : `${match.negated ? ' !' : ''} ${name} ${formatPortRange(match)}`;
}
