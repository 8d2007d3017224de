/** `-m dccp`: ports, packet types and options (xt_dccp; RFC 4340). */
import type { Word } from '../../codecs/iptables-save.js';
import { DCCP_DATA_OFFSET_AT, DCCP_LENGTH, DCCP_TYPE_AT, IPPROTO_DCCP } from '../../codecs/layouts.js';
import { DCCP_TYPES } from '../field-formats.js';
import type { Packet } from '../packet.js';
import { type Condition, isOneOf, within } from '../rules/condition.js';
import type { MatchExtension, ParsedOptions } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault, unknownName } from '../rules/parse/error.js';
import { parseLibcPortRange, parseNumber } from '../rules/parse/values.js';
import { capturedTest, unlessNegated } from './captured.js';
import { LISTED_PORTS, PORT_OPTIONS, type PortMatch, saveAnyPort } from './ports.js';
import { refuseProtocol } from './protocol-need.js';

const TYPE_NAMES = [...DCCP_TYPES, 'INVALID'];
/** All reserved types. */
const INVALID_TYPES = 0xfc00;
const MAX_OPTION = 255;

/** How much follows the generic header, by type; 12 bytes for all others (RFC 4340, sections 5.1 to 5.8). */
const FOLLOWING_BYTES = [4, 12, 0, 8, 8, 8, 8, 12, 8, 8];
/** What a long sequence number adds. */
const LONG_SEQUENCE_BYTES = 4;

interface DccpParams {
  readonly sport: PortMatch | undefined;
  readonly dport: PortMatch | undefined;
  /** The types as bits. */
  readonly types: { readonly bits: number; readonly negated: boolean } | undefined;
  readonly option: { readonly kind: number; readonly negated: boolean } | undefined;
}

export const dccp: MatchExtension<DccpParams> = {
  name: 'dccp',
  options: [
    ...PORT_OPTIONS,
    { name: '--dccp-types', words: 1, invertible: true, expected: `types of ${TYPE_NAMES.join(', ')}` },
    { name: '--dccp-option', words: 1, invertible: true, expected: 'a type of option, 1–255' },
  ],

  listed: listed(
    /dccp/,
    ...LISTED_PORTS,
    [/(!)? ?(\d+(?:,\d+)*)/, listedTypes],
    [/(!)? ?([A-Z]+(?:,[A-Z]+)*)/, '$1 --dccp-types $2'],
    [/option=(!)?(\d+)/, '$1 --dccp-option $2'],
  ),

  parse(options) {
    const types = options.get('--dccp-types');
    const option = options.get('--dccp-option');
    return {
      sport: parsePorts(options, '--sport'),
      dport: parsePorts(options, '--dport'),
      types: types && { bits: parseTypes(types.values[0]), negated: types.negated },
      option: option && { kind: parseKind(option.values[0]), negated: option.negated },
    };
  },

  refuse: (_params, site) => refuseProtocol('-m dccp', IPPROTO_DCCP, site),

  save({ sport, dport, types, option }) {
    let text = saveAnyPort('--sport', sport) + saveAnyPort('--dport', dport);
    if (types !== undefined) text += `${types.negated ? ' !' : ''} --dccp-types ${formatTypes(types.bits)}`;
    return option === undefined ? text : `${text}${option.negated ? ' !' : ''} --dccp-option ${option.kind}`;
  },

  lower({ sport, dport, types, option }) {
    const conditions: Condition[] = [];
    if (sport !== undefined) conditions.push(within('sport', [sport], sport.negated));
    if (dport !== undefined) conditions.push(within('dport', [dport], dport.negated));
    if (types !== undefined) conditions.push(isOneOf('dccpType', types.bits, types.negated));
    if (option === undefined) return { header: 'dccp', conditions };
    const { kind, negated } = option;
    const ask = (packet: Packet): boolean | undefined => unlessNegated(hasOption(packet, kind), negated);
    const explanation = `it has ${negated ? '' : 'not '}DCCP option ${kind}`;
    const native = capturedTest(['dccpOptions'], ask, '-m dccp --dccp-option', explanation);
    return { header: 'dccp', conditions, native };
  },
};

/** A range of all ports is kept, as iptables-save prints it. */
function parsePorts(options: ParsedOptions, name: string): PortMatch | undefined {
  const option = options.get(name);
  return option && { ...parseLibcPortRange(option.values[0]), negated: option.negated };
}

function parseTypes(word: Word): number {
  let bits = 0;
  for (const name of word.text.split(',')) {
    if (name === '') continue;
    const type = TYPE_NAMES.indexOf(name.toUpperCase());
    if (type < 0) throw unknownName(word, 'DCCP type', name, TYPE_NAMES);
    bits |= type === DCCP_TYPES.length ? INVALID_TYPES : 1 << type;
  }
  return bits;
}

/** The words of types that are listed as numbers. */
function listedTypes([, not, numbers]: readonly (string | undefined)[]): string[] {
  const bits = numbers!.split(',').reduce((sum, number) => sum | (1 << Number(number)), 0);
  return [...(not === undefined ? [] : [not]), '--dccp-types', formatTypes(bits)];
}

function formatTypes(bits: number): string {
  return TYPE_NAMES.filter((_, type) => ((bits >> type) & 1) !== 0).join(',');
}

function parseKind(word: Word): number {
  const kind = parseNumber(word.text, MAX_OPTION);
  if (kind === undefined || kind === 0) throw new RuleFault(word, `bad DCCP option "${word.text}"`, '1–255');
  return kind;
}

/**
 * Whether PACKET has an option KIND; undefined if that was not captured. A data offset before or beyond the options
 * drops it (dccp_find_option).
 */
function hasOption(packet: Packet, kind: number): boolean | undefined {
  const { bytes, l4 } = packet;
  const typeByte = bytes[l4 + DCCP_TYPE_AT];
  const type = (typeByte >> 1) & 15;
  const fixed = DCCP_LENGTH + (typeByte & 1) * LONG_SEQUENCE_BYTES + (FOLLOWING_BYTES[type] ?? 12);
  const length = bytes[l4 + DCCP_DATA_OFFSET_AT] * 4;
  if (length === fixed) return false;
  if (length < fixed || length > packet.l4Length) {
    packet.hotdrop = true;
    return false;
  }
  const end = l4 + Math.min(length, packet.l4Available);
  for (let at = l4 + fixed; at < end; ) {
    const found = bytes[at];
    if (found === kind) return true;
    // An option without a length byte, or whose length byte is 0 or beyond the header, takes one byte.
    at += found < 2 || at + 1 >= end ? 1 : bytes[at + 1] || 1;
  }
  return length > packet.l4Available ? undefined : false;
}
