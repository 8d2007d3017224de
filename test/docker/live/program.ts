/** Programs that a story runs on this machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

export interface ProgramOutput {
  /** The exit status; 128 + n if signal n ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const SIGNAL_STATUS = 128;

/** Runs WORDS; INPUT is its stdin. */
export function output(words: readonly string[], input = ''): Promise<ProgramOutput> {
  return new Promise((resolve, reject) => {
    const child = spawn(words[0], words.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (part: Buffer) => stdout.push(part));
    child.stderr.on('data', (part: Buffer) => stderr.push(part));
    child.on('error', reject);
    // A program may end before it has read its input.
    child.stdin.on('error', () => {});
    child.on('close', (code) =>
      resolve({
        status: code ?? SIGNAL_STATUS,
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      }),
    );
    child.stdin.end(input);
  });
}

/** What WORDS prints. @throws {Error} with its stderr if it fails. */
export async function text(words: readonly string[], input = ''): Promise<string> {
  const { status, stdout, stderr } = await output(words, input);
  if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr.trim() || `exit status ${status}`}`);
  return stdout;
}

/** Programs that run while the story goes on; they end with it, each with all that it has started. */
export class Background {
  private readonly children: ChildProcess[] = [];

  /** LOG: the file for what it prints. */
  start(words: readonly string[], log = '/dev/null', takesInput = false): ChildProcess {
    const fd = openSync(log, 'w');
    const stdin = takesInput ? 'pipe' : 'ignore';
    // A process group of its own, so that `end` reaches what it starts as well.
    const child = spawn(words[0], words.slice(1), { stdio: [stdin, fd, fd], detached: true });
    closeSync(fd);
    child.on('error', () => {});
    child.stdin?.on('error', () => {});
    this.children.push(child);
    return child;
  }

  end(): void {
    for (const { pid, exitCode, signalCode } of this.children) {
      if (pid === undefined || exitCode !== null || signalCode !== null) continue;
      try {
        process.kill(-pid, 'SIGTERM');
      } catch {
        // It has just ended.
      }
    }
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
