/** One end of packets in the text of a filter: `203.0.113.7:51515`, `!10.0.0.0/8:1-1023`, `web:*`, `*`, `:80`. */
import type { NumberRange } from '../../../codecs/sentence/sentence.js';

/** Asks one end of a packet. */
export interface EndTest {
  /** What is not negated is any one of these networks; undefined: any address. */
  readonly networks?: readonly Network[];
  /** Any address but these. The ports are not negated. */
  readonly isNegated: boolean;
  readonly ports?: NumberRange;
}

/** Addresses as numbers, the first byte in the highest bits. */
export interface Network {
  readonly address: number;
  /** How many addresses it has. */
  readonly size: number;
}

export interface KnownHosts {
  /** Names by address. */
  readonly hosts: Readonly<Record<string, string>>;
  /** Ports by the names of services. */
  readonly services: Readonly<Record<string, number>>;
}

const PORTS = /^(\d{1,5})(?:-(\d{0,5}))?$/;
const LARGEST_PORT = 65_535;

/** Reads TEXT, without its `!`. What has a problem can be anything. */
export function readEnd(text: string, isNegated: boolean, known: KnownHosts): { test: EndTest; problem?: string } {
  const [hostText, ...portTexts] = text.split(':');
  if (text.startsWith('[') || portTexts.length > 1)
    return { test: { isNegated }, problem: 'the packets of this replay are IPv4' };
  const networks = hostText === '' || hostText === '*' ? undefined : networksOf(hostText, known);
  const ports = readPorts(portTexts[0], known);
  const problem = typeof networks === 'string' ? networks : typeof ports === 'string' ? ports : undefined;
  const test = {
    isNegated,
    ...(typeof networks === 'object' && { networks }),
    ...(typeof ports === 'object' && { ports }),
  };
  return { test, ...(problem !== undefined && { problem }) };
}

/** The networks that TEXT names, or what is wrong with it. */
function networksOf(text: string, { hosts }: KnownHosts): readonly Network[] | string {
  const named = (isSame: (name: string) => boolean) =>
    Object.keys(hosts).filter((address) => isSame(hosts[address].toLowerCase()));
  const lower = text.toLowerCase();
  const exact = named((name) => name === lower);
  const addresses =
    exact.length > 0 ? exact : /^[\d.]+(?:\/|$)/.test(text) ? [text] : named((name) => name.startsWith(lower));
  if (addresses.length === 0) return `no address is known for the name "${text}"`;
  const networks = addresses.map(networkOf);
  return networks.every((one) => one !== undefined)
    ? networks
    : `"${text}" is not an address yet: 192.0.2.10, or 10.0.0.0/8`;
}

/** `10.0.0.0/8`; `10.` is the same. */
function networkOf(text: string): Network | undefined {
  const match = /^((?:\d{1,3}\.){1,3})(\d{1,3})?(?:\/(\d{1,2}))?$/.exec(text);
  if (match === null) return undefined;
  const [, head, last, length] = match;
  const bytes = [...head.split('.').slice(0, -1), ...(last === undefined ? [] : [last])].map(Number);
  const isWhole = bytes.length === 4;
  if (bytes.some((byte) => byte > 255) || (last !== undefined || length !== undefined) !== isWhole) return undefined;
  const prefixLength = length === undefined ? bytes.length * 8 : Number(length);
  if (prefixLength > 32) return undefined;
  const size = 2 ** (32 - prefixLength);
  const address = bytes
    .concat(0, 0, 0)
    .slice(0, 4)
    .reduce((sum, byte) => sum * 256 + byte, 0);
  return { address: address - (address % size), size };
}

/** The ports that TEXT names, undefined for any; or what is wrong with it. */
function readPorts(text: string | undefined, { services }: KnownHosts): NumberRange | string | undefined {
  if (text === undefined || text === '*') return undefined;
  if (text === '') return 'the port is missing: N, N-M, or * for any';
  const numbers = PORTS.exec(text);
  if (numbers === null) {
    const port = Object.hasOwn(services, text) ? services[text] : undefined;
    return port === undefined
      ? `"${text}" is no port that packets have: N, N-M, or a service`
      : { min: port, max: port };
  }
  const min = Number(numbers[1]);
  const max = numbers[2] === '' ? LARGEST_PORT : Number(numbers[2] ?? min);
  if (min > max || max > LARGEST_PORT) return `"${text}" are no ports: N, or N-M, at most ${LARGEST_PORT}`;
  return { min, max };
}

/** Whether an end with ADDRESS and PORT is one of TEST. */
export function fitsEnd({ networks, ports, isNegated }: EndTest, address: number, port: number): boolean {
  if (ports !== undefined && !(port >= ports.min && port <= ports.max)) return false;
  return networks === undefined || networks.some((one) => isIn(one, address)) !== isNegated;
}

const isIn = (network: Network, address: number): boolean =>
  address >= network.address && address < network.address + network.size;
