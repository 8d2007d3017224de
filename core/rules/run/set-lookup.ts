/** How rules look packets up in sets (`-m set`). */
import type { Packet } from '../../packet.js';
import type { IpSet, SetLookup } from '../../sets/ip-set.js';
import type { SetStore } from '../../sets/store.js';
import type { RuleContext } from '../context.js';
import type { Lookup, MatchState } from './match-state.js';

/** Looks packets up in the set NAME, as LOOKUP says. What it returns is inverted if it is negated. */
export class SetState implements MatchState, Lookup {
  readonly set: string;
  readonly #context: RuleContext;
  readonly #asked: SetLookup;
  readonly #negated: boolean;
  /** What the set is, as of this `SetChanges.structure`. */
  #seenAt = -1;
  #isPure = false;
  #isPredictable = false;
  /** The packet whose result was predicted, and the result; null if there is none or it was used. */
  #packetNumber = -1;
  #predicted: boolean | null = null;

  constructor(context: RuleContext, name: string, lookup: SetLookup, negated: boolean) {
    this.#context = context;
    this.set = name;
    this.#asked = lookup;
    this.#negated = negated;
  }

  get lookup(): Lookup {
    return this;
  }

  get isPure(): boolean {
    this.#look();
    return this.#isPure;
  }

  get isPredictable(): boolean {
    this.#look();
    return this.#isPredictable;
  }

  /** Looks again at what the set is, if it may have become another one or got other members. */
  #look(): void {
    const { sets } = this.#context;
    if (this.#seenAt === sets.changes.structure) return;
    this.#seenAt = sets.changes.structure;
    const asked = setsAsked(sets, this.set);
    this.#isPure = asked.every((set) => isPlain(set, this.#asked));
    this.#isPredictable = asked.every(({ type }) => !type.dimensions.includes('mark'));
  }

  matches(packet: Packet): boolean {
    const predicted = this.#predicted;
    if (predicted === null || this.#packetNumber !== this.#context.packetNumber) return this.answer(packet);
    this.#predicted = null;
    return predicted;
  }

  predict(packet: Packet): boolean {
    if (this.isPure) return this.answer(packet);
    const { packetNumber } = this.#context;
    if (this.#predicted === null || this.#packetNumber !== packetNumber) this.#predicted = this.answer(packet);
    this.#packetNumber = packetNumber;
    return this.#predicted;
  }

  answer(packet: Packet): boolean {
    const { sets } = this.#context;
    const set = sets.get(this.set);
    if (set === undefined) return this.#negated;
    return set.testPacket(packet, this.#asked) !== this.#negated;
  }
}

/** The set NAME and, if it is a list, its members. */
export function setsAsked(sets: SetStore, name: string): IpSet[] {
  const set = sets.get(name);
  if (set === undefined) return [];
  const asked = [set];
  if (set.type.method === 'list') {
    set.forEach((element) => {
      const member = sets.get(element.set);
      if (member !== undefined) asked.push(member);
    });
  }
  return asked;
}

/** Whether SET answers the same for all packets of a connection, and asking it changes nothing. */
function isPlain({ type, options }: IpSet, { keepsCounters, keepsSubcounters }: SetLookup): boolean {
  // A MAC address may be stored with the first packet that is looked up.
  return !type.dimensions.includes('mac') && (!options.counters || (keepsCounters && keepsSubcounters));
}
