/** Compares what a claim about packets says with what became of a packet or a connection. */
import type { ExpectedEnd, PacketClaim } from '../../codecs/expectation/expectation.js';
import { fits } from '../../codecs/sentence/fits.js';
import type { Ruleset } from '../../core/rules/model.js';
import type { Names } from '../../replay/names.js';
import { isAccepted, type Story } from '../story/story.js';
import { uncertainWords } from '../story/story-text.js';
import type { AnswersSeen } from './answers-seen.js';
import type { Problem } from './claim-result.js';
import { absence, deciderFits } from './decider-fits.js';
import { finalOf, leftOf } from './packet-views.js';
import { decidedWords, leftWords, verdictWords } from './words.js';

/** What a claim is about: one packet, or the packets of one connection. */
export interface Judged {
  /** Of the packet that gave the verdict. */
  readonly ends: Story;
  /** Of the packet of which `becomes` tells. */
  readonly first: Story;
  readonly answers: AnswersSeen;
  /** Only of a connection: its first packet that is uncertain. */
  readonly uncertain?: Story | undefined;
  /** Only of a connection: whether its entry timed out, and in any case how it was at the end. */
  readonly expiry?: { readonly isExpired: boolean; readonly words: string };
}

export interface JudgeContext {
  readonly names: Names;
  /** The rules in force. */
  readonly ruleset: Ruleset;
}

/** What of JUDGED is not as CLAIM says, in the order in which claims are written. */
export function problemsOf(claim: PacketClaim, judged: Judged, context: JudgeContext): Problem[] {
  const { becomes, ends, by, answer } = claim;
  const { first, answers, uncertain = first } = judged;
  const problems = uncertainIn(uncertain);
  if (becomes !== undefined) {
    const left = leftOf(first);
    if (left === undefined || !fits(becomes.value, left))
      problems.push({
        member: 'becomes',
        expected: becomes.text,
        found: leftWords(first, becomes.value, context.names),
      });
  }
  if (ends !== undefined && !isEnd(ends.value, judged))
    problems.push({ member: 'ends', expected: ends.text, found: endWords(ends.value, judged) });
  const decided = finalOf(judged.ends);
  if (by !== undefined && !deciderFits(by.value, decided)) {
    const why = absence(by.value, context.ruleset);
    const found = `${decided.verdict} ${decidedWords(decided)}${why === undefined ? '' : ` (${why})`}`;
    problems.push({ member: 'by', expected: by.text, found });
  }
  if (answer !== undefined && !answers.isMet)
    problems.push({ member: 'answer', expected: answer.text, found: answers.found });
  return problems;
}

/** What makes the packet of STORY uncertain. */
export function uncertainIn(story: Story): Problem[] {
  const [first] = [...story.uncertain, ...finalOf(story).uncertain];
  if (first === undefined) return [];
  return [{ member: 'uncertain', expected: 'to be certain what becomes of it', found: uncertainWords(first) }];
}

function isEnd(expected: ExpectedEnd, { ends, expiry }: Judged): boolean {
  const { verdict } = finalOf(ends);
  if (expected === 'expired') return expiry?.isExpired === true;
  return expected === 'accepted' ? isAccepted({ verdict }) : verdict === expected;
}

function endWords(expected: ExpectedEnd, { ends, expiry }: Judged): string {
  if (expected !== 'expired') return verdictWords(ends);
  return expiry === undefined ? `${verdictWords(ends)}; only a connection expires` : expiry.words;
}
