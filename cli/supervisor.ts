/**
 * Runs a command in a thread, so that it can be ended whatever it does: waiting for a pipe, or working on one packet
 * for hours. Node delivers signals only to the main thread, and only while that does nothing else.
 *
 * A thread takes some 30 ms to start. A replay of files does without: it looks for signals between its steps.
 */
import { closeSync, constants, open, openSync, type Stats, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Worker } from 'node:worker_threads';
import { cleanUp, type Leftovers } from '../io/staged-dir.js';
import type { ReplayControl } from '../replay/replay.js';
import { STDERR, STDOUT } from './output.js';
import { exitCodeOf, onSignals, type Signal } from './signals.js';

const require = createRequire(import.meta.url);

/** What a command in a thread uses. */
export interface Supervision extends Required<ReplayControl> {
  /** Tells the main thread whether from now on the first SIGINT ends the input, or else the command. */
  onReady(isLive: boolean): void;
  /** Passes DATA, a copy of it, to the main thread. */
  post(data: unknown): void;
}

/** A command on the main thread finds that it might be busy for too long without looking for signals. */
export class NeedsThread extends Error {}

/** In the address of the module, tells the thread from the main thread. */
const THREAD_QUERY = '?thread';

type Message = { created: Leftovers } | { isLive: boolean } | { data: unknown } | { exitCode: number };

/** Hears of what the thread posts. */
type DataListener = (data: unknown) => void;

/** Whether one of the words ARGV names a pipe, a terminal or the like: reading or writing it can take for ever. */
export function namesPipe(argv: readonly string[]): boolean {
  return [...pathsIn(argv)].some((path) => {
    const stat = path === '-' ? undefined : statOf(path);
    return path === '-' || (stat !== undefined && !stat.isFile() && !stat.isDirectory());
  });
}

/** The words of ARGV, what follows `=` in them, and the parts of that as in `nat=FILE,filter=FILE`; each once. */
function pathsIn(argv: readonly string[]): ReadonlySet<string> {
  return new Set(
    argv.flatMap((word) => {
      if (!word.includes('=')) return [word];
      return [word, word.slice(word.indexOf('=') + 1), ...word.split(/,(?:\w+=)?|=/).slice(1)];
    }),
  );
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/**
 * Runs the command ARGV in a thread, which calls `runThread` in the module MAIN; resolves with the exit code. ON_DATA:
 * is given what it posts.
 */
export function runInThread(main: string, argv: readonly string[], onData: DataListener = () => {}): Promise<number> {
  return new Supervisor(main, argv, onData).run();
}

/** In the thread: runs the command with RUN. Returns false on the main thread. */
export async function runThread(
  main: string,
  run: (argv: readonly string[], supervision: Supervision) => Promise<number>,
): Promise<boolean> {
  if (!main.endsWith(THREAD_QUERY)) return false;
  const { parentPort, workerData }: typeof import('node:worker_threads') = require('node:worker_threads');
  const post = (message: Message) => parentPort?.postMessage(message);
  const ended: Int32Array = workerData;
  const exitCode = await run(process.argv.slice(2), {
    onCreate: (created) => post({ created }),
    onReady: (isLive) => post({ isLive }),
    hasEnded: () => Atomics.load(ended, 0) !== 0,
    post: (data) => post({ data }),
  });
  post({ exitCode });
  return true;
}

class Supervisor {
  readonly #main: string;
  readonly #argv: readonly string[];
  readonly #onData: DataListener;
  /** Not 0: live inputs shall end. */
  readonly #ended = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #created: Leftovers[] = [];
  readonly #interruption: Promise<Signal>;
  #interrupt!: (signal: Signal) => void;
  #worker: Worker | undefined;
  /** Undefined until the thread tells, which it does before anything else. */
  #isLive: boolean | undefined;
  /** The named pipe that is being opened, which lasts until somebody opens it for writing. */
  #opening: string | undefined;
  /** A writer of our own for that pipe, so that opening it ends. */
  #writer: number | undefined;
  readonly #pipes: number[] = [];
  #isOver = false;

  constructor(main: string, argv: readonly string[], onData: DataListener) {
    this.#main = main;
    this.#argv = argv;
    this.#onData = onData;
    this.#interruption = new Promise((resolve) => {
      this.#interrupt = resolve;
    });
  }

  async run(): Promise<number> {
    // For good: when the thread has told its exit code, another signal must not change it.
    onSignals((signal) => this.#onSignal(signal));
    try {
      const outcome = await Promise.race([this.#interruption, this.#work()]);
      if (typeof outcome === 'number') return outcome;
      return exitCodeOf(outcome);
    } finally {
      this.#isOver = true;
      this.#endInputs();
      await this.#worker?.terminate();
      for (const leftovers of this.#created) cleanUp(leftovers);
      for (const fd of this.#pipes) closeSync(fd);
    }
  }

  #onSignal(signal: Signal): void {
    const isFirst = Atomics.load(this.#ended, 0) === 0;
    if (signal !== 'SIGINT' || !isFirst || this.#isLive === false) {
      this.#interrupt(signal);
      return;
    }
    this.#endInputs();
  }

  #endInputs(): void {
    Atomics.store(this.#ended, 0, 1);
    if (this.#opening === undefined || this.#writer !== undefined) return;
    try {
      this.#writer = openSync(this.#opening, constants.O_RDWR | constants.O_NONBLOCK);
    } catch {
      // It has been removed.
    }
  }

  async #work(): Promise<number> {
    for (const path of pathsIn(this.#argv)) {
      if (statOf(path)?.isFIFO() && Atomics.load(this.#ended, 0) === 0) await this.#open(path);
    }
    return this.#isOver ? 0 : this.#runThread();
  }

  #runThread(): Promise<number> {
    // With these, Node makes pipes and sockets non-blocking: a thread cannot be ended while it waits in the kernel.
    void [process.stdin, process.stdout];
    const { Worker: Thread }: typeof import('node:worker_threads') = require('node:worker_threads');
    const columns = STDOUT.columns ?? STDERR.columns;
    const worker = new Thread(`import(${JSON.stringify(`${this.#main}${THREAD_QUERY}`)})`, {
      eval: true,
      argv: [...this.#argv],
      env: columns === undefined ? process.env : { COLUMNS: String(columns), ...process.env },
      workerData: this.#ended,
    });
    this.#worker = worker;
    return new Promise((resolve, reject) => {
      worker.on('message', (message: Message) => this.#onMessage(message, resolve));
      worker.on('error', reject);
      worker.on('exit', resolve);
    });
  }

  #onMessage(message: Message, finish: (exitCode: number) => void): void {
    if ('created' in message) this.#created.push(message.created);
    else if ('data' in message) this.#onData(message.data);
    else if ('exitCode' in message) finish(message.exitCode);
    else {
      this.#isLive = message.isLive;
      if (!message.isLive && Atomics.load(this.#ended, 0) !== 0) this.#interrupt('SIGINT');
    }
  }

  /** Waits until the named pipe PATH has a writer, and keeps it open: the thread opens it without waiting. */
  #open(path: string): Promise<void> {
    this.#opening = path;
    return new Promise((resolve) => {
      open(path, constants.O_RDONLY, (_, fd) => {
        this.#opening = undefined;
        if (this.#writer !== undefined) closeSync(this.#writer);
        // An error is reported by the thread, which meets it as well.
        if (fd !== undefined) this.#pipes.push(fd);
        resolve();
      });
    });
  }
}
