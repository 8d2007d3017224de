/** One thing that went wrong in a test file. */
export interface Failure {
  /** Where: suite and test, or the hook, or what is wrong with the file itself. */
  title: string;
  /** What: message, diff and stack, ready to print. */
  detail: string;
}

/** What a worker tells about its test file, over the process channel. */
export type WorkerMessage = { kind: 'test started'; title: string } | ({ kind: 'done' } & FileReport);

/** The outcome of one test file. */
export interface FileReport {
  passed: number;
  skipped: string[];
  failures: Failure[];
}

const STACK_LINES = 4;

/** An error as people read it: message, uvu's diff, and the first lines of the stack that are ours. */
export function describeError(error: Error & { details?: string }): string {
  const message =
    error.name === 'Error' || error.name === 'Assertion' ? error.message : `${error.name}: ${error.message}`;
  const stack = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line) && !/node:|node_modules|\/test\/runner\/(worker|watched-uvu)\.js/.test(line))
    .slice(0, STACK_LINES);
  return [message, ...(error.details ? [error.details.trimEnd()] : []), ...stack].join('\n');
}

/** Whatever was thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`thrown: ${String(thrown)}`);
}
