/** What a replay happens in: the host, and the rules that it follows. */
import type { HostSource } from '../codecs/host/parse-host.js';
import type { HostText } from '../codecs/host/texts.js';
import { shownPath } from '../codecs/text.js';
import type { TableName } from '../core/hooks.js';
import { type Host, hostOf } from '../core/host/host.js';
import { saveSets } from '../core/ipset/index.js';
import type { RulesetState } from '../core/rules/commands/apply-iptables.js';
import { formatNotes, readAllRules } from '../core/rules/forms/merge.js';
import type { RulesSource } from '../core/rules/forms/read-rules.js';
import type { Guess } from '../core/rules/guess/guess.js';
import { loadedCounters } from '../core/rules/loaded-counters.js';
import type { Backend, Ruleset, SavedCounters } from '../core/rules/model.js';
import { RulesetError } from '../core/rules/parse/error.js';
import { rulesForSets } from '../core/rules/set-references.js';
import { HostSets } from '../core/sets/host-sets.js';
import { SERVICE_FILE } from '../docker/services/iptables-service.js';
import { readHostAt } from '../io/host-files.js';
import { readText } from '../io/text-file.js';
import { absentTables, assumedChains } from './absent-tables.js';
import { backendOf, type PlannedChange, planChanges } from './changes/planned-change.js';
import { applyCommands, type CommandsApplied } from './commands/apply-commands.js';
import { type HostCommand, readCommands } from './commands/host-command.js';
import { withSysctls } from './commands/host-sysctls.js';
import { dockerBridges } from './docker-bridges.js';
import {
  assumedRules,
  foreignTables,
  type HostRules,
  hostRules,
  refuseForeignTables,
  unfollowedRules,
} from './host-rules.js';
import { readDockerState } from './life/host-folder.js';
import type { HostLifeSetting } from './life/host-life.js';
import { loadHostAddresses, loadNames, type Names } from './names.js';
import { readRulesFiles } from './rules-files.js';
import type { AppliedSummary } from './summary.js';

export interface SettingOptions {
  /** The value of `--rules`, which may name several files (`rulesFilesOf`). Left out: the host's own rules. */
  rulesPath?: string;
  hostPath: string;
  lax?: boolean;
  /** Fill in what listings do not show of these rules. */
  guess?: Guess;
  keepCounters?: boolean;
  /** Files for `ipset restore`, on top of the host's own sets. */
  ipsetPaths?: readonly string[];
  /** Commands of iptables, ipset and sysctl, or files of them, on top of the rules, sets and host. */
  apply?: readonly string[];
  /** Names for addresses, like /etc/hosts. */
  namesPath?: string;
  /** Changes of rules and sets, each as WHEN=WHAT. */
  changes?: readonly string[];
  /** What the iptables service loads when it starts, as iptables-save prints it. Left out: what docker.json says. */
  serviceRulesPath?: string;
  /** The iptables that the host has. Left out: the one that wrote the rules, else legacy. */
  backend?: Backend;
  /** Seed for random choices, such as the initial values of sets. Default 0. */
  seed?: number;
  /**
   * Files that commands name (`iptables-restore FILE`) are relative to this folder, and may not lead out of it. Left
   * out: relative to the current folder, and anywhere.
   */
  within?: string;
  hasEnded?: () => boolean;
}

export interface Setting {
  readonly host: Host;
  readonly ruleset: Ruleset;
  /** For one emulator. */
  readonly sets: HostSets;
  /** From `ipsetPaths`: what the sets of another emulator of this host are made of besides the host's own. */
  readonly moreSets: readonly HostText[];
  /** What the commands of `apply` did; undefined: there were none. */
  readonly applied: AppliedSummary | undefined;
  /** Those in the ruleset, if they are kept, and what commands set. */
  readonly loaded: ReadonlyMap<TableName, SavedCounters> | undefined;
  /** Undefined if other rules were given. */
  readonly hostRules: HostRules | undefined;
  /** The iptables that the host has. */
  readonly backend: Backend;
  readonly changes: readonly PlannedChange[];
  /** What programs know of the host that change it while packets flow. */
  readonly life: HostLifeSetting;
  /** Of addresses: from `namesPath`, and of the host's containers. */
  readonly names: Names;
  /** What is assumed about rules that could not be read on the host. */
  readonly assumed: readonly string[];
  /** The same, with the rules that they are about. */
  readonly assumptions: readonly Assumption[];
  readonly warnings: readonly string[];
}

interface Assumption {
  readonly text: string;
  /** The line of the rule that it is about; undefined: it is about all of them. */
  readonly place?: { readonly file: string; readonly line: number };
}

/**
 * Reads the host and the rules. A fault in given rules is found first.
 * @throws {HostError} {RulesetError} {IpsetError} {CommandError} {ReplayOptionsError} {FileError} {InterruptedError}
 */
export function loadSetting(options: SettingOptions): Setting {
  const { rulesPath, hostPath, lax = false, keepCounters = false } = options;
  const given = rulesPath === undefined ? undefined : readRulesFiles(rulesPath, options);
  const source = readHost(options, given);
  const { names } = source.description.facts;
  const own = given === undefined ? hostRules(source.description, hostPath) : undefined;
  const sources = given ?? [{ text: own!.text, file: own!.path }];
  const { guess, namesPath } = options;
  const hostNames = namesPath === undefined ? undefined : loadHostAddresses(namesPath);
  const backend = options.backend ?? own?.backend ?? backendOf(sources);
  const parsed = readAllRules(sources, {
    ...{ lax, family: 'ipv4', names, backend },
    ...(hostNames && { hostNames }),
    ...(guess && { guess: { guess, bridges: dockerBridges(source.description) } }),
  });
  const absent = absentTables(parsed, sources);
  const foreign = foreignTables(source.description);
  if (foreign !== undefined && own !== undefined && !lax) refuseForeignTables(foreign);
  const commands = (options.apply ?? []).flatMap((given, i) => readCommands(given, i + 1, options));
  const changed = withSysctls(source, commands);
  const host = hostOf(changed);
  const moreSets = (options.ipsetPaths ?? []).map((file) => ({ text: readText(file, options), file }));
  const sets = HostSets.of(host, moreSets, options.seed);
  const before = rulesForSets(parsed, sets.store, lax, sets.failure);
  const loaded = keepCounters ? loadedCounters(before, sources) : undefined;
  const { hasEnded } = options;
  const applied = applyCommands(
    commands,
    { ruleset: before, counters: loaded ?? new Map() },
    { backend, names, sets, isRunning: false, lax, hasEnded },
  );
  const { ruleset } = applied;
  const { within } = options;
  const life = hostLife(options, changed);
  if (life.savedRules !== undefined && options.changes?.length)
    readAllRules([life.savedRules], { lax, family: 'ipv4', names, backend });
  const planOptions = { lax, names, backend, base: source.description, hostNames, hasEnded, within, life };
  const changes = planChanges(options.changes ?? [], planOptions);
  const assumptions: Assumption[] = [
    ...aboutRules(parsed),
    ...absent.assumed.map(aboutAll),
    ...changes.flatMap(({ action }) => ('ruleset' in action ? aboutRules(action.ruleset) : [])),
    ...(own === undefined
      ? []
      : [...assumedRules(source.description, own), ...assumedChains(parsed, own.backend)].map(aboutAll)),
  ];
  return {
    host,
    ruleset,
    sets,
    moreSets: commands.some(({ tool }) => tool === 'ipset') ? [allSets(sets)] : moreSets,
    applied: summarizeApplied(commands, applied),
    backend,
    changes,
    life,
    loaded: keepCounters || isCounted(applied) ? applied.counters : undefined,
    hostRules: own,
    names: loadNames(namesPath, source.description, hostPath),
    assumptions,
    assumed: assumptions.map(({ text }) => text),
    warnings: [
      ...applied.warnings,
      ...absent.warnings,
      ...formatNotes(ruleset, ruleset.warnings),
      ...changes.flatMap(({ action }) =>
        'ruleset' in action ? formatNotes(action.ruleset, action.ruleset.warnings) : [],
      ),
      ...(foreign === undefined
        ? []
        : [`${foreign.file}:${foreign.line}: nft tables are not followed: ${foreign.names}`]),
      ...(own === undefined ? unfollowedRules(source.description) : []),
      ...sets.warnings,
      ...host.warnings.map((warning) => `${shownPath(hostPath)}: ${warning}`),
    ],
  };
}

/** What programs know of the host of SOURCE. */
function hostLife(
  { hostPath, serviceRulesPath: path, ...live }: SettingOptions,
  { json }: HostSource,
): HostLifeSetting {
  const docker = readDockerState(hostPath);
  const given = path === undefined ? undefined : { text: readText(path, live), file: path };
  const own = docker?.savedRules === undefined ? undefined : { text: docker.savedRules, file: SERVICE_FILE };
  const savedRules = given ?? own;
  return { json, docker, savedRules, isSavedKnown: given !== undefined || docker !== undefined };
}

/** The notes of RULESET on rules that could be read in more ways than one. */
function aboutRules(ruleset: Ruleset): Assumption[] {
  const { assumed = [], fileName } = ruleset;
  const texts = formatNotes(ruleset, assumed);
  return assumed.map(({ file = fileName, line }, i) => ({ text: texts[i], place: { file, line } }));
}

const aboutAll = (text: string): Assumption => ({ text });

/** What makes the same SETS of those that their host brings. */
function allSets({ store }: HostSets): HostText {
  return { text: `flush\ndestroy\n${saveSets(store)}`, file: '--apply' };
}

function summarizeApplied(commands: readonly HostCommand[], { output }: CommandsApplied): AppliedSummary | undefined {
  if (commands.length === 0) return undefined;
  return { commands: commands.length, ...(output === '' ? {} : { output }) };
}

/** Whether commands gave counters to rules. */
function isCounted({ counters }: RulesetState): boolean {
  return [...counters.values()].some(({ rules, policies }) => [rules, policies].some((all) => all.some((n) => n > 0)));
}

/** The host. A fault in the GIVEN rules is found before one in it, unless the rules may need the host's names. */
function readHost(options: SettingOptions, given: readonly RulesSource[] | undefined): HostSource {
  try {
    return readHostAt(options.hostPath, options);
  } catch (error) {
    if (given !== undefined) refuseInvalid(given);
    throw error;
  }
}

/** Throws a RulesetError if iptables would refuse the rules of SOURCES. */
export function refuseInvalid(sources: readonly RulesSource[]): void {
  try {
    readAllRules(sources, { willRun: false, family: 'ipv4' });
  } catch (error) {
    if (!(error instanceof RulesetError) || error.code === 'invalid') throw error;
  }
}
