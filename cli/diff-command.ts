/** The command `nfreplay diff`: what two rulesets, or two hosts, treat differently. */
import { shownJson } from '../codecs/text.js';
import { diffJson } from '../explain/diff/diff-json.js';
import { diffSteps } from '../explain/diff/diff-summary.js';
import { formatDiff } from '../explain/diff/diff-text.js';
import type { DifferenceKind } from '../explain/diff/kinds.js';
import { widthOf } from '../explain/text/columns.js';
import { styleOf } from '../explain/text/style.js';
import type { ReplayOptions } from '../replay/replay.js';
import { type Arguments, parseCommand } from './args.js';
import { DIFF } from './commands/diff.js';
import { ExitCode, UsageError } from './errors.js';
import { STDOUT, warn } from './output.js';
import { refusePipes, replayOptionsOf, sidesGiven } from './replay-options.js';
import { stepwise } from './stepwise.js';
import { strictly } from './strictness.js';
import type { Supervision } from './supervisor.js';

const DEFAULT_TOP = 10;

/** Runs the command; resolves with the exit code. */
export async function diffCommand(args: readonly string[], supervision?: Supervision): Promise<number> {
  const given = parseCommand(DIFF, args);
  const [old, other] = sidesOf(given);
  refusePipes(old, 'diff requires a file');
  const top = given.wholeNumber('top') ?? DEFAULT_TOP;
  const only = given.has('only') ? (given.values('only') as DifferenceKind[]) : undefined;
  const steps = diffSteps(old, other, { traced: top, ...(only === undefined ? {} : { only }) });
  const summary = await stepwise(steps, [old, other], supervision);
  if (typeof summary === 'number') return summary;

  for (const warning of new Set([...summary.old.warnings, ...summary.new.warnings])) warn(warning);
  if (given.has('json')) STDOUT.write(`${shownJson(diffJson(summary))}\n`);
  else STDOUT.write(formatDiff(summary, { style: styleOf(STDOUT, given.color), width: widthOf(STDOUT), top, only }));
  if (summary.differences.length > 0) return ExitCode.DIFFERENT;
  return given.has('strict') ? Math.max(strictly(summary.old), strictly(summary.new)) : ExitCode.DONE;
}

/** The old side and the new one. */
function sidesOf(given: Arguments): [ReplayOptions, ReplayOptions] {
  const { rules, hosts } = sidesGiven(given);
  const other = replayOptionsOf(given);
  const hasTwoRulesets = rules.length === 2 || (rules.length === 0 && hosts.length === 2);
  const isChanged = (other.apply?.length ?? 0) + (other.changes?.length ?? 0) > 0;
  if (rules.length < 2 && hosts.length < 2 && !isChanged) {
    throw new UsageError(
      'nothing to compare: give --rules twice, --host twice, or what is changed on the new side with --apply or --at',
    );
  }
  refuseNoCaptures(other, hosts.length === 2);
  const old = hasTwoRulesets ? other : { ...other, apply: [], changes: [] };
  return [
    old,
    { ...other, ...(rules[1] === undefined ? {} : { rulesPath: rules[1] }), hostPath: hosts[1] ?? other.hostPath },
  ];
}

function refuseNoCaptures({ inputs = [], captures = [], stitchPaths = [] }: ReplayOptions, hasTwoHosts: boolean): void {
  if (inputs.length + captures.length + stitchPaths.length > 0) return;
  const how = hasTwoHosts ? ': nfreplay scan --rules OLD/rules.v4 --rules NEW/rules.v4 --host NEW' : '';
  throw new UsageError(
    `nothing to replay: no capture given; without captures, nfreplay scan tells which ports differ${how}`,
  );
}
