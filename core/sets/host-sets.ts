/** The sets of a host before its first packet: they can be filled before there is an emulator. */
import type { HostText } from '../../codecs/host/texts.js';
import { shownPath } from '../../codecs/text.js';
import type { Clock } from '../clock.js';
import type { Host } from '../host/host.js';
import { readSets } from '../ipset/index.js';
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
  /** About what of the texts has no effect: `file:line: …`. */
  readonly warnings: string[] = [];
  /** Why nothing is known of the host's own sets: `ipset save` failed there. */
  failure: string | undefined;
  /** How many entries each set had in the texts, by name. */
  readonly sizes = new Map<string, number>();
  readonly #clock = new StartingClock();

  /** Without sets. The initial values of their hashes follow from SEED. */
  constructor({ interfaceNames }: Pick<Host, 'interfaceNames'>, seed = 0) {
    const random = new Random(seed);
    this.store = new SetStore({ clock: this.#clock, interfaceNames, randomWord: () => random.uint32() });
  }

  /**
   * What HOST brings, and MORE on top of it: texts for `ipset restore`, as `ipset save` prints them. SEED: as above.
   *
   * @throws {IpsetError}
   */
  static of(host: Host, more: readonly HostText[] = [], seed = 0): HostSets {
    const sets = new HostSets(host, seed);
    const { ipset } = host.description.texts;
    sets.failure = ipset?.failure;
    const own = ipset === undefined || ipset.failure !== undefined ? [] : [ipset];
    for (const text of [...own, ...more]) sets.#read(text);
    for (const { name, size } of sets.store) sets.sizes.set(name, size);
    return sets;
  }

  #read({ text, file }: HostText): void {
    const { endsAt } = readSets(text, file, this.store);
    if (endsAt !== undefined) this.warnings.push(endWarning(file, endsAt));
  }

  /** From now on time-outs follow CLOCK. */
  start(clock: Clock): void {
    this.#clock.follow(clock);
  }
}

/** The warning that of FILE, for `ipset restore`, nothing has an effect behind the line ENDS_AT. */
export function endWarning(file: string, endsAt: number): string {
  return `${shownPath(file)}:${endsAt}: ipset restore reads no further than this line`;
}
