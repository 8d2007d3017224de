/** The member `ipsec` of a host: which packets IPsec protected, or will protect, and how. */
import type { Address } from '../address.js';
import { addressAt, prefixAt } from './address-values.js';
import type { Prefix } from './description.js';
import { integerAt, type JsonObject, listAt, mismatchedName, numberedAt, objectAt, stringAt } from './json-values.js';

/** By protocol number. */
export const TRANSFORMS: ReadonlyMap<number, string> = new Map([
  [50, 'esp'],
  [51, 'ah'],
  [108, 'ipcomp'],
]);
const PROTOCOLS = Object.fromEntries([...TRANSFORMS].map(([number, name]) => [name, number]));
const MODES: readonly string[] = ['transport', 'tunnel'];
const DIRECTIONS: readonly string[] = ['in', 'out'];
const MAX_TRANSFORMS = 6;

export type IpsecMode = 'transport' | 'tunnel';

/** One transformation (struct xfrm_state). */
export interface TransformDescription {
  readonly protocol: number;
  readonly mode: IpsecMode;
  readonly spi: number;
  readonly reqid: number;
  /** The ends of the tunnel. */
  readonly source: Address | undefined;
  readonly destination: Address | undefined;
}

/** Packets that were decrypted on arrival (in), or will be encrypted when they leave (out). */
export interface IpsecDescription {
  readonly direction: 'in' | 'out';
  /** The packets, as rules see them; undefined: any. */
  readonly source: Prefix | undefined;
  readonly destination: Prefix | undefined;
  /** From the innermost one. */
  readonly transforms: readonly TransformDescription[];
}

/** Throws a HostError. */
export function ipsecOf(value: unknown): IpsecDescription[] {
  return listAt(value, 'ipsec').map(([entry, path]) => {
    const one = objectAt(entry, path);
    const transforms = listAt(one.transforms, `${path}.transforms`);
    integerAt(transforms.length, `${path}.transforms`, 1, MAX_TRANSFORMS);
    return {
      direction: oneOf(one.dir, `${path}.dir`, DIRECTIONS) as IpsecDescription['direction'],
      source: optionalPrefix(one, 'source', path),
      destination: optionalPrefix(one, 'destination', path),
      transforms: transforms.map(([transform, at]) => transformOf(objectAt(transform, at), at)),
    };
  });
}

function transformOf(one: JsonObject, path: string): TransformDescription {
  const end = (key: 'source' | 'destination'): Address | undefined =>
    one[key] === undefined ? undefined : addressAt(one[key], `${path}.${key}`, 'ipv4');
  return {
    protocol: numberedAt(one.proto, `${path}.proto`, PROTOCOLS, 'a protocol of IPsec', 255),
    mode: oneOf(one.mode ?? 'transport', `${path}.mode`, MODES) as IpsecMode,
    spi: one.spi === undefined ? 0 : numberedAt(one.spi, `${path}.spi`, {}, 'an SPI'),
    reqid: one.reqid === undefined ? 0 : numberedAt(one.reqid, `${path}.reqid`, {}, 'a number'),
    source: end('source'),
    destination: end('destination'),
  };
}

function optionalPrefix(one: JsonObject, key: 'source' | 'destination', path: string): Prefix | undefined {
  if (one[key] === undefined) return undefined;
  return prefixAt(stringAt(one[key], `${path}.${key}`), `${path}.${key}`, 'ipv4');
}

function oneOf(value: unknown, path: string, names: readonly string[]): string {
  const text = stringAt(value, path);
  if (!names.includes(text)) throw mismatchedName(path, `one of ${names.join(', ')}`, text, names);
  return text;
}
