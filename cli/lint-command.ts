/** The command `nfreplay lint`: says what rules can never do. */
import { shown, shownJson } from '../codecs/text.js';
import type { Host } from '../core/host/host.js';
import { formatNotes, readAllRules } from '../core/rules/forms/merge.js';
import type { Guess } from '../core/rules/guess/guess.js';
import type { Ruleset } from '../core/rules/model.js';
import { findingJson } from '../explain/findings.js';
import { type LintResult, lint } from '../explain/lint/lint.js';
import { formatLint } from '../explain/lint/lint-text.js';
import { sarifLog } from '../explain/lint/sarif.js';
import { widthOf } from '../explain/text/columns.js';
import { styleOf } from '../explain/text/style.js';
import { backendOf } from '../replay/changes/planned-change.js';
import { loadHostAddresses } from '../replay/names.js';
import { readRulesFiles } from '../replay/rules-files.js';
import { loadSetting } from '../replay/setting.js';
import { version } from '../replay/version.js';
import { type Arguments, parseCommand } from './args.js';
import { LINT } from './commands/lint.js';
import { ExitCode, UsageError } from './errors.js';
import { STDERR, STDOUT, warn } from './output.js';

/** Runs the command; returns the exit code. */
export function lintCommand(args: readonly string[]): number {
  const given = parseCommand(LINT, args);
  if (given.has('json') && given.has('sarif')) throw new UsageError('--json and --sarif exclude each other');
  const { ruleset, host } = readSetting(given);
  const result = lint(ruleset, host);
  for (const one of result.givenUp) warn(`given up: ${one}`);
  if (given.has('json')) STDOUT.write(`${shownJson(documentOf(result))}\n`);
  else if (given.has('sarif')) STDOUT.write(`${shownJson(sarifLog(result, version()))}\n`);
  else STDOUT.write(formatLint(result, styleOf(STDOUT, given.color), STDOUT.isTTY ? widthOf(STDOUT) : undefined));
  if (result.findings.length > 0) return ExitCode.DIFFERENT;
  return result.givenUp.length > 0 ? ExitCode.UNSUPPORTED : ExitCode.DONE;
}

/** The rules and, if one is given, the host. Rules that cannot be followed may match, or not. */
function readSetting(given: Arguments): { ruleset: Ruleset; host?: Host } {
  const rulesPath = given.value('rules');
  const hostPath = given.value('host');
  const namesPath = given.value('names');
  const guess = given.value('guess') as Guess | undefined;
  const options = {
    ...(rulesPath === undefined ? {} : { rulesPath }),
    ...(namesPath === undefined ? {} : { namesPath }),
    ...(guess === undefined ? {} : { guess }),
  };
  if (hostPath !== undefined) {
    const { ruleset, host, warnings, assumed } = loadSetting({ ...options, hostPath, lax: true });
    note(warnings, assumed);
    return { ruleset, host };
  }
  if (rulesPath === undefined) throw new UsageError('nfreplay lint requires --rules or --host');
  if (guess === 'docker') throw new UsageError('--guess docker requires --host: the bridges of the host');
  const sources = readRulesFiles(rulesPath);
  const ruleset = readAllRules(sources, {
    ...{ lax: true, willRun: false, family: 'ipv4', backend: backendOf(sources) },
    ...(namesPath === undefined ? {} : { hostNames: loadHostAddresses(namesPath) }),
    ...(guess === undefined ? {} : { guess: { guess, bridges: [] } }),
  });
  note(formatNotes(ruleset, ruleset.warnings), formatNotes(ruleset, ruleset.assumed));
  return { ruleset };
}

function note(warnings: readonly string[], assumed: readonly string[]): void {
  for (const warning of warnings) warn(warning);
  for (const one of assumed) STDERR.write(`nfreplay: assumed: ${shown(one)}\n`);
}

/** The JSON document of RESULT. */
function documentOf({ findings, givenUp, ruleCount }: LintResult): object {
  return {
    schema: 1,
    generator: `nfreplay ${version()}`,
    ruleCount,
    findings: findings.map(findingJson),
    givenUp,
  };
}
