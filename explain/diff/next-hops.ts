/** hot: which neighbours the MAC addresses of packets that leave stand for, on two hosts. */
import type { Host } from '../../core/host/host.js';
import { Detail, interfaceId } from '../../replay/fates/fate-recorder.js';
import type { DetailsAt } from './packet-kind.js';

/** The first two bytes of the MAC address that is assumed of a neighbour; the others are its IPv4 address. */
const ASSUMED = 0x0002;

export class NextHops {
  readonly #old: ReadonlyMap<string, string>;
  readonly #new: ReadonlyMap<string, string>;
  /** The last answer, and the words that it is about: most packets leave like the one before them. */
  #isSame = true;
  readonly #asked = new Int32Array(6);

  constructor(old: Host, other: Host) {
    this.#old = neighboursOf(old);
    this.#new = neighboursOf(other);
  }

  /** Whether both packets left by interfaces of the same name to the same neighbour, whatever its MAC address. */
  areSame(old: DetailsAt, other: DetailsAt): boolean {
    const asked = this.#asked;
    let isKnown = true;
    for (let i = 0; i < 3; i++) {
      const [a, b] = [old.details[old.at + HOP_WORDS[i]], other.details[other.at + HOP_WORDS[i]]];
      isKnown &&= asked[2 * i] === a && asked[2 * i + 1] === b;
      asked[2 * i] = a;
      asked[2 * i + 1] = b;
    }
    if (isKnown) return this.#isSame;
    const [a, b] = [neighbourOf(old, this.#old), neighbourOf(other, this.#new)];
    this.#isSame = a === b;
    return this.#isSame;
  }
}

const HOP_WORDS = [Detail.OUT_DEV, Detail.NEXT_HOP, Detail.NEXT_HOP_REST] as const;

/** `interface MAC` of the neighbours of HOST, with their addresses. */
function neighboursOf({ description }: Host): Map<string, string> {
  return new Map(
    description.neighbours.map(({ dev, address, mac }) => {
      const view = new DataView(mac.buffer, mac.byteOffset, mac.length);
      return [
        `${interfaceId(dev)} ${view.getInt32(0, true)} ${view.getUint16(4, true)}`,
        `${interfaceId(dev)} ${address}`,
      ];
    }),
  );
}

/** The interface and the address of the neighbour that a packet left to; its MAC if that is unknown. */
function neighbourOf({ details, at }: DetailsAt, known: ReadonlyMap<string, string>): string {
  const [dev, word, rest] = HOP_WORDS.map((number) => details[at + number]);
  const name = `${dev} ${word} ${rest}`;
  const found = known.get(name);
  if (found !== undefined) return found;
  if ((word & 0xffff) !== ASSUMED) return name;
  return `${dev} ${(word >>> 16) & 0xff}.${word >>> 24}.${rest & 0xff}.${rest >>> 8}`;
}
