/** Port ranges as tcp and udp test them. */

import type { OptionSpec, ParsedOptions } from '../rules/extension.js';
import { otherRanges } from '../rules/index/interval-lists.js';
import { RuleFault } from '../rules/parse/error.js';
import { formatPortRange, type PortRange, parsePortRange } from '../rules/parse/values.js';
import { type Code, code, unless } from '../rules/run/codegen.js';

export interface PortMatch extends PortRange {
  readonly negated: boolean;
}

export const PORT_OPTIONS: readonly OptionSpec[] = [
  { name: '--sport', aliases: ['--source-port'], words: 1, invertible: true, wanted: 'a port or first:last' },
  { name: '--dport', aliases: ['--destination-port'], words: 1, invertible: true, wanted: 'a port or first:last' },
];

/** The port option NAME; undefined where it is not given. Services are those of PROTOCOL, or of any. */
export function parsePortMatch(options: ParsedOptions, name: string, protocol?: string): PortMatch | undefined {
  const option = options.get(name);
  if (option === undefined) return undefined;
  const range = parsePortRange(option.values[0], protocol);
  if (range.min > range.max) throw new RuleFault(option.values[0], 'the first port is above the last', 'first:last');
  return { ...range, negated: option.negated };
}

/** The ports that MATCH lets through, for an index. */
export function portBound(match: PortMatch | undefined): readonly PortRange[] | undefined {
  if (match === undefined) return undefined;
  return match.negated ? otherRanges([match], 0xffff) : [match];
}

export function portMatches(match: PortMatch | undefined, port: number): boolean {
  return match === undefined || (port >= match.min && port <= match.max) !== match.negated;
}

export function compilePort(match: PortMatch, field: Code): Code {
  if (match.min === match.max) {
    return match.negated ? code`${field} !== ${match.min}` : code`${field} === ${match.min}`;
  }
  return unless(match.negated, code`(${field} >= ${match.min} && ${field} <= ${match.max})`);
}

/** ` --dport 80`; nothing for all ports, negated or not, as iptables-save does. */
export function savePort(name: string, match: PortMatch | undefined): string {
  if (match === undefined || (match.min === 0 && match.max === 0xffff)) return '';
  return `${match.negated ? ' !' : ''} ${name} ${formatPortRange(match)}`;
}

export function explainPort(name: string, match: PortMatch | undefined, port: number): string | undefined {
  if (match === undefined || portMatches(match, port)) return undefined;
  return `${name} ${port} is ${match.negated ? '' : 'not '}${formatPortRange(match)}`;
}
