/** Judges claims about packets that are sent, and whether any of these packets is one that must never get through. */
import type { Claim, NeverClaim, PacketClaim } from '../../codecs/expectation/expectation.js';
import { addressesByName, type Names } from '../../replay/names.js';
import { packetWords } from '../story/packet-words.js';
import type { TrialSetting } from '../trial.js';
import { AnswersSeen } from './answers-seen.js';
import type { Offender, Problem } from './claim-result.js';
import { isStopped } from './connection-course.js';
import { problemsOf, uncertainIn } from './judge-packet.js';
import { judgePacket } from './packet-claims.js';
import { enteredOf, finalOf } from './packet-views.js';
import { type SentByClaim, type SentPacket, sendAll, sendNever } from './send-claims.js';
import type { Tally } from './tally.js';
import { placeOfDecider } from './words.js';

/**
 * Adds to TALLIES what comes of their `send` claims in SETTING, with the NAMES of addresses, and of `never` claims that
 * met no packet: each of them sends one itself. Throws as `sendAll`.
 */
export function judgeSends(setting: TrialSetting, tallies: ReadonlyMap<Claim, Tally>, names: Names): void {
  const claims = [...tallies.keys()];
  const sends = claims.filter((claim): claim is PacketClaim => claim.kind === 'send');
  const nevers = claims.filter((claim): claim is NeverClaim => claim.kind === 'never');
  const sent = sendAll(setting, sends, addressesByName(names));
  for (const claim of sends) {
    const own = sent.get(claim)!;
    judgeSend(claim, own, tallies.get(claim)!, names);
    for (const packet of own.packets)
      for (const never of nevers) judgeNever(never, tallies.get(never)!, { claim, packet }, names);
  }
  for (const never of nevers) {
    const tally = tallies.get(never)!;
    if (tally.met > 0) continue;
    const packet = sendNever(setting, never, addressesByName(names));
    if (packet !== undefined) judgeNever(never, tally, { claim: never, packet }, names);
    if (tally.met > 0) tally.notes.push(ownPacketNote(packet!, names));
  }
}

/** What a claim has sent. */
interface Sent {
  readonly claim: PacketClaim | NeverClaim;
  readonly packet: SentPacket;
}

function judgeNever(never: NeverClaim, tally: Tally, { claim, packet }: Sent, names: Names): void {
  const { story, ruleset } = packet;
  const entered = enteredOf(story);
  if (entered === undefined) return;
  const offender = (): Offender => offenderOf(claim, packet);
  judgePacket(never, tally, { story, entered, context: { names, ruleset }, offender });
}

function ownPacketNote({ story }: SentPacket, names: Names): string {
  const which = story.packet === undefined ? '' : `: ${packetWords(story.packet, {}, names)}`;
  return `met by no other packet, it was tested with one that was made of it${which}`;
}

function judgeSend(claim: PacketClaim, { packets, note, reply = [] }: SentByClaim, tally: Tally, names: Names): void {
  const [first] = packets;
  const isShort: Problem[] = note === undefined ? [] : [{ member: 'met', expected: claim.text, found: note }];
  if (first === undefined) {
    for (const problem of isShort) tally.fail(problem);
    return;
  }
  const ends = packets.find(({ story }) => isStopped(story)) ?? first;
  const answers = new AnswersSeen(claim.answer?.value, names);
  const sender = enteredOf(first.story)?.source;
  for (const [i, { story }] of [...packets, ...reply].entries()) {
    answers.addAnswersTo(story);
    if (i > 0 && (finalOf(story).left?.packet ?? story.packet)?.destination === sender) answers.addAnswer(story);
  }
  const uncertain = packets.find(({ story }) => uncertainIn(story).length > 0)?.story;
  const judged = { first: first.story, ends: ends.story, answers, uncertain };
  const problems = problemsOf(claim, judged, { names, ruleset: ends.ruleset });
  tally.add([...isShort, ...problems], () => offenderOf(claim, ends));
}

function offenderOf(claim: PacketClaim | NeverClaim, { story, ruleset, assumed, chosen }: SentPacket): Offender {
  const decidedBy = placeOfDecider(story);
  return { story, ruleset, where: claim.text, ...(decidedBy === undefined ? {} : { decidedBy }), assumed, chosen };
}
