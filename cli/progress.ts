/** The progress line on a terminal. */
import type { ReplayProgress } from '../replay/replay.js';
import { formatNumber } from './number.js';
import type { Output } from './output.js';

const REFRESH_MS = 200;

export class Progress {
  readonly #stream: Output;
  readonly #startedMs = performance.now();
  #shownMs = 0;
  #isShown = false;

  /** Shows nothing if STREAM is not a terminal. */
  constructor(stream: Output) {
    this.#stream = stream;
  }

  /** Shows how far a replay has come. */
  update({ packets, consumedBytes, totalBytes }: ReplayProgress): void {
    this.show((seconds) => progressLine(packets, consumedBytes, totalBytes, seconds));
  }

  /** Shows the line that TEXT returns, which is given the seconds since the start; not for each call. */
  show(text: (seconds: number) => string): void {
    const nowMs = performance.now();
    if (!this.#stream.isTTY || nowMs - this.#shownMs < REFRESH_MS || nowMs - this.#startedMs < REFRESH_MS) return;
    this.#shownMs = nowMs;
    this.#isShown = true;
    this.#stream.write(`\r\x1b[K${text((nowMs - this.#startedMs) / 1000)}`);
  }

  /** Removes the line. */
  clear(): void {
    if (this.#isShown) this.#stream.write('\r\x1b[K');
    this.#isShown = false;
  }
}

/** The text of the line after SECONDS. */
export function progressLine(packets: number, consumedBytes: number, totalBytes: number, seconds: number): string {
  const rate = `${formatNumber(Math.round(packets / seconds))} packets/s`;
  if (totalBytes <= 0) return `${formatNumber(packets)} packets   ${rate}`;
  const share = Math.min(1, consumedBytes / totalBytes);
  const left = share > 0 ? `   ${formatTime(seconds / share - seconds)} left` : '';
  return `${Math.floor(share * 100)} %   ${rate}${left}`;
}

function formatTime(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${String(whole % 60).padStart(2, '0')} min`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')} h`;
}
