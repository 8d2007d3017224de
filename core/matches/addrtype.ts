/** `-m addrtype`: the type of the source or destination address on this host (xt_addrtype). */

import type { Word } from '../../codecs/iptables-save.js';
import { Hook } from '../hooks.js';
import { AddressType } from '../host/address-type.js';
import { isOneOf } from '../rules/condition.js';
import type { MatchExtension, ParsedOption } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault, unknownName } from '../rules/parse/error.js';

interface TypeSet {
  /** Bits 1 << AddressType. */
  readonly types: number;
  readonly negated: boolean;
}

interface AddrtypeParams {
  readonly source: TypeSet | undefined;
  readonly destination: TypeSet | undefined;
  /** Restricts the type to the ingress or egress interface. */
  readonly limit: 'in' | 'out' | undefined;
}

const TYPES = Object.entries(AddressType);
/** Those that only IPv4 has (addrtype_mt_checkentry_v1). */
const IPV4_TYPES = ['BROADCAST', 'BLACKHOLE', 'PROHIBIT', 'THROW', 'NAT', 'XRESOLVE'].reduce(
  (bits, name) => bits | (1 << AddressType[name as keyof typeof AddressType]),
  0,
);
const SOURCE_FIELDS = { any: 'sourceType', in: 'sourceTypeIn', out: 'sourceTypeOut' } as const;
const DESTINATION_FIELDS = { any: 'destinationType', in: 'destinationTypeIn', out: 'destinationTypeOut' } as const;

export const addrtype: MatchExtension<AddrtypeParams> = {
  name: 'addrtype',
  options: [
    { name: '--src-type', words: 1, invertible: true, expected: 'comma-separated address types' },
    { name: '--dst-type', words: 1, invertible: true, expected: 'comma-separated address types' },
    { name: '--limit-iface-in', words: 0, excludes: ['--limit-iface-out'] },
    { name: '--limit-iface-out', words: 0, excludes: ['--limit-iface-in'] },
  ],

  listed: listed(
    /ADDRTYPE match/,
    [/src-type (!)?([A-Z,]+)/, '$1 --src-type $2'],
    [/dst-type (!)?([A-Z,]+)/, '$1 --dst-type $2'],
    [/limit-(in|out)/, '--limit-iface-$1'],
  ),

  parse(options) {
    const source = parseTypes(options.get('--src-type'));
    const destination = parseTypes(options.get('--dst-type'));
    if (source === undefined && destination === undefined) {
      throw new RuleFault(options.word, 'addrtype without types', '--src-type or --dst-type');
    }
    const limitOut = options.get('--limit-iface-out') && 'out';
    return { source, destination, limit: options.get('--limit-iface-in') ? 'in' : limitOut };
  },

  refuse({ source, destination, limit }, { hooks, family }) {
    const types = (source?.types ?? 0) | (destination?.types ?? 0);
    if (family === 'ipv6' && (types & IPV4_TYPES) !== 0)
      return `IPv6 has no addresses of type ${formatTypes(types & IPV4_TYPES)}`;
    if (limit === 'in' && (hooks & ((1 << Hook.POSTROUTING) | (1 << Hook.OUTPUT))) !== 0) {
      return '--limit-iface-in cannot be used in POSTROUTING and OUTPUT: their packets have no input interface';
    }
    if (limit === 'out' && (hooks & ((1 << Hook.PREROUTING) | (1 << Hook.INPUT))) !== 0) {
      return '--limit-iface-out cannot be used in PREROUTING and INPUT: their packets have no output interface';
    }
    return undefined;
  },

  save({ source, destination, limit }) {
    let text = '';
    if (source !== undefined) text += `${source.negated ? ' !' : ''} --src-type ${formatTypes(source.types)}`;
    if (destination !== undefined) {
      text += `${destination.negated ? ' !' : ''} --dst-type ${formatTypes(destination.types)}`;
    }
    return limit === undefined ? text : `${text} --limit-iface-${limit}`;
  },

  lower({ source, destination, limit }) {
    const seenFrom = limit === undefined ? 'any' : limit;
    return {
      conditions: [
        ...(source === undefined ? [] : [isOneOf(SOURCE_FIELDS[seenFrom], source.types, source.negated)]),
        ...(destination === undefined
          ? []
          : [isOneOf(DESTINATION_FIELDS[seenFrom], destination.types, destination.negated)]),
      ],
    };
  },
};

function parseTypes(option: ParsedOption | undefined): TypeSet | undefined {
  if (option === undefined) return undefined;
  return { types: typeBits(option.values[0]), negated: option.negated };
}

function typeBits(word: Word): number {
  let bits = 0;
  for (const part of word.text.split(',')) {
    const upper = part.toUpperCase();
    const found = part === '' ? undefined : TYPES.find(([name]) => name.startsWith(upper));
    if (found === undefined) {
      const names = TYPES.map(([name]) => name);
      throw unknownName(word, 'address type', part, names);
    }
    bits |= 1 << found[1];
  }
  return bits;
}

function formatTypes(bits: number): string {
  return TYPES.filter(([, type]) => ((bits >> type) & 1) !== 0)
    .map(([name]) => name)
    .join(',');
}
