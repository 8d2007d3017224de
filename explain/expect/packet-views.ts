/**
 * Packets as claims see them. Sentences speak of packets as they entered, `becomes` of how they left.
 *
 * A packet that arrives in fragments is one packet, which enters with the fragment that completes it: its ports and its
 * length are those of the whole. It also leaves as one, though the host may send it in fragments or segments.
 */
import type { SentencePacket } from '../../codecs/sentence/sentence.js';
import type { PacketFields } from '../../core/events.js';
import { type Story, stepsOf } from '../story/story.js';

/**
 * The packet of STORY as it entered, with what conntrack takes it for. CAPTURED: what its frame says, for a packet that
 * was dropped before the host read it.
 */
export function enteredOf(story: Story, captured?: () => SentencePacket | undefined): SentencePacket | undefined {
  const { packet, inDev, tracked } = story;
  const whole = packet?.fragment === undefined ? undefined : wholeOf(story);
  const fields = whole ?? packet;
  const entered = fields === undefined ? captured?.() : sentencePacketOf(fields);
  if (entered === undefined) return undefined;
  return { ...entered, ...placeOf(inDev), state: tracked?.ctstate };
}

/** The packet of STORY as it left or reached the host; undefined if it did neither. */
export function leftOf(story: Story): SentencePacket | undefined {
  const { left } = finalOf(story);
  if (left === undefined) return undefined;
  return {
    ...sentencePacketOf(left.packet),
    ...placeOf(story.inDev),
    outDev: left.dev,
    state: story.tracked?.ctstate,
  };
}

/** The story in which the packet came to its end: what the host sends to itself in fragments comes back in pieces. */
export function finalOf(story: Story): Story {
  const piece = story.related.findLast(({ origin }) => origin === 'loopback');
  return piece === undefined ? story : finalOf(piece);
}

/** What the host answered to the packet of STORY, whatever became of that. */
export function answersOf({ related }: Story): Story[] {
  return related.flatMap((story) => [...(story.origin === 'answer' ? [story] : []), ...answersOf(story)]);
}

function sentencePacketOf(packet: PacketFields): SentencePacket {
  const { protocol, source, destination, sport, dport, lengthBytes, ttl, mark, tcp, icmp } = packet;
  return { protocol, source, destination, sport, dport, lengthBytes, ttl, mark, flags: tcp?.flags, icmp };
}

/** Whether the packet of STORY is a fragment that completed another packet. */
export function isCompleted(story: Story): boolean {
  return story.packet?.fragment !== undefined && wholeOf(story) !== undefined;
}

/** The packet that a fragment completed. */
function wholeOf(story: Story): PacketFields | undefined {
  const step = stepsOf(story).find(({ kind }) => kind === 'reassembled');
  return step?.kind === 'reassembled' ? step.packet : undefined;
}

function placeOf(inDev: string | undefined): Pick<SentencePacket, 'inDev' | 'isLocal'> {
  return inDev === undefined ? { isLocal: true } : { inDev };
}
