/** A packet, or one in another, while it is replaced: its bytes and what replaces them, and its checksums. */
import { fold, sumBytes, updateChecksum } from '../../codecs/checksum.js';
import type { PayloadPlace } from './payload.js';

/** What packets are made of that is replaced. */
export interface PacketParts {
  /** An address in host order. */
  address(address: number): number;
  /** The 16 bytes of an address, in place. */
  address6(bytes: Uint8Array): void;
  /** The packet AT … END of BYTES, with all that it carries, is replaced next. An empty one: nothing of it is. */
  begin(bytes: Uint8Array, at: number, end: number): void;
  /** A packet with this identification has a fragment with the bytes FROM … TO of what follows its IP header. */
  fragment(id: number, from: number, to: number): void;
  /** Where such fragments begin and end; undefined: there are none. */
  fragmentEnds(id: number): readonly number[] | undefined;
  /** The bytes FROM … TO of BYTES, part of the packet whose IP header is at PACKET, in place. */
  payload(bytes: Uint8Array, packet: number, range: readonly [from: number, to: number], place: PayloadPlace): void;
  /** Something that could not be replaced, and why. */
  keeps(what: string): void;
}

/** A packet, or one in another, being replaced. Offsets are those in `bytes`. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Where the outermost IP header is. */
  readonly packet: number;
  readonly parts: PacketParts;
  readonly isSent: boolean;
  /** Its end is missing. */
  readonly isCut: boolean;
  /** Undefined: of packets that are nowhere fragmented. ENDS: where they are cut. */
  readonly fragment: { readonly id: number; readonly offset: number; readonly ends: readonly number[] } | undefined;
}

/** Of what a checksum covers, before and after. */
export interface Sums {
  readonly old: number;
  readonly new: number;
}

export const NONE: Sums = { old: 0, new: 0 };

/** `sumBytes` takes no more bytes. */
const CHUNK = 65_534;

/** Replaces the bytes FROM … TO, those of each fragment by themselves, so that each keeps the sum of its bytes. */
export function fill(piece: Piece, from: number, to: number, place: PayloadPlace): void {
  const { bytes, packet, parts, fragment, isCut } = piece;
  if (from >= to) return;
  if (fragment === undefined) {
    parts.payload(bytes, packet, [from, to], { ...place, isCut });
    return;
  }
  const { id, offset, ends } = fragment;
  const cuts = ends.map((end) => end - offset).filter((end) => end > from && end < to);
  for (const [i, start] of [from, ...cuts].entries()) {
    const stop = cuts[i] ?? to;
    parts.payload(bytes, packet, [start, stop], { is: 'fragment', id, offset: start + offset, isCut });
  }
}

/** Makes CHANGE to what the checksum at FIELD covers: the bytes of RANGE, and what has the sums MORE. */
export function covered(
  { view }: Piece,
  [from, to]: readonly [number, number],
  field: number,
  more: Sums,
  change: () => void,
): void {
  if (field + 2 > to) {
    change();
    return;
  }
  const checksum = view.getUint16(field);
  view.setUint16(field, 0);
  const old = fold(sumOf(view, from, to - from)) + more.old;
  change();
  const changed = fold(sumOf(view, from, to - from)) + more.new;
  view.setUint16(field, updateChecksum(checksum, old, changed));
}

function sumOf(view: DataView, at: number, length: number): number {
  let sum = 0;
  for (let done = 0; done < length; done += CHUNK)
    sum = fold(sum + fold(sumBytes(view, at + done, Math.min(CHUNK, length - done))));
  return sum;
}

export function replaceAddress({ view, parts }: Piece, at: number): void {
  view.setUint32(at, parts.address(view.getUint32(at)));
}
