/** Sends what a suspect would have sent through a fresh host. */
import type { EvidencePacket, EvidencePlace } from '../../codecs/evidence/evidence.js';
import { IPPROTO_TCP, TCP_SYN } from '../../codecs/layouts.js';
import { ANY_PACKET, type Sentence } from '../../codecs/sentence/sentence.js';
import { SentenceError } from '../../codecs/sentence/sentence-error.js';
import { ARRIVAL_SEC } from '../arrival-time.js';
import type { Play } from '../fate/attempt.js';
import { endText } from '../packets/arrival.js';
import { Conversation, type Steps } from '../packets/conversation.js';
import type { PacketDefaults, PlannedPacket } from '../packets/planned-packet.js';
import { isAccepted, rulesTried, type Story } from '../story/story.js';
import { Trial, type TrialPacket, type TrialResult, type TrialSetting } from '../trial.js';
import { type Suspect, sentenceOf } from './suspects.js';

export interface Reenactment {
  readonly suspect: Suspect;
  readonly result: TrialResult;
  /** What was sent last: the packet of the line. */
  readonly planned: PlannedPacket;
  /** How often it was sent until the line was written. */
  readonly times: number;
  /** Sends all that was sent, up to that packet, through another host. */
  readonly play: Play;
}

const MILLISECOND_NSEC = 1_000_000;
/** How often a packet is sent where rules count packets before they log one. */
const MOST_TIMES = 40;
/** Matches of which the answer depends on the packets before. */
const COUNTING: readonly string[] = [
  'limit',
  'hashlimit',
  'recent',
  'quota',
  'statistic',
  'connlimit',
  'connbytes',
  'rateest',
];

/**
 * What becomes of the packet of the line, sent by SUSPECT. IS_WRITTEN tells whether a story has the line in it.
 * Undefined if the suspect cannot have sent it: rules stop what would have come before.
 */
export function reenact(
  setting: TrialSetting,
  suspect: Suspect,
  { packet, place }: { readonly packet: EvidencePacket; readonly place: EvidencePlace },
  isWritten: (result: TrialResult) => boolean,
): Reenactment | undefined {
  const stage = new Stage(setting);
  try {
    if (!stage.prepare(suspect, packet)) return undefined;
    const last = lastSentence(suspect, packet, place, stage.conversation);
    if (last === undefined) return undefined;
    stage.play(stage.conversation.send(last, detailsOf(packet, place, suspect)));
  } catch (error) {
    // Such a packet cannot be: its length is less than its header's, or there is no way to its source.
    if (error instanceof SentenceError) return undefined;
    throw error;
  }
  const planned = stage.planned!;
  const first = stage.result!;
  const untilFirst = stage.sent.length;
  let result = first;
  let times = 1;
  while (!isWritten(result) && times < MOST_TIMES && isCounted(result.story)) {
    result = stage.send(planned);
    times++;
  }
  if (isWritten(result)) return { suspect, result, planned, times, play: playOf(stage.sent) };
  return { suspect, result: first, planned, times: 1, play: playOf(stage.sent.slice(0, untilFirst)) };
}

function playOf(packets: readonly TrialPacket[]): Play {
  return (trial) => packets.map((packet) => trial.send(packet)).slice(-1);
}

/** A fresh host, and those who talk through it. */
class Stage {
  readonly conversation: Conversation;
  readonly #trial: Trial;
  readonly sent: TrialPacket[] = [];
  planned: PlannedPacket | undefined;
  result: TrialResult | undefined;

  constructor(setting: TrialSetting) {
    this.#trial = new Trial(setting);
    this.conversation = new Conversation(setting.setting.host, new Map());
  }

  /** Lets happen what comes before; false if it cannot. */
  prepare({ opener, history }: Suspect, { query }: EvidencePacket): boolean {
    if (history === 'none') return true;
    const isTcp = opener.protocol === IPPROTO_TCP;
    const first: Sentence = { ...opener, ...(isTcp ? { flags: TCP_SYN } : {}) };
    if (!this.play(this.conversation.send(first, query === undefined ? {} : { query }))) return false;
    if (history === 'opening') return true;
    if (!this.play(this.conversation.steps(isTcp ? 'handshake' : 'reply'))) return false;
    return history === 'open' || (isTcp && this.play(this.conversation.steps('close')));
  }

  /** Sends all of STEPS; false if one of them does not arrive, or the story ends otherwise. */
  play(steps: Steps): boolean {
    let step = steps.next();
    let isFine = true;
    while (!step.done) {
      const result = this.send(step.value);
      isFine &&= isAccepted(result.story);
      step = steps.next(result);
    }
    return isFine && step.value === undefined;
  }

  send(planned: PlannedPacket): TrialResult {
    const tsNsec = this.sent.length * MILLISECOND_NSEC;
    const packet = { ...planned, tsSec: ARRIVAL_SEC, tsNsec };
    this.sent.push(packet);
    this.planned = planned;
    this.result = this.#trial.send(packet);
    return this.result;
  }
}

/** The packet of the line as its sender sends it. */
function lastSentence(
  { opener, isReply, isError }: Suspect,
  packet: EvidencePacket,
  { input, output }: EvidencePlace,
  { receiver }: Conversation,
): Sentence | undefined {
  // FORWARD comes after the decrement.
  const isForwarded = input !== '' && input !== undefined && output !== '' && output !== undefined;
  const ttl = packet.ttl === undefined ? undefined : Math.min(255, packet.ttl + (isForwarded ? 1 : 0));
  const details = {
    flags: packet.flags,
    icmp: packet.icmp,
    ttl: ttl === undefined ? undefined : { min: ttl, max: ttl },
    length: packet.lengthBytes === undefined ? undefined : { min: packet.lengthBytes, max: packet.lengthBytes },
  };
  if (!isReply && !isError) return { ...opener, ...details };
  if (receiver === undefined) return undefined;
  if (isError) {
    const destination = { address: endText(receiver.peer, 0), port: undefined };
    const source = { address: packet.source, port: undefined };
    return { ...sentenceOf(packet, source, destination, { input, output }), ...details };
  }
  const { address, port, peer, peerPort, entry } = receiver;
  const ends = [
    { address: endText(address, 0), port: packet.sport === undefined ? undefined : port },
    { address: endText(peer, 0), port: packet.dport === undefined ? undefined : peerPort },
  ] as const;
  return {
    ...ANY_PACKET,
    ...sentenceOf(packet, ends[0], ends[1], { input: entry.dev ?? '', output: undefined }),
    ...details,
  };
}

function detailsOf({ id, query, protocol }: EvidencePacket, { macs }: EvidencePlace, suspect: Suspect): PacketDefaults {
  return {
    ...(id === undefined ? {} : { id }),
    ...(query === undefined ? {} : { query }),
    ...(protocol === IPPROTO_TCP && suspect.shift !== undefined ? { shift: suspect.shift } : {}),
    ...(macs === undefined ? {} : { macs: { source: macOf(macs.source), destination: macOf(macs.destination) } }),
  };
}

function macOf(text: string): Uint8Array {
  return Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16));
}

/** Whether a rule that was tried counts packets. */
function isCounted(story: Story): boolean {
  return rulesTried(story).some(({ rule }) => rule.matches.some(({ extension }) => COUNTING.includes(extension.name)));
}
