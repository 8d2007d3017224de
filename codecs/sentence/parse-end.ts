/** One end of a packet: `203.0.113.7:51515`, `!10.0.0.0/8:1-1023`, `web:https`, `[2001:db8::1]:*`, `*`. */
import { ADDRESS_BITS, type Address, parseAddress } from '../address.js';
import { nearest, withNearest } from '../nearest.js';
import { protocolName } from '../protocol-names.js';
import { serviceNames, servicePort } from '../services.js';
import { hasPorts, type NumberRange, type SentenceEnd, type SentenceHost } from './sentence.js';
import { SentenceError } from './sentence-error.js';
import type { Word } from './words.js';

/** The addresses of names. */
export type SentenceNames = ReadonlyMap<string, readonly string[]>;

const LARGEST_PORT = 65_535;
const PORTS = /^(\d+)(?:-(\d+))?$/;

/** Parses WORD, an end of a packet of PROTOCOL (undefined: any). Throws a SentenceError. */
export function parseEnd(word: Word, protocol: number | undefined, names: SentenceNames): SentenceEnd {
  const { text, column, isNegated } = word;
  if (/["']/.test(text)) throw new SentenceError(column, `write ${text.replace(/["']/g, '')} without quotes`);
  if (PORTS.test(text) && hasPorts(protocol))
    throw new SentenceError(column, `"${text}" is not an address; for a port write ADDRESS:${text} or *:${text}`);
  const parts = /^(\[[^\]]*\](?:\/[^:]*)?|[^:[\]]*)(?::(.*))?$/s.exec(text);
  if (parts === null) throw notAnEnd(text, column);
  const [, hostText, portText] = parts;
  if (portText?.includes(':')) throw notAnEnd(text, column);
  const host = parseHost(hostText, column, names);
  if (isNegated && host === undefined) throw new SentenceError(column, '"!*" is no address at all');
  const ports = portText === undefined ? undefined : parsePorts(portText, column + hostText.length + 1, protocol);
  return { isNegated, host, ports };
}

function notAnEnd(text: string, column: number): SentenceError {
  const isIpv6 = parseAddress(text.replace(/\/\d+$/, '')) !== undefined;
  const problem = isIpv6 ? `IPv6 addresses are written in brackets, as in [${text}]` : `"${text}" is not an address`;
  return new SentenceError(column, isIpv6 ? problem : `${problem}; expected ADDRESS:PORT, NAME:PORT or *`);
}

function parseHost(text: string, column: number, names: SentenceNames): SentenceHost | undefined {
  if (text === '*') return undefined;
  if (text === '') throw new SentenceError(column, 'no address before ":"; expected an address, a name or *');
  const isBracketed = text.startsWith('[');
  const plain = isBracketed ? text.replace(/^\[([^\]]*)\]/, '$1') : text;
  const slash = plain.indexOf('/');
  const address = parseAddress(slash < 0 ? plain : plain.slice(0, slash));
  if (address === undefined) return namedHost(text, column, names);
  if (isBracketed !== (address.family === 'ipv6')) throw notAnEnd(text, column);
  if (slash < 0) return { name: undefined, addresses: [address], prefixLength: undefined };
  const prefixLength = parsePrefix(plain.slice(slash + 1), address, column + text.lastIndexOf('/') + 1);
  return { name: undefined, addresses: [address], prefixLength };
}

function parsePrefix(text: string, { family }: Address, column: number): number | undefined {
  const bits = ADDRESS_BITS[family];
  const length = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (!(length <= bits)) throw new SentenceError(column, `"${text}" is not a prefix length; expected 0 to ${bits}`);
  return length === bits ? undefined : length;
}

function namedHost(text: string, column: number, names: SentenceNames): SentenceHost {
  const addresses = (names.get(text) ?? []).flatMap((address) => parseAddress(address) ?? []);
  if (addresses.length > 0) return { name: text, addresses, prefixLength: undefined };
  if (/^[\d.]+(?:\/.*)?$/.test(text) || text.startsWith('[')) {
    throw new SentenceError(column, `"${text}" is not an address; expected such as 192.0.2.10, 10.0.0.0/8 or *`);
  }
  const problem = withNearest(`no address is known for the name "${text}"`, text, names.keys());
  throw new SentenceError(column, `${problem} (--names FILE gives names to addresses; no name server is asked)`);
}

function parsePorts(text: string, column: number, protocol: number | undefined): NumberRange | undefined {
  if (!hasPorts(protocol)) {
    const what = protocol === undefined ? 'packets of any protocol' : protocolName(protocol);
    throw new SentenceError(
      column,
      `":${text}": ${what} can have no ports here; ports need tcp, udp, sctp or the like`,
    );
  }
  if (text === '*') return undefined;
  if (text === '') throw new SentenceError(column, 'no port behind ":"; expected a port, FIRST-LAST, a service or *');
  const numbers = PORTS.exec(text);
  if (numbers === null) return servicePorts(text, column, protocolName(protocol!));
  const min = Number(numbers[1]);
  const max = Number(numbers[2] ?? numbers[1]);
  if (max > LARGEST_PORT || min > LARGEST_PORT) throw new SentenceError(column, `"${text}": a port is at most 65535`);
  if (min > max) throw new SentenceError(column, `"${text}": the first port is larger than the last`);
  return { min, max };
}

function servicePorts(text: string, column: number, protocol: string): NumberRange {
  const port = servicePort(text, protocol) ?? servicePort(text, undefined);
  if (port !== undefined) return { min: port, max: port };
  const known = serviceNames(protocol);
  const message = `unknown service "${text}"`;
  if (nearest(text, known) !== undefined) throw new SentenceError(column, withNearest(message, text, known));
  throw new SentenceError(column, `${message}; expected a port, FIRST-LAST, a service such as http, or *`);
}
