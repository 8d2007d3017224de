import { addressAt, macAt } from './address-values.js';
import type { NeighbourDescription } from './description.js';
import { type JsonObject, optionalStringAt, stringAt } from './json-values.js';

/** Entries without an lladdr (FAILED, INCOMPLETE) are left out. */
export function neighbourOf(neighbour: JsonObject, path: string): NeighbourDescription[] {
  const mac = optionalStringAt(neighbour.lladdr, `${path}.lladdr`);
  if (mac === undefined) return [];
  const dst = stringAt(neighbour.dst, `${path}.dst`);
  return [
    {
      path,
      address: addressAt(dst, `${path}.dst`, dst.includes(':') ? 'ipv6' : 'ipv4'),
      dev: stringAt(neighbour.dev, `${path}.dev`),
      mac: macAt(mac, `${path}.lladdr`),
    },
  ];
}
