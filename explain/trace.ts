/** Traces packets that sentences describe, one after the other. */
import { parseSentence } from '../codecs/sentence/parse.js';
import type { Sentence } from '../codecs/sentence/sentence.js';
import { SentenceError } from '../codecs/sentence/sentence-error.js';
import { addressesByName, type Names } from '../replay/names.js';
import { ARRIVAL_SEC, chosenTime } from './arrival-time.js';
import { type Fate, fateOf } from './fate/fate.js';
import { Conversation } from './packets/conversation.js';
import { Trial, type TrialResult, type TrialSetting } from './trial.js';

export interface TracedPacket extends TrialResult {
  /** What described it: a sentence, or a word for what follows. */
  readonly sentence: string;
  /** What was chosen because the sentence does not say it. */
  readonly chosen: readonly string[];
  /** Why the verdicts may not be what was asked for; above the first. */
  readonly lead?: string;
  /** Why what should follow does not. */
  readonly note?: string;
  /** Of the packet that matters most: the first that did not get through, or the first of all. */
  readonly fate?: Fate;
}

const MILLISECONDS_PER_SECOND = 1000;
const NANOSECONDS_PER_MILLISECOND = 1_000_000;

/**
 * What becomes of the packets that SENTENCES stand for in SETTING: the first describes one, the others what follows.
 * @throws {SentenceError} if a sentence cannot be read, or describes no packet that can get into the host
 * @throws as `Trial`
 */
export function traceSentences(setting: TrialSetting, sentences: readonly string[]): TracedPacket[] {
  const play = (trial: Trial): TracedPacket[] => playSentences(trial, setting, sentences);
  const packets = play(new Trial(setting));
  const { index, ...fate } = fateOf(setting, play, packets);
  return packets.map((packet, i) => (i === index ? { ...packet, fate: { index, ...fate } } : packet));
}

/** The same through TRIAL, in SETTING but for what its maker changed. */
function playSentences(trial: Trial, { setting }: TrialSetting, sentences: readonly string[]): TracedPacket[] {
  const conversation = new Conversation(setting.host, addressesByName(setting.names));
  const traced: TracedPacket[] = [];
  for (const [i, sentence] of sentences.entries()) {
    const whose = i === 0 ? `'${sentence}'` : `--then '${sentence}'`;
    const steps = conversation.steps(sentence);
    let step = naming(whose, () => steps.next());
    while (!step.done) {
      const { value } = step;
      const result = trial.send({ ...value, ...timeOf(traced.length) });
      traced.push({ ...result, sentence, chosen: [...value.chosen, ...chosenTime(result.story)] });
      step = naming(whose, () => steps.next(result));
    }
    if (step.value !== undefined) noteLast(traced, `${sentence}: ${step.value}`);
  }
  const undone = trial.undone.map((when) => `--at ${when}`).join(', ');
  if (undone !== '' && traced.length > 0) {
    const why = 'no packet comes so late (one comes each millisecond; n2 is before the second)';
    traced.splice(0, 1, { ...traced[0], lead: `${undone}: not done, as ${why}` });
  }
  return traced;
}

/** Adds NOTE to the last of TRACED, if there is one. */
function noteLast(traced: TracedPacket[], note: string): void {
  const last = traced.at(-1);
  if (last === undefined) return;
  traced.splice(-1, 1, { ...last, note: last.note === undefined ? note : `${last.note}; ${note}` });
}

/** When packet NUMBER, from 0, comes: a millisecond after the one before. */
function timeOf(number: number): { tsSec: number; tsNsec: number } {
  return {
    tsSec: ARRIVAL_SEC + Math.floor(number / MILLISECONDS_PER_SECOND),
    tsNsec: (number % MILLISECONDS_PER_SECOND) * NANOSECONDS_PER_MILLISECOND,
  };
}

/**
 * The sentence in TEXT, in which hosts may be called by NAMES. WHOSE: what errors call it, such as an option.
 * @throws {SentenceError} if it cannot be read
 */
export function readSentence(text: string, names: Names, whose: string): Sentence {
  return naming(`${whose} '${text}'`, () => parseSentence(text, { names: addressesByName(names) }));
}

/** What READ returns. A fault that it finds is one of the sentence called WHOSE. */
function naming<T>(whose: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof SentenceError ? error.of(whose) : error;
  }
}
