/** `-m addrtype`: what kind of address the source or destination is to this host (xt_addrtype). */
import { formatLoaded } from '../../codecs/byte-order.js';
import type { Word } from '../../codecs/iptables-save.js';
import { Hook } from '../hooks.js';
import { AddressType } from '../host/address-type.js';
import type { Packet } from '../packet.js';
import type { RuleContext } from '../rules/context.js';
import type { MatchExtension, ParsedOption } from '../rules/extension.js';
import { nearest, RuleFault } from '../rules/parse/error.js';

interface TypeSet {
  /** Bits 1 << AddressType. */
  readonly types: number;
  readonly negated: boolean;
}

interface AddrtypeParams {
  readonly source: TypeSet | undefined;
  readonly destination: TypeSet | undefined;
  /** Only as seen from the interface by which the packet came in, or leaves. */
  readonly limit: 'in' | 'out' | undefined;
}

const TYPES = Object.entries(AddressType);

export const addrtype: MatchExtension<AddrtypeParams> = {
  name: 'addrtype',
  options: [
    { name: '--src-type', words: 1, invertible: true, wanted: 'types of addresses, with commas between' },
    { name: '--dst-type', words: 1, invertible: true, wanted: 'types of addresses, with commas between' },
    { name: '--limit-iface-in', words: 0, excludes: ['--limit-iface-out'] },
    { name: '--limit-iface-out', words: 0, excludes: ['--limit-iface-in'] },
  ],

  parse(options) {
    const source = parseTypes(options.get('--src-type'));
    const destination = parseTypes(options.get('--dst-type'));
    if (source === undefined && destination === undefined) {
      throw new RuleFault(options.word, 'addrtype without types', '--src-type or --dst-type');
    }
    const limitOut = options.get('--limit-iface-out') && 'out';
    return { source, destination, limit: options.get('--limit-iface-in') ? 'in' : limitOut };
  },

  refuse({ limit }, { hooks }) {
    if (limit === 'in' && (hooks & ((1 << Hook.POSTROUTING) | (1 << Hook.OUTPUT))) !== 0) {
      return '--limit-iface-in cannot be used in POSTROUTING and OUTPUT: there the packet came in by no interface';
    }
    if (limit === 'out' && (hooks & ((1 << Hook.PREROUTING) | (1 << Hook.INPUT))) !== 0) {
      return '--limit-iface-out cannot be used in PREROUTING and INPUT: there the packet leaves by no interface';
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

  reads({ source, destination, limit }) {
    return [
      ...(source === undefined ? [] : (['source'] as const)),
      ...(destination === undefined ? [] : (['destination'] as const)),
      ...(limit === undefined ? [] : limit === 'in' ? (['inDev'] as const) : (['outDev'] as const)),
    ];
  },

  bounds() {
    return { isAll: false };
  },

  check: checkTypes,

  compile(params, context, gen) {
    return gen.call((packet) => checkTypes(params, packet, context));
  },

  explain({ source, destination, limit }, packet, context) {
    const dev = limitDev(limit, packet);
    const says = [
      ...(source === undefined ? [] : [explainType('source', source, packet.source, dev, context)]),
      ...(destination === undefined ? [] : [explainType('destination', destination, packet.destination, dev, context)]),
    ];
    return says.join('; ');
  },
};

function checkTypes({ source, destination, limit }: AddrtypeParams, packet: Packet, context: RuleContext): boolean {
  const dev = limitDev(limit, packet);
  if (source !== undefined && !typeMatches(source, context.addressType(packet.source, dev))) return false;
  return destination === undefined || typeMatches(destination, context.addressType(packet.destination, dev));
}

function typeMatches({ types, negated }: TypeSet, type: AddressType): boolean {
  return ((types >> type) & 1) !== (negated ? 1 : 0);
}

function limitDev(limit: AddrtypeParams['limit'], packet: Packet): number {
  if (limit === undefined) return -1;
  return limit === 'in' ? packet.inDev : packet.outDev;
}

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
      throw new RuleFault(word, `no type of address "${part}"`, `${names.join(', ')}. ${nearest(upper, names)}`.trim());
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

function explainType(end: string, set: TypeSet, address: number, dev: number, context: RuleContext): string {
  const type = formatTypes(1 << context.addressType(address, dev));
  const wanted = `the rule wants ${set.negated ? 'none of ' : ''}${formatTypes(set.types)}`;
  return `${end} ${formatLoaded(address)} is ${type}, ${wanted}`;
}
