/** What went back to the sender of a packet, or to the one who opened a connection. */
import { fits } from '../../codecs/sentence/fits.js';
import type { Sentence } from '../../codecs/sentence/sentence.js';
import type { Names } from '../../replay/names.js';
import { packetWords } from '../story/packet-words.js';
import type { Story } from '../story/story.js';
import { answersOf, enteredOf, leftOf } from './packet-views.js';
import { leftWords, verdictWords } from './words.js';

/** How many answers are told that are others than the expected one. */
const MOST_TOLD = 3;

export class AnswersSeen {
  isMet = false;
  readonly #sentence: Sentence | undefined;
  readonly #names: Names;
  readonly #others = new Set<string>();

  /** SENTENCE: what is expected; undefined: nothing. */
  constructor(sentence: Sentence | undefined, names: Names) {
    this.#sentence = sentence;
    this.#names = names;
  }

  /** Notes what the host answered to the packet of STORY. */
  addAnswersTo(story: Story): void {
    if (this.#sentence === undefined || this.isMet) return;
    const sender = enteredOf(story)?.source;
    for (const answer of answersOf(story)) if (answer.packet?.destination === sender) this.addAnswer(answer);
  }

  /** The packet of STORY answers, wherever it comes from. */
  addAnswer(story: Story): void {
    const sentence = this.#sentence;
    if (sentence === undefined || this.isMet) return;
    const left = leftOf(story);
    this.isMet = left !== undefined && fits(sentence, left);
    if (this.#others.size > MOST_TOLD) return;
    if (left !== undefined) this.#others.add(leftWords(story, sentence, this.#names));
    else if (story.packet !== undefined)
      this.#others.add(`${packetWords(story.packet, {}, this.#names)}: ${verdictWords(story)}`);
  }

  /** What there was, in place of what is expected. */
  get found(): string {
    const all = [...this.#others];
    if (all.length === 0) return 'nothing went back to its sender';
    return `${all.slice(0, MOST_TOLD).join('; ')}${all.length > MOST_TOLD ? '; and others' : ''}`;
  }
}
