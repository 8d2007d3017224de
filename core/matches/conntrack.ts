/** `-m conntrack`: properties of the packet's connection (xt_conntrack, revision 3). */
import { Status } from '../conntrack/record.js';
import { CTSTATE_DNAT, CTSTATE_SNAT } from '../field-formats.js';
import { type Direction, ORIGINAL, REPLY } from '../packet.js';
import { equals, type FieldCondition, hasAnyBit, isOneOf, orAbsent, within } from '../rules/condition.js';
import type { MatchExtension, OptionSpec, ParsedOption, ParsedOptions } from '../rules/extension.js';
import { type ListedPart, listedParts } from '../rules/listing/listed-form.js';
import { RuleFault, unknownName } from '../rules/parse/error.js';
import { formatHostMask, type HostMask, parseHostMask } from '../rules/parse/host-values.js';
import {
  formatPortRange,
  type PortRange,
  parseLibcPortRange,
  parseNumberRange,
  parseProtocol,
} from '../rules/parse/values.js';
import { CT_STATES, formatNames, parseNames } from './ctstates.js';

/** In iptables-save order. */
const STATUSES: readonly (readonly [name: string, bit: number])[] = [
  ['EXPECTED', Status.EXPECTED],
  ['SEEN_REPLY', Status.SEEN_REPLY],
  ['ASSURED', Status.ASSURED],
  ['CONFIRMED', Status.CONFIRMED],
];
const STATUS_NAMES: typeof STATUSES = [['NONE', 0], ...STATUSES];

/** The addresses and ports of both tuples: option and field, in print order. */
const ADDRESS_FIELDS = {
  '--ctorigsrc': 'ctOriginalSource',
  '--ctorigdst': 'ctOriginalDestination',
  '--ctreplsrc': 'ctReplySource',
  '--ctrepldst': 'ctReplyDestination',
} as const;
const PORT_FIELDS = {
  '--ctorigsrcport': 'ctOriginalSport',
  '--ctorigdstport': 'ctOriginalDport',
  '--ctreplsrcport': 'ctReplySport',
  '--ctrepldstport': 'ctReplyDport',
} as const;

const MAX_SECONDS = 0xffffffff;

interface Negatable {
  readonly negated: boolean;
}

interface TupleAddress extends Negatable, HostMask {
  readonly option: keyof typeof ADDRESS_FIELDS;
}

interface TuplePort extends Negatable, PortRange {
  readonly option: keyof typeof PORT_FIELDS;
}

interface ConntrackParams {
  readonly states: (Negatable & { readonly bits: number }) | undefined;
  readonly protocol: (Negatable & { readonly number: number }) | undefined;
  readonly addresses: readonly TupleAddress[];
  readonly ports: readonly TuplePort[];
  readonly status: (Negatable & { readonly bits: number }) | undefined;
  /** In seconds, both inclusive. */
  readonly expires: (Negatable & PortRange) | undefined;
  readonly direction: Direction | undefined;
}

const OPTIONS: readonly OptionSpec[] = [
  { name: '--ctstate', words: 1, invertible: true, expected: 'comma-separated states' },
  { name: '--ctproto', words: 1, invertible: true, expected: "a protocol's name or number" },
  ...Object.keys(ADDRESS_FIELDS).map(
    (name) => ({ name, words: 1, invertible: true, expected: 'address[/mask]' }) as const,
  ),
  ...Object.keys(PORT_FIELDS).map(
    (name) => ({ name, words: 1, invertible: true, expected: 'a port or first:last' }) as const,
  ),
  { name: '--ctstatus', words: 1, invertible: true, expected: 'comma-separated statuses' },
  { name: '--ctexpire', words: 1, invertible: true, expected: 'seconds or first:last' },
  { name: '--ctdir', words: 1, expected: 'ORIGINAL or REPLY' },
];

/** How OPTION of a tuple is listed, with VALUE in its place. */
const listedTuple = (option: string, value: string): ListedPart => [
  new RegExp(`(!)? ?${option.slice(2)} (\\S+)`),
  `$1 ${option} ${value}`,
];

export const conntrack: MatchExtension<ConntrackParams> = {
  name: 'conntrack',
  options: OPTIONS,

  listed: listedParts(
    [/(!)? ?ctstate ([A-Z,]+)/, '$1 --ctstate $2'],
    [/(!)? ?ctproto (\d+)/, '$1 --ctproto $2'],
    ...Object.keys(ADDRESS_FIELDS).map((option) => listedTuple(option, '@2')),
    ...Object.keys(PORT_FIELDS).map((option) => listedTuple(option, '$2')),
    [/(!)? ?ctstatus ([A-Z_,]+)/, '$1 --ctstatus $2'],
    [/(!)? ?ctexpire (\S+)/, '$1 --ctexpire $2'],
    [/ctdir (\S+)/, '--ctdir $1'],
  ),

  parse(options) {
    if (options.all.length === 0) throw new RuleFault(options.word, 'conntrack without an option', '--ctstate, …');
    const states = options.get('--ctstate');
    const protocol = options.get('--ctproto');
    const status = options.get('--ctstatus');
    const expires = options.get('--ctexpire');
    return {
      states: states && { bits: parseNames(states.values[0], CT_STATES, 'ctstate'), negated: states.negated },
      protocol: protocol && { number: parseProtocol(protocol.values[0]), negated: protocol.negated },
      addresses: parseAll(options, ADDRESS_FIELDS, ({ values }) => parseHostMask(values[0], options.family)),
      ports: parseAll(options, PORT_FIELDS, (option) => parseLibcPortRange(option.values[0])),
      status: status && { bits: parseNames(status.values[0], STATUS_NAMES, 'ctstatus'), negated: status.negated },
      expires: expires && {
        ...parseNumberRange(expires.values[0], MAX_SECONDS, 'seconds or first:last'),
        negated: expires.negated,
      },
      direction: parseDirection(options.get('--ctdir')),
    };
  },

  save({ states, protocol, addresses, ports, status, expires, direction }) {
    let text = '';
    const add = (negated: boolean, option: string, value: string | number): void => {
      text += `${negated ? ' !' : ''} ${option} ${value}`;
    };
    if (states !== undefined) add(states.negated, '--ctstate', formatNames(states.bits, CT_STATES));
    if (protocol !== undefined) add(protocol.negated, '--ctproto', protocol.number);
    for (const address of addresses) add(address.negated, address.option, formatHostMask(address));
    // Of a range whose last port is 0, iptables-save prints the first port only.
    for (const port of ports) add(port.negated, port.option, port.max === 0 ? port.min : formatPortRange(port));
    if (status !== undefined) add(status.negated, '--ctstatus', formatNames(status.bits, STATUSES) || 'NONE');
    if (expires !== undefined) add(expires.negated, '--ctexpire', formatPortRange(expires));
    if (direction !== undefined) add(false, '--ctdir', direction === ORIGINAL ? 'ORIGINAL' : 'REPLY');
    return text;
  },

  lower({ states, protocol, addresses, ports, status, expires, direction }) {
    const ofConnection: FieldCondition[] = [];
    if (direction !== undefined) ofConnection.push(equals('ctdirection', direction, false));
    for (const { option, address, mask, negated } of addresses) {
      const network = address.masked(mask).hostOrder;
      ofConnection.push(equals(ADDRESS_FIELDS[option], network, negated, mask.hostOrder));
    }
    if (protocol !== undefined) ofConnection.push(equals('ctprotocol', protocol.number, protocol.negated));
    for (const port of ports) ofConnection.push(within(PORT_FIELDS[port.option], [port], port.negated));
    if (status !== undefined) ofConnection.push(hasAnyBit('ctstatus', status.bits, status.negated));
    if (expires !== undefined) ofConnection.push(within('ctexpire', [expires], expires.negated));
    // For a packet without a connection only the state is tested. A rule that does not test the state never matches it.
    if (states === undefined) return { conditions: ofConnection };
    return { conditions: [lowerStates(states.bits, states.negated), ...ofConnection.map(orAbsent)] };
  },
};

/** One of the states in BITS. SNAT and DNAT are added to those of conntrack. */
function lowerStates(bits: number, negated: boolean): FieldCondition {
  const asksNat = (bits & (CTSTATE_SNAT | CTSTATE_DNAT)) !== 0;
  return asksNat ? hasAnyBit('ctstate', bits, negated) : isOneOf('ctinfo', bits, negated);
}

function parseAll<Name extends string, Value>(
  options: ParsedOptions,
  words: Readonly<Record<Name, unknown>>,
  parse: (option: ParsedOption) => Value,
): (Value & Negatable & { readonly option: Name })[] {
  return (Object.keys(words) as Name[]).flatMap((name) => {
    const option = options.get(name);
    return option === undefined ? [] : [{ ...parse(option), option: name, negated: option.negated }];
  });
}

function parseDirection(option: ParsedOption | undefined): Direction | undefined {
  if (option === undefined) return undefined;
  const [word] = option.values;
  const upper = word.text.toUpperCase();
  if (upper === 'ORIGINAL') return ORIGINAL;
  if (upper === 'REPLY') return REPLY;
  throw unknownName(word, 'direction', word.text, ['ORIGINAL', 'REPLY']);
}
