/** Packets of captures that a claim about captured packets did not meet, though all but one thing of them fits. */
import { fits } from '../../codecs/sentence/fits.js';
import type { Sentence, SentencePacket } from '../../codecs/sentence/sentence.js';
import { counted, shown } from '../../codecs/text.js';

/** Why frames never reach the host, by the reasons of summaries. */
const OUTSIDE: Readonly<Record<string, string>> = {
  'not-selected': '--filter, --from or --to leaves it out',
  'not-sent': 'its sender would not have sent it, as what it follows is not let through',
  'no-route-to-sender': 'the host has no route to its sender',
  'captured-twice': 'it is a copy of a frame that was captured before',
  'own-answer': 'the host itself sends it, and does so in the replay',
};

export class NearMisses {
  readonly #sentence: Sentence;
  #elsewhere: string | undefined;
  readonly #outside = new Map<string, number>();

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
  }

  /** What is known of them: `; one that fits otherwise comes in docker0`; '' if there are none. */
  get words(): string {
    const outside = [...this.#outside].map(
      ([reason, count]) =>
        `${counted(count, 'that fits does', 'that fit do')} not enter the host: ${OUTSIDE[reason] ?? reason}`,
    );
    const parts = this.#elsewhere === undefined ? outside : [this.#elsewhere, ...outside];
    return parts.map((part) => `; ${shown(part)}`).join('');
  }
}
