/** Claims about single packets, `packet` and `never`: each packet is judged as soon as its story is told. */
import type { NeverClaim, PacketClaim } from '../../codecs/expectation/expectation.js';
import { fits } from '../../codecs/sentence/fits.js';
import type { Sentence, SentencePacket } from '../../codecs/sentence/sentence.js';
import { isAccepted, type Story } from '../story/story.js';
import { AnswersSeen } from './answers-seen.js';
import type { Offender, Problem } from './claim-result.js';
import { type JudgeContext, problemsOf, uncertainIn } from './judge-packet.js';
import { finalOf } from './packet-views.js';
import type { Tally } from './tally.js';
import { unfollowedProblem } from './unfollowed.js';
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
  const { sentence } = claim;
  const { story, entered } = packet;
  if (sentence === undefined) return;
  if (claim.kind !== 'never') {
    if (fits(sentence, entered)) tally.add(packetProblems(claim, packet), packet.offender);
  } else if (story.decider.kind === 'link') {
    const { skip } = story.decider;
    if (mayFit(sentence, entered)) tally.add([unfollowedProblem(sentence, 'the packet', skip)], packet.offender);
  } else if (fits(sentence, entered)) tally.add(neverProblems(story), packet.offender);
}

/** Whether PACKET, which is not followed, may fit SENTENCE: what conntrack and marks would be is not known. */
export function mayFit(sentence: Sentence, packet: SentencePacket): boolean {
  return fits({ ...sentence, state: undefined, mark: undefined }, packet);
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
