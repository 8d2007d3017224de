/** The sets of a host before its first packet: they can be filled before there is an emulator. */
import type { Clock } from '../clock.js';
import type { Host } from '../host/host.js';
import { Random } from '../random.js';
import type { SetClock } from './extensions.js';
import { SetStore } from './store.js';

/** Stands at the first packet until there is a clock to follow. */
class StartingClock implements SetClock {
  #clock: Clock | undefined;

  get nowMs(): number {
    return this.#clock?.nowMs ?? 0;
  }

  follow(clock: Clock): void {
    this.#clock = clock;
  }
}

/** For one emulator: sets change while it runs. */
export class HostSets {
  readonly store: SetStore;
  readonly #clock = new StartingClock();

  /** Without sets. The initial values of their hashes follow from SEED. */
  constructor({ interfaceNames }: Pick<Host, 'interfaceNames'>, seed = 0) {
    const random = new Random(seed);
    this.store = new SetStore({ clock: this.#clock, interfaceNames, randomWord: () => random.uint32() });
  }

  /** From now on time-outs follow CLOCK. */
  start(clock: Clock): void {
    this.#clock.follow(clock);
  }
}
