/** Judges the claims of an expectation: those about captures while they are replayed, those about sent packets after. */
import { AFTER_CAPTURES, type Claim, type Expectation } from '../../codecs/expectation/expectation.js';
import { ExpectationError } from '../../codecs/expectation/expectation-error.js';
import type { SentenceNames } from '../../codecs/sentence/parse.js';
import { noInterface } from '../../core/host/interfaces.js';
import { changesHost } from '../../replay/changes/planned-change.js';
import { addressesByName, type Names } from '../../replay/names.js';
import type { PacketWatch } from '../../replay/packet-watch.js';
import { type ReplayOptions, replay, type WatchedRun } from '../../replay/replay.js';
import { loadSetting, type Setting } from '../../replay/setting.js';
import type { ClaimResult } from './claim-result.js';
import { ClaimWatch } from './claim-watch.js';
import { judgeSends } from './judge-sends.js';
import { Tally } from './tally.js';

/** Reads the expectation. NAMES: the addresses of the names that are known of the case. */
export type ReadExpectation = (names: SentenceNames) => Expectation;

export class Judging {
  readonly #options: ReplayOptions;
  readonly #read: ReadExpectation;
  #setting: Setting | undefined;
  #expectation: Expectation | undefined;
  readonly #tallies = new Map<Claim, Tally>();

  /** OPTIONS: of the replay. */
  constructor(options: ReplayOptions, read: ReadExpectation) {
    this.#options = options;
    this.#read = read;
  }

  /**
   * The `watch` of the replay that the claims are about.
   * @throws {ExpectationError} what `read` throws, or if a sentence names an interface that the host does not have, and
   * cannot get
   */
  readonly watch = (run: WatchedRun): PacketWatch => {
    this.#begin(run.setting);
    return new ClaimWatch(run, this.names, this.#tallies);
  };

  #begin(setting: Setting): void {
    this.#setting = setting;
    const expectation = this.#read(addressesByName(setting.names));
    const { changes, host } = setting;
    // Others may come later.
    if (!changes.some(changesHost))
      for (const claim of expectation.claims) refuseUnknownInterfaces(claim, host.interfaceNames);
    this.#expectation = expectation;
    for (const claim of expectation.claims) this.#tallies.set(claim, new Tally(claim));
  }

  /** Names by address: of the case, and of the expectation. */
  get names(): Names {
    const own = [...(this.#expectation?.names ?? [])].map(([name, address]) => [String(address), name] as const);
    return new Map([...(this.#setting?.names ?? []), ...own]);
  }

  /**
   * What came of the claims, in their order, after the replay. Without a replay, there are no captures.
   * @throws {ExpectationError} if a sentence describes no packet that can get into the host
   * @throws as `replay` and `Trial`
   */
  results(): ClaimResult[] {
    const isReplayed = this.#setting !== undefined;
    if (!isReplayed) this.#begin(loadSetting(this.#options));
    const { claims } = this.#expectation!;
    if (!isReplayed) claims.forEach(refuseAfterCaptures);
    judgeSends({ setting: this.#setting!, options: this.#options }, this.#tallies, this.names);
    return claims.map((claim) => {
      const tally = this.#tallies.get(claim)!;
      const missing = ABOUT_CAPTURES[claim.kind];
      if (missing !== undefined && !isReplayed)
        tally.fail({ member: 'met', expected: missing, found: 'there are no captures' });
      else if (missing !== undefined && tally.met === 0 && claim.kind !== 'counters')
        tally.fail({ member: 'met', expected: missing, found: `none in the captures${tally.nearWords}` });
      return tally.result;
    });
  }
}

/** What claims that need captures expect there at least. */
const ABOUT_CAPTURES: Partial<Record<Claim['kind'], string>> = {
  packet: 'at least one packet',
  connection: 'at least one connection',
  counters: 'counters after captures',
};

function refuseAfterCaptures(claim: Claim): void {
  if (claim.kind !== 'send' || claim.after?.value !== AFTER_CAPTURES) return;
  const { file, line, column } = claim.after;
  throw new ExpectationError(`there are no captures to come after`, file, line, column);
}

/** What came of the claims that READ returns, in a replay with OPTIONS. Throws as `Judging`. */
export function judge(options: ReplayOptions, read: ReadExpectation): ClaimResult[] {
  const judging = new Judging(options, read);
  replay({ ...options, watch: judging.watch });
  return judging.results();
}

function refuseUnknownInterfaces(claim: Claim, known: readonly string[]): void {
  if (claim.kind === 'counters') return;
  const members = claim.kind === 'never' ? [claim.subject] : [claim.subject, claim.becomes, claim.answer];
  for (const member of members) {
    const sentence = member?.value;
    for (const name of [sentence?.input?.name, sentence?.output?.name])
      if (member !== undefined && name !== undefined && !known.includes(name))
        throw new ExpectationError(noInterface(name, known), member.file, member.line, member.column);
  }
}
