/** What a claim about connections has to say of one of them, packet by packet. */
import type { PacketClaim } from '../../codecs/expectation/expectation.js';
import type { Direction } from '../capture/rung.js';
import { isAccepted, type Story } from '../story/story.js';
import { AnswersSeen } from './answers-seen.js';
import type { Offender, Problem } from './claim-result.js';
import { type JudgeContext, type Judged, problemsOf, uncertainIn } from './judge-packet.js';
import type { MetPacket } from './packet-claims.js';
import { enteredOf, finalOf, leftOf } from './packet-views.js';

/** A packet that may be the offender. */
interface KeptPacket {
  readonly story: Story;
  readonly context: JudgeContext;
  readonly offender: Offender;
}

export class ConnectionCourse {
  readonly claim: PacketClaim;
  readonly #first: KeptPacket;
  /** The first that did not get through. */
  #stopped: KeptPacket | undefined;
  #uncertain: KeptPacket | undefined;
  readonly #answers: AnswersSeen;
  readonly #opener: string | undefined;

  /** FIRST: its first packet. */
  constructor(claim: PacketClaim, first: MetPacket) {
    this.claim = claim;
    this.#first = kept(first);
    this.#opener = enteredOf(first.story)?.source;
    this.#answers = new AnswersSeen(claim.answer?.value, first.context.names);
  }

  /** MET is a packet of it, the first one included. DIRECTION: undefined: an ICMP error about one of its packets. */
  add(met: MetPacket, direction: Direction | undefined): void {
    const { story } = met;
    if (direction === 'original') this.#answers.addAnswersTo(story);
    else if (direction === 'reply' || leftOf(story)?.destination === this.#opener) this.#answers.addAnswer(story);
    // What becomes of an error about its packets is another matter.
    if (direction === undefined) return;
    if (this.#stopped === undefined && isStopped(story)) this.#stopped = this.#keep(met);
    if (this.#uncertain === undefined && uncertainIn(story).length > 0) this.#uncertain = this.#keep(met);
  }

  #keep(met: MetPacket): KeptPacket {
    return met.story === this.#first.story ? this.#first : kept(met);
  }

  /** What of it is not as the claim says; and the packet that shows it, by the first of these problems. */
  judge(expiry: Judged['expiry']): { readonly problems: readonly Problem[]; readonly offender: () => Offender } {
    const first = this.#first;
    const ends = this.#stopped ?? first;
    const judged = {
      ...{ first: first.story, ends: ends.story, answers: this.#answers, uncertain: this.#uncertain?.story },
      ...(expiry === undefined ? {} : { expiry }),
    };
    const problems = problemsOf(this.claim, judged, ends.context);
    const shown =
      problems[0]?.member === 'becomes' ? first : problems[0]?.member === 'uncertain' ? this.#uncertain : ends;
    return { problems, offender: () => (shown ?? ends).offender };
  }
}

function kept({ story, context, offender }: MetPacket): KeptPacket {
  return { story, context, offender: offender() };
}

/** Whether the packet of STORY did not get through; a fragment that waits is not stopped. */
export function isStopped(story: Story): boolean {
  const final = finalOf(story);
  return !isAccepted(final) && final.verdict !== 'held';
}
