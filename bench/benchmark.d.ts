/** Types for the parts of benchmark 2.1.4 (https://benchmarkjs.com/docs) that are used here. */
declare module 'benchmark' {
  export default class Benchmark {
    static Suite: new () => Suite;
    name: string;
    /** Calls per second. */
    hz: number;
    /** The error that a call threw. */
    error?: Error;
    /** `rme`: relative margin of error, in percent. */
    stats: { rme: number };
  }

  interface Suite {
    add(name: string, call: () => void, options?: { maxTime?: number; onStart?: () => void }): Suite;
    on(event: 'cycle' | 'error', listener: (event: { target: Benchmark }) => void): Suite;
    run(options?: { async?: boolean }): Suite;
  }
}
