/**
 * The network of a host, while somebody changes it: a document with the members of a host.json, in the form of `ip -j`.
 * What nothing here changes stays as it was given.
 */
import type { JsonObject } from '../codecs/host/json-values.js';

export interface HostNetwork {
  /** The host now, as a host.json. */
  readonly json: JsonObject;
  /** The value of a sysctl; undefined: not known. */
  sysctl(name: string): number | undefined;
  setSysctl(name: string, value: number): void;
}
