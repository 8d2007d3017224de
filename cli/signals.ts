/** The signals that end a command. */

/** Shells add this to the number of the signal that ended a process. */
const SIGNALLED = 128;
const NUMBERS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
export type Signal = keyof typeof NUMBERS;

/** The exit code of a command that SIGNAL ended. */
export function exitCodeOf(signal: Signal): number {
  return SIGNALLED + NUMBERS[signal];
}

/**
 * Calls LISTENER with each signal, which then does not end the process by itself. Only while there is something to
 * clean up, or nothing left to do at all: a process that is not listening ends at once, whatever it is doing. Returns a
 * function that stops it; after a signal it need not be called, so that another one does not change the exit code.
 */
export function onSignals(listener: (signal: Signal) => void): () => void {
  const stops = Object.keys(NUMBERS).map((signal) => {
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return () => {
    for (const stop of stops) stop();
  };
}
