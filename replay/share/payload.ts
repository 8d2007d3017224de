/**
 * What takes the place of payloads: as long, the same for the same bytes, and with the parts that `-m string` looks for
 * replaced as in the rules.
 */
import { fold, sumBytes } from '../../codecs/checksum.js';
import { IPV4_LENGTH, IPV4_MF, IPV4_OFFSET_MASK } from '../../codecs/layouts.js';
import { TextSearch } from '../../core/matches/text-search.js';
import type { Secret } from '../../io/secret.js';
import type { ByteSubstitution } from './byte-substitution.js';
import type { KeptBytes } from './kept-bytes.js';

/** A pattern of `-m string`. */
export interface Pattern {
  readonly bytes: Uint8Array;
  readonly ignoresCase: boolean;
}

/** Where a payload is, in what carries it. IS_CUT: the end of its packet was not captured, or not quoted. */
export type PayloadPlace = { readonly isCut?: boolean } & (StreamPlace | FragmentPlace | { readonly is: 'whole' });

/** A segment of TCP, whose first byte has this sequence number. A part of a stream stays the same, however cut. */
interface StreamPlace {
  readonly is: 'stream';
  readonly sequence: number;
}

/** A part of a fragmented packet with this identification, from this byte on. */
interface FragmentPlace {
  readonly is: 'fragment';
  readonly id: number;
  readonly offset: number;
}

const BYTES = 256;
const FRAGMENT = IPV4_MF | IPV4_OFFSET_MASK;
/** What is different behind so many bytes does not count: so many are there in most that is cut. */
const HASHED_BYTES = 16;

export class PayloadFiller {
  readonly #secret: Secret;
  readonly #hasStreams: boolean;
  readonly #keptBytes: KeptBytes | undefined;
  /** Of the current packet: which bytes are of a pattern, and which stay; not 0. */
  #found: Uint8Array | undefined;
  #kept: Uint8Array | undefined;
  readonly #substitution: ByteSubstitution;
  readonly #searches: readonly { readonly search: TextSearch; readonly length: number }[];
  /** What payloads are filled with: no byte of a replaced pattern. */
  readonly #alphabet: Uint8Array;

  /** HAS_STREAMS: sequence numbers stay the same on the way through the host. */
  constructor(
    secret: Secret,
    substitution: ByteSubstitution,
    patterns: readonly Pattern[],
    hasStreams: boolean,
    keptBytes?: KeptBytes,
  ) {
    this.#keptBytes = keptBytes;
    this.#hasStreams = hasStreams;
    this.#secret = secret;
    this.#substitution = substitution;
    this.#searches = patterns.map(({ bytes, ignoresCase }) => ({
      search: new TextSearch(bytes, ignoresCase, 'kmp'),
      length: bytes.length,
    }));
    const used = new Set(
      patterns.flatMap(({ bytes }) => [...bytes].flatMap((byte) => bothCases(substitution.byte(byte)))),
    );
    const free = Uint8Array.from({ length: BYTES }, (_, byte) => byte).filter((byte) => !used.has(byte));
    this.#alphabet = free.length > 0 ? free : Uint8Array.of(0);
  }

  /** Looks at the packet AT … END of BYTES, of which parts are replaced next. An empty one: they are of no packet. */
  begin(bytes: Uint8Array, at: number, end: number): void {
    this.#found = this.#patternsIn(bytes, at, end);
    const isFragment = end - at >= IPV4_LENGTH && (((bytes[at + 6] << 8) | bytes[at + 7]) & FRAGMENT) !== 0;
    this.#kept = end > at ? this.#keptBytes?.(bytes, at, end) : undefined;
    // Rules see it when it is whole.
    if (isFragment) this.#kept?.fill(1);
  }

  /**
   * Replaces the bytes FROM … TO of BYTES, part of the packet whose IP header is at PACKET. Those that rules read are
   * replaced as in the rules, or stay.
   */
  fill(bytes: Uint8Array, packet: number, [from, to]: readonly [number, number], place: PayloadPlace): void {
    if (from >= to) return;
    const filling = this.#filling(bytes.subarray(from, to), place);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const old = sumBytes(view, from, to - from);
    let last = -1;
    for (let at = from; at < to; at++) {
      if (this.#isKept(at - packet)) continue;
      const isPattern = this.#isFound(at - packet);
      bytes[at] = isPattern
        ? this.#substitution.byte(bytes[at])
        : this.#alphabet[filling[at - from] % this.#alphabet.length];
      const before = at - 1 - packet;
      if (((at - packet) & 1) === 1 && at > from && !isPattern && !this.#isKept(before) && !this.#isFound(before))
        last = at - 1;
    }
    // A cut packet does not show what its checksum covers, so the sum stays the same, by way of the last whole word.
    const keeps = place.is === 'fragment' || this.#searches.length === 0;
    if (last >= 0 && keeps && place.isCut !== true) keepSum(view, [from, to], last, old);
  }

  #isKept(at: number): boolean {
    return this.#kept !== undefined && this.#kept[at] !== 0 && this.#kept[at] !== undefined;
  }

  #isFound(at: number): boolean {
    return this.#found !== undefined && this.#found[at] === 1;
  }

  #filling(payload: Uint8Array, place: PayloadPlace): Uint8Array {
    const count = payload.length;
    if (place.is === 'stream' && this.#hasStreams) return this.#secret.stream(place.sequence, count);
    if (place.is !== 'fragment') return this.#secret.bytesFor(payload.subarray(0, HASHED_BYTES), count);
    const { id, offset } = place;
    return this.#secret.bytes(`fragment ${id}`, offset + count).subarray(offset);
  }

  /** Which bytes of the packet are of a pattern; undefined: none is. */
  #patternsIn(bytes: Uint8Array, packet: number, end: number): Uint8Array | undefined {
    let marks: Uint8Array | undefined;
    for (const { search, length } of this.#searches) {
      for (let at = search.find(bytes, packet, end); at >= 0; at = search.find(bytes, at + 1, end)) {
        marks ??= new Uint8Array(end - packet);
        marks.fill(1, at - packet, at - packet + length);
      }
    }
    return marks;
  }
}

/** Changes the word at LAST so that the bytes FROM … TO have the sum OLD. */
function keepSum(view: DataView, [from, to]: readonly [number, number], last: number, old: number): void {
  view.setUint16(last, 0);
  // Words begin where `last` does, at even distances.
  const isOdd = ((last - from) & 1) === 1;
  const changed = sumBytes(view, from, to - from);
  const difference = fold(fold(old) + (~fold(changed) & 0xffff));
  view.setUint16(last, isOdd ? ((difference & 0xff) << 8) | (difference >> 8) : difference);
}

function bothCases(byte: number): number[] {
  const char = String.fromCharCode(byte);
  return [byte, char.toLowerCase().charCodeAt(0), char.toUpperCase().charCodeAt(0)].filter((one) => one < BYTES);
}
