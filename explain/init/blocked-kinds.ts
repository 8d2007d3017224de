/** Packets that did not get through although they opened nothing: kinds of them, as sentences. */
import { fits } from '../../codecs/sentence/fits.js';
import { icmpKindOf } from '../../codecs/sentence/icmp-kinds.js';
import { ANY_PACKET, SENTENCE_STATES, type Sentence } from '../../codecs/sentence/sentence.js';
import { deciderKey, endOf } from './flow-kinds.js';
import type { AddressNames } from './name-addresses.js';
import type { SeenBlocked, SeenFlow } from './seen-traffic.js';

export interface BlockedKind {
  readonly sentence: Sentence;
  readonly blocked: readonly SeenBlocked[];
}

/**
 * Kinds of BLOCKED, the most frequent first. Their sentences say the state, such as INVALID: others of these ends get
 * through, if they are of FLOWS.
 */
export function blockedKinds(
  blocked: readonly SeenBlocked[],
  flows: readonly SeenFlow[],
  names: AddressNames,
): BlockedKind[] {
  const kinds = new Map<string, BlockedKind & { blocked: SeenBlocked[] }>();
  for (const one of blocked) {
    const sentence = sentenceFor(one, names);
    const key = `${JSON.stringify(sentence)} ${one.end.verdict} ${deciderKey(one.end.decider)}`;
    const known = kinds.get(key);
    if (known === undefined) kinds.set(key, { sentence, blocked: [one] });
    else known.blocked.push(one);
  }
  const all = [...kinds.values()];
  const isAlone = ({ sentence, blocked: own }: BlockedKind): boolean =>
    blocked.every((other) => own.includes(other) || !fits(sentence, other.entered)) &&
    !flows.some(({ entered }) => fits(sentence, entered));
  const packets = (kind: BlockedKind) => kind.blocked.reduce((sum, one) => sum + one.packets, 0);
  return all
    .filter((kind) => kind.blocked.some(({ isShown }) => isShown) && isAlone(kind))
    .sort((a, b) => packets(b) - packets(a));
}

function sentenceFor({ entered }: SeenBlocked, names: AddressNames): Sentence {
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
