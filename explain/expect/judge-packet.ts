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

/** What a claim is about: one packet, or the few that a word stands for. */
export interface Judged {
  /** Of the packet that gave the verdict. */
  readonly ends: Story;
  /** Of the packet of which `becomes` tells. */
  readonly first: Story;
  readonly answers: AnswersSeen;
  /** The first packet that is uncertain, if there are several. */
  readonly uncertain?: Story | undefined;
}

export interface JudgeContext {
  readonly names: Names;
  /** The rules in force. */
  readonly ruleset: Ruleset;
}

/** What of JUDGED is not as CLAIM says, in the order in which claims are written. */
export function problemsOf(claim: PacketClaim, judged: Judged, context: JudgeContext): Problem[] {
  const { first, answers, uncertain = first } = judged;
  return [
    ...uncertainIn(uncertain),
    ...becomesProblems(claim, first, context),
    ...endProblems(claim, judged.ends, context),
    ...answerProblems(claim, answers),
  ];
}

/** How the packet of STORY left. */
export function becomesProblems({ becomes }: PacketClaim, story: Story, { names }: JudgeContext): Problem[] {
  if (becomes === undefined) return [];
  const left = leftOf(story);
  if (left !== undefined && fits(becomes.value, left)) return [];
  return [{ member: 'becomes', expected: becomes.text, found: leftWords(story, becomes.value, names) }];
}

/** The verdict of STORY, and what decided. */
export function endProblems({ ends, by }: PacketClaim, story: Story, { ruleset }: JudgeContext): Problem[] {
  const problems: Problem[] = [];
  const final = finalOf(story);
  if (ends !== undefined && ends.value !== 'expired' && !isEnd(ends.value, final))
    problems.push({ member: 'ends', expected: ends.text, found: verdictWords(story) });
  if (by !== undefined && !deciderFits(by.value, final)) {
    const why = absence(by.value, ruleset);
    const decided = `${final.verdict} ${decidedWords(final)}`;
    if (why === undefined) problems.push({ member: 'by', expected: by.text, found: decided });
    else problems.unshift({ member: 'by', expected: by.text, found: `${why} (${decided})`, misnamedAt: by });
  }
  return problems;
}

export function answerProblems({ answer }: PacketClaim, answers: AnswersSeen): Problem[] {
  if (answer === undefined || answers.isMet) return [];
  return [{ member: 'answer', expected: answer.text, found: answers.found }];
}

/** What makes the packet of STORY uncertain. */
export function uncertainIn(story: Story): Problem[] {
  const [first] = [...story.uncertain, ...finalOf(story).uncertain];
  if (first === undefined) return [];
  return [{ member: 'uncertain', expected: 'to be certain what becomes of it', found: uncertainWords(first) }];
}

function isEnd(expected: Exclude<ExpectedEnd, 'expired'>, { verdict }: Story): boolean {
  return expected === 'accepted' ? isAccepted({ verdict }) : verdict === expected;
}
