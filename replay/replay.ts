/** Replays captures through a host and its rules into a result folder. */

import { basename } from 'node:path';
import { CaptureError } from '../codecs/capture-error.js';
import { counted } from '../codecs/text.js';
import { busiestConnections, listConnection } from '../core/conntrack/list.js';
import type { Emulator, EmulatorEngine } from '../core/emulator.js';
import type { Observer } from '../core/events.js';
import type { HookEntry, TableName } from '../core/hooks.js';
import type { ChecksumMode } from '../core/offload/checksums.js';
import type { Guess } from '../core/rules/guess/guess.js';
import type { Backend, Rule, Ruleset } from '../core/rules/model.js';
import { saveRule } from '../core/rules/save.js';
import type { HostSets } from '../core/sets/host-sets.js';
import { listPaths } from '../io/capture-file.js';
import { FileError, InterruptedError } from '../io/file-error.js';
import { type Leftovers, StagedDir } from '../io/staged-dir.js';
import { type CaptureChoice, captureFiles, inputName, recordCaptures } from './captures.js';
import type { RetiredRule } from './changes/rule-history.js';
import type { DropCount } from './drops.js';
import { ExpectedCounters } from './expect-counters.js';
import type { FrameNames } from './frame-names.js';
import { summarizeEgress } from './host-capture/egress-summary.js';
import { SnapshotWriter } from './life/snapshot-writer.js';
import { addBeginning } from './listed-connections.js';
import { isAnyLogged } from './logged.js';
import type { NamedFiles } from './named-files.js';
import { hostSummary } from './names.js';
import type { PacketWatch } from './packet-watch.js';
import { prepareRun, startRun } from './prepared-run.js';
import { type DropListener, type ReplayRun, type RunInput, STANDARD_OUTPUT } from './replay-run.js';
import { foreignResult, GENERATOR } from './result-files.js';
import { finalCounters, writeTexts } from './result-texts.js';
import { assumedBy, packetCounts, warningsOf } from './run-notes.js';
import { recordRun } from './run-record.js';
import type { SelectionOptions } from './selection.js';
import type { Setting } from './setting.js';
import { refuseBehindNat, summarizeStitching } from './stitch/stitch-summary.js';
import { MAX_LISTED, type RuleSummary, SCHEMA, type SetSummary, type Summary, summarizeConnection } from './summary.js';
import { summarizeUncertain } from './uncertain-summary.js';
import { unmatchedRules } from './unmatched-rules.js';
import { version } from './version.js';

/** How another thread controls a replay. */
export interface ReplayControl {
  /** Called before anything is created, with what has to be removed if the thread that replays is ended. */
  onCreate?: (leftovers: Leftovers) => void;
  /**
   * Whether live inputs, such as pipes, shall end now, because of SIGINT. The results are then those of what has been
   * read, with a warning.
   */
  hasEnded?: () => boolean;
}

export interface ReplayOptions extends ReplayControl, CaptureChoice, SelectionOptions {
  /** The value of `--rules`: a file, or several with a table each (`nat=A,filter=B`). Left out: the host's own. */
  rulesPath?: string;
  /** Fill in what listings do not show of the rules of Docker, or of Red Hat's iptables service. */
  guess?: Guess;
  /** The host: JSON, a snapshot, or a folder with the outputs of commands. */
  hostPath: string;
  /** Files for `ipset restore`, such as what `ipset save` prints: sets on top of those that the host brings. */
  ipsetPaths?: readonly string[];
  /** Commands of iptables and ipset, or files of them: carried out in order, before the first packet. */
  apply?: readonly string[];
  /** Names for addresses, like /etc/hosts. */
  namesPath?: string;
  /** With `captures`: also find the rules that decided about the packets that differ. Rules are then interpreted. */
  expectEgress?: boolean;
  /**
   * A list of connections that the host has before the first packet: the output of `conntrack -L -o extended`. 'host':
   * the one that the host's description brings.
   */
  conntrackPath?: string;
  /**
   * Files with the counters that rules are expected to have at the end (iptables-save -c): one, or two of which the
   * first is subtracted from the second.
   */
  expectCounters?: readonly string[];
  /**
   * The result folder, replaced as a whole at the end. '-': the packets that leave by any interface go to standard
   * output as one pcap. Left out: nothing is written.
   */
  outDir?: string;
  /** Write nothing at all, also no snapshots that `changes` ask for. Default: no. */
  looksOnly?: boolean;
  /** Seed for random choices such as NAT ports. Default 0. */
  seed?: number;
  /** Accept unsupported rules, which then never match, instead of throwing. */
  lax?: boolean;
  /** Changes of rules and sets while packets flow, each as WHEN=WHAT (codecs/when.ts, `planChanges`). */
  changes?: readonly string[];
  /**
   * Files that commands name (`iptables-restore FILE`) are relative to this folder, and may not lead out of it. Left
   * out: relative to the current folder, and anywhere.
   */
  within?: string;
  /** As in SettingOptions. */
  serviceRulesPath?: string;
  /** Where to write the rules at the end, as the iptables service saves them. Left out: nowhere. */
  saveRulesPath?: string;
  /** The iptables that the host has, where they differ. Left out: the one that wrote the rules, else legacy. */
  backend?: Backend;
  /** Start the counters of rules and policies in `rules.v4` from those in the ruleset, instead of from 0. */
  keepCounters?: boolean;
  /** How many of the selected packets to replay. Default all. */
  limit?: number;
  /** What becomes of the layer-4 checksums in the captures (core/offload/checksums.ts). Default 'auto'. */
  checksums?: ChecksumMode;
  /** Whether each line of log.txt starts with the time of its packet. */
  logTime?: boolean;
  /** What the program answers that listens to the queues of NFQUEUE. Left out: no program listens. */
  nfqueue?: 'accept' | 'drop';
  /** How to evaluate rules. Default 'remembered'. */
  engine?: EmulatorEngine;
  /** Called with each decision about a packet (core/events.ts). Rules are then evaluated by the interpreter. */
  observer?: Observer;
  /** Further entries of the host's hooks, which see each packet. */
  hookEntries?: readonly HookEntry[];
  /** Wants to hear of some of the packets (packet-watch.ts); or makes who does, once it is known of what. */
  watch?: PacketWatch | ((run: WatchedRun) => PacketWatch);
  /** Called for each dropped packet, with the timestamp of the input that caused it. */
  onDrop?: DropListener;
  /** Called with the warning about each capture that is truncated. */
  onTruncated?: (warning: string) => void;
}

/** What is known before the first packet. */
export interface WatchedRun {
  readonly setting: Setting;
  /** The files that are read, and the result folder. */
  readonly files: NamedFiles;
  readonly names: FrameNames;
}

/** How far a replay has come. */
export interface ReplayProgress {
  packets: number;
  consumedBytes: number;
  /** -1: unknown. */
  totalBytes: number;
  /** How many rules one packet can meet, at most (`mostRulesMet`). */
  rulesPerPacket: number;
}

/** Packets per step, at most. */
const STEP_PACKETS = 50_000;
/** What is told of a packet takes longer than the packet. */
const WATCHED_STEP_PACKETS = 500;
/** Rules that packets may meet in one step, so that no step takes long. */
const STEP_RULES = 2 ** 22;

/**
 * Replays captures and writes the results. If it throws, `outDir` is unchanged.
 *
 * @throws {FilterError} (from `nfreplay/codecs`) if `filter` or `show` is not correct, or not for these captures
 * @throws {ReplayOptionsError} if options contradict each other or do not fit the host, or a capture is not of arrivals
 * @throws {NotFollowedError} if a packet's path through the host is not supported
 * @throws {RulesetError} {HostError} (from `nfreplay`) if the rules or the host are invalid or not supported
 * @throws {CaptureError} (from `nfreplay/codecs`) if a capture cannot be read or written, or was ended before its first
 *   packet
 * @throws {FileError} if another file or the result folder cannot be read or written
 */
export function replay(options: ReplayOptions): Summary {
  const steps = replaySteps(options);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/**
 * The same in steps, which are short unless `rulesPerPacket` is large. The first ends before anything is created.
 * Calling `return()` between two steps abandons the replay and removes what was written.
 */
export function* replaySteps(given: ReplayOptions): Generator<ReplayProgress, Summary, void> {
  const prepared = prepareRun(given);
  const { options, notes, setting, inputs, beginning, rulesPerPacket } = prepared;
  const { host, loaded } = setting;
  const expected = options.expectCounters?.length ? new ExpectedCounters(options.expectCounters, options) : undefined;
  yield { packets: 0, consumedBytes: 0, totalBytes: -1, rulesPerPacket };

  const { outDir } = options;
  const staged = outDir === undefined || outDir === STANDARD_OUTPUT ? undefined : stagedDir(outDir, options);
  let run: ReplayRun | undefined;
  let snapshots: SnapshotWriter | undefined;
  let isDone = false;
  try {
    snapshots = options.looksOnly ? undefined : new SnapshotWriter(options);
    run = startRun(prepared, staged?.path ?? outDir, { snapshots });
    const mostPackets = run.isWatchedThroughout ? WATCHED_STEP_PACKETS : STEP_PACKETS;
    const stepPackets = Math.max(1, Math.min(mostPackets, Math.floor(STEP_RULES / rulesPerPacket)));
    while (run.step(stepPackets)) yield progressOf(run, rulesPerPacket);
    const isInterrupted = options.hasEnded?.() === true && run.taken < (options.limit ?? Number.POSITIVE_INFINITY);
    if (isInterrupted && run.read === 0) throw new InterruptedError(listPaths(inputs[0].path)[0]);
    run.close();
    if (options.onTruncated) for (const warning of run.cuts) options.onTruncated(warning);
    if (run.stitcher !== undefined) refuseBehindNat(run.stitcher, captureFiles(options));
    const summary = summarize(run, setting, options, inputs);
    const final = run.emulator.ruleset;
    const counters = run.changes?.history.shown ?? finalCounters(run.emulator, loaded);
    run.counted(counters);
    if (expected !== undefined) summary.counters = expected.compare(final, counters);
    summary.assumed.push(...notes);
    addBeginning(summary, beginning, run.emulator.restored, host);
    if (isInterrupted) {
      summary.warnings.push(`the input was ended by an interrupt (SIGINT) after ${counted(run.read, 'packet')}`);
    }
    yield progressOf(run, rulesPerPacket);
    snapshots?.saveRules(final, setting.backend);
    if (staged !== undefined) {
      const writing = writeTexts(staged.path, run.emulator, summary, counters);
      for (const _ of writing) yield progressOf(run, rulesPerPacket);
      staged.commit();
    }
    snapshots?.commit();
    run.commit();
    isDone = true;
    return summary;
  } catch (error) {
    throw staged === undefined || outDir === undefined ? error : calledByTarget(error, staged.path, outDir);
  } finally {
    if (!isDone) {
      run?.abandon();
      staged?.discard();
      snapshots?.discard();
    }
  }
}

/** ERROR about a file in the folder STAGED, called by its place in OUT_DIR, which is what the user knows. */
function calledByTarget(error: unknown, staged: string, outDir: string): unknown {
  if (!(error instanceof CaptureError || error instanceof FileError)) return error;
  return error.message.includes(staged) ? new FileError(error.message.replaceAll(staged, outDir)) : error;
}

function stagedDir(outDir: string, { onCreate }: ReplayOptions): StagedDir {
  return new StagedDir(outDir, { foreignFile: foreignResult, ...(onCreate === undefined ? {} : { onCreate }) });
}

function progressOf(run: ReplayRun, rulesPerPacket: number): ReplayProgress {
  const { read, consumedBytes, totalBytes } = run;
  return { packets: read, consumedBytes, totalBytes, rulesPerPacket };
}

function summarize(run: ReplayRun, setting: Setting, options: ReplayOptions, inputs: readonly RunInput[]): Summary {
  const { host } = setting;
  const { emulator } = run;
  const { causes: dropped, flowCount, flows } = run.drops.result(MAX_LISTED);
  const { connections: table, nowMs } = emulator;
  const { count, entries } = busiestConnections(table, nowMs, MAX_LISTED);
  const connections = entries.map((entry) => ({
    ...summarizeConnection(listConnection(table, entry, nowMs)),
    ...(table.isInDoubt(entry) ? { uncertain: true as const } : {}),
  }));
  const egress = run.hostCapture && summarizeEgress(run.hostCapture, emulator.host, inputs);
  const uncertain = summarizeUncertain(emulator.uncertain, run.uncertainFrames);
  return {
    schema: SCHEMA,
    generator: `${GENERATOR} ${version()}`,
    run: recordRun(options, setting, recordCaptures(inputs, host)),
    inputs: inputs.flatMap(({ dev }, i) =>
      run.filesOf(i).map(({ path, packets }) => ({ interface: inputName(dev, host), file: path, packets })),
    ),
    packets: packetCounts(run),
    skipped: Object.fromEntries([...run.skipped].sort()),
    ...(run.stitcher === undefined ? {} : { stitched: summarizeStitching(run.stitcher) }),
    dropped,
    droppedFlows: { count: flowCount, listed: flows },
    outputs: run.outputs.map(({ path, packets }) => ({ file: basename(path), packets })),
    ...(isAnyLogged(run.logged) ? { logged: run.logged } : {}),
    ...(emulator.accounting.length === 0 ? {} : { accounting: emulator.accounting.map((object) => ({ ...object })) }),
    ...summarizeSets(setting.sets),
    rules: [...matchedRules(emulator.ruleset, emulator), ...retiredRules(run.changes?.history.retired)],
    ...(run.changes === undefined ? summarizeUnmatched(emulator, dropped) : {}),
    ...(setting.applied === undefined ? {} : { applied: setting.applied }),
    ...(run.changes === undefined ? {} : { changes: run.changes.done }),
    ruleCount: emulator.ruleset.tables.reduce((sum, { rules }) => sum + rules.length, 0),
    connections: { count, listed: connections },
    ...(egress === undefined ? {} : { egress }),
    ...(uncertain === undefined ? {} : { uncertain }),
    ...hostSummary(
      { host: emulator.host, names: run.changes?.names ?? setting.names },
      [connections, dropped, flows],
      egress,
    ),
    assumed: assumedBy(run, setting),
    warnings: warningsOf(run, setting, options),
  };
}

function matchedRules(ruleset: Ruleset, { counters }: Emulator): RuleSummary[] {
  return ruleset.tables.flatMap((table) => {
    const counted = counters.get(table.name)?.rules;
    return table.rules.flatMap((rule) => {
      const packets = counted?.[rule.index * 2] ?? 0;
      const bytes = counted?.[rule.index * 2 + 1] ?? 0;
      if (packets === 0) return [];
      return [{ ...described(table.name, rule), packets, bytes }];
    });
  });
}

/** The rules that matched nothing; not where rules changed, as counters do not say when. */
function summarizeUnmatched(
  { ruleset, counters, connections, nowMs }: Emulator,
  dropped: readonly DropCount[],
): Pick<Summary, 'unmatched'> {
  const { startSec, startNsec, packets } = connections.memory.clock;
  const rules = unmatchedRules(ruleset.tables, counters, dropped);
  if (packets === 0 || rules.length === 0) return {};
  const startMs = startSec * 1000 + Math.floor(startNsec / 1e6);
  const listed = (kind: (asked: number | undefined) => boolean) => {
    const found = rules.filter(({ asked }) => kind(asked));
    return { count: found.length, rules: found.slice(0, MAX_LISTED) };
  };
  const never = listed((asked) => asked === 0);
  const missed = listed((asked) => asked !== undefined && asked > 0);
  const unknown = listed((asked) => asked === undefined || asked < 0);
  return {
    unmatched: {
      first: isoTime(startMs),
      last: isoTime(Math.floor(startMs + nowMs)),
      neverAsked: { count: never.count, listed: never.rules.map(({ table, rule }) => described(table, rule)) },
      neverMatched: {
        count: missed.count,
        listed: missed.rules.map(({ table, rule, asked = 0 }) => ({ ...described(table, rule), asked })),
      },
      unknown: { count: unknown.count, listed: unknown.rules.map(({ table, rule }) => described(table, rule)) },
    },
  };
}

/** A time in milliseconds since 1970 in ISO 8601. Captures may have times that no calendar has. */
function isoTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `@${ms / 1000}` : date.toISOString();
}

function summarizeSets({ store, sizes }: HostSets): Pick<Summary, 'sets'> {
  const sets = Array.from(store, ({ name, type, size }): SetSummary => {
    const { added, deleted } = store.changes.byPackets(name);
    return { name, type: type.name, entries: [sizes.get(name) ?? 0, size], added, deleted };
  });
  return sets.length === 0 ? {} : { sets };
}

function retiredRules(retired: readonly RetiredRule[] = []): RuleSummary[] {
  return retired.map(({ table, rule, packets, bytes, until }) => ({
    ...described(table, rule),
    packets,
    bytes,
    until,
  }));
}

function described(table: TableName, rule: Rule): Omit<RuleSummary, 'packets' | 'bytes'> {
  const { chain, number, file, line, comment } = rule;
  return {
    table,
    chain,
    number,
    rule: saveRule(rule).trim(),
    file,
    line,
    ...(comment === undefined ? {} : { comment }),
  };
}
