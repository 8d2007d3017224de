/** A recorded story, told to an emulated engine line by line, without packets. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import type { Command } from '../../docker/commands/action.js';
import type { ParseContext } from '../../docker/commands/context.js';
import { parseScript } from '../../docker/commands/script.js';

import { type DockerHost, dockerHost, newDockerState } from '../../docker/docker-host.js';
import type { DockerState } from '../../docker/model.js';
import { OfflineHost } from '../../docker/offline-host.js';
import { parseRelease } from '../../docker/releases.js';
import { recordedChoices } from './recorded-choices.js';
import { hostBefore } from './recorded-host.js';
import type { RecordedSnapshot, RecordedStep, Recording } from './recording.js';
import { RELEASES, typedLines } from './script.js';

export interface EmulatedSnapshot {
  readonly recorded: RecordedSnapshot;
  /** As iptables-save prints them. */
  readonly rules: string;
  readonly json: JsonObject;
  readonly state: DockerState;
}

export interface EmulatedStory {
  readonly snapshots: readonly EmulatedSnapshot[];
  /** Commands that failed on one side only, a line each. */
  readonly differences: readonly string[];
}

export interface StartedStory {
  readonly host: OfflineHost;
  readonly engine: DockerHost;
  readonly differences: readonly string[];
}

/** Tells all of RECORDING. */
export function emulateStory(recording: Recording): EmulatedStory {
  const story = new Telling(recording);
  const snapshots = recording.snapshots.map((recorded) => {
    story.tell(recording.steps.slice(story.told, recording.steps.indexOf(recorded.step)));
    const { host, engine } = story;
    return { recorded, rules: host.saveRules(), json: structuredClone(host.network.json), state: engine.state };
  });
  return { snapshots, differences: story.differences };
}

/** Tells only STEPS of RECORDING. */
export function startStory(recording: Recording, steps: readonly RecordedStep[]): StartedStory {
  const story = new Telling(recording);
  story.tell(steps);
  return story;
}

class Telling {
  readonly host: OfflineHost;
  readonly engine: DockerHost;
  readonly differences: string[] = [];
  /** How many steps were told. */
  told = 0;
  private readonly context: ParseContext;
  private options = '';

  constructor(recording: Recording) {
    const { engine, backend } = recording;
    this.host = new OfflineHost({ backend, json: hostBefore(recording) });
    this.engine = dockerHost(
      { ...newDockerState(RELEASES[engine], backend), drawn: recordedChoices(recording) },
      this.host,
    );
    this.context = { release: parseRelease(RELEASES[engine]), ...NO_FILES };
  }

  tell(steps: readonly RecordedStep[]): void {
    for (const step of steps) {
      this.told++;
      if (step.verb === 'engine') this.options = ` ${step.rest}`;
      const lines = typedLines([step]).map(({ text }) => (step.verb === 'start' ? text + this.options : text));
      for (const line of lines) this.type(line, step);
    }
  }

  private type(line: string, step: RecordedStep): void {
    const { commands, faults } = parseScript(line, 'story', this.context);
    const [fault] = faults;
    const failed = fault?.message ?? commands.map((command) => this.failure(command)).find((one) => one !== undefined);
    const hasFailed = (step.status ?? 0) !== 0;
    if ((failed !== undefined) === hasFailed) return;
    this.differences.push(`${line}: ${failed ?? 'succeeded'}, expected ${hasFailed ? step.output : 'success'}`);
  }

  /** What COMMAND prints if it fails. */
  private failure(command: Command): string | undefined {
    const { exitCode, stderr } = this.engine.carryOut(command);
    return exitCode === 0 ? undefined : stderr.trim();
  }
}

const NO_FILES: Omit<ParseContext, 'release'> = {
  pathOf: ({ text }) => text,
  readText: ({ text }) => {
    throw new Error(`a story has no file ${text}`);
  },
  composeProject: () => {
    throw new Error('a story has no compose files');
  },
};
