/** A host that is nothing but its description and its rules: no packet passes while an engine works on it. */
import type { JsonObject } from '../codecs/host/json-values.js';
import { DEFAULT_NAMES, type NamesDescription } from '../codecs/host/names.js';
import { readSets } from '../core/ipset/index.js';
import type { RulesetState } from '../core/rules/commands/apply-iptables.js';
import { RuleSession } from '../core/rules/commands/rule-session.js';
import { readAllRules } from '../core/rules/forms/merge.js';
import { loadedCounters } from '../core/rules/loaded-counters.js';
import type { Backend } from '../core/rules/model.js';
import { withTables } from '../core/rules/rule-change.js';
import { saveRuleset } from '../core/rules/save.js';
import { rulesForSets, SetReferences } from '../core/rules/set-references.js';
import { SetStore } from '../core/sets/store.js';
import type { ConnectionSelector, EngineHost, ProgramResult } from './engine-host.js';
import type { HostNetwork } from './host-network.js';
import { placed, runIpsetOn, runIptables } from './host-tools.js';
import { NetworkDocument } from './network-document.js';

export interface OfflineHostOptions {
  /** Default: nft, which Debian and its kin have by default. */
  readonly backend?: Backend;
  /** A host.json. Default: a host of which nothing is known. */
  readonly json?: JsonObject;
  /** The rules that the host has, as iptables-save prints them. Default: none. */
  readonly rules?: string;
  /** The sets that it has, as `ipset save` prints them. Default: none. */
  readonly sets?: string;
  /** The names on the host that rules may use. */
  readonly names?: NamesDescription;
}

/** What rules that an engine writes are from. */
const FILE = 'dockerd';

export class OfflineHost implements EngineHost {
  readonly backend: Backend;
  readonly network: HostNetwork;
  /** The connections that the engine has deleted, in order. */
  readonly deletedConnections: ConnectionSelector[] = [];
  readonly sets = new SetStore({ clock: { nowMs: 0 }, interfaceNames: [], randomWord: () => 0 });
  readonly #names: NamesDescription;
  readonly #session: RuleSession;
  #rules: RulesetState = {
    ruleset: { fileName: FILE, family: 'ipv4', tables: [], warnings: [] },
    counters: new Map(),
  };

  /** @throws {RulesetError} {IpsetError} {HostError} */
  constructor({ backend = 'nft', json = {}, rules = '', sets = '', names = DEFAULT_NAMES }: OfflineHostOptions = {}) {
    this.backend = backend;
    this.network = new NetworkDocument(json);
    this.#names = names;
    this.#session = new RuleSession({ name: 'iptables', backend }, names);
    if (sets !== '') readSets(sets, FILE, this.sets);
    if (rules !== '') this.restoreRules(rules);
  }

  get rules(): RulesetState {
    const { ruleset, counters } = this.#session.close() ?? this.#rules;
    this.#rules = { ruleset, counters };
    return this.#rules;
  }

  /** @throws {UnsupportedError} where it cannot be said what iptables would do */
  iptables(words: readonly string[]): ProgramResult {
    const quick = this.#session.run(placed(words), FILE, () => this.#rules);
    if (quick !== undefined) return quick;
    const setting = { backend: this.backend, names: this.#names, sets: this.sets, file: FILE };
    const { result, applied } = runIptables(words, this.rules, setting);
    if (applied !== undefined) {
      this.#rules = { ruleset: applied.ruleset, counters: applied.counters };
      this.#session.learn(result.exitCode, applied.ruleset);
    }
    return result;
  }

  /** @throws {RulesetError} */
  restoreRules(text: string): void {
    const sources = [{ text, file: FILE }];
    const loaded = readAllRules(sources, { family: 'ipv4', names: this.#names, backend: this.backend });
    const { rules } = this;
    const kept = [...rules.counters].filter(([name]) => !loaded.tables.some((table) => table.name === name));
    this.#rules = {
      ruleset: withTables(rules.ruleset, rulesForSets(loaded, this.sets, false)),
      counters: new Map([...kept, ...loadedCounters(loaded, sources)]),
    };
  }

  saveRules(): string {
    return saveRuleset(this.rules.ruleset);
  }

  ipset(words: readonly string[]): ProgramResult {
    const references = new SetReferences(this.rules.ruleset.tables, this.sets);
    try {
      return runIpsetOn(this.sets, words, FILE);
    } finally {
      references.release();
    }
  }

  deleteConnections(selector: ConnectionSelector): void {
    this.deletedConnections.push(selector);
  }

  /** No packet is tracked here. */
  restartTracking(): void {}
}
