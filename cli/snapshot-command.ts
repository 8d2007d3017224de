/** The command `nfreplay snapshot`: prints the script that describes a host. */
import { SNAPSHOT_SCRIPT } from '../codecs/host/snapshot-script.js';
import { parseCommand } from './args.js';
import { SNAPSHOT } from './commands/snapshot.js';
import { ExitCode } from './errors.js';
import { STDERR, STDOUT } from './output.js';

/** Runs the command; returns the exit code. */
export function snapshotCommand(args: readonly string[]): number {
  parseCommand(SNAPSHOT, args);
  STDOUT.write(SNAPSHOT_SCRIPT);
  if (STDOUT.isTTY)
    STDERR.write("nfreplay: this is a script; run it on a host: nfreplay snapshot | ssh HOST 'sudo sh' > host.txt\n");
  return ExitCode.DONE;
}
