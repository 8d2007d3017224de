/**
 * The network of a host, while somebody changes it: a document with the members of a host.json, in the form of `ip -j`.
 * What nothing here changes stays as it was given.
 */
import type { JsonObject } from '../codecs/host/json-values.js';

/** The members that an engine changes: lists of objects, as `ip -j` prints them. */
export type NetworkMember = 'addr' | 'link' | 'route' | 'neigh' | 'sockets';

export interface HostNetwork {
  /** The host now, as a host.json. */
  readonly json: JsonObject;
  /** ENTRIES become the member NAME of the host. */
  replace(name: NetworkMember, entries: readonly JsonObject[]): void;
  /** The value of a sysctl; undefined: not known. */
  sysctl(name: string): number | undefined;
  /** Undefined: the sysctl is gone, with its interface. */
  setSysctl(name: string, value: number | undefined): void;
}
