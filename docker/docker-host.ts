/** A host with a Docker engine on it: carries out commands on both, as that engine does. */
import type { Command } from './commands/action.js';
import type { EngineHost, ProgramResult } from './engine-host.js';
import type { DockerState } from './model.js';

export interface CommandResult extends ProgramResult {
  /** What was assumed, or may differ on a real host; for people. */
  readonly notes: readonly string[];
}

/** The interface of the engine: `dockerHost(state, host)` makes one. */
export interface DockerHost {
  /** Now; each command makes a new one. */
  readonly state: DockerState;
  /**
   * Carries COMMAND out. One that fails on the real host fails here, with what it prints and leaves.
   * @throws {UnsupportedError} if it cannot be followed
   */
  carryOut(command: Command): CommandResult;
}

export type MakeDockerHost = (state: DockerState, host: EngineHost) => DockerHost;
