/** Looks for the well-known failures: in rules, in a host, and in captures that are replayed through them. */
import type { Emulator } from '../../core/emulator.js';
import type { Observer } from '../../core/events.js';
import { saveSets } from '../../core/ipset/index.js';
import type { Frame } from '../../core/link/frame.js';
import type { Ruleset } from '../../core/rules/model.js';
import { RulesetError } from '../../core/rules/parse/error.js';
import { inputName, inputsOf, withFoundCaptures } from '../../replay/captures.js';
import { CommandError } from '../../replay/errors.js';
import type { FramePlace, PacketWatch } from '../../replay/packet-watch.js';
import { type ReplayOptions, type ReplayProgress, replaySteps } from '../../replay/replay.js';
import { loadSetting, type Setting } from '../../replay/setting.js';
import type { Summary } from '../../replay/summary.js';
import { type DoctorCode, type Finding, placeOf } from '../findings.js';
import {
  type Check,
  type Examination,
  type Examined,
  type Failure,
  type Need,
  NOT_TRIED,
  type Steps,
} from './check.js';
import { CHECKS } from './checks/index.js';
import { SeenConnections } from './connections.js';
import type { PacketRecord } from './packet-record.js';
import { type CurrentFrame, PacketRecorder } from './packet-recorder.js';
import { sendAfresh } from './probe.js';

export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** The checks that found nothing. */
  readonly clean: readonly DoctorCode[];
  /** The checks that could not be made, and what they lack. */
  readonly notMade: readonly { readonly code: DoctorCode; readonly lacks: readonly Need[] }[];
  /** How many packets were read, and how many of them were not judged: nobody knows what becomes of them. */
  readonly packets: number;
  readonly uncertain: number;
  /** Of the replay; undefined without captures. */
  readonly summary: Summary | undefined;
  readonly assumed: readonly string[];
  readonly warnings: readonly string[];
}

/** How many packets are replayed again, at most, to try what might help: about half a minute. The last trial ends. */
const MOST_TRIED_PACKETS = 10_000_000;

/**
 * Makes every check for which OPTIONS have what it needs. Captures are read again for each change that is tried, until
 * MOST_TRIED_PACKETS packets are.
 *
 * @throws what `replay` throws
 */
export function* diagnose(
  options: ReplayOptions,
  mostTriedPackets = MOST_TRIED_PACKETS,
): Generator<ReplayProgress, Diagnosis, void> {
  const setting = loadSetting(options);
  const hasCaptures = [options.inputs, options.captures, options.stitchPaths].some((given) => (given ?? []).length > 0);
  const lacks = (need: Need): boolean =>
    need === 'captures' ? !hasCaptures : setting.changes.length === 0 && options.conntrackPath === undefined;
  const possible = CHECKS.filter(({ needs }) => !needs.some(lacks));
  const patient = new Patient(setting, options, hasCaptures, mostTriedPackets);
  const examinations = possible.map((check) => ({ check, examination: check.begin(patient) }));
  const summary = hasCaptures ? yield* patient.replay(examinations.map(({ examination }) => examination)) : undefined;
  const found: Finding[][] = [];
  for (const { check, examination } of examinations) {
    const failures = examination.findings();
    found.push(findingsOf(check, Array.isArray(failures) ? failures : yield* failures));
  }
  return {
    findings: found.flat(),
    clean: possible.filter((_, i) => found[i].length === 0).map(({ code }) => code),
    notMade: CHECKS.filter((check) => !possible.includes(check)).map(({ code, needs }) => ({
      code,
      lacks: needs.filter(lacks),
    })),
    packets: summary?.packets.read ?? 0,
    uncertain: summary?.uncertain?.packets ?? 0,
    summary,
    assumed: summary?.assumed ?? [...setting.assumed, ...setting.host.assumed()],
    warnings: [...(summary?.warnings ?? setting.warnings), ...patient.leftOut],
  };
}

function findingsOf({ code }: Check, failures: readonly Failure[]): Finding[] {
  return failures.map(({ message, rules, packets, change }) => ({
    code,
    message,
    // A chain that no line declares has none.
    rules: rules.filter(({ line }) => line > 0).map(placeOf),
    packets: packets?.named ?? [],
    ...(packets === undefined || packets.count === 0 ? {} : { packetCount: packets.count }),
    change,
  }));
}

/** What of a packet is enough to describe it. */
const HEADERS_BYTES = 64;

/** Whether it is certain what becomes of the packet of RECORD. */
function isSure(record: PacketRecord | undefined): boolean {
  return record?.isUncertain === false;
}

/** The host that is examined. */
class Patient implements Examined {
  readonly host: Setting['host'];
  readonly ruleset: Setting['ruleset'];
  readonly options: ReplayOptions;
  /** What was not looked at, for warnings. */
  readonly leftOut: string[] = [];
  readonly connections = new SeenConnections();
  readonly #moreSets: Setting['moreSets'];
  #emulator: Emulator | undefined;
  /** Of the inputs. */
  readonly #names: readonly string[];

  #packetsLeft: number;

  constructor(
    { host, ruleset, moreSets }: Setting,
    options: ReplayOptions,
    hasCaptures: boolean,
    mostTriedPackets: number,
  ) {
    this.#packetsLeft = mostTriedPackets;
    this.host = host;
    this.ruleset = ruleset;
    this.#moreSets = moreSets;
    this.options = options;
    this.#names = hasCaptures
      ? inputsOf(withFoundCaptures(options).options, host).map(({ dev }) => inputName(dev, host))
      : [];
  }

  readonly current = (): Setting['ruleset'] => this.#emulator?.ruleset ?? this.ruleset;

  readonly currentSets = (): Setting['moreSets'] => {
    const emulator = this.#emulator;
    if (emulator === undefined) return this.#moreSets;
    return [{ text: `flush\ndestroy\n${saveSets(emulator.sets)}`, file: 'sets' }];
  };

  leaveOut(what: string): void {
    this.leftOut.push(what);
  }

  /** Replays the captures, and shows each packet to EXAMINATIONS. */
  *replay(examinations: readonly Examination[]): Generator<ReplayProgress, Summary, void> {
    const followers = examinations.filter(({ follow }) => follow !== undefined);
    const recording = new Recording(this.#names, (record) => {
      const belonging = this.connections.take(record);
      if (record.isShown && !record.isUncertain)
        for (const examination of followers) examination.follow?.(record, belonging);
      // It is kept, and what it carries is of no more use.
      if (record === belonging?.connection.opener) record.bytes = record.bytes.slice(0, HEADERS_BYTES);
    });
    recording.onBegin = (emulator) => {
      this.#emulator = emulator;
    };
    const summary = yield* replaySteps({ ...this.options, ...recording.options });
    recording.finish();
    return summary;
  }

  *tries(commands: readonly string[], { place }: PacketRecord): Steps<PacketRecord | undefined | typeof NOT_TRIED> {
    if (this.#packetsLeft <= 0) return NOT_TRIED;
    let found: PacketRecord | undefined;
    const keep = (record: PacketRecord): void => {
      found ??= record;
    };
    const recording = new Recording(this.#names, keep, place);
    const { apply = [] } = this.options;
    const steps = replaySteps({ ...this.options, ...recording.options, apply: [...apply, ...commands] });
    try {
      yield* this.#counted(steps);
    } catch (error) {
      if (error instanceof CommandError || error instanceof RulesetError) return undefined;
      throw error;
    }
    recording.finish();
    return isSure(found) ? found : undefined;
  }

  /** STEPS of a replay that is a trial. */
  *#counted(steps: Steps<Summary>): Steps<void> {
    let packets = 0;
    try {
      for (let step = steps.next(); step.done !== true; step = steps.next()) {
        this.#packetsLeft -= step.value.packets - packets;
        packets = step.value.packets;
        yield step.value;
      }
    } finally {
      // Of no effect where it has ended.
      steps.return(undefined as never);
    }
  }

  afresh(record: PacketRecord): PacketRecord | undefined {
    return sendAfresh(this, record);
  }
}

/** Records what happens to the packets of a replay, or of ONLY one of them. */
class Recording implements PacketWatch {
  readonly observer: Observer;
  readonly only: FramePlace | undefined;
  isDone = false;
  onBegin: ((emulator: Emulator) => void) | undefined;
  readonly #names: readonly string[];
  readonly #recorder: PacketRecorder;
  #emulator: Emulator | undefined;
  #frame: CurrentFrame = { place: { input: 0, number: 0 }, name: '', isShown: true, rulesVersion: 0 };
  #rules: Ruleset | undefined;
  #rulesVersion = 0;

  /** NAMES: of the inputs. */
  constructor(names: readonly string[], onRecord: (record: PacketRecord) => void, only?: FramePlace) {
    this.#names = names;
    this.only = only;
    this.#recorder = new PacketRecorder(() => this.#frame, onRecord);
    this.observer = this.#recorder.observe;
  }

  get options(): Pick<ReplayOptions, 'hookEntries' | 'watch'> {
    return { hookEntries: this.#recorder.hookEntries, watch: this };
  }

  begin(emulator: Emulator): void {
    this.#emulator = emulator;
    this.#rules = emulator.ruleset;
    this.onBegin?.(emulator);
  }

  wants(place: FramePlace, _frame: Frame, isShown: boolean): boolean {
    const { only } = this;
    if (only !== undefined && (place.input !== only.input || place.number !== only.number)) return false;
    const rules = this.#emulator?.ruleset;
    if (rules !== this.#rules) this.#rulesVersion++;
    this.#rules = rules;
    const { input, number } = place;
    const name = `${this.#names[input]}:${number}`;
    this.#frame = { place: { input, number }, name, isShown, rulesVersion: this.#rulesVersion };
    return true;
  }

  finished({ input, number }: FramePlace): void {
    if (input === this.only?.input && number === this.only.number) this.isDone = true;
  }

  /** The last packet has gone its way. */
  finish(): void {
    this.#recorder.finish();
  }
}
