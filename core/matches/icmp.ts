/** `-m icmp`: ICMP type and code (icmp_match in ip_tables). */

import { IPPROTO_ICMP } from '../../codecs/layouts.js';
import { equals } from '../rules/condition.js';
import type { MatchExtension } from '../rules/extension.js';
import { RuleFault, unknownName } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';

const ANY = 0xff;

/** The names in `iptables -p icmp -h`. Without a code, any code matches. */
const TYPES: readonly (readonly [name: string, type: number, code?: number])[] = [
  ['any', ANY],
  ['echo-reply', 0],
  ['pong', 0],
  ['destination-unreachable', 3],
  ['network-unreachable', 3, 0],
  ['host-unreachable', 3, 1],
  ['protocol-unreachable', 3, 2],
  ['port-unreachable', 3, 3],
  ['fragmentation-needed', 3, 4],
  ['source-route-failed', 3, 5],
  ['network-unknown', 3, 6],
  ['host-unknown', 3, 7],
  ['network-prohibited', 3, 9],
  ['host-prohibited', 3, 10],
  ['TOS-network-unreachable', 3, 11],
  ['TOS-host-unreachable', 3, 12],
  ['communication-prohibited', 3, 13],
  ['host-precedence-violation', 3, 14],
  ['precedence-cutoff', 3, 15],
  ['source-quench', 4],
  ['redirect', 5],
  ['network-redirect', 5, 0],
  ['host-redirect', 5, 1],
  ['TOS-network-redirect', 5, 2],
  ['TOS-host-redirect', 5, 3],
  ['echo-request', 8],
  ['ping', 8],
  ['router-advertisement', 9],
  ['router-solicitation', 10],
  ['time-exceeded', 11],
  ['ttl-exceeded', 11],
  ['ttl-zero-during-transit', 11, 0],
  ['ttl-zero-during-reassembly', 11, 1],
  ['parameter-problem', 12],
  ['ip-header-bad', 12, 0],
  ['required-option-missing', 12, 1],
  ['timestamp-request', 13],
  ['timestamp-reply', 14],
  ['address-mask-request', 17],
  ['address-mask-reply', 18],
];

interface IcmpParams {
  readonly type: number;
  /** undefined for any code. */
  readonly code: number | undefined;
  readonly negated: boolean;
}

export const icmp: MatchExtension<IcmpParams> = {
  name: 'icmp',
  options: [{ name: '--icmp-type', words: 1, invertible: true, required: true, expected: 'a type, type/code or name' }],

  parse(options) {
    const option = options.get('--icmp-type')!;
    return { ...parseType(option.values[0]), negated: option.negated };
  },

  refuse(_params, { base }) {
    const { protocol } = base;
    return protocol?.number === IPPROTO_ICMP && !protocol.negated ? undefined : '-m icmp needs -p icmp';
  },

  save({ type, code, negated }) {
    const kind = type === ANY ? 'any' : code === undefined ? String(type) : `${type}/${code}`;
    return `${negated ? ' !' : ''} --icmp-type ${kind}`;
  },

  lower({ type, code, negated }) {
    const mask = type === ANY ? 0 : code === undefined ? 0xff00 : 0xffff;
    const expected = ((type << 8) | (code ?? 0)) & mask;
    return { header: 'icmp', conditions: [equals('icmpType', expected, negated, mask)] };
  },
};

function parseType(word: { text: string; line: number; column: number }): { type: number; code: number | undefined } {
  const { text } = word;
  const numeric = /^([^/]+)(?:\/([^:]*)(?::.*)?)?$/s.exec(text);
  const type = numeric === null ? undefined : parseNumber(numeric[1], 255);
  if (type !== undefined && numeric !== null) {
    if (numeric[2] === undefined || type === ANY) return { type, code: undefined };
    const code = parseNumber(numeric[2], 255);
    if (code === undefined) throw new RuleFault(word, `unknown ICMP code "${text}"`, 'type/code, 0–255 each');
    return { type, code };
  }
  const lower = text.toLowerCase();
  const exact = TYPES.find(([name]) => name.toLowerCase() === lower);
  if (exact !== undefined) return { type: exact[1], code: exact[2] };
  const similar = lower === '' ? [] : TYPES.filter(([name]) => name.toLowerCase().startsWith(lower));
  if (similar.length === 1) return { type: similar[0][1], code: similar[0][2] };
  if (similar.length > 1) {
    throw new RuleFault(word, `ambiguous ICMP type "${text}"`, similar.map(([name]) => name).join(' or '));
  }
  const names = TYPES.map(([name]) => name);
  throw unknownName(word, 'ICMP type', text, names, 'a type, type/code or name');
}
