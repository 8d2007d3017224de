/** Looks for the well-known failures: in rules, in a host, and in captures that are replayed through them. */
import type { Emulator } from '../../core/emulator.js';
import { RulesetError } from '../../core/rules/parse/error.js';
import { CommandError } from '../../replay/errors.js';
import { type FrameName, type ReplayOptions, type ReplayProgress, replaySteps } from '../../replay/replay.js';
import { loadSetting, type Setting } from '../../replay/setting.js';
import type { Summary } from '../../replay/summary.js';
import type { DoctorCode, Finding } from '../findings.js';
import type { Check, Examination, Examined, Failure, Need } from './check.js';
import { CHECKS } from './checks/index.js';
import { SeenConnections } from './connections.js';
import type { Passage } from './passage.js';
import { PassageRecorder } from './passage-recorder.js';
import { sendAfresh } from './probe.js';

export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** The checks that found nothing. */
  readonly clean: readonly DoctorCode[];
  /** The checks that could not be made, and what they lack. */
  readonly notMade: readonly { readonly code: DoctorCode; readonly lacks: readonly Need[] }[];
  /** How many packets were replayed. */
  readonly packets: number;
  readonly assumed: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Makes every check for which OPTIONS have what it needs. Captures are read again for each change that is tried.
 *
 * @throws what `replay` throws
 */
export function* diagnose(options: ReplayOptions): Generator<ReplayProgress, Diagnosis, void> {
  const setting = loadSetting(options);
  const hasCaptures = [options.inputs, options.captures, options.stitchPaths].some((given) => (given ?? []).length > 0);
  const lacks = (need: Need): boolean =>
    need === 'captures' ? !hasCaptures : setting.changes.length === 0 && options.conntrackPath === undefined;
  const possible = CHECKS.filter(({ needs }) => !needs.some(lacks));
  const patient = new Patient(setting, options);
  const examinations = possible.map((check) => ({ check, examination: check.begin(patient) }));
  const summary = hasCaptures ? yield* patient.replay(examinations.map(({ examination }) => examination)) : undefined;
  const found = examinations.map(({ check, examination }) => findingsOf(check, examination.findings()));
  return {
    findings: found.flat(),
    clean: possible.filter((_, i) => found[i].length === 0).map(({ code }) => code),
    notMade: CHECKS.filter((check) => !possible.includes(check)).map(({ code, needs }) => ({
      code,
      lacks: needs.filter(lacks),
    })),
    packets: summary?.packets.read ?? 0,
    assumed: summary?.assumed ?? [...setting.assumed, ...setting.host.assumed()],
    warnings: summary?.warnings ?? setting.warnings,
  };
}

function findingsOf({ code }: Check, failures: readonly Failure[]): Finding[] {
  return failures.map(({ message, rules, packets, change }) => ({
    code,
    message,
    // A chain that no line declares has none.
    rules: rules.filter(({ line }) => line > 0).map(({ file, line }) => ({ file, line })),
    packets: packets?.named ?? [],
    ...(packets === undefined ? {} : { packetCount: packets.count }),
    change,
  }));
}

/** The host that is examined. */
class Patient implements Examined {
  readonly host: Setting['host'];
  readonly ruleset: Setting['ruleset'];
  readonly moreSets: Setting['moreSets'];
  readonly connections = new SeenConnections();
  readonly #options: ReplayOptions;
  #emulator: Emulator | undefined;
  #rulesVersion = 0;

  constructor({ host, ruleset, moreSets }: Setting, options: ReplayOptions) {
    this.host = host;
    this.ruleset = ruleset;
    this.moreSets = moreSets;
    this.#options = options;
  }

  readonly current = (): Setting['ruleset'] => this.#emulator?.ruleset ?? this.ruleset;

  /** Replays the captures, and shows each packet to EXAMINATIONS. */
  *replay(examinations: readonly Examination[]): Generator<ReplayProgress, Summary, void> {
    const followers = examinations.filter(({ follow }) => follow !== undefined);
    let rules = this.ruleset;
    const recording = new Recording((passage) => {
      const belonging = this.connections.take(passage);
      for (const examination of followers) examination.follow?.(passage, belonging);
    });
    recording.versionOf = () => {
      const now = this.current();
      if (now !== rules) this.#rulesVersion++;
      rules = now;
      return this.#rulesVersion;
    };
    const onStart = (emulator: Emulator): void => {
      this.#emulator = emulator;
      rules = emulator.ruleset;
    };
    const summary = yield* replaySteps({ ...this.#options, ...recording.options, onStart });
    recording.finish();
    return summary;
  }

  tries(commands: readonly string[], name: string): Passage | undefined {
    let found: Passage | undefined;
    const recording = new Recording((passage) => {
      if (passage.name === name) found ??= passage;
    });
    const { apply = [] } = this.#options;
    const steps = replaySteps({ ...this.#options, ...recording.options, apply: [...apply, ...commands] });
    try {
      while (found === undefined && !steps.next().done);
    } catch (error) {
      if (error instanceof CommandError || error instanceof RulesetError) return undefined;
      throw error;
    } finally {
      steps.return(undefined as never);
    }
    recording.finish();
    return found;
  }

  afresh(passage: Passage): Passage | undefined {
    return sendAfresh(this, passage);
  }
}

/** What a replay has to be given so that the passages of its packets are recorded. */
class Recording {
  #name = '';
  readonly #recorder: PassageRecorder;
  versionOf = (): number => 0;

  constructor(onPassage: (passage: Passage) => void) {
    this.#recorder = new PassageRecorder(
      () => this.#name,
      onPassage,
      () => this.versionOf(),
    );
  }

  get options(): Pick<ReplayOptions, 'hookEntries' | 'observer' | 'onFrame'> {
    const { hookEntries, observe } = this.#recorder;
    const onFrame = ({ input, number }: FrameName): void => {
      this.#name = `${input}:${number}`;
    };
    return { hookEntries, observer: observe, onFrame };
  }

  finish(): void {
    this.#recorder.finish();
  }
}
