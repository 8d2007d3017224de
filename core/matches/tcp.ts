/** `-m tcp`: ports, flags, options (tcp_mt of xt_tcpudp). */

import { IPPROTO_TCP, TCP_LENGTH } from '../../codecs/layouts.js';
import { type Packet, tcpHeaderLength } from '../packet.js';
import { type Condition, equals } from '../rules/condition.js';
import type { MatchExtension, ParsedOptions } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import type { Lowered } from '../rules/lower.js';
import { RuleFault, unknownName } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';
import { capturedTest } from './captured.js';
import { asOfNft, LISTED_PORTS, lowerPorts, PORT_OPTIONS, type PortMatch, parsePortMatch, savePort } from './ports.js';

/** In iptables-save order. */
const FLAGS: readonly (readonly [name: string, bit: number])[] = [
  ['FIN', 0x01],
  ['SYN', 0x02],
  ['RST', 0x04],
  ['PSH', 0x08],
  ['ACK', 0x10],
  ['URG', 0x20],
];
const ALL_FLAGS = 0x3f;
const SYN_MASK = 0x17;
const SYN = 0x02;

interface TcpParams {
  readonly sport: PortMatch | undefined;
  readonly dport: PortMatch | undefined;
  readonly flags: { readonly mask: number; readonly set: number; readonly negated: boolean } | undefined;
  readonly option: { readonly kind: number; readonly negated: boolean } | undefined;
}

export const tcp: MatchExtension<TcpParams> = {
  name: 'tcp',
  options: [
    ...PORT_OPTIONS,
    {
      name: '--tcp-flags',
      excludes: ['--syn'],
      words: 2,
      invertible: true,
      expected: 'flags to look at, and those of them that are set',
    },
    { name: '--syn', words: 0, invertible: true, excludes: ['--tcp-flags'] },
    { name: '--tcp-option', words: 1, invertible: true, expected: 'an option kind, 1–255' },
  ],

  listed: listed(
    /tcp/,
    ...LISTED_PORTS,
    [/option=(!)?(\d+)/, '$1 --tcp-option $2'],
    [/flags:(!)?0x([0-9A-F]+)\/0x([0-9A-F]+)/, listedFlags],
    [/flags:(!)?([A-Z,]+)\/([A-Z,]+)/, '$1 --tcp-flags $2 $3'],
  ),

  parse,

  refuse(_params, { base }) {
    const { protocol } = base;
    return protocol?.number === IPPROTO_TCP && !protocol.negated ? undefined : '-m tcp needs -p tcp';
  },

  save({ sport, dport, option, flags }) {
    let text = savePort('--sport', sport) + savePort('--dport', dport);
    if (option !== undefined) text += `${option.negated ? ' !' : ''} --tcp-option ${option.kind}`;
    if (flags !== undefined && (flags.mask !== 0 || flags.negated)) {
      text += `${flags.negated ? ' !' : ''} --tcp-flags ${formatFlags(flags.mask)} ${formatFlags(flags.set)}`;
    }
    return text;
  },

  lower,

  nft: {
    parse(options) {
      const params = parse(options);
      return { ...params, sport: asOfNft(params.sport), dport: asOfNft(params.dport) };
    },

    lower(params) {
      const { sport, dport, flags, option } = params;
      const isEmpty = sport === undefined && dport === undefined && flags === undefined;
      if (option !== undefined || isEmpty) return lower(params);
      return { header: flags === undefined ? 'bothPorts' : 'toTcpFlags', conditions: conditionsOf(params) };
    },
  },
};

function parse(options: ParsedOptions): TcpParams {
  const flags = options.get('--tcp-flags');
  const syn = options.get('--syn');
  const option = options.get('--tcp-option');
  let kind: number | undefined;
  if (option !== undefined) {
    kind = parseNumber(option.values[0].text, 255);
    if (kind === undefined || kind === 0) {
      throw new RuleFault(option.values[0], `bad TCP option "${option.values[0].text}"`, 'an option kind, 1–255');
    }
  }
  return {
    sport: parsePortMatch(options, '--sport', 'tcp'),
    dport: parsePortMatch(options, '--dport', 'tcp'),
    flags:
      flags !== undefined
        ? { mask: parseFlags(flags.values[0]), set: parseFlags(flags.values[1]), negated: flags.negated }
        : syn && { mask: SYN_MASK, set: SYN, negated: syn.negated },
    option: option && kind !== undefined ? { kind, negated: option.negated } : undefined,
  };
}

function lower(params: TcpParams): Lowered {
  const conditions = conditionsOf(params);
  if (params.option === undefined) return { header: 'tcp', conditions };
  const { kind, negated } = params.option;
  const ask = (packet: Packet): boolean | undefined => checkOption(kind, negated, packet);
  const explanation = `it has ${negated ? '' : 'not '}TCP option ${kind}`;
  const native = capturedTest(['tcpOptions'], ask, '-m tcp --tcp-option', explanation);
  return { header: 'tcp', conditions, native };
}

function conditionsOf({ sport, dport, flags }: TcpParams): Condition[] {
  const conditions: Condition[] = lowerPorts(sport, dport);
  if (flags !== undefined) conditions.push(equals('tcpFlags', flags.set, flags.negated, flags.mask));
  return conditions;
}

/**
 * Searches the options; undefined if that depends on some that were not captured. An impossible data offset drops the
 * packet, also if NEGATED (tcp_find_option).
 */
function checkOption(kind: number, negated: boolean, packet: Packet): boolean | undefined {
  const length = tcpHeaderLength(packet);
  if (length < TCP_LENGTH || length > packet.l4Length) {
    packet.hotdrop = true;
    return false;
  }
  const end = packet.l4 + Math.min(length, packet.l4Available);
  for (let at = packet.l4 + TCP_LENGTH; at < end; ) {
    const found = packet.bytes[at];
    if (found === kind) return !negated;
    // An option without a length byte, or whose length byte is beyond the header, takes one byte.
    at += found < 2 || at + 1 >= end ? 1 : packet.bytes[at + 1] || 1;
  }
  return length > packet.l4Available ? undefined : negated;
}

function parseFlags(word: { text: string; line: number; column: number }): number {
  let bits = 0;
  for (const name of word.text.split(',')) {
    const upper = name.toUpperCase();
    const flag = FLAGS.find(([known]) => known === upper);
    if (flag !== undefined) bits |= flag[1];
    else if (upper === 'ALL') bits |= ALL_FLAGS;
    else if (upper !== 'NONE' && upper !== '') {
      const names = [...FLAGS.map(([known]) => known), 'ALL', 'NONE'];
      throw unknownName(word, 'TCP flag', name, names, `${names.join(', ')}, comma-separated`);
    }
  }
  return bits;
}

/** The words of flags that are listed as numbers. */
function listedFlags([, not, mask, set]: readonly (string | undefined)[]): string[] {
  const names = [mask, set].map((bits) => formatFlags(Number.parseInt(bits!, 16)));
  return [...(not === undefined ? [] : [not]), '--tcp-flags', ...names];
}

function formatFlags(bits: number): string {
  const names = FLAGS.filter(([, bit]) => (bits & bit) !== 0).map(([name]) => name);
  return names.length === 0 ? 'NONE' : names.join(',');
}
