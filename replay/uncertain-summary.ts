/** The uncertain packets of a replay, for its summary. */
import { saveRule } from '../core/rules/save.js';
import type { UncertainCause, UncertainPackets } from '../core/uncertainty.js';

/** How many packets of each cause are listed. */
const MAX_FRAMES = 10;

/** A packet of a capture, by its number in the file, from 1. */
export interface FrameNumber {
  file: string;
  number: number;
}

/** Why packets are uncertain, and how many. */
export interface UncertainCauseSummary {
  /** In words: `` `-m socket` was not asked ``. */
  reason: string;
  /** Where the reason is a rule: its place, as in `rules`. */
  table?: string;
  chain?: string;
  number?: number;
  rule?: string;
  comment?: string;
  file?: string;
  line?: number;
  packets: number;
  /** The first of them; not of captures of the host itself. */
  frames: FrameNumber[];
}

export interface UncertainSummary {
  /** Packets that were received or sent by the host, each counted once. */
  packets: number;
  /** The most frequent first. */
  causes: UncertainCauseSummary[];
}

/** The first packets of each cause. */
export class UncertainFrames {
  readonly #frames = new Map<UncertainCause, FrameNumber[]>();

  /** The current packet, whose number FRAME returns, is uncertain because of CAUSE. */
  note(cause: UncertainCause, frame: () => FrameNumber): void {
    const frames = this.#frames.get(cause) ?? [];
    this.#frames.set(cause, frames);
    if (frames.length < MAX_FRAMES) frames.push(frame());
  }

  of(cause: UncertainCause): FrameNumber[] {
    return this.#frames.get(cause) ?? [];
  }
}

/** Undefined if no packet is uncertain. */
export function summarizeUncertain(
  { packets, causes }: UncertainPackets,
  frames: UncertainFrames,
): UncertainSummary | undefined {
  if (packets === 0) return undefined;
  const listed = causes.map(({ cause, packets: ofCause }) => ({
    ...placeOf(cause),
    packets: ofCause,
    frames: frames.of(cause),
  }));
  return { packets, causes: listed.sort((a, b) => b.packets - a.packets) };
}

function placeOf({ reason, table, rule }: UncertainCause): Omit<UncertainCauseSummary, 'packets' | 'frames'> {
  if (table === undefined || rule === undefined) return { reason };
  const { chain, number, comment, file, line } = rule;
  const described = comment === undefined ? {} : { comment };
  return { reason, table, chain, number, rule: saveRule(rule).trim(), ...described, file, line };
}
