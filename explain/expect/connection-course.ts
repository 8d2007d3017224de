/** What a claim about connections has to say of one of them, packet by packet. */
import type { PacketClaim } from '../../codecs/expectation/expectation.js';
import type { Direction } from '../capture/rung.js';
import { isAccepted, type Story } from '../story/story.js';
import { AnswersSeen } from './answers-seen.js';
import type { Offender, Problem } from './claim-result.js';
import { answerProblems, becomesProblems, endProblems, uncertainIn } from './judge-packet.js';
import type { MetPacket } from './packet-claims.js';
import { enteredOf, finalOf, leftOf } from './packet-views.js';

/** How many stories may still be kept: a capture may have a million connections. */
export interface StoryBudget {
  left: number;
}

/** Whether the entry of a connection timed out, and how that was or is. */
export interface Expiry {
  readonly isExpired: boolean;
  readonly words: string;
}

export class ConnectionCourse {
  readonly claim: PacketClaim;
  readonly #budget: StoryBudget;
  readonly #answers: AnswersSeen;
  readonly #opener: string | undefined;
  readonly #becomes: readonly Problem[];
  /** Of the first packet that did not get through; until then of the first packet. */
  #ends: readonly Problem[];
  #uncertain: readonly Problem[] = [];
  #isStopped = false;
  /** The first packet, as long as it may be what is to be shown; and those that show what is wrong. */
  #first: Offender | undefined;
  #stopped: Offender | undefined;
  #doubtful: Offender | undefined;

  /** FIRST: its first packet. */
  constructor(claim: PacketClaim, first: MetPacket, budget: StoryBudget) {
    const { story, context } = first;
    this.claim = claim;
    this.#budget = budget;
    this.#opener = enteredOf(story)?.source;
    this.#answers = new AnswersSeen(claim.answer?.value, context.names);
    this.#becomes = becomesProblems(claim, story, context);
    this.#ends = endProblems(claim, story, context);
    if (this.#mayShowFirst) this.#first = this.#keep(first);
  }

  get #mayShowFirst(): boolean {
    const { claim } = this;
    const isOpen = (claim.answer !== undefined && !this.#answers.isMet) || claim.ends?.value === 'expired';
    return isOpen || this.#becomes.length + this.#ends.length > 0;
  }

  #keep({ offender }: MetPacket): Offender | undefined {
    if (this.#budget.left === 0) return undefined;
    this.#budget.left--;
    return offender();
  }

  /** MET is a packet of it, the first one included. DIRECTION: undefined: an ICMP error about one of its packets. */
  add(met: MetPacket, direction: Direction | undefined): void {
    const { story, context } = met;
    if (direction === 'original') this.#answers.addAnswersTo(story);
    else if (direction === 'reply' || leftOf(story)?.destination === this.#opener) this.#answers.addAnswer(story);
    // What becomes of an error about its packets is another matter.
    if (direction !== undefined && !this.#isStopped && isStopped(story)) {
      this.#isStopped = true;
      this.#ends = endProblems(this.claim, story, context);
      if (this.#ends.length > 0 || this.#first !== undefined) this.#stopped = this.#keep(met);
    }
    if (direction !== undefined && this.#uncertain.length === 0) {
      this.#uncertain = uncertainIn(story);
      if (this.#uncertain.length > 0) this.#doubtful = this.#keep(met);
    }
    if (this.#first === undefined || this.#mayShowFirst) return;
    this.#first = undefined;
    this.#budget.left++;
  }

  /** In what it is not as the claim says; and the packet that shows the first of these problems, if it was kept. */
  judge({ isExpired, words }: Expiry): {
    readonly problems: readonly Problem[];
    readonly offender: Offender | undefined;
  } {
    const { ends } = this.claim;
    const problems: Problem[] = [
      ...this.#uncertain,
      ...this.#becomes,
      ...(ends?.value === 'expired' && !isExpired
        ? [{ member: 'ends' as const, expected: ends.text, found: words }]
        : []),
      ...this.#ends,
      ...answerProblems(this.claim, this.#answers),
    ];
    const member = problems[0]?.member;
    const shown = member === 'uncertain' ? this.#doubtful : member === 'becomes' ? this.#first : this.#stopped;
    return { problems, offender: shown ?? this.#first };
  }
}

/** Whether the packet of STORY did not get through; a fragment that waits is not stopped. */
export function isStopped(story: Story): boolean {
  const final = finalOf(story);
  return !isAccepted(final) && final.verdict !== 'held';
}
