/**
 * Proves that a shared case shows the same as the original: both are replayed, and the same rules, by their places,
 * match the same packets, and all that becomes of these is the same but for what was replaced.
 */
import { shownPath } from '../../codecs/text.js';
import { NotFollowedError } from '../errors.js';
import type { FramePlace } from '../packet-watch.js';
import { type ReplayOptions, replay } from '../replay.js';
import type { Summary } from '../summary.js';
import { ChanceError } from './chance-error.js';
import { DigestWatch, SAME, type Translation } from './digest.js';

interface Side {
  readonly options: ReplayOptions;
  readonly translation: Translation;
}

export interface Proof {
  readonly packets: number;
}

/**
 * Replays ORIGINAL and SHARED.
 * @param hint what may be the cause of a difference
 * @throws {NotFollowedError} if a packet fares differently
 * @throws as `replay`
 */
export function prove(original: ReplayOptions, shared: ReplayOptions, translation: Translation, hint: string): Proof {
  const sides: readonly [Side, Side] = [
    { options: original, translation },
    { options: shared, translation: SAME },
  ];
  const [before, after] = sides.map(digestsOf);
  const differing = [...before.hashes].find(([place, hash]) => after.hashes.get(place) !== hash);
  if (differing !== undefined) throw differenceAt(differing[0], sides, before.summary, hint);
  if (before.hashes.size !== after.hashes.size)
    throw failed(`it has ${after.hashes.size} packets, the original ${before.hashes.size}`, hint);
  const [counted, shareds] = [before.summary, after.summary].map(({ rules }) => rules);
  for (const rule of counted) {
    const other = shareds.find(
      (one) =>
        one.table === rule.table &&
        one.number === rule.number &&
        one.chain === translation.chain(rule.chain) &&
        one.until === rule.until,
    );
    if (other?.packets === rule.packets && other.bytes === rule.bytes) continue;
    throw failed(
      `rule ${rule.number} of ${rule.table} ${rule.chain} counted ${rule.packets} packets, now ${other?.packets ?? 0}`,
      hint,
    );
  }
  return { packets: before.hashes.size };
}

interface Digests {
  readonly hashes: ReadonlyMap<string, number>;
  readonly summary: Summary;
}

function digestsOf({ options, translation }: Side): Digests {
  const hashes = new Map<string, number>();
  const watch = new DigestWatch(translation, (place, lines) => {
    const key = keyOf(place);
    hashes.set(key, hash(lines.join('\n'), hashes.get(key)));
  });
  const summary = replay({ ...options, watch });
  return { hashes, summary };
}

const keyOf = ({ input, number }: FramePlace): string => `${input}:${number}`;

/** What differs about the packet at PLACE. */
function differenceAt(
  place: string,
  sides: readonly [Side, Side],
  { inputs }: Summary,
  hint: string,
): NotFollowedError {
  const [before, after] = sides.map(({ options, translation }) => {
    const found: string[] = [];
    const watch = new DigestWatch(translation, (at, lines) => {
      if (keyOf(at) === place) found.push(...lines);
    });
    replay({ ...options, watch });
    return found;
  });
  const at = Math.max(
    0,
    before.findIndex((line, i) => line !== after[i]),
  );
  const [input, number] = place.split(':').map(Number);
  const file = inputs[input]?.file ?? '';
  const what = (line: string | undefined): string => (line === undefined ? 'nothing more' : line.replace(/^\d+ /, ''));
  return failed(
    `packet ${number} of ${shownPath(file)}: expected "${what(before[at])}", found "${what(after[at])}"`,
    hint,
  );
}

function failed(what: string, hint: string): NotFollowedError {
  const Failure = hint === '' ? NotFollowedError : ChanceError;
  return new Failure(
    `the shared case would not show the same, so nothing was written: ${what}${hint === '' ? '' : `; ${hint}`}`,
  );
}

/** 53 bits of TEXT, and of what came before (after bryc's cyrb53, public domain). */
function hash(text: string, before = 0): number {
  let [high, low] = [0xdeadbeef ^ (before >>> 0), 0x41c6ce57 ^ Math.floor(before / 2 ** 32)];
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    high = Math.imul(high ^ char, 2654435761);
    low = Math.imul(low ^ char, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}
