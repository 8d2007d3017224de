/** Claims about single packets, `packet` and `never`: each packet is judged as soon as its story is told. */
import type { NeverClaim, PacketClaim } from '../../codecs/expectation/expectation.js';
import { fits } from '../../codecs/sentence/fits.js';
import type { SentencePacket } from '../../codecs/sentence/sentence.js';
import { isAccepted, type Story } from '../story/story.js';
import { AnswersSeen } from './answers-seen.js';
import type { Offender, Problem } from './claim-result.js';
import { type JudgeContext, problemsOf, uncertainIn } from './judge-packet.js';
import { finalOf } from './packet-views.js';
import type { Tally } from './tally.js';
import { verdictWords } from './words.js';

/** A packet of which the story is told. */
export interface MetPacket {
  readonly story: Story;
  /** As it entered. */
  readonly entered: SentencePacket;
  readonly context: JudgeContext;
  readonly offender: () => Offender;
}

/** If PACKET fits CLAIM, adds to TALLY what became of it. */
export function judgePacket(claim: PacketClaim | NeverClaim, tally: Tally, packet: MetPacket): void {
  if (claim.sentence === undefined || !fits(claim.sentence, packet.entered)) return;
  const problems = claim.kind === 'never' ? neverProblems(packet.story) : packetProblems(claim, packet);
  tally.add(problems, packet.offender);
}

function packetProblems(claim: PacketClaim, { story, context }: Pick<MetPacket, 'story' | 'context'>): Problem[] {
  const answers = new AnswersSeen(claim.answer?.value, context.names);
  answers.addAnswersTo(story);
  return problemsOf(claim, { first: story, ends: story, answers }, context);
}

function neverProblems(story: Story): Problem[] {
  const uncertain = uncertainIn(story);
  if (!isAccepted(finalOf(story))) return uncertain;
  return [...uncertain, { member: 'never', expected: 'not to get through', found: verdictWords(story) }];
}
