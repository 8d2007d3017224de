/** The member `fdb` of a host, `bridge -j fdb show`: behind which port of a bridge a MAC address is. */
import { macAt } from './address-values.js';
import { listAt, objectAt, stringAt } from './json-values.js';

export interface FdbDescription {
  /** As a number of 48 bits. */
  readonly mac: number;
  readonly port: string;
}

/** Throws a HostError. */
export function fdbOf(value: unknown): FdbDescription[] {
  return listAt(value, 'fdb').map(([entry, path]) => {
    const { mac, ifname } = objectAt(entry, path);
    const bytes = macAt(mac, `${path}.mac`);
    return {
      mac: bytes.reduce((number, byte) => number * 256 + byte, 0),
      port: stringAt(ifname, `${path}.ifname`),
    };
  });
}
