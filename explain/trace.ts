/** Traces packets that sentences describe, one after the other. */
import { parseSentence, type SentenceNames } from '../codecs/sentence/parse.js';
import { SentenceError } from '../codecs/sentence/sentence-error.js';
import type { Names } from '../replay/names.js';
import { planPacket } from './packets/planned-packet.js';
import { Trial, type TrialResult, type TrialSetting } from './trial.js';

export interface TracedPacket extends TrialResult {
  /** What described it. */
  readonly sentence: string;
  /** What was chosen because the sentence does not say it. */
  readonly chosen: readonly string[];
}

/** When the first packet comes: seconds since 1970. */
const START_SEC = 1_700_000_000;
const NANOSECONDS_PER_MILLISECOND = 1_000_000;

/**
 * What becomes of the packets that SENTENCES describe in SETTING, a millisecond apart.
 * @throws {SentenceError} if a sentence cannot be read, or describes no packet that can get into the host
 * @throws as `Trial`
 */
export function traceSentences(setting: TrialSetting, sentences: readonly string[]): TracedPacket[] {
  const trial = new Trial(setting);
  const { host, names } = setting.setting;
  const known = addressesByName(names);
  return sentences.map((text, i) => {
    const planned = naming(i === 0 ? `'${text}'` : `--then '${text}'`, () =>
      planPacket(parseSentence(text, { names: known }), host),
    );
    const time = { tsSec: START_SEC, tsNsec: i * NANOSECONDS_PER_MILLISECOND };
    return { ...trial.send({ ...planned, ...time }), sentence: text, chosen: planned.chosen };
  });
}

function addressesByName(names: Names): SentenceNames {
  const addresses = new Map<string, string[]>();
  for (const [address, name] of names) addresses.set(name, [...(addresses.get(name) ?? []), address]);
  return addresses;
}

/** What READ returns. A fault that it finds is one of the sentence called WHOSE. */
function naming<T>(whose: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof SentenceError ? error.of(whose) : error;
  }
}
