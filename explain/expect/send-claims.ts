/**
 * Claims about packets that are sent. Each begins on a fresh host, or goes on on the host of another claim (`after`).
 * A host cannot be copied: where several claims go on after the same one, what came before is sent again for each.
 */
import { AFTER_CAPTURES, type Claim, type NeverClaim, type PacketClaim } from '../../codecs/expectation/expectation.js';
import { errorInSentence } from '../../codecs/expectation/placed-yaml.js';
import type { SentenceNames } from '../../codecs/sentence/parse.js';
import { SentenceError } from '../../codecs/sentence/sentence-error.js';
import type { Ruleset } from '../../core/rules/model.js';
import { NotFollowedError, ReplayOptionsError } from '../../replay/errors.js';
import { chosenTime } from '../arrival-time.js';
import { Conversation } from '../packets/conversation.js';
import type { TrialResult, TrialSetting } from '../trial.js';
import { freshHost, hostAfterCaptures, type SendHost } from './send-hosts.js';

export interface SentPacket extends TrialResult {
  /** What was chosen because the claim does not say it. */
  readonly chosen: readonly string[];
  /** In force when it came. */
  readonly ruleset: Ruleset;
}

export interface SentByClaim {
  readonly packets: readonly SentPacket[];
  /** Why what should follow does not. */
  readonly note?: string | undefined;
  /** With its `answer`: what the host itself, which got the last packet, answers if it is to reply. */
  readonly reply?: readonly SentPacket[];
}

const NANOSECONDS_PER_MILLISECOND = 1_000_000;
const NANOSECONDS_PER_SECOND = 1_000_000_000;

/**
 * Sends the packets of CLAIMS in SETTING.
 * @throws {ExpectationError} if a sentence describes no packet that can get into the host
 * @throws as `Trial`, and as `replay` for those after captures
 */
export function sendAll(
  setting: TrialSetting,
  claims: readonly PacketClaim[],
  names: SentenceNames,
): Map<Claim, SentByClaim> {
  const sent = new Map<Claim, SentByClaim>();
  const before = (claim: PacketClaim): PacketClaim | undefined =>
    claims.find(({ name }) => name === claim.after?.value);
  const chainTo = (claim: PacketClaim): PacketClaim[] => {
    const one = before(claim);
    return one === undefined ? [claim] : [...chainTo(one), claim];
  };
  const goneOn = new Set(claims.map(before));
  // Claims in between are sent on the way to the last ones.
  for (const last of claims.filter((claim) => !goneOn.has(claim))) playChain(setting, chainTo(last), names, sent);
  for (const claim of claims) {
    const own = sent.get(claim);
    if (claim.answer === undefined || own?.packets.at(-1)?.story.verdict !== 'delivered') continue;
    const player = playChain(setting, chainTo(claim), names, new Map());
    sent.set(claim, { ...own, reply: player.play('reply').packets });
  }
  return sent;
}

/**
 * Sends the packet that trace would make of the sentence of CLAIM to a fresh host in SETTING; undefined: it describes
 * none that can get into the host, or none that can be followed. Throws as `Trial`.
 */
export function sendNever(setting: TrialSetting, claim: NeverClaim, names: SentenceNames): SentPacket | undefined {
  try {
    return new Player(freshHost(setting), setting, names).play(claim.text).packets[0];
  } catch (error) {
    if (error instanceof SentenceError || error instanceof ReplayOptionsError || error instanceof NotFollowedError)
      return undefined;
    throw error;
  }
}

/** Sends the packets of CHAIN, one claim after the other, on one host. Adds to SENT what is not there yet. */
function playChain(
  setting: TrialSetting,
  chain: readonly PacketClaim[],
  names: SentenceNames,
  sent: Map<Claim, SentByClaim>,
): Player {
  const host = chain[0].after?.value === AFTER_CAPTURES ? hostAfterCaptures(setting) : freshHost(setting);
  const player = new Player(host, setting, names);
  for (const claim of chain) {
    const own = naming(claim, () => player.play(claim.text));
    if (!sent.has(claim)) sent.set(claim, own);
  }
  return player;
}

/** One host, and who has sent what there. */
class Player {
  readonly #host: SendHost;
  readonly #start: SendHost['start'];
  readonly #conversation: Conversation;
  #packets = 0;

  constructor(host: SendHost, { setting }: TrialSetting, names: SentenceNames) {
    this.#host = host;
    this.#start = host.start;
    this.#conversation = new Conversation(setting.host, names);
  }

  /** Sends the packets that TEXT, a sentence or a word, stands for. */
  play(text: string): SentByClaim {
    const host = this.#host;
    const packets: SentPacket[] = [];
    const steps = this.#conversation.steps(text);
    let step = steps.next();
    while (!step.done) {
      const { value } = step;
      const result = host.send({ ...value, ...this.#nextTime() });
      const chosen = [...value.chosen, ...(host.isStartChosen ? chosenTime(result.story) : [])];
      packets.push({ ...result, chosen, ruleset: host.emulator.ruleset });
      step = steps.next(result);
    }
    return { packets, note: step.value };
  }

  /** A millisecond after the packet before. */
  #nextTime(): { tsSec: number; tsNsec: number } {
    const { sec, nsec } = this.#start;
    const later = nsec + this.#packets++ * NANOSECONDS_PER_MILLISECOND;
    return {
      tsSec: sec + Math.floor(later / NANOSECONDS_PER_SECOND),
      tsNsec: later % NANOSECONDS_PER_SECOND,
    };
  }
}

/** What PLAY returns. A fault that it finds is one of the sentence of CLAIM. */
function naming<T>({ subject }: PacketClaim, play: () => T): T {
  try {
    return play();
  } catch (error) {
    throw error instanceof SentenceError ? errorInSentence(error, subject) : error;
  }
}
