/** Files like /etc/hosts: an address a line, then its names (hosts(5)). */
import { type Address, parseAddress } from './address.js';
import { HostError } from './host/error.js';
import { quote } from './host/json-values.js';

/** Of an address with a zone, such as `fe80::1%lo0`. */
const ZONE = /%.*$/;

interface HostsLine {
  readonly address: Address;
  /** At least one. */
  readonly names: readonly string[];
}

/**
 * The first name of each address in TEXT, the content of FILE. Of an address that stands there again, the first line
 * counts. Addresses are as `String(address)` returns them.
 * @throws {HostError} at a line that is not an address and a name
 */
export function parseHostsFile(text: string, file: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const line of hostsLines(text, file)) {
    const address = String(line.address);
    if (!names.has(address)) names.set(address, line.names[0]);
  }
  return names;
}

/**
 * The addresses of each name in TEXT, the content of FILE, as `String(address)` returns them.
 * @throws {HostError} at a line that is not an address and a name
 */
export function parseHostAddresses(text: string, file: string): Map<string, string[]> {
  const addresses = new Map<string, string[]>();
  for (const { address, names } of hostsLines(text, file)) {
    for (const name of names) {
      const all = addresses.get(name) ?? [];
      addresses.set(name, [...new Set([...all, String(address)])]);
    }
  }
  return addresses;
}

function* hostsLines(text: string, file: string): Generator<HostsLine> {
  for (const [i, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|[\r\n]/)
    .entries()) {
    const words = [...line.replace(/#.*$/, '').matchAll(/[^\s]+/g)];
    if (words.length === 0) continue;
    const [first, name] = words;
    const address = parseAddress(first[0].replace(ZONE, ''));
    if (address === undefined)
      throw fault(file, i + 1, first.index + 1, `expected an address, found ${quote(first[0])}`);
    if (name === undefined)
      throw fault(file, i + 1, first.index + first[0].length + 1, `expected a name behind ${first[0]}, found nothing`);
    for (const { 0: other, index } of words.slice(1)) {
      const isAddress = parseAddress(other.replace(ZONE, '')) !== undefined;
      if (isAddress) throw fault(file, i + 1, index + 1, `expected a name, found the address ${quote(other)}`);
    }
    yield { address, names: words.slice(1).map(([word]) => word) };
  }
}

function fault(file: string, line: number, column: number, problem: string): HostError {
  return new HostError('', `${problem}; a line is an address and its names, as in /etc/hosts`, file, line, column);
}
