/** A failure in a test file. */
export interface Failure {
  /** Suite and test, or the hook, or the problem with the file itself. */
  title: string;
  /** Message, diff and stack, ready to print. */
  detail: string;
}

/** The report of a worker about its test file, sent over the process channel. */
export type WorkerMessage = { kind: 'test started'; title: string } | ({ kind: 'done' } & FileReport);

/** The outcome of one test file. */
export interface FileReport {
  passed: number;
  skipped: string[];
  failures: Failure[];
}

const STACK_LINES = 4;

/** An error in readable form: message, uvu's diff, and the first stack lines in the project. */
export function describeError(error: Error & { details?: string }): string {
  const message =
    error.name === 'Error' || error.name === 'Assertion' ? error.message : `${error.name}: ${error.message}`;
  const stack = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line) && !/node:|node_modules|\/test\/runner\/(worker|watched-uvu)\.js/.test(line))
    .slice(0, STACK_LINES);
  return [message, ...(error.details ? [error.details.trimEnd()] : []), ...stack].join('\n');
}

/** The thrown value as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`thrown: ${String(thrown)}`);
}
