/**
 * Names a process, so that others can tell whether it has ended. A process id is not enough: processes in different
 * containers have the same ones, and an id is used again.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { errorCode } from './file-error.js';

/** The tag of a process that cannot be identified. */
const UNKNOWN = 'x';
/** This many digits of the random boot ID are enough to distinguish boots and machines. */
const BOOT_DIGITS = 8;

/** A tag of this process: only letters, digits, underscores and dots. */
export function processTag(): string {
  const space = pidSpace();
  const started = startOf(process.pid);
  return space === undefined || started === undefined ? UNKNOWN : `${space}.${process.pid}.${started}`;
}

/** A name that is most likely unused. The caller must refuse an existing file, as `mkdirSync` does. */
export function randomName(): string {
  return Math.random().toString(36).slice(2, 12).padEnd(10, '0');
}

/**
 * Whether the process with the TAG, which may be followed by a dash and anything, has certainly ended. False if it is
 * of another container or machine, or before a restart.
 */
export function isGone(tag: string): boolean {
  const [space, pid, started] = tag.split('-')[0].split('.');
  if (started === undefined || space !== pidSpace()) return false;
  if (!exists(Number(pid))) return true;
  const now = startOf(Number(pid));
  return now !== undefined && now !== started;
}

/** The space in which process ids mean the same: this boot of the machine, and the PID namespace. */
function pidSpace(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, BOOT_DIGITS);
    const namespace = readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
    return `${boot}_${namespace}`;
  } catch {
    return undefined;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ESRCH';
  }
}

/**
 * When the process PID started, in clock ticks since boot (proc(5), field 22 of stat); undefined if that cannot be
 * read. A process that has ended and was not waited for has no start.
 */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in parentheses, may contain anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'none' : fields[19];
  } catch {
    return undefined;
  }
}
