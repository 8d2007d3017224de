/** What has come of one claim so far. */
import type { Claim } from '../../codecs/expectation/expectation.js';
import type { Sentence } from '../../codecs/sentence/sentence.js';
import type { ClaimResult, Offender, Problem } from './claim-result.js';
import { NearMisses } from './near-misses.js';

export class Tally {
  met = 0;
  readonly notes: string[] = [];
  readonly #claim: Claim;
  #unmet = 0;
  #near: NearMisses | undefined;
  #problems: readonly Problem[] = [];
  #offender: Offender | undefined;

  constructor(claim: Claim) {
    this.#claim = claim;
  }

  /** Begins to note which packets fit SENTENCE but for one thing. */
  near(sentence: Sentence): NearMisses {
    this.#near = new NearMisses(sentence);
    return this.#near;
  }

  /** What is known of these packets. */
  get nearWords(): string {
    return this.#near?.words ?? '';
  }

  /** One more packet or connection: PROBLEMS are what of it is not as the claim says. */
  add(problems: readonly Problem[], offender: () => Offender | undefined): void {
    this.met++;
    if (problems.length === 0) return;
    if (this.#unmet++ > 0) return;
    this.#problems = problems;
    this.#offender = offender();
  }

  /** The claim as a whole is not met. */
  fail(problem: Problem): void {
    this.#problems = [...this.#problems, problem];
  }

  get result(): ClaimResult {
    const offender = this.#offender;
    return {
      claim: this.#claim,
      isMet: this.#problems.length === 0,
      met: this.met,
      unmet: this.#unmet,
      // First what no packet could be like.
      problems: [...this.#problems].sort((a, b) => Number(isMisnamed(b)) - Number(isMisnamed(a))),
      ...(offender === undefined ? {} : { offender }),
      notes: this.notes,
    };
  }
}

function isMisnamed({ misnamedAt }: Problem): boolean {
  return misnamedAt !== undefined;
}
