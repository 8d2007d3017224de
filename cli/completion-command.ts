/** The command `nfreplay completion`: prints a completion script. */
import { withNearest } from '../codecs/nearest.js';
import { parseCommand } from './args.js';
import { COMPLETION, SHELLS } from './commands/completion.js';
import { completionScript } from './completion.js';
import { ExitCode, UsageError } from './errors.js';
import { STDOUT } from './output.js';

/** Runs the command; returns the exit code. */
export function completionCommand(args: readonly string[]): number {
  const [given, ...more] = parseCommand(COMPLETION, args).positionals;
  const expected = `expected one of ${SHELLS.join(', ')}`;
  if (given === undefined || more.length > 0) throw new UsageError(`nfreplay completion: ${expected}`);
  const shell = SHELLS.find((name) => name === given);
  if (shell === undefined) throw new UsageError(withNearest(`unknown shell: ${given}; ${expected}`, given, SHELLS));
  STDOUT.write(completionScript(shell));
  return ExitCode.DONE;
}
