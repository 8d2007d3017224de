/** The network of the emulated host, of which it is known whether a program has changed it. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import type { HostNetwork, NetworkMember } from '../../docker/host-network.js';
import { NetworkDocument } from '../../docker/network-document.js';

export class ChangingNetwork implements HostNetwork {
  /** It is not what the emulated host has. */
  isChanged = false;
  #document: NetworkDocument;

  /** JSON is copied. */
  constructor(json: JsonObject) {
    this.#document = new NetworkDocument(json);
  }

  /** The emulated host is another one: JSON. */
  become(json: JsonObject): void {
    this.#document = new NetworkDocument(json);
    this.isChanged = false;
  }

  get json(): JsonObject {
    return this.#document.json;
  }

  replace(name: NetworkMember, entries: readonly JsonObject[]): void {
    this.isChanged = true;
    this.#document.replace(name, entries);
  }

  sysctl(name: string): number | undefined {
    return this.#document.sysctl(name);
  }

  setSysctl(name: string, value: number | undefined): void {
    if (this.#document.sysctl(name) === value) return;
    this.isChanged = true;
    this.#document.setSysctl(name, value);
  }
}
