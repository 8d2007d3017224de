/** The life of a host while packets flow: what programs know of it, and their commands. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import type { RulesSource } from '../../core/rules/forms/read-rules.js';
import type { Command } from '../../docker/commands/action.js';
import { type CommandResult, type DockerHost, dockerHost } from '../../docker/docker-host.js';
import { UnsupportedError } from '../../docker/error.js';
import type { DockerState } from '../../docker/model.js';
import { reloadFirewalld } from '../../docker/services/firewalld.js';
import { runIptablesService, SERVICE_FILE } from '../../docker/services/iptables-service.js';
import { reloadUfw } from '../../docker/services/ufw.js';
import { ChangingNetwork } from './changing-network.js';
import { EmulatedHost, type EmulatedHostParts } from './emulated-host.js';

/** What is known before the first packet. */
export interface HostLifeSetting {
  /** The host, with the members of a host.json. */
  readonly json: JsonObject;
  /** Undefined: the host has no engine that is followed. */
  readonly docker: DockerState | undefined;
  /** /etc/sysconfig/iptables, and what messages call it; undefined: there is none, or it is not known. */
  readonly savedRules: RulesSource | undefined;
  readonly isSavedKnown: boolean;
}

/** The iptables service is started, and nobody has said what it loads. */
export class UnknownRulesError extends Error {
  constructor() {
    super(`what the iptables service loads is not known; expected: --service-rules FILE, the host's ${SERVICE_FILE}`);
  }
}

export class HostLife {
  readonly #host: EmulatedHost;
  readonly #docker: DockerHost | undefined;
  #savedRules: string | undefined;
  #isSavedKnown: boolean;

  constructor(setting: HostLifeSetting, parts: Omit<EmulatedHostParts, 'network' | 'savedRules'>) {
    this.#host = new EmulatedHost({
      ...parts,
      network: new ChangingNetwork(setting.json),
      savedRules: setting.savedRules,
    });
    if (setting.docker !== undefined) {
      const docker = { ...setting.docker, savedRules: setting.savedRules?.text };
      this.#docker = dockerHost(docker, this.#host);
    }
    this.#savedRules = setting.savedRules?.text;
    this.#isSavedKnown = setting.isSavedKnown;
  }

  /** What the iptables service loads when it starts. */
  get savedRules(): string | undefined {
    return this.#docker === undefined ? this.#savedRules : this.#docker.state.savedRules;
  }

  get docker(): DockerState | undefined {
    return this.#docker?.state;
  }

  get json(): JsonObject {
    return this.#host.network.json;
  }

  /** The host is another one: JSON. */
  network(json: JsonObject): void {
    this.#host.network.become(json);
  }

  /** How many connections were deleted since this was last asked. */
  takeDeleted(): number {
    return this.#host.takeDeleted();
  }

  /**
   * Carries COMMAND out. One that fails on the real host fails here.
   * @throws {UnsupportedError} {RulesetError} if it cannot be followed
   */
  carryOut(command: Command): CommandResult {
    this.#host.file = command.file;
    try {
      return this.#run(command);
    } finally {
      this.#host.flush();
    }
  }

  #run(command: Command): CommandResult {
    if (this.#docker !== undefined) {
      const result = this.#docker.carryOut(command);
      this.#host.takeEffect(this.#docker.state);
      return result;
    }
    const { action } = command;
    if (action.kind === 'reload')
      return action.tool === 'ufw' ? reloadUfw(undefined, this.#host) : reloadFirewalld(undefined, this.#host);
    if (action.kind !== 'service' || action.service !== 'iptables')
      throw new UnsupportedError(`${command.words.map(({ text }) => text).join(' ')} is not followed`);
    const isLoading = action.does !== 'save' && action.does !== 'stop';
    if (isLoading && !this.#isSavedKnown) throw new UnknownRulesError();
    if (action.does === 'save') this.#isSavedKnown = true;
    const { savedRules, ...result } = runIptablesService(action.does, this.#savedRules, this.#host);
    this.#savedRules = savedRules;
    return result;
  }
}
