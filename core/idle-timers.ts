/** The timers of `-j IDLETIMER`, which rules share by their labels. */
import type { RuleContext } from './rules/context.js';

export class IdleTimers {
  /** In milliseconds of packet time, by label; without those that have expired. */
  readonly #deadlinesMs = new Map<string, number>();

  /**
   * A rule is loaded at NOW_MS. Of the rules with the same label, the last one counts; of those with alarms, the
   * longest.
   */
  start(label: string, timeoutSec: number, isAlarm: boolean, nowMs: number): void {
    const before = isAlarm ? (this.#deadlinesMs.get(label) ?? 0) : 0;
    this.#deadlinesMs.set(label, Math.max(nowMs + timeoutSec * 1000, before));
  }

  /** No rule has LABEL any more. */
  remove(label: string): void {
    this.#deadlinesMs.delete(label);
  }

  restart(label: string, timeoutSec: number, nowMs: number): void {
    this.#deadlinesMs.set(label, nowMs + timeoutSec * 1000);
  }

  /** The labels of the timers that have expired by NOW_MS, each once, the first to expire first. */
  takeExpired(nowMs: number): string[] {
    const expired = [...this.#deadlinesMs].filter(([, deadlineMs]) => deadlineMs <= nowMs);
    for (const [label] of expired) this.#deadlinesMs.delete(label);
    return expired.sort(([, a], [, b]) => a - b).map(([label]) => label);
  }
}

/** The timers of the host of CONTEXT. */
export function idleTimersOf(context: RuleContext): IdleTimers {
  return context.shared('idle timers', 'all', () => new IdleTimers());
}
