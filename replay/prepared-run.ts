/** What a replay needs before its first packet: its options, the host, the rules, and the captures. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { mostRulesMet } from '../core/rules/longest-walk.js';
import type { Ruleset } from '../core/rules/model.js';
import { filesOfHost } from '../io/host-files.js';
import { nativePath } from '../io/path.js';
import { recover } from '../io/staged-dir.js';
import { captureFiles, inputsOf, withFoundCaptures } from './captures.js';
import { filesOfChange, mayChangeHost } from './changes/planned-change.js';
import { type ChangeSetting, changeSettingOf } from './changes/run-changes.js';
import { filesOfCommands } from './commands/host-command.js';
import { FrameNames } from './frame-names.js';
import { HOST_CONNTRACK, readBeginning } from './listed-connections.js';
import { refuseSameFiles, refuseWriting } from './named-files.js';
import type { ReplayOptions } from './replay.js';
import { ReplayRun, type RunInput, type RunOptions } from './replay-run.js';
import { rulesPathsOf } from './rules-files.js';
import { selectionOf, shownBy } from './selection.js';
import { loadSetting, type Setting } from './setting.js';

export interface PreparedRun {
  /** With the files that patterns stand for. */
  readonly options: ReplayOptions;
  /** What the user may not expect of these files. */
  readonly notes: readonly string[];
  readonly setting: Setting;
  readonly inputs: readonly RunInput[];
  readonly beginning: ReturnType<typeof readBeginning>;
  /** How many rules one packet can meet, at most (`mostRulesMet`). */
  readonly rulesPerPacket: number;
  readonly selection: RunOptions['selection'];
  readonly show: RunOptions['show'];
}

/**
 * Reads all but the captures.
 * @throws as `replay` does
 */
export function prepareRun(given: ReplayOptions): PreparedRun {
  const [selection, show] = [selectionOf(given), shownBy(given)];
  const { options, notes } = withFoundCaptures(given);
  for (const path of filesOfReplay(options)) recoverFolderOf(path);
  const files = { read: filesOfReplay(options), outDir: options.outDir };
  refuseSameFiles(files);
  refuseWriting([['--save-rules', options.saveRulesPath]], files);
  const setting = loadSetting(options);
  for (const filter of [selection, show]) filter?.useNames(setting.names);
  const inputs = inputsOf(options, setting.host, setting.changes.some(mayChangeHost));
  const beginning = readBeginning(options, setting.host);
  const rulesPerPacket = Math.max(...rulesetsOf(setting).map(mostRulesMet));
  return { options, notes, setting, inputs, beginning, rulesPerPacket, selection, show };
}

/**
 * The run of PREPARED, before its first packet, which writes to OUT_DIR (see `ReplayRun`).
 * @param more options of the run besides those of the replay
 */
export function startRun(
  { options, setting, inputs, beginning, selection, show }: PreparedRun,
  outDir: string | undefined,
  { snapshots, ...more }: Pick<RunOptions, 'fates' | 'packetNumber'> & Pick<ChangeSetting, 'snapshots'> = {},
): ReplayRun {
  const runOptions: RunOptions = {
    ruleset: setting.ruleset,
    host: setting.host,
    sets: setting.sets,
    moreSets: setting.moreSets,
    seed: options.seed ?? 0,
    checksums: options.checksums ?? 'auto',
    connections: beginning?.listed,
    lax: options.lax ?? false,
    ...(setting.changes.length === 0 ? {} : { changes: { ...changeSettingOf(setting, options), snapshots } }),
    ...(options.engine ? { engine: options.engine } : {}),
    ...(options.logTime ? { logTime: true } : {}),
    ...(options.nfqueue ? { queueVerdict: options.nfqueue } : {}),
    ...(options.observer ? { observer: options.observer } : {}),
    ...(options.hookEntries ? { hookEntries: options.hookEntries } : {}),
    ...watchOf(options, setting, inputs),
    ...(options.expectEgress ? { expectEgress: true } : {}),
    ...(options.onDrop ? { onDrop: options.onDrop } : {}),
    ...(options.hasEnded ? { hasEnded: options.hasEnded } : {}),
    ...(selection ? { selection } : {}),
    ...(show ? { show } : {}),
    ...more,
  };
  return new ReplayRun(runOptions, inputs, outDir, options.limit ?? Number.POSITIVE_INFINITY);
}

function watchOf(
  options: ReplayOptions,
  setting: Setting,
  inputs: readonly RunInput[],
): Pick<RunOptions, 'watch' | 'hookEntries'> {
  const { watch } = options;
  if (watch === undefined) return {};
  const files = { read: filesOfReplay(options), outDir: options.outDir };
  const run = { setting, files, names: new FrameNames(inputs, setting.host) };
  const watching = typeof watch === 'function' ? watch(run) : watch;
  const { hookEntries } = watching;
  return { watch: watching, ...(hookEntries === undefined ? {} : { hookEntries }) };
}

/** All that are known before the first packet. */
function rulesetsOf({ ruleset, changes }: Setting): Ruleset[] {
  return [ruleset, ...changes.flatMap(({ action }) => ('ruleset' in action ? [action.ruleset] : []))];
}

/** If PATH is missing, perhaps because a killed run has moved its folder away, puts that in place. */
function recoverFolderOf(path: string): void {
  if (path === '-' || existsSync(nativePath(path))) return;
  try {
    recover(dirname(path));
  } catch {
    // Whoever opens it says what is wrong.
  }
}

/** The files that a replay with OPTIONS reads. */
export function filesOfReplay(options: ReplayOptions): string[] {
  const { rulesPath, namesPath, serviceRulesPath, hostPath, conntrackPath, ipsetPaths = [], apply = [] } = options;
  const { expectCounters = [], changes = [] } = options;
  const list = conntrackPath === HOST_CONNTRACK ? undefined : conntrackPath;
  const texts = [
    ...rulesPathsOf(rulesPath),
    namesPath,
    serviceRulesPath,
    list,
    ...ipsetPaths,
    ...filesOfCommands(apply),
    ...changes.flatMap(filesOfChange),
    ...expectCounters,
  ];
  return [...texts.filter((path) => path !== undefined), ...filesOfHost(hostPath), ...captureFiles(options)];
}
