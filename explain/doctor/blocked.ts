/** New connections that rules block, which no check may find anything wrong with. */
import { isAccepted, type PacketRecord } from './packet-record.js';
import { endText } from './words.js';

/** Packets that open connections to one destination and are blocked by one rule or policy. */
export interface Blocked {
  readonly packets: number;
  /** Where they were sent: `192.0.2.10:8080`. */
  readonly destination: string;
  /** Whether a rule had translated that. */
  readonly isTranslated: boolean;
  readonly isRejected: boolean;
  readonly file: string;
  readonly line: number;
  /** The first, as `--packet` takes it. */
  readonly first: string;
}

/** Collects them. */
export class BlockedPackets {
  readonly #byKey = new Map<string, Blocked>();

  take(record: PacketRecord): void {
    const { ends, inDev, tracked, dropped, isShown, isUncertain } = record;
    if (isAccepted(record) || !isShown || isUncertain || inDev === undefined) return;
    if (ends === undefined || dropped === undefined || tracked?.ctstate !== 'NEW') return;
    const { rule, policy } = dropped.cause;
    const { file, line } = rule ?? policy ?? { file: '', line: 0 };
    if (line === 0) return;
    const destination = endText(ends.destination, ends.protocol === 1 ? -1 : ends.dport);
    const key = `${destination} ${file}:${line}`;
    const before = this.#byKey.get(key);
    this.#byKey.set(key, {
      ...{ destination, file, line, isRejected: dropped.isRejected },
      isTranslated: record.translations.some(({ end }) => end === 'destination'),
      packets: (before?.packets ?? 0) + 1,
      first: before?.first ?? record.name,
    });
  }

  /** Published ports first, then the most frequent. */
  get all(): Blocked[] {
    return [...this.#byKey.values()].sort(
      (a, b) => Number(b.isTranslated) - Number(a.isTranslated) || b.packets - a.packets,
    );
  }
}
