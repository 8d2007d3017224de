/** Packets that belong to no connection, or did not get through although they opened none: kinds of them, as sentences. */
import { fits } from '../../codecs/sentence/fits.js';
import { icmpKindOf } from '../../codecs/sentence/icmp-kinds.js';
import { ANY_PACKET, SENTENCE_STATES, type Sentence } from '../../codecs/sentence/sentence.js';
import { deciderKey, endOf } from './flow-kinds.js';
import type { AddressNames } from './name-addresses.js';
import type { SeenFlow, StrayPacket } from './seen-traffic.js';

export interface StrayKind {
  readonly sentence: Sentence;
  readonly packets: readonly StrayPacket[];
}

/**
 * Kinds of STRAYS, the most frequent first. Their sentences say the state, such as INVALID: others of these ends get
 * through, if they are of FLOWS.
 */
export function strayKinds(
  strays: readonly StrayPacket[],
  flows: readonly SeenFlow[],
  names: AddressNames,
): StrayKind[] {
  const kinds = new Map<string, StrayKind & { packets: StrayPacket[] }>();
  for (const one of strays) {
    const sentence = sentenceFor(one, names);
    const key = `${JSON.stringify(sentence)} ${one.end.verdict} ${deciderKey(one.end.decider)}`;
    const known = kinds.get(key);
    if (known === undefined) kinds.set(key, { sentence, packets: [one] });
    else known.packets.push(one);
  }
  const all = [...kinds.values()];
  const isAlone = ({ sentence, packets: own }: StrayKind): boolean =>
    strays.every((other) => own.includes(other) || !fits(sentence, other.entered)) &&
    !flows.some(({ entered }) => fits(sentence, entered));
  const count = (kind: StrayKind) => kind.packets.reduce((sum, one) => sum + one.packets, 0);
  return all
    .filter((kind) => kind.packets.some(({ isShown }) => isShown) && isAlone(kind))
    .sort((a, b) => count(b) - count(a));
}

function sentenceFor({ entered }: StrayPacket, names: AddressNames): Sentence {
  const { protocol, inDev, isLocal, destination, icmp, state } = entered;
  return {
    ...ANY_PACKET,
    protocol,
    isLocal: isLocal === true,
    input: inDev === undefined ? undefined : { name: inDev, isNegated: false },
    ends: {
      source: endOf(undefined, undefined),
      destination: endOf(names.hostOf(destination), undefined),
    },
    icmp: icmp && icmpKindOf(icmp.type, icmp.code, protocol),
    state: SENTENCE_STATES.find((one) => one === state),
  };
}
