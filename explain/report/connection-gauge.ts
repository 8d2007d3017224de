/** How many entries the connection table has over time. Counting looks at each, so it is not done after each packet. */
import { EXPIRES_MS_F64, RECORD_F64 } from '../../core/conntrack/record.js';
import type { ConntrackTable } from '../../core/conntrack/table.js';

/** Records that may be looked at for each packet, on average, and before there are many packets. */
const RECORDS_PER_PACKET = 32;
const FIRST_RECORDS = 1 << 20;

/** How many entries there were at a time, in milliseconds of packet time. */
export interface GaugeReading {
  readonly atMs: number;
  readonly entries: number;
}

export class ConnectionGauge {
  readonly #table: ConntrackTable;
  /** Records that may be looked at now. */
  #credit = FIRST_RECORDS;

  constructor(table: ConntrackTable) {
    this.#table = table;
  }

  /** A packet has been dealt with. */
  earn(): void {
    this.#credit += RECORDS_PER_PACKET;
  }

  /** Whether counting the entries, and as many others as ALSO, would not take too long now. */
  isReady(also: number): boolean {
    return this.#credit >= this.#table.usedRecords + also;
  }

  /** So many others have been counted. */
  spend(others: number): void {
    this.#credit -= others;
  }

  /** How many entries have not expired at NOW_MS. */
  count(nowMs: number): number {
    const table = this.#table;
    this.#credit -= table.usedRecords;
    let entries = 0;
    table.forEach(nowMs, () => {
      entries++;
    });
    return entries;
  }

  /**
   * How the entries expire from NOW_MS to END_MS, while no packet comes: a reading where their number changes, or MOST
   * of these readings.
   */
  countDown(nowMs: number, endMs: number, most: number): GaugeReading[] {
    const table = this.#table;
    this.#credit -= table.usedRecords;
    const ends: number[] = [];
    let entries = 0;
    table.forEach(nowMs, (entry) => {
      entries++;
      const expiresMs = table.doubles[entry * RECORD_F64 + EXPIRES_MS_F64];
      if (expiresMs < endMs) ends.push(expiresMs);
    });
    ends.sort((a, b) => a - b);
    const readings: GaugeReading[] = [];
    for (const [i, atMs] of ends.entries()) {
      const left = entries - i - 1;
      if (readings.length > 0 && readings[readings.length - 1].atMs === atMs) readings.pop();
      readings.push({ atMs, entries: left });
    }
    if (readings.length <= most) return readings;
    return Array.from({ length: most }, (_, i) => readings[Math.floor(((i + 1) * readings.length) / most) - 1]);
  }
}
