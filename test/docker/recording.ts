/** What the player wrote down of a story: read from a folder, or from an archive of such files. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '../../codecs/host/json-values.js';
import type { Backend } from '../../core/rules/model.js';
import { ENGINES, type EngineName } from './live/engine.js';
import { parseStep, type Step } from './story.js';

export interface RecordedStep extends Step {
  /** When it began and was done, in seconds since the epoch. */
  readonly at: number;
  readonly until: number;
  /** Of a command. */
  readonly status?: number;
  readonly output?: string;
  /** Of a restart of the engine: `NAME ID BRIDGE` of its networks before, if the bridge has a name. */
  readonly networks?: readonly string[];
  /** When it had ended, in seconds. */
  readonly stopped?: number;
  /** The bridges of its networks, and the names of containers, in the order in which they were restored and started. */
  readonly restored?: readonly string[];
  readonly started?: readonly string[];
  /** Of a snapshot: when rules and connections were read. */
  readonly rulesAt?: number;
  readonly connectionsAt?: number;
}

/** Texts by file, and the JSON of those that are. */
export class RecordedSnapshot {
  constructor(
    readonly step: RecordedStep,
    private readonly files: ReadonlyMap<string, Uint8Array>,
  ) {}

  get name(): string {
    return this.step.rest;
  }

  text(file: string): string | undefined {
    const bytes = this.files.get(`${this.name}/${file}`);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  /** The list in FILE; empty if it is not there. */
  list(file: string): JsonObject[] {
    return JSON.parse(this.text(file) ?? '[]') as JsonObject[];
  }
}

export interface Recording {
  readonly engine: EngineName;
  readonly backend: Backend;
  readonly steps: readonly RecordedStep[];
  readonly snapshots: readonly RecordedSnapshot[];
  readonly capture: Uint8Array;
}

/** FILES: contents by path from the recording's folder. */
export function recordingOf(
  files: ReadonlyMap<string, Uint8Array>,
  about: { engine: EngineName; backend: Backend },
): Recording {
  const lines = new TextDecoder().decode(files.get('story.jsonl')).trim().split('\n');
  const steps = lines.map(recordedStep);
  const snapshots = steps.filter(({ verb }) => verb === 'snapshot').map((step) => new RecordedSnapshot(step, files));
  const capture = files.get('any.pcap') ?? new Uint8Array();
  return { ...about, steps, snapshots, capture };
}

function recordedStep(line: string): RecordedStep {
  const { step, resolved, ...rest } = JSON.parse(line) as RecordedStep & { step: string; resolved?: string };
  return { ...rest, ...parseStep(resolved ?? step) };
}

/** The files in DIR and its folders, by path. */
export function filesIn(dir: string): Map<string, Uint8Array> {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' });
  const paths = names.filter((name) => statSync(join(dir, name)).isFile());
  return new Map(paths.sort().map((path) => [path, readFileSync(join(dir, path))]));
}

export function engineNamed(text: string): EngineName | undefined {
  return ENGINES.find((name) => name === text);
}
