/** `-m conntrack`: all that can be asked of a packet's connection (xt_conntrack, revision 3). */
import { type Address, maskLength, prefixMask } from '../../codecs/address.js';
import type { Word } from '../../codecs/iptables-save.js';
import {
  EXPIRES_MS_F64,
  ORIGINAL_TUPLE,
  PROTOCOL,
  RECORD_F64,
  RECORD_WORDS,
  REPLY_TUPLE,
  STATUS,
  Status,
  TUPLE_DESTINATION,
  TUPLE_PORTS,
  TUPLE_SOURCE,
} from '../conntrack/record.js';
import { type Direction, ORIGINAL, type Packet, REPLY } from '../packet.js';
import type { RuleContext } from '../rules/context.js';
import type { MatchExtension, OptionSpec, PacketField, ParsedOption, ParsedOptions } from '../rules/extension.js';
import { RuleFault } from '../rules/parse/error.js';
import {
  formatPortRange,
  type PortRange,
  parseDottedQuad,
  parseMask,
  parseNumber,
  parsePortRange,
  parseProtocol,
} from '../rules/parse/values.js';
import { code, unless } from '../rules/run/codegen.js';
import { CT_STATES, formatNames, parseNames, STATE_DNAT, STATE_SNAT } from './ctstates.js';

/** In the order in which iptables-save prints them. */
const STATUSES: readonly (readonly [name: string, bit: number])[] = [
  ['EXPECTED', Status.EXPECTED],
  ['SEEN_REPLY', Status.SEEN_REPLY],
  ['ASSURED', Status.ASSURED],
  ['CONFIRMED', Status.CONFIRMED],
];
const STATUS_NAMES: typeof STATUSES = [['NONE', 0], ...STATUSES];

/** The addresses and ports of both tuples: option and its word in the record, in the order in which they are printed. */
const ADDRESS_WORDS = {
  '--ctorigsrc': ORIGINAL_TUPLE + TUPLE_SOURCE,
  '--ctorigdst': ORIGINAL_TUPLE + TUPLE_DESTINATION,
  '--ctreplsrc': REPLY_TUPLE + TUPLE_SOURCE,
  '--ctrepldst': REPLY_TUPLE + TUPLE_DESTINATION,
} as const;
/** The shift takes the port out of the word: the source's bytes are the lower half. */
const PORT_WORDS = {
  '--ctorigsrcport': { word: ORIGINAL_TUPLE + TUPLE_PORTS, shift: 0 },
  '--ctorigdstport': { word: ORIGINAL_TUPLE + TUPLE_PORTS, shift: 16 },
  '--ctreplsrcport': { word: REPLY_TUPLE + TUPLE_PORTS, shift: 0 },
  '--ctrepldstport': { word: REPLY_TUPLE + TUPLE_PORTS, shift: 16 },
} as const;

const MAX_SECONDS = 0xffffffff;
const HOST_MASK = prefixMask('ipv4', 32);

interface Negatable {
  readonly negated: boolean;
}

interface TupleAddress extends Negatable {
  readonly option: keyof typeof ADDRESS_WORDS;
  /** As written: iptables-save prints the address with its host bits. */
  readonly address: Address;
  readonly mask: Address;
}

interface TuplePort extends Negatable, PortRange {
  readonly option: keyof typeof PORT_WORDS;
}

interface ConntrackParams {
  readonly states: (Negatable & { readonly bits: number }) | undefined;
  readonly protocol: (Negatable & { readonly number: number }) | undefined;
  readonly addresses: readonly TupleAddress[];
  readonly ports: readonly TuplePort[];
  readonly status: (Negatable & { readonly bits: number }) | undefined;
  /** Seconds, both inclusive. */
  readonly expires: (Negatable & PortRange) | undefined;
  readonly direction: Direction | undefined;
}

const OPTIONS: readonly OptionSpec[] = [
  { name: '--ctstate', words: 1, invertible: true, wanted: 'states, with commas between' },
  { name: '--ctproto', words: 1, invertible: true, wanted: "a protocol's name or number" },
  ...Object.keys(ADDRESS_WORDS).map(
    (name) => ({ name, words: 1, invertible: true, wanted: 'address[/mask]' }) as const,
  ),
  ...Object.keys(PORT_WORDS).map(
    (name) => ({ name, words: 1, invertible: true, wanted: 'a port or first:last' }) as const,
  ),
  { name: '--ctstatus', words: 1, invertible: true, wanted: 'statuses, with commas between' },
  { name: '--ctexpire', words: 1, invertible: true, wanted: 'seconds or first:last' },
  { name: '--ctdir', words: 1, wanted: 'ORIGINAL or REPLY' },
];

export const conntrack: MatchExtension<ConntrackParams> = {
  name: 'conntrack',
  options: OPTIONS,

  parse(options) {
    if (options.all.length === 0) throw new RuleFault(options.word, 'conntrack without an option', '--ctstate, …');
    const states = options.get('--ctstate');
    const protocol = options.get('--ctproto');
    const status = options.get('--ctstatus');
    const expires = options.get('--ctexpire');
    return {
      states: states && { bits: parseNames(states.values[0], CT_STATES, 'ctstate'), negated: states.negated },
      protocol: protocol && { number: parseProtocol(protocol.values[0]), negated: protocol.negated },
      addresses: parseAll(options, ADDRESS_WORDS, parseAddress),
      ports: parseAll(options, PORT_WORDS, (option) => parsePortRange(option.values[0])),
      status: status && { bits: parseNames(status.values[0], STATUS_NAMES, 'ctstatus'), negated: status.negated },
      expires: expires && { ...parseSeconds(expires.values[0]), negated: expires.negated },
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
    for (const address of addresses) add(address.negated, address.option, formatTupleAddress(address));
    for (const port of ports) add(port.negated, port.option, formatPortRange(port));
    if (status !== undefined) add(status.negated, '--ctstatus', formatNames(status.bits, STATUSES) || 'NONE');
    if (expires !== undefined) add(expires.negated, '--ctexpire', formatPortRange(expires));
    if (direction !== undefined) add(false, '--ctdir', direction === ORIGINAL ? 'ORIGINAL' : 'REPLY');
    return text;
  },

  reads({ states, protocol, addresses, ports, status, expires, direction }) {
    const reads: PacketField[] = [];
    if (states !== undefined) reads.push('ctinfo');
    if (protocol !== undefined || addresses.length > 0 || ports.length > 0) reads.push('cttuple');
    if (status !== undefined || (states !== undefined && (states.bits & (STATE_SNAT | STATE_DNAT)) !== 0)) {
      reads.push('ctstatus');
    }
    if (expires !== undefined) reads.push('ctexpire');
    if (direction !== undefined) reads.push('ctdirection');
    return reads;
  },

  bounds(params) {
    const { states } = params;
    return asksOnlyState(params)
      ? { states: states!.negated ? ~states!.bits : states!.bits, isAll: true }
      : { isAll: false };
  },

  check: checkConntrack,

  compile(params, context, gen) {
    if (asksOnlyState(params)) {
      const { bits, negated } = params.states!;
      return unless(negated, code`(${bits} >> ${gen.field('ctinfo')} & 1) !== 0`);
    }
    return gen.call((packet) => checkConntrack(params, packet, context));
  },

  explain(params, packet, context) {
    const there = packet.ct < 0 ? 'without a connection' : `going ${packet.direction === REPLY ? 'REPLY' : 'ORIGINAL'}`;
    const bits = stateBits(packet, context);
    const says = `${formatNames(bits, CT_STATES)}, ${there}`;
    return `${says}; the rule wants${conntrack.save(params)}`;
  },
};

/** Whether `ctinfo` answers all that is asked. */
function asksOnlyState({ states, protocol, addresses, ports, status, expires, direction }: ConntrackParams): boolean {
  if (states === undefined || (states.bits & (STATE_SNAT | STATE_DNAT)) !== 0) return false;
  const isAlone = [protocol, status, expires, direction].every((part) => part === undefined);
  return isAlone && addresses.length === 0 && ports.length === 0;
}

/** The state of PACKET, with SNAT and DNAT where its connection is translated. */
function stateBits(packet: Packet, context: RuleContext): number {
  let bits = 1 << packet.ctinfo;
  if (packet.ct >= 0) {
    const status = context.conntrack.words[packet.ct * RECORD_WORDS + STATUS];
    if ((status & Status.SRC_NAT) !== 0) bits |= STATE_SNAT;
    if ((status & Status.DST_NAT) !== 0) bits |= STATE_DNAT;
  }
  return bits;
}

function checkConntrack(params: ConntrackParams, packet: Packet, context: RuleContext): boolean {
  const { states, protocol, addresses, ports, status, expires, direction } = params;
  if (states !== undefined && ((stateBits(packet, context) & states.bits) !== 0) === states.negated) return false;
  // Without a connection there is nothing more to ask, and a rule that only asks about one does not match.
  if (packet.ct < 0) return states !== undefined;

  const { words, doubles } = context.conntrack;
  const base = packet.ct * RECORD_WORDS;
  if (direction !== undefined && packet.direction !== direction) return false;
  for (const { option, address, mask, negated } of addresses) {
    if ((((words[base + ADDRESS_WORDS[option]] ^ address.loaded) & mask.loaded) === 0) === negated) return false;
  }
  if (protocol !== undefined && ((words[base + PROTOCOL] & 0xff) === protocol.number) === protocol.negated)
    return false;
  for (const { option, min, max, negated } of ports) {
    const { word, shift } = PORT_WORDS[option];
    const loaded = words[base + word] >>> shift;
    const port = ((loaded & 0xff) << 8) | ((loaded >>> 8) & 0xff);
    if ((port >= min && port <= max) === negated) return false;
  }
  const entryStatus = words[base + STATUS];
  if (status !== undefined && ((entryStatus & status.bits) !== 0) === status.negated) return false;
  if (expires !== undefined) {
    // The kernel starts the clock of an entry when it is confirmed; before, none of its time is left to see.
    const confirmed = (entryStatus & Status.CONFIRMED) !== 0;
    const leftMs = doubles[packet.ct * RECORD_F64 + EXPIRES_MS_F64] - packet.nowMs;
    const seconds = confirmed && leftMs > 0 ? Math.floor(leftMs / 1000) : 0;
    if ((seconds >= expires.min && seconds <= expires.max) === expires.negated) return false;
  }
  return true;
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

function parseAddress(option: ParsedOption): { address: Address; mask: Address } {
  const word = option.values[0];
  const [text, maskText, more] = word.text.split('/');
  const address = parseDottedQuad(text);
  const mask = maskText === undefined ? HOST_MASK : parseMask(maskText);
  if (address === undefined || mask === undefined || more !== undefined) {
    throw new RuleFault(word, `bad address "${word.text}"`, 'address[/mask] in numbers: host names are not looked up');
  }
  return { address, mask };
}

/** iptables prints the prefix length, and nothing where the mask has none or is a whole address. */
function formatTupleAddress({ address, mask }: TupleAddress): string {
  const length = maskLength(mask);
  return `${address}${length === undefined || length === 32 ? '' : `/${length}`}`;
}

function parseSeconds(word: Word): PortRange {
  const colon = word.text.indexOf(':');
  const first = colon < 0 ? word.text : word.text.slice(0, colon);
  const last = colon < 0 ? first : word.text.slice(colon + 1);
  const min = first === '' && colon >= 0 ? 0 : parseNumber(first, MAX_SECONDS);
  const max = last === '' && colon >= 0 ? MAX_SECONDS : parseNumber(last, MAX_SECONDS);
  if (min === undefined || max === undefined)
    throw new RuleFault(word, `bad time "${word.text}"`, 'seconds or first:last');
  return { min, max };
}

function parseDirection(option: ParsedOption | undefined): Direction | undefined {
  if (option === undefined) return undefined;
  const upper = option.values[0].text.toUpperCase();
  if (upper === 'ORIGINAL') return ORIGINAL;
  if (upper === 'REPLY') return REPLY;
  throw new RuleFault(option.values[0], `no direction "${option.values[0].text}"`, 'ORIGINAL or REPLY');
}
