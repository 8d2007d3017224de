/** Parses and prints the ranges of NAT targets: `address[-address][:port[-port][/port]]`. */
import type { Address, Family } from '../../codecs/address.js';
import type { Word } from '../../codecs/iptables-save.js';
import { IPPROTO_DCCP, IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from '../../codecs/layouts.js';
import { servicePort } from '../../codecs/services.js';
import type { NatRange } from '../nat/range.js';
import type { ParsedOption, ParsedOptions } from '../rules/extension.js';
import { type ListedForm, type ListedPart, listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseDottedQuad, parseIpv6, parseNumber, parsePort } from '../rules/parse/values.js';

const WITH_PORTS: readonly number[] = [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_ICMP];

interface Ports {
  minPort?: number;
  maxPort?: number;
  basePort?: number;
}

/** Parses the flags next to a range. */
export function parseFlags(options: ParsedOptions): Pick<NatRange, 'random' | 'randomFully' | 'persistent'> {
  return {
    random: options.get('--random') !== undefined,
    randomFully: options.get('--random-fully') !== undefined,
    persistent: options.get('--persistent') !== undefined,
  };
}

/** Parses the addresses and ports of `--to-destination` and `--to-source` (parse_to in libxt_NAT). */
export function parseTo(option: ParsedOption, family: Family): Pick<NatRange, 'minAddress' | 'maxAddress'> & Ports {
  const word = option.values[0];
  const { addresses, colon } = splitTo(word, family);
  const ports = colon < 0 ? {} : parsePorts(word, word.text.slice(colon + 1), option);
  // With two characters before the ports, iptables takes them for [].
  if (colon === 0 || colon === 2) return ports;
  const dash = addresses.indexOf('-');
  const minAddress = parseAddress(word, dash < 0 ? addresses : addresses.slice(0, dash), family);
  const maxAddress = dash < 0 ? minAddress : parseAddress(word, addresses.slice(dash + 1), family);
  return { minAddress, maxAddress, ...ports };
}

/** The addresses in WORD, and where the colon before the ports is, if there are any. */
function splitTo(word: Word, family: Family): { readonly addresses: string; readonly colon: number } {
  const { text } = word;
  const open = text.indexOf('[');
  if (open >= 0) {
    const close = text.indexOf(']', open);
    if (close < 0 || family === 'ipv4') throw new RuleFault(word, `bad brackets in "${text}"`, EXPECTED[family]);
    return { addresses: text.slice(open + 1, close), colon: text.indexOf(':', close) };
  }
  const colon = text.indexOf(':');
  // Several colons are part of an IPv6 address.
  if (colon < 0 || text.includes(':', colon + 1)) return { addresses: text, colon: -1 };
  return { addresses: text.slice(0, colon), colon };
}

const EXPECTED: Readonly<Record<Family, string>> = {
  ipv4: 'address[-address][:port[-port]]',
  ipv6: 'address[-address], or [address[-address]]:port[-port]',
};

/** Parses the ports of `--to-ports`, if present, and the flags. */
export function parseToPorts(options: ParsedOptions): NatRange {
  const option = options.get('--to-ports');
  if (option === undefined) return parseFlags(options);
  const word = option.values[0];
  const ports = parsePorts(word, word.text, option);
  if (ports.basePort !== undefined) throw new RuleFault(word, 'a base port is for DNAT only', 'port or first-last');
  return { ...ports, ...parseFlags(options) };
}

export function saveToPorts(range: NatRange): string {
  return `${range.minPort === undefined ? '' : ` --to-ports ${formatPorts(range)}`}${saveFlags(range)}`;
}

/** Formats `10.0.0.1-10.0.0.9:80-90/100`, or an empty string. IPv6 addresses before ports are in brackets. */
export function formatTo({ minAddress, maxAddress, ...ports }: NatRange): string {
  let text = '';
  if (minAddress !== undefined) text += minAddress;
  if (maxAddress !== undefined && !minAddress?.equals(maxAddress)) text += `-${maxAddress}`;
  if (ports.minPort === undefined) return text;
  return `${minAddress?.family === 'ipv6' ? `[${text}]` : text}:${formatPorts(ports)}`;
}

function formatPorts({ minPort, maxPort, basePort }: Ports): string {
  const range = minPort === maxPort ? `${minPort}` : `${minPort}-${maxPort}`;
  return basePort === undefined ? range : `${range}/${basePort}`;
}

/** What iptables -L prints of the flags. */
export const LISTED_NAT_FLAGS: readonly ListedPart[] = [
  [/random(?!-)/, '--random'],
  [/random-fully/, '--random-fully'],
  [/persistent/, '--persistent'],
];

/** What iptables -L prints of a range, the value of OPTION, and of the flags. */
export function listedNatRange(option: string): ListedForm {
  return listed([/to:(\S+)/, `${option} $1`], ...LISTED_NAT_FLAGS);
}

export function saveFlags(range: NatRange): string {
  const { random, randomFully, persistent } = range;
  return `${random ? ' --random' : ''}${randomFully ? ' --random-fully' : ''}${persistent ? ' --persistent' : ''}`;
}

function parseAddress(word: Word, text: string, family: Family): Address {
  const address = family === 'ipv4' ? parseDottedQuad(text) : parseIpv6(text);
  if (address === undefined) throw new RuleFault(word, `bad IP address "${text}"`, EXPECTED[family]);
  return address;
}

function parsePorts(word: Word, text: string, option: ParsedOption): Ports {
  const { protocol } = option;
  if (protocol === undefined || !WITH_PORTS.includes(protocol.number)) {
    throw new RuleFault(word, 'ports need -p tcp, udp, sctp or dccp before them');
  }
  // A name is all of the text, as ftp-data is one.
  const service = servicePort(text, undefined);
  if (service !== undefined) return { minPort: service, maxPort: service };
  const parts = /^([^-/]+)(?:-([^/]+)(?:\/(.+))?)?$/s.exec(text);
  if (parts === null) throw new RuleFault(word, `bad ports "${text}"`, 'port or first-last');
  if (parts[2] === undefined) {
    const port = parsePort(word, text, undefined);
    return { minPort: port, maxPort: port };
  }
  const minPort = parsePortNumber(word, parts[1]);
  const maxPort = parsePortNumber(word, parts[2]);
  if (maxPort < minPort) throw new RuleFault(word, `the first port of "${text}" is above the last`, 'first-last');
  return { minPort, maxPort, ...(parts[3] === undefined ? {} : { basePort: parseBasePort(word, parts[3]) }) };
}

/** The ports of a range have no names. */
function parsePortNumber(word: Word, text: string): number {
  const port = parseNumber(text, 0xffff);
  if (port !== undefined) return port;
  throw new RuleFault(word, `"${text}" is not the number of a port`, '0–65535');
}

/** A number, of which iptables ignores what follows, or the name of a service. */
function parseBasePort(word: Word, text: string): number {
  const number = /^[ \t\n\v\f\r]*\+?(?:0[xX][0-9a-fA-F]+|[0-9]+)/.exec(text)?.[0];
  const port = (number && parseNumber(number, 0xffff)) || servicePort(text, undefined);
  if (port !== undefined) return port;
  throw new RuleFault(word, `"${text}" is not a base port`, '1–65535, or the name of a service');
}
