/** hot: which packets of captures are replayed (`--filter`, `--from`, `--to`), and which are reported (`--show`). */
import { CaptureFilter, type FilteredRecord } from '../codecs/filter/capture-filter.js';
import { parseWhen, WHEN_FORMS, type When } from '../codecs/when.js';
import { ReplayOptionsError } from './errors.js';
import type { Names } from './names.js';
import { type Time, timeOf } from './time.js';

export interface SelectionOptions {
  /** Replay only packets that this filter in tcpdump's language (pcap-filter(7)) chooses. */
  filter?: string;
  /** Replay only packets from this point on, and up to it (codecs/when.ts). */
  from?: string;
  to?: string;
  /** Report only drops of packets that this filter chooses; all are replayed. */
  show?: string;
}

/** The fields of a record that a selection looks at. */
type SelectedRecord = FilteredRecord & { readonly tsSec: number; readonly tsNsec: number };

/** Selects among the records of one replay. */
export class PacketSelection {
  readonly #filter: CaptureFilter | undefined;
  readonly #from: When | undefined;
  readonly #to: When | undefined;
  #frames = 0;
  #firstFrame = 1;
  #lastFrame = Number.POSITIVE_INFINITY;
  #earliest: Time = { sec: Number.NEGATIVE_INFINITY, nsec: 0 };
  #latest: Time = { sec: Number.POSITIVE_INFINITY, nsec: 0 };

  constructor(filter: CaptureFilter | undefined, from: When | undefined, to: When | undefined) {
    this.#filter = filter;
    this.#from = from;
    this.#to = to;
  }

  /** Before the first record: what hosts may be called in the filter, by address. */
  useNames(names: Names): void {
    this.#filter?.useNames(names);
  }

  /** No later record is selected. Not so for `--to` with a time: that of captures may run backwards. */
  get isOver(): boolean {
    return this.#frames >= this.#lastFrame;
  }

  /**
   * Whether RECORD is selected. Called for every record of the replay, in their order.
   * @throws {FilterError} if the filter asks for what frames of this link type do not have
   */
  takes(record: SelectedRecord): boolean {
    if (this.#frames === 0) this.#begin(record);
    this.#frames++;
    if (this.#frames < this.#firstFrame || this.#frames > this.#lastFrame) return false;
    const { tsSec, tsNsec } = record;
    const { sec: fromSec, nsec: fromNsec } = this.#earliest;
    const { sec: toSec, nsec: toNsec } = this.#latest;
    if (tsSec < fromSec || (tsSec === fromSec && tsNsec < fromNsec)) return false;
    if (tsSec > toSec || (tsSec === toSec && tsNsec > toNsec)) return false;
    return this.#filter === undefined || this.#filter.matches(record);
  }

  #begin({ tsSec, tsNsec }: SelectedRecord): void {
    const start = { sec: tsSec, nsec: tsNsec };
    if (this.#from?.is === 'frame') this.#firstFrame = this.#from.number;
    else if (this.#from !== undefined) this.#earliest = timeOf(this.#from, start);
    if (this.#to?.is === 'frame') this.#lastFrame = this.#to.number;
    else if (this.#to !== undefined) this.#latest = timeOf(this.#to, start);
  }
}

/**
 * A selection by OPTIONS, for one replay; undefined: all packets.
 * @throws {FilterError} if the filter is not correct
 * @throws {ReplayOptionsError} for a `from` or `to` that is not correct
 */
export function selectionOf({ filter, from, to }: SelectionOptions): PacketSelection | undefined {
  if (filter === undefined && from === undefined && to === undefined) return undefined;
  const first = whenOf('--from', from);
  const last = whenOf('--to', to);
  if (first !== undefined && last !== undefined && isBefore(last, first)) {
    throw new ReplayOptionsError(`--to ${to} is before --from ${from}: no packets are left`);
  }
  return new PacketSelection(filter === undefined ? undefined : new CaptureFilter(filter, '--filter'), first, last);
}

/** The filter for what is reported; undefined: everything. */
export function shownBy({ show }: SelectionOptions): CaptureFilter | undefined {
  return show === undefined ? undefined : new CaptureFilter(show, '--show');
}

function whenOf(option: string, text: string | undefined): When | undefined {
  if (text === undefined) return undefined;
  const when = parseWhen(text);
  if (when === undefined) throw new ReplayOptionsError(`${option} ${text}: expected ${WHEN_FORMS}`);
  return when;
}

/** Whether A comes before B, as far as this is known without the captures. */
function isBefore(a: When, b: When): boolean {
  if (a.is === 'frame' || b.is === 'frame') return a.is === 'frame' && b.is === 'frame' && a.number < b.number;
  return a.is === b.is && (a.sec < b.sec || (a.sec === b.sec && a.nsec < b.nsec));
}
