import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FileReport, WorkerMessage } from './report.js';

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));

/** A finished test file: its report, what it printed, and how long it took. */
export interface FileOutcome extends FileReport {
  file: string;
  output: string;
  durationMs: number;
}

/**
 * Runs one test file in a separate process with the environment `env`. If a test takes longer than `timeoutMs`, the
 * file ends as a failure.
 */
export function runFile(file: string, timeoutMs: number, env = process.env): Promise<FileOutcome> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const child = fork(WORKER, [file], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env });
    let output = '';
    let running = '(loading the file)';
    let timedOut = false;
    let report: FileReport | undefined;

    const onTimeout = () => {
      timedOut = true;
      child.kill('SIGKILL');
    };
    let timer = setTimeout(onTimeout, timeoutMs);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.on('message', (message: WorkerMessage) => {
      if (message.kind === 'done') report = message;
      else running = message.title;
      clearTimeout(timer);
      timer = setTimeout(onTimeout, timeoutMs);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      report ??= {
        passed: 0,
        skipped: [],
        failures: [
          {
            title: running,
            detail: timedOut
              ? `not done after ${timeoutMs / 1000} s`
              : `the process ended before its tests did (${signal ?? `exit code ${code}`})`,
          },
        ],
      };
      const { passed, skipped, failures } = report;
      resolve({
        file,
        passed,
        skipped,
        failures,
        output: withoutDots(output),
        durationMs: performance.now() - startedMs,
      });
    });
  });
}

/** Removes uvu's progress lines (` suite • • ✘  (2 / 3)`) from the output of a file. */
function withoutDots(output: string): string {
  return output
    .replace(/^ .* (?:[•✘] )+ {2}\(\d+ \/ \d+\)\n/gm, '')
    .replace(/[•✘] /g, '')
    .trim();
}

/** Calls `work` for every item, at most `width` at a time, in order of the items. */
export async function pooled<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) await work(items[next++]);
  };
  await Promise.all(Array.from({ length: width }, lane));
}
