/** What sets know of their host. */
import type { SetClock } from './extensions.js';

export interface SetEnvironment {
  readonly clock: SetClock;
  /** Names of the host's interfaces, by index. */
  readonly interfaceNames: readonly string[];
  /** 32 random bits: where the kernel draws a hash's initial value. */
  randomWord(): number;
}
