import { spawnSync } from 'node:child_process';

/** Runs a program in this thread's network namespace; returns its stdout, or throws an error with its stderr. */
export function run(program: string, args: readonly string[], input = '', ignoreFailure = false): string {
  const done = spawnSync(program, args, { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (done.error) throw new Error(`${program}: ${done.error.message}`);
  if (done.status !== 0 && !ignoreFailure)
    throw new Error(`${program} ${args.join(' ')}: ${done.stderr.trim() || `exit status ${done.status}`}`);
  return done.stdout;
}
