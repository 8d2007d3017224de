/** Reads what LOG rules write into the kernel's log, which all network namespaces share. */
import { closeSync, constants, openSync, readSync, writeFileSync } from 'node:fs';

const EAGAIN = 'EAGAIN';
/** The record to be read next has been overwritten. */
const EPIPE = 'EPIPE';
const LARGEST_RECORD_BYTES = 8192;

/** Lets all network namespaces log, not just the first, in which this thread has to be. */
export function letAllLog(): void {
  writeFileSync('/proc/sys/net/netfilter/nf_log_all_netns', '1');
}

export class KernelLog {
  private readonly fd: number;
  private readonly buffer = Buffer.alloc(LARGEST_RECORD_BYTES);

  /** Only messages that start with one of PREFIXES are read, as others may be about other hosts. */
  constructor(readonly prefixes: Set<string>) {
    this.fd = openSync('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK);
    this.read();
  }

  /** The messages since the last call. */
  read(): string[] {
    const lines: string[] = [];
    for (;;) {
      const record = this.next();
      if (record === undefined) return lines;
      const text = record.slice(record.indexOf(';') + 1).split('\n')[0];
      if ([...this.prefixes].some((prefix) => text.startsWith(prefix))) lines.push(text);
    }
  }

  private next(): string | undefined {
    for (;;) {
      try {
        return this.buffer.toString('utf8', 0, readSync(this.fd, this.buffer));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === EAGAIN) return undefined;
        if (code !== EPIPE) throw error;
      }
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** The prefixes of the LOG rules in RULES. */
export function logPrefixesOf(rules: string): string[] {
  const found = rules.matchAll(/--log-prefix (?:"([^"]*)"|(\S+))/g);
  return [...new Set([...found].map(([, quoted, plain]) => quoted ?? plain))];
}
