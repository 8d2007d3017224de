/** What rules told besides the packets: log.txt (LOG, TRACE) and nflog.pcap (NFLOG, ULOG). */
import { join } from 'node:path';
import { Linktype } from '../codecs/linktypes.js';
import { nflogPacket } from '../codecs/nflog.js';
import type { PcapWriter } from '../codecs/pcap-writer.js';
import { counted } from '../codecs/text.js';
import type { LogEntry, NflogEntry, UnboundQueueCounts } from '../core/emulator.js';
import { writeText } from '../io/text-file.js';

export const LOG_FILE = 'log.txt';
export const NFLOG_FILE = 'nflog.pcap';

/** Lines are written in pieces of at least this length. */
const PIECE_CHARACTERS = 1 << 16;
const NANOSECONDS_PER_MICROSECOND = 1000;

/** How much was logged. */
export interface LoggedCounts {
  /** Lines of log.txt. */
  lines: number;
  /** Packets in nflog.pcap. */
  packets: number;
}

type OpenCapture = (path: string, linktype: number) => PcapWriter;

export class LogFiles {
  readonly counts: LoggedCounts = { lines: 0, packets: 0 };
  readonly #dir: string | undefined;
  readonly #hasTime: boolean;
  readonly #open: OpenCapture;
  #text = '';
  #writer: PcapWriter | undefined;

  /**
   * DIR: where files are created as soon as there is something to write; undefined: nothing is written. HAS_TIME: lines
   * start with the time of their packet. OPEN creates a capture, which the caller closes.
   */
  constructor(dir: string | undefined, hasTime: boolean, open: OpenCapture) {
    this.#dir = dir;
    this.#hasTime = hasTime;
    this.#open = open;
  }

  /** Takes the message of ENTRY about a packet with this time stamp. */
  log({ line }: LogEntry, tsSec: number, tsNsec: number): void {
    this.counts.lines++;
    if (this.#dir === undefined) return;
    const time = this.#hasTime ? kernelTime(tsSec, tsNsec) : '';
    this.#text += `${time}${line}\n`;
    if (this.#text.length >= PIECE_CHARACTERS) this.#writeText(this.#dir);
  }

  /** Takes the packet of ENTRY, with this time stamp. */
  nflog({ group, prefix, bytes, at, available }: NflogEntry, tsSec: number, tsNsec: number): void {
    this.counts.packets++;
    if (this.#dir === undefined) return;
    this.#writer ??= this.#open(join(this.#dir, NFLOG_FILE), Linktype.NFLOG);
    const record = nflogPacket(group, prefix, bytes.subarray(at, at + available));
    this.#writer.write(tsSec, tsNsec, record, 0, record.length, record.length);
  }

  /** Writes what has been collected. */
  flush(): void {
    if (this.#dir !== undefined && this.#text !== '') this.#writeText(this.#dir);
  }

  #writeText(dir: string): void {
    writeText(join(dir, LOG_FILE), this.#text, 'a');
    this.#text = '';
  }
}

/**
 * The time in front of a message in the kernel's log (print_time), in seconds. The kernel counts them from its start,
 * which no capture tells, so these are since 1970.
 */
function kernelTime(tsSec: number, tsNsec: number): string {
  const micros = Math.floor(tsNsec / NANOSECONDS_PER_MICROSECOND);
  return `[${String(tsSec).padStart(5)}.${String(micros).padStart(6, '0')}] `;
}

export const isAnyLogged = ({ lines, packets }: LoggedCounts): boolean => lines + packets > 0;

/** What was assumed about the programs that listen to the queues of NFQUEUE. */
export function assumedQueues({ dropped, passed }: UnboundQueueCounts): string[] {
  if (dropped + passed === 0) return [];
  const what = [
    ...(dropped > 0 ? [`${counted(dropped, 'packet')} dropped`] : []),
    ...(passed > 0 ? [`${counted(passed, 'packet')} passed by --queue-bypass`] : []),
  ];
  return [
    `no program listens to the queues of NFQUEUE: ${what.join(', ')} (--nfqueue accept or drop: how one would answer)`,
  ];
}
