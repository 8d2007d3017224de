/** Private network namespaces: they have no name and disappear with the last descriptor that refers to them. */
import { closeSync, openSync } from 'node:fs';
import type { Libc } from './libc.js';

const THIS_NAMESPACE = '/proc/thread-self/ns/net';

export class Namespace {
  private constructor(
    private readonly libc: Libc,
    private readonly fd: number,
  ) {}

  static create(libc: Libc): Namespace {
    const home = openSync(THIS_NAMESPACE, 'r');
    try {
      libc.unshareNet();
      return new Namespace(libc, openSync(THIS_NAMESPACE, 'r'));
    } finally {
      libc.setNet(home);
      closeSync(home);
    }
  }

  /** A path for `ip … netns PATH` that is valid in child processes too. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.fd}`;
  }

  /**
   * Runs ACTION, and the processes that it starts, in this namespace; returns its result. ACTION must be synchronous.
   */
  run<T>(action: () => T): T {
    const home = openSync(THIS_NAMESPACE, 'r');
    try {
      this.libc.setNet(this.fd);
      return action();
    } finally {
      this.libc.setNet(home);
      closeSync(home);
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}
