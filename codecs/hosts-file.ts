/** Files like /etc/hosts: an address a line, then its names (hosts(5)). */
import { parseAddress } from './address.js';
import { HostError } from './host/error.js';
import { quote } from './host/json-values.js';

/** Of an address with a zone, such as `fe80::1%lo0`. */
const ZONE = /%.*$/;

/**
 * The first name of each address in TEXT, the content of FILE. Of an address that stands there again, the first line
 * counts. Addresses are as `String(address)` returns them.
 * @throws {HostError} at a line that is not an address and a name
 */
export function parseHostsFile(text: string, file: string): Map<string, string> {
  const names = new Map<string, string>();
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
    if (!names.has(String(address))) names.set(String(address), name[0]);
  }
  return names;
}

function fault(file: string, line: number, column: number, problem: string): HostError {
  return new HostError('', `${problem}; a line is an address and its names, as in /etc/hosts`, file, line, column);
}
