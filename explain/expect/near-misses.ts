/** Packets of captures that a claim about captured packets did not meet, though all but one thing of them fits. */
import { fits } from '../../codecs/sentence/fits.js';
import type { Sentence, SentencePacket } from '../../codecs/sentence/sentence.js';
import { counted, shown } from '../../codecs/text.js';
import { unfollowedWords } from './unfollowed.js';

const NOT_SENT = 'not-sent';

/** Why frames never reach the host, by the reasons of summaries. */
const OUTSIDE: Readonly<Record<string, string>> = {
  'not-selected': 'left out by --filter, --from or --to',
  [NOT_SENT]: 'never sent, as what came before is not let through',
  'no-route-to-sender': 'the host has no route to the sender',
  'captured-twice': 'a copy of what was captured before',
  'own-answer': 'an answer that the host sends itself',
};

export class NearMisses {
  readonly #sentence: Sentence;
  #elsewhere: string | undefined;
  readonly #outside = new Map<string, number>();
  /** Packets that were never sent, and do not fit as they were captured: that was on the other side of NAT. */
  #unsent = 0;
  /** Fragments that fit, of packets that are never completed. */
  #held = 0;

  constructor({ ...sentence }: Sentence) {
    this.#sentence = { ...sentence, input: undefined, isLocal: false, state: undefined };
  }

  /** Whether nothing is known yet of a packet that fits but for where it comes from. */
  get wantsPlaces(): boolean {
    return this.#elsewhere === undefined;
  }

  /** PACKET does not fit, at least as it entered in the interface NAME; undefined: the host itself sends it. */
  elsewhere(packet: SentencePacket, name: string | undefined): void {
    if (!fits(this.#sentence, packet)) return;
    this.#elsewhere =
      name === undefined ? 'the host itself sends one that fits otherwise' : `one that fits otherwise comes in ${name}`;
  }

  /** PACKET, as it was captured, does not enter the host for this REASON. */
  outside(packet: SentencePacket, reason: string): void {
    if (fits(this.#sentence, packet)) this.#outside.set(reason, (this.#outside.get(reason) ?? 0) + 1);
    else if (reason === NOT_SENT) this.#unsent++;
  }

  /** PACKET is a fragment that waits for others to the end. */
  held(packet: SentencePacket): void {
    if (fits(this.#sentence, packet)) this.#held++;
  }

  /** What is known of them: `; one that fits otherwise comes in docker0`; '' if there are none. */
  get words(): string {
    const outside = [...this.#outside].map(
      ([reason, count]) =>
        `${counted(count, 'that fits does', 'that fit do')} not enter the host: ${OUTSIDE[reason] ?? unfollowedWords(reason) ?? reason}`,
    );
    if (!this.#outside.has(NOT_SENT) && this.#unsent > 0)
      outside.push(`${counted(this.#unsent, 'other was', 'others were')} ${OUTSIDE[NOT_SENT]}`);
    if (this.#held > 0)
      outside.push(counted(this.#held, 'fragment that fits waits for others', 'fragments that fit wait for others'));
    const parts = this.#elsewhere === undefined ? outside : [this.#elsewhere, ...outside];
    return parts.map((part) => `; ${shown(part)}`).join('');
  }
}
