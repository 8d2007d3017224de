/** A host.json that an engine changes. */
import type { JsonObject } from '../codecs/host/json-values.js';
import { sysctlsOf } from '../codecs/host/sysctls.js';
import type { HostNetwork, NetworkMember } from './host-network.js';

export class NetworkDocument implements HostNetwork {
  readonly #json: Record<string, unknown>;
  readonly #sysctls: Record<string, unknown>;

  /** JSON is copied. */
  constructor(json: JsonObject) {
    this.#sysctls = structuredClone((json.sysctl as Record<string, unknown> | undefined) ?? {});
    this.#json = { ...structuredClone(json), sysctl: this.#sysctls };
  }

  get json(): JsonObject {
    return this.#json;
  }

  replace(name: NetworkMember, entries: readonly JsonObject[]): void {
    this.#json[name] = entries;
  }

  sysctl(name: string): number | undefined {
    const value = sysctlsOf(this.#sysctls).get(this.#keyOf(name));
    return value === undefined || Number.isNaN(value) ? undefined : value;
  }

  setSysctl(name: string, value: number | undefined): void {
    const key = this.#keyOf(name);
    if (value === undefined) delete this.#sysctls[key];
    else this.#sysctls[key] = value;
  }

  /** NAME as the document writes it: with dots or, as a path, with slashes. */
  #keyOf(name: string): string {
    const path = name.replaceAll('.', '/');
    return Object.hasOwn(this.#sysctls, path) ? path : name;
  }
}
