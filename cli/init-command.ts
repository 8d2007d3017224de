/** The command `nfreplay init`: writes a case, with claims about what becomes of its packets now. */
import { shown, shownPath } from '../codecs/text.js';
import { commandText } from '../explain/command.js';
import { type InitResult, initCase } from '../explain/init/init-case.js';
import { widthOf, wrapAfter } from '../explain/text/columns.js';
import { type Style, styleOf } from '../explain/text/style.js';
import { captureFiles } from '../replay/captures.js';
import { parseCommand } from './args.js';
import { INIT } from './commands/init.js';
import { ExitCode, UsageError } from './errors.js';
import { count } from './number.js';
import { STDERR, STDOUT, warn } from './output.js';
import { Progress } from './progress.js';
import { replayOptionsOf } from './replay-options.js';
import { inSteps } from './stepwise.js';
import { namesPipe, type Supervision } from './supervisor.js';

const DEFAULT_TOP = 12;

/** Runs the command; resolves with the exit code. */
export async function initCommand(args: readonly string[], supervision?: Supervision): Promise<number> {
  const given = parseCommand(INIT, args);
  const [dir, ...others] = given.positionals;
  if (dir === undefined) throw new UsageError('nfreplay init requires a DIR, the folder of the new case');
  if (others.length > 0) throw new UsageError(`${others[0]}: one folder too many; expected one DIR`);
  const options = replayOptionsOf(given);
  if (captureFiles(options).length === 0)
    throw new UsageError('init requires captures: --capture FILE, --in IFACE=FILE or --stitch FILE');
  const most = given.wholeNumber('top') ?? DEFAULT_TOP;
  if (most === 0) throw new UsageError('--top 0: expected at least 1');
  const control = supervision === undefined ? {} : { onCreate: supervision.onCreate, hasEnded: supervision.hasEnded };
  const steps = initCase(dir, options, { ...control, most, isGolden: given.has('golden') });
  const result = supervision === undefined ? await inSteps(steps, [options]) : supervised(steps, supervision, options);
  if (typeof result === 'number') return result;
  result.summary.warnings.forEach(warn);
  STDOUT.write(reportOf(dir, result, styleOf(STDOUT, given.color), widthOf(STDOUT)));
  return ExitCode.DONE;
}

/** In a thread that can be ended at any time. The first SIGINT ends a live capture. */
function supervised(
  steps: ReturnType<typeof initCase>,
  supervision: Supervision,
  options: Parameters<typeof initCase>[1],
): InitResult {
  const progress = new Progress(STDERR);
  supervision.onReady(namesPipe(captureFiles(options)));
  let step = steps.next();
  for (; !step.done; step = steps.next()) progress.update(step.value);
  progress.clear();
  return step.value;
}

function reportOf(dir: string, { files, drafts, summary }: InitResult, style: Style, width: number): string {
  const { claims } = drafts;
  const folder = shownPath(dir);
  const what = claims.length === 0 ? 'no claims' : count(claims.length, 'claim');
  const first = `${style.bold(folder)}: ${what} about ${count(summary.packets.read, 'packet')}`;
  const check = shown(commandText(['nfreplay', 'check', dir]));
  return [
    first,
    ...wrapAfter('  ', [...files].sort().join(', '), width),
    ...(claims.length === 0
      ? []
      : wrapAfter('', `Read expect.yaml: keep what you mean, correct what shows a mistake. Then: ${check}`, width)),
    '',
  ].join('\n');
}
