/** Addresses with the names that are known for them: `172.17.0.3:6379 (redis)`. */
import { shown } from '../codecs/text.js';
import type { Names } from '../replay/names.js';
import type { Endpoint } from '../replay/summary.js';

export const NO_NAMES: Names = new Map();

/** ADDRESS, perhaps with its name. */
export function namedAddress(address: string, names: Names): string {
  return withName(address, address, names);
}

/** The address and port of an end, perhaps with its name. */
export function namedEndpoint({ address, port }: Endpoint, names: Names): string {
  return withName(port === undefined ? address : `${address}:${port}`, address, names);
}

function withName(text: string, address: string, names: Names): string {
  const name = names.get(address);
  return name === undefined ? text : `${text} (${shown(name)})`;
}
