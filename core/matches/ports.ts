/** Port ranges for tcp and udp. */

import { type FieldCondition, within } from '../rules/condition.js';
import type { OptionSpec, ParsedOptions } from '../rules/extension.js';
import { RuleFault } from '../rules/parse/error.js';
import { formatPortRange, type PortRange, parsePortRange } from '../rules/parse/values.js';

export interface PortMatch extends PortRange {
  readonly negated: boolean;
}

export const PORT_OPTIONS: readonly OptionSpec[] = [
  { name: '--sport', aliases: ['--source-port'], words: 1, invertible: true, expected: 'a port or first:last' },
  { name: '--dport', aliases: ['--destination-port'], words: 1, invertible: true, expected: 'a port or first:last' },
];

/** Parses the port option NAME; undefined if absent. Service names are those of PROTOCOL, or of any protocol. */
export function parsePortMatch(options: ParsedOptions, name: string, protocol?: string): PortMatch | undefined {
  const option = options.get(name);
  if (option === undefined) return undefined;
  const { min, max } = parsePortRange(option.values[0], protocol);
  if (min > max) throw new RuleFault(option.values[0], 'the first port is above the last', 'first:last');
  return { min, max, negated: option.negated };
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
