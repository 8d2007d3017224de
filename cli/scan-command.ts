/** The command `nfreplay scan`: which ports are reached from where. */
import { type PortExpectation, parsePortExpectation } from '../codecs/expectation/port-expectation.js';
import { shown, shownJson } from '../codecs/text.js';
import { HostSets } from '../core/sets/host-sets.js';
import { ARRIVAL_SEC, ARRIVAL_TIME } from '../explain/arrival-time.js';
import { type Finding, findingJson, findingLines } from '../explain/findings.js';
import { formatChanges } from '../explain/scan/change-text.js';
import { checkExpectation, splitExpectation, unexpectedIn } from '../explain/scan/expectations.js';
import type { ProbedHost } from '../explain/scan/prober.js';
import { type Scan, scanHost } from '../explain/scan/scan.js';
import { changesIn, type TargetChanges } from '../explain/scan/scan-changes.js';
import { changesJson, portsJson, sourcesJson } from '../explain/scan/scan-json.js';
import { scanSources } from '../explain/scan/scan-sources.js';
import { ScanTargets } from '../explain/scan/scan-targets.js';
import { formatPorts, notesOn, type ScanLabels, type TextOptions } from '../explain/scan/scan-text.js';
import { widthOf, wrapAfter } from '../explain/text/columns.js';
import { styleOf } from '../explain/text/style.js';
import { readText } from '../io/text-file.js';
import { addressesByName } from '../replay/names.js';
import { loadSetting, type Setting, type SettingOptions } from '../replay/setting.js';
import { version } from '../replay/version.js';
import { type Arguments, parseCommand } from './args.js';
import { SCAN } from './commands/scan.js';
import { ExitCode, UsageError } from './errors.js';
import { count } from './number.js';
import { STDOUT, warn } from './output.js';
import { settingOptionsOf } from './replay-options.js';
import { strictCode } from './strictness.js';
import type { Supervision } from './supervisor.js';

interface Found {
  readonly scan: Scan;
  readonly labels: ScanLabels;
  /** Undefined: there is one ruleset. */
  readonly changes: readonly TargetChanges[] | undefined;
  readonly warnings: readonly string[];
  readonly assumed: readonly string[];
  readonly notes: readonly string[];
  /** Something is expected of what `--source` leaves out. */
  readonly isPartlyChecked: boolean;
  /** Undefined: nothing is expected. */
  readonly findings: readonly Finding[] | undefined;
}

/** Runs the command; returns the exit code. */
export function scanCommand(args: readonly string[], supervision?: Supervision): number {
  supervision?.onReady(false);
  const given = parseCommand(SCAN, args);
  const found = scanGiven(given);
  found.warnings.forEach(warn);
  STDOUT.write(given.has('json') ? `${shownJson(jsonOf(found))}\n` : textOf(found, given));
  const code = given.has('strict') ? scanStrictly(found) : ExitCode.DONE;
  return (found.findings ?? []).length > 0 ? ExitCode.DIFFERENT : code;
}

function scanGiven(given: Arguments): Found {
  const settings = settingsOf(given);
  const { host, names } = settings[0];
  const rulesets = settings.map(({ ruleset }) => ruleset);
  const expectation = expectationIn(given, names);
  const interfaces = host.interfaceNames.filter((name) => name !== 'lo');
  if (expectation !== undefined) checkExpectation(expectation, interfaces);
  const sources = scanSources(host, given.values('source'));
  const targets = new ScanTargets(host, rulesets, names);
  const scan = scanHost(
    settings.map((setting) => probedHost(setting, given)),
    sources,
    targets,
  );
  const split = given.has('source') && expectation !== undefined ? leftOut(expectation, scan) : undefined;
  const expected = split?.checked ?? expectation;
  const about = settings.flatMap(({ assumed, host: one }) => [...assumed, ...one.assumed()]);
  return {
    scan,
    labels: { names, networks: host.description.texts.names.interfaces },
    changes: settings.length > 1 ? changesIn(scan) : undefined,
    warnings: unique(settings.flatMap(({ warnings }) => warnings)),
    assumed: [...unique(about).filter((line) => !IRRELEVANT.test(line)), ...(scan.isTimeAsked ? [ARRIVAL_TIME] : [])],
    notes: [...(split?.notes ?? []), ...targets.notes(sources.map(({ dev }) => dev)), ...notesOn(scan)],
    isPartlyChecked: (split?.notes ?? []).length > 0,
    findings: expected && unexpectedIn(scan, settings.length - 1, expected),
  };
}

const leftOut = (expectation: PortExpectation, { sources }: Scan): ReturnType<typeof splitExpectation> =>
  splitExpectation(
    expectation,
    sources.map(({ source }) => source.devName),
  );

/** What `--expect` names. NAMES: of addresses. */
function expectationIn(given: Arguments, names: Setting['names']): PortExpectation | undefined {
  const path = given.value('expect');
  if (path === undefined) return undefined;
  return parsePortExpectation(readText(path), path, addressesByName(names));
}

/** What makes no difference for the first packet of a connection. */
const IRRELEVANT = /^(?:neighbour |net\.ipv4\.icmp_|net\.netfilter\.nf_conntrack_(?:acct|max) )/;

const unique = (lines: readonly string[]): string[] => [...new Set(lines)];

/** One host, or the same before and after the change that is asked about. */
function settingsOf(given: Arguments): Setting[] {
  const rules = given.values('rules');
  if (rules.length > 2) throw new UsageError(`--rules was given ${rules.length} times: scan compares two rulesets`);
  const options = settingOptionsOf(given);
  const apply = given.values('apply');
  const [before, after = before] = rules.map((rulesPath): Partial<SettingOptions> => ({ rulesPath }));
  // As in diff: with two rulesets, commands are no part of what is compared.
  const isCompared = rules.length > 1 || apply.length > 0;
  const first = loadSetting({ ...options, ...before, apply: rules.length > 1 ? apply : [] });
  return isCompared ? [first, loadSetting({ ...options, ...after, apply })] : [first];
}

function probedHost({ host, ruleset, moreSets }: Setting, given: Arguments): ProbedHost {
  const seed = given.wholeNumber('seed') ?? 0;
  return {
    ...{ host, ruleset, seed, tsSec: ARRIVAL_SEC },
    sets: () => HostSets.of(host, moreSets, seed),
    queueVerdict: given.value('nfqueue') as ProbedHost['queueVerdict'],
  };
}

function textOf(result: Found, given: Arguments): string {
  const { scan, changes, notes, assumed, findings, labels } = result;
  const style = styleOf(STDOUT, given.color);
  const width = widthOf(STDOUT);
  const options = { style, width, labels };
  const found =
    findings !== undefined
      ? formatFindings(findings, given, options)
      : changes === undefined
        ? formatPorts(scan, 0, options)
        : formatChanges(scan, changes, options);
  const lines = [
    ...notes.flatMap((note) => wrapAfter('note     ', shown(note), width)),
    ...assumed.flatMap((line) => wrapAfter('assumed  ', shown(line), width)),
  ];
  return found + lines.map((line) => `${style.dim(line)}\n`).join('');
}

function formatFindings(
  findings: readonly Finding[],
  given: Arguments,
  { style, width }: Omit<TextOptions, 'labels'>,
): string {
  if (findings.length === 0) return `The ports are open and closed as ${shown(given.required('expect'))} expects.\n\n`;
  return findings.map((finding) => `${findingLines(finding, style, width).join('\n')}\n\n`).join('');
}

function jsonOf({ scan, changes, warnings, assumed, notes, findings = [] }: Found): unknown {
  return {
    schema: 1,
    generator: `nfreplay ${version()}`,
    sources: sourcesJson(scan),
    ports: portsJson(scan, changes === undefined ? 0 : 1),
    ...(changes === undefined ? {} : { changes: changesJson(changes) }),
    findings: findings.map(findingJson),
    notes,
    assumed,
    warnings,
  };
}

/** The exit code with `--strict`; says why if it is not 0. */
function scanStrictly({ warnings, assumed, isPartlyChecked, scan: { sources } }: Found): ExitCode {
  const fates = sources.flatMap(({ groups }) =>
    groups.flatMap(({ sides }) => sides.flatMap((side) => side.flatMap(({ ports }) => ports.map(({ fate }) => fate)))),
  );
  const reasons = [
    ...(warnings.length > 0 ? [count(warnings.length, 'warning')] : []),
    ...(isPartlyChecked ? ['expectations that were not checked'] : []),
    ...(assumed.length > 0 ? [count(assumed.length, 'assumption')] : []),
    ...(fates.some(({ uncertain }) => uncertain !== undefined) ? ['uncertain ports'] : []),
    ...(fates.some(({ verdict }) => verdict === 'unknown') ? ['ports of which nothing is told'] : []),
    ...(sources.some(({ lookedAt, conditional }) => lookedAt.length + conditional.length > 0)
      ? ['packets that rules treat in another way than those of clients']
      : []),
    ...(sources.some(({ unscanned }) => unscanned.length > 0) ? ['networks that were not scanned'] : []),
  ];
  return strictCode(reasons);
}
