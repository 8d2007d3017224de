/** A host with a Docker engine on it: carries out commands on both, as that engine does. */
import type { Command, DockerAction, HostAction } from './commands/action.js';
import { carryOutDocker, type Output } from './engine/actions.js';
import { DEFAULT_OPTIONS } from './engine/daemon.js';
import { Engine } from './engine/engine.js';
import { carryOutOnHost } from './engine/host-actions.js';
import type { EngineHost, ProgramResult } from './engine-host.js';
import type { DockerState } from './model.js';
import { formatRelease, parseRelease } from './releases.js';

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

/**
 * The state of a host on which an engine of RELEASE is installed, and has never run.
 * @throws {UnsupportedError} if the release is not followed
 */
export function newDockerState(release: string, backend: DockerState['backend']): DockerState {
  return {
    schema: 1,
    release: formatRelease(parseRelease(release)),
    backend,
    options: DEFAULT_OPTIONS,
    isRunning: false,
    networks: [],
    containers: [],
    chosen: 0,
    savedRules: undefined,
    otherRules: {},
  };
}

/** A host with the engine that STATE describes. HOST is as that engine has left it. */
export function dockerHost(state: DockerState, host: EngineHost): DockerHost {
  let current = state;
  return {
    get state() {
      return current;
    },
    carryOut({ action }) {
      // A copy: a command that cannot be followed leaves the state as it was, and states that were taken stay.
      const engine = new Engine(current, host);
      const output = run(engine, action);
      current = engine.state;
      return { ...output, notes: engine.notes };
    },
  };
}

const ON_HOST: Readonly<Record<HostAction['kind'], true>> = {
  iptables: true,
  ipset: true,
  sysctl: true,
  service: true,
  reload: true,
};

function isOnHost(action: DockerAction | HostAction): action is HostAction {
  return Object.hasOwn(ON_HOST, action.kind);
}

function run(engine: Engine, action: DockerAction | HostAction): Output {
  return isOnHost(action) ? carryOutOnHost(engine, action) : carryOutDocker(engine, action);
}
