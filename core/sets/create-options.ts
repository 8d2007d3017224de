/** What `ipset create` says about a set, as parsed. */
import type { Address, Family } from '../../codecs/address.js';

export interface CreateOptions {
  /** Of sets without a family, it means nothing. */
  readonly family: Family;
  readonly hashsize: number;
  readonly maxelem: number;
  readonly bucketsize: number;
  /** undefined: drawn at random. */
  readonly initval: number | undefined;
  readonly forceadd: boolean;
  /** The length of a prefix; undefined: not given. */
  readonly netmask: number | undefined;
  readonly bitmask: Address | undefined;
  readonly markmask: number | undefined;
  /** bitmap: the first and last address or port, in host order; undefined: not given. */
  readonly range: { readonly first: number; readonly last: number } | undefined;
  /** list:set. */
  readonly size: number;
  /** In seconds, of elements that do not say one; 0: these are permanent; undefined: elements cannot have one. */
  readonly timeout: number | undefined;
  readonly counters: boolean;
  readonly comment: boolean;
  readonly skbinfo: boolean;
}

export const DEFAULT_CREATE_OPTIONS: CreateOptions = {
  family: 'ipv4',
  hashsize: 1024,
  maxelem: 65_536,
  bucketsize: 12,
  initval: undefined,
  forceadd: false,
  netmask: undefined,
  bitmask: undefined,
  markmask: undefined,
  range: undefined,
  size: 8,
  timeout: undefined,
  counters: false,
  comment: false,
  skbinfo: false,
};
