/** Network namespaces of this process alone: they have no name and vanish with the last descriptor that refers to them. */
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

  /** A path that `ip … netns PATH` understands, in child processes too. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.fd}`;
  }

  /** The result of ACTION, which runs in this namespace, as do the processes that it starts. It must be synchronous. */
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
