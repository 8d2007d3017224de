/** What commands of Docker do, and what they print (docker/cli). */
import type { DockerAction } from '../commands/action.js';
import type { ProgramResult } from '../engine-host.js';
import { isSince } from '../releases.js';
import { composeDown, composeRestart, composeStart, composeStop, composeUp } from './compose.js';
import {
  connectContainer,
  createContainer,
  disconnectContainer,
  killContainer,
  removeContainer,
  restartContainer,
  startContainer,
  stopContainer,
} from './containers.js';
import { startDaemon } from './daemon.js';
import type { Container, Engine } from './engine.js';
import { EngineError } from './engine-error.js';
import { refuseMissing } from './legacy-links.js';
import { createNetwork, pruneNetworks, removeNetwork } from './networks.js';

/** What a command has printed so far, and how it ends. */
export type Output = { -readonly [Member in keyof ProgramResult]: ProgramResult[Member] };

export function carryOutDocker(engine: Engine, action: DockerAction): Output {
  const output: Output = { exitCode: 0, stdout: '', stderr: '' };
  if (action.kind === 'dockerd') {
    if (engine.isRunning) return { ...output, exitCode: 1, stderr: STILL_RUNNING };
    engine.options = { ...engine.options, ...action.options };
    tryTo(output, '', 1, () => startDaemon(engine));
    return output;
  }
  if (!engine.isRunning) {
    const failure = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?';
    const isRun = action.kind === 'run' || action.kind === 'create';
    return { exitCode: isRun ? 125 : 1, stdout: '', stderr: `${isRun ? 'docker: ' : ''}${failure}\n` };
  }
  if (action.kind.startsWith('network')) carryOutNetwork(engine, action, output);
  else if (action.kind.startsWith('compose')) carryOutCompose(engine, action, output);
  else carryOutContainer(engine, action, output);
  return output;
}

const STILL_RUNNING =
  'failed to start daemon, ensure docker is not running or delete /var/run/docker.pid: process is still running\n';
const FROM_DAEMON = 'Error response from daemon: ';

/** Runs ACTION; what the engine refuses is printed behind PREFIX. Returns whether it was carried out. */
function tryTo(output: Output, prefix: string, exitCode: number, action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    output.exitCode = exitCode;
    output.stderr += `${prefix}${error.message}\n`;
    return false;
  }
}

function carryOutNetwork(engine: Engine, action: DockerAction, output: Output): void {
  const print = (line: string): void => {
    output.stdout += `${line}\n`;
  };
  const attempt = (what: () => void): boolean => tryTo(output, FROM_DAEMON, 1, what);
  switch (action.kind) {
    case 'network create':
      attempt(() => print(createNetwork(engine, action.spec).id));
      break;
    case 'network connect':
      attempt(() => connectContainer(engine, engine.container(action.container), action.endpoint));
      break;
    case 'network disconnect':
      attempt(() => disconnectContainer(engine, engine.container(action.container), action.network));
      break;
    case 'network rm':
      for (const name of action.networks) if (attempt(() => removeNetwork(engine, name))) print(name);
      if (output.exitCode !== 0) output.stderr += 'exit status 1\n';
      break;
    case 'network prune': {
      const pruned = pruneNetworks(engine);
      if (pruned.length > 0) print(['Deleted Networks:', ...pruned, ''].join('\n'));
      break;
    }
  }
}

function carryOutContainer(engine: Engine, action: DockerAction, output: Output): void {
  switch (action.kind) {
    case 'create':
    case 'run':
      runContainer(engine, action, output);
      break;
    case 'start': {
      const failed = forEach(engine, action.containers, output, (container) => startContainer(engine, container));
      if (failed.length > 0) output.stderr += `Error: failed to start containers: ${failed.join(', ')}\n`;
      break;
    }
    case 'stop':
      forEach(engine, action.containers, output, (container) => stopContainer(engine, container, 'stop'));
      break;
    case 'kill':
      forEach(engine, action.containers, output, (container) => killContainer(engine, container));
      break;
    case 'restart':
      forEach(engine, action.containers, output, (container) => restartContainer(engine, container));
      break;
    case 'rm':
      forEach(engine, action.containers, output, (container) => removeContainer(engine, container, action.isForced));
      break;
  }
}

/** Does WHAT to each of CONTAINERS and prints its name; returns those with which that failed. */
function forEach(
  engine: Engine,
  containers: readonly string[],
  output: Output,
  what: (container: Container) => void,
): string[] {
  return containers.filter((name) => {
    const isDone = tryTo(output, FROM_DAEMON, 1, () => what(engine.container(name)));
    if (isDone) output.stdout += `${name}\n`;
    return !isDone;
  });
}

/** `docker run -d` prints the id of a container that was made, whether it starts or not. */
function runContainer(engine: Engine, action: DockerAction & { kind: 'create' | 'run' }, output: Output): void {
  const failed: Output = { exitCode: 0, stdout: '', stderr: '' };
  const isDone = tryTo(failed, `docker: ${FROM_DAEMON}`, 125, () => {
    refuseMissing(engine, action.spec.links);
    const container = createContainer(engine, action.spec);
    output.stdout += `${container.id}\n`;
    if (action.kind === 'run') startContainer(engine, container);
  });
  if (isDone) return;
  output.exitCode = 125;
  const help = `docker ${action.kind} --help`;
  if (isSince(engine.release, 27, 0, 0)) output.stderr = `${failed.stderr}\nRun '${help}' for more information\n`;
  else output.stderr = `${failed.stderr.replace(/\.?\n$/, '')}.\n${output.stdout === '' ? `See '${help}'.\n` : ''}`;
}

function carryOutCompose(engine: Engine, action: DockerAction, output: Output): void {
  const say = (line: string): void => {
    output.stderr += `${line}\n`;
  };
  tryTo(output, FROM_DAEMON, 1, () => {
    switch (action.kind) {
      case 'compose up':
        composeUp(engine, action.project, action.removesOrphans, say);
        break;
      case 'compose stop':
        composeStop(engine, action.project, say);
        break;
      case 'compose start':
        composeStart(engine, action.project, say);
        break;
      case 'compose restart':
        composeRestart(engine, action.project, say);
        break;
      case 'compose down':
        composeDown(engine, action.project, say);
        break;
    }
  });
}
