/** What came of the claims of an expectation. */
import type { Claim } from '../../codecs/expectation/expectation.js';
import type { Place } from '../../codecs/expectation/expectation-error.js';
import type { Ruleset } from '../../core/rules/model.js';
import type { RulePlace } from '../findings.js';
import type { Story } from '../story/story.js';

/** Which part of a claim is not met. met: it must have met something. */
export type ProblemMember = 'met' | 'ends' | 'becomes' | 'by' | 'answer' | 'never' | 'counters' | 'uncertain';

export interface Problem {
  readonly member: ProblemMember;
  /** What the claim says, and what is so instead: a few words each, without a full stop. */
  readonly expected: string;
  readonly found: string;
  /** If nothing can be as the claim says, as it names what is not there: where it does so. */
  readonly misnamedAt?: Place;
}

/** The first packet that is not as its claim says, or of which that is not certain. */
export interface Offender {
  readonly story: Story;
  /** In force when it came. */
  readonly ruleset: Ruleset;
  /** `eth0:17`; of a packet that a claim sent, the sentence. */
  readonly where: string;
  /** The rule or policy that decided. */
  readonly decidedBy?: RulePlace;
  /** What its story depended on that nobody said, a line each. */
  readonly assumed: readonly string[];
  /** What was chosen because the claim does not say it, if the claim sent it. */
  readonly chosen: readonly string[];
}

export interface ClaimResult {
  readonly claim: Claim;
  readonly isMet: boolean;
  /** How many packets it met; of `connection`, how many connections. */
  readonly met: number;
  /** How many of these are not as it says. */
  readonly unmet: number;
  /** Of the first of them, or of the claim as a whole. Empty if it is met. */
  readonly problems: readonly Problem[];
  readonly offender?: Offender;
  /** What else is good to know, such as the rules whose counters were added up. */
  readonly notes: readonly string[];
}
