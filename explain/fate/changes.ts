/**
 * What would change a packet's verdict: guesses, of which only those are told that were tried and did it. Each is tried
 * on a fresh host, with what comes before the packet, and with what follows it: an answer has to come back, too.
 */
import type { Rule, Ruleset } from '../../core/rules/model.js';
import { isAccepted, type Story } from '../story/story.js';
import type { Attempt, Attempted } from './attempt.js';
import { closingCandidates, decidingNumber, moved, openingCandidates } from './candidates.js';
import { type Candidate, type Change, Rank } from './change.js';
import { nearestRule } from './nearest.js';

/** How many changes are told, how many are tried for that, and how many may be needed together. */
const MOST_TOLD = 3;
/** What stops a packet that got through is no riddle. */
const MOST_CLOSING = 1;
export const MOST_TRIED = 40;
const MOST_TOGETHER = 3;
/** How many changes that do not suffice by themselves are gone on with. */
const MOST_PURSUED = 2;

/**
 * What would change the verdict of the packets that BEFORE is about: the smallest first. Empty: nothing small. At most
 * MOST attempts are made.
 */
export function findChanges(before: Attempted, attempt: Attempt, most = MOST_TRIED): Change[] {
  const { verdict } = before.results[obstacleOf(before.results)].story;
  if (verdict === 'held' || verdict === 'skipped') return [];
  const search = new Search(attempt, isAccepted({ verdict }), most);
  search.from(before, []);
  return search.told();
}

type Results = Attempted['results'];

class Search {
  readonly #attempt: Attempt;
  /** The packet got through: what would stop it? */
  readonly #isClosing: boolean;
  readonly #most: number;
  #found: Candidate[] = [];
  #tried = 0;

  constructor(attempt: Attempt, isClosing: boolean, most: number) {
    this.#attempt = attempt;
    this.#isClosing = isClosing;
    this.#most = most;
  }

  told(): Change[] {
    const found = this.#found.toSorted((a, b) => a.commands.length - b.commands.length || a.rank - b.rank);
    const small = found.filter(isSmall);
    const isBroad = small.length === 0;
    return (isBroad ? found : small)
      .slice(0, this.#isClosing ? MOST_CLOSING : MOST_TOLD)
      .map(({ words, commands, also }) => ({
        words: `${isBroad ? 'nothing narrower than ' : ''}${words}${also === undefined ? '' : ` (${also})`}`,
        commands,
      }));
  }

  /** Goes on from NOW, which came of the changes DONE. */
  from(now: Attempted, done: readonly Candidate[]): void {
    const further: { readonly next: Attempted; readonly all: Candidate[] }[] = [];
    for (const candidate of this.#candidates(now, done)) {
      const all = [...done, candidate];
      const next = this.#try(all);
      if (next === undefined) continue;
      if (this.#isDone(next.results)) this.#found.push(together(all));
      else if (isFurther(next.results, now.results)) further.push({ next, all });
    }
    if (this.#hasSmall || done.length + 1 >= MOST_TOGETHER) return;
    for (const { next, all } of further.slice(0, MOST_PURSUED)) {
      this.from(next, all);
      if (this.#hasSmall) return;
    }
  }

  get #hasSmall(): boolean {
    return this.#found.some(isSmall);
  }

  #candidates({ results, ruleset, host }: Attempted, done: readonly Candidate[]): Candidate[] {
    const obstacle = this.#isClosing ? 0 : obstacleOf(results);
    const { story } = results[obstacle];
    const { interfaceNames } = host;
    if (this.#isClosing) return closingCandidates({ story, ruleset, interfaceNames, nearest: undefined });
    const nearest = nearestRule(story, ruleset);
    const candidates = openingCandidates({ story, ruleset, interfaceNames, nearest });
    const move = this.#moveOf(story, ruleset, obstacle, candidates, done);
    return [...candidates, ...(move === undefined ? [] : [move])].sort((a, b) => a.rank - b.rank);
  }

  /** If without the rule that decided another one would let the packet through, that one before it. */
  #moveOf(
    story: Story,
    ruleset: Ruleset,
    obstacle: number,
    candidates: readonly Candidate[],
    done: readonly Candidate[],
  ): Candidate | undefined {
    const { decider } = story;
    const deletion = candidates.find(({ rank }) => rank === Rank.DELETE);
    if (deletion === undefined || decider.kind !== 'rule') return undefined;
    const without = this.#try([...done, deletion])?.results[obstacle]?.story;
    if (without === undefined) return undefined;
    const { table, hook, rule } = decider;
    const number = decidingNumber(without, table, hook);
    if (number === undefined) return undefined;
    const isBehind = rule.chain === hook && number >= rule.number;
    const chain = ruleset.tables.find(({ name }) => name === table)?.chains.find(({ name }) => name === hook);
    const accepting: Rule | undefined = chain?.rules[number - 1 + (isBehind ? 1 : 0)];
    return accepting === undefined ? undefined : moved(story, accepting);
  }

  #try(changes: readonly Candidate[]): Attempted | undefined {
    if (this.#tried >= this.#most) return undefined;
    this.#tried++;
    return this.#attempt(changes.flatMap(({ commands }) => commands));
  }

  #isDone(results: Results): boolean {
    return this.#isClosing ? !isAccepted(results[0].story) : results.every(({ story }) => isAccepted(story));
  }
}

/** Whether it makes no difference to packets of another kind. */
function isSmall({ rank }: Candidate): boolean {
  return rank < Rank.AMEND;
}

/** The first packet that does not get through; the first of all if they all do. */
export function obstacleOf(results: Results): number {
  return Math.max(
    0,
    results.findIndex(({ story }) => !isAccepted(story)),
  );
}

/** Whether in AFTER a later packet is stopped than in BEFORE, or the same one at a later hook or by another rule. */
function isFurther(after: Results, before: Results): boolean {
  const [now, then] = [obstacleOf(after), obstacleOf(before)];
  if (now !== then) return now > then;
  const [a, b] = [after[now].story, before[then].story];
  if (a.stages.length !== b.stages.length) return a.stages.length > b.stages.length;
  const metBy = (story: Story): number => story.stages.reduce((sum, { steps }) => sum + steps.length, 0);
  return a.verdict !== b.verdict || metBy(a) > metBy(b);
}

function together(changes: readonly Candidate[]): Candidate {
  const also = changes.flatMap((one) => (one.also === undefined ? [] : [one.also])).join('; ');
  return {
    rank: Math.max(...changes.map(({ rank }) => rank)),
    words: changes.map(({ words }) => words).join(', and '),
    commands: changes.flatMap(({ commands }) => commands),
    ...(also === '' ? {} : { also }),
  };
}
