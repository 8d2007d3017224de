/** The emulated host, while packets flow, for programs that change it. */
import type { HostDescription } from '../../codecs/host/description.js';
import { HostError } from '../../codecs/host/error.js';
import type { JsonObject } from '../../codecs/host/json-values.js';
import type { NamesDescription } from '../../codecs/host/names.js';
import { readHost } from '../../codecs/host/parse-host.js';
import { IPPROTO_UDP } from '../../codecs/layouts.js';
import type { Emulator } from '../../core/emulator.js';
import { RuleSession } from '../../core/rules/commands/rule-session.js';
import { readAllRules } from '../../core/rules/forms/merge.js';
import type { RulesSource } from '../../core/rules/forms/read-rules.js';
import type { Backend, Ruleset } from '../../core/rules/model.js';
import { saveRuleset } from '../../core/rules/save.js';
import { rulesForSets } from '../../core/rules/set-references.js';
import type { ConnectionSelector, EngineHost, ProgramResult } from '../../docker/engine-host.js';
import { UnsupportedError } from '../../docker/error.js';
import { placed, runIpsetOn, runIptables } from '../../docker/host-tools.js';
import type { DockerState } from '../../docker/model.js';
import { SERVICE_FILE } from '../../docker/services/iptables-service.js';
import type { ChangedRules } from '../changes/changed-rules.js';
import type { ChangingNetwork } from './changing-network.js';
import { hostJson } from './host-folder.js';

export interface EmulatedHostParts {
  readonly emulator: Emulator;
  readonly rules: ChangedRules;
  readonly network: ChangingNetwork;
  readonly backend: Backend;
  readonly names: NamesDescription;
  readonly lax: boolean;
  /** The rules that the iptables service loads at the beginning, and their file. */
  readonly savedRules: RulesSource | undefined;
}

export class EmulatedHost implements EngineHost {
  readonly backend: Backend;
  readonly network: ChangingNetwork;
  readonly #parts: EmulatedHostParts;
  readonly #session: RuleSession;
  #file = '';
  #deleted = 0;

  constructor(parts: EmulatedHostParts) {
    this.#parts = parts;
    this.backend = parts.backend;
    this.network = parts.network;
    this.#session = new RuleSession({ name: 'iptables', backend: parts.backend }, parts.names);
  }

  /** What rules that programs make from now on are from, for messages and reports. */
  get file(): string {
    return this.#file;
  }

  set file(file: string) {
    this.flush();
    this.#file = file;
  }

  /** @throws {UnsupportedError} if a rule cannot be followed */
  iptables(words: readonly string[]): ProgramResult {
    const { rules, names, emulator, lax } = this.#parts;
    const quick = this.#session.run(placed(words), this.file, () => rules.state);
    if (quick !== undefined) return quick;
    this.flush();
    const before = rules.state;
    const setting = { backend: this.backend, names, sets: emulator.sets, file: this.file };
    const { result, applied } = runIptables(words, before, setting);
    if (applied === undefined) return result;
    if (!lax) refuseUnsupported(`iptables ${words.join(' ')}`, before.ruleset, applied.ruleset);
    rules.become(applied, applied.origins, this.backend);
    this.#session.learn(result.exitCode, emulator.ruleset);
    return result;
  }

  /** What iptables has done so far is in force. */
  flush(): void {
    const made = this.#session.close();
    if (made !== undefined) this.#parts.rules.become(made, made.origins, this.backend);
  }

  /** @throws {RulesetError} if they are faulty, or cannot be followed */
  restoreRules(text: string): void {
    this.flush();
    const { rules, names, emulator, lax, savedRules } = this.#parts;
    const file = text === savedRules?.text ? savedRules.file : SERVICE_FILE;
    const loaded = readAllRules([{ text, file }], { lax, family: 'ipv4', names, backend: this.backend });
    rules.replaceTables(rulesForSets(loaded, emulator.sets, lax), new Map());
  }

  saveRules(): string {
    this.flush();
    return saveRuleset(this.#parts.emulator.ruleset);
  }

  ipset(words: readonly string[]): ProgramResult {
    this.flush();
    return runIpsetOn(this.#parts.emulator.sets, words, this.file);
  }

  /** How many connections were deleted since this was last asked. */
  takeDeleted(): number {
    const deleted = this.#deleted;
    this.#deleted = 0;
    return deleted;
  }

  deleteConnections(selector: ConnectionSelector): void {
    this.#deleted += this.#parts.emulator.deleteConnections(
      'udpPort' in selector
        ? { protocol: IPPROTO_UDP, originalDport: selector.udpPort }
        : { replyEnd: selector.replyAddress },
    );
  }

  restartTracking(): void {
    this.#parts.emulator.restartTracking();
  }

  /**
   * The network is what programs have made of it, from now on.
   * @throws {UnsupportedError} if there can be no such host
   */
  takeEffect(docker: DockerState): void {
    this.flush();
    if (!this.network.isChanged) return;
    const { emulator } = this.#parts;
    const before = connectionsOf(emulator);
    try {
      emulator.changeHost(describedBy(hostJson(this.network.json, docker), this.file));
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      throw new UnsupportedError(`the host that this makes is not followed: ${error.message}`);
    }
    this.network.isChanged = false;
    this.#deleted += before - connectionsOf(emulator);
  }
}

function connectionsOf({ connections, nowMs }: Emulator): number {
  let count = 0;
  connections.forEach(nowMs, () => count++);
  return count;
}

/** What of JSON describes the host itself, and not its rules and connections. */
function describedBy(json: JsonObject, file: string): HostDescription {
  return readHost(JSON.stringify({ ...json, nft: undefined }), file).description;
}

function refuseUnsupported(command: string, before: Ruleset, after: Ruleset): void {
  const partsOf = ({ tables }: Ruleset) =>
    tables.flatMap(({ rules }) => rules.flatMap((rule) => rule.unsupported ?? []));
  const known = new Set(partsOf(before));
  const added = partsOf(after).find((part) => !known.has(part));
  if (added !== undefined) throw new UnsupportedError(`${command}: ${added.message}`);
}
