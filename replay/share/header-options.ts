/** Replaces what the options of IPv4 and TCP headers say about who sent them. */
import { fill, type Piece, replaceAddress } from './packet-piece.js';
import type { PayloadPlace } from './payload.js';

const WHOLE: PayloadPlace = { is: 'whole' };

/** IP options that hold addresses: loose and strict source routes, and the record of a route. */
const ROUTES: readonly number[] = [131, 137, 7];
const TIME_STAMPS = 68;
/** With those that say nothing about anybody: no operation, stream identifier, router alert. */
const KNOWN_OPTIONS: readonly number[] = [...ROUTES, TIME_STAMPS, 1, 136, 148];
/** Where the pointer of a route is if nothing is unusual. */
const FIRST_IN_ROUTE = 4;

/** Replaces the options FROM … TO of an IPv4 header. */
export function replaceIpOptions(piece: Piece, from: number, to: number): void {
  const { view } = piece;
  for (let at = from; at < to; ) {
    const kind = view.getUint8(at);
    const length = kind === 1 ? 1 : at + 1 < to ? view.getUint8(at + 1) : 0;
    if (kind === 0 || length < 1 || (kind !== 1 && length < 2) || at + length > to) {
      fill(piece, kind === 0 ? at + 1 : at + 2, to, WHOLE);
      return;
    }
    if (!KNOWN_OPTIONS.includes(kind)) fill(piece, at + 2, at + length, WHOLE);
    if (ROUTES.includes(kind)) replaceRoute(piece, at, at + length);
    // With the addresses of the hosts, if the flags say so.
    if (kind === TIME_STAMPS && length >= 4 && (view.getUint8(at + 3) & 15) !== 0)
      for (let one = at + 4; one + 8 <= at + length; one += 8) replaceAddress(piece, one);
    at += length;
  }
}

/** A route, the option AT … END, whose addresses are before and behind the pointer, wherever that is. */
function replaceRoute(piece: Piece, at: number, end: number): void {
  const pointer = end - at > 2 ? piece.view.getUint8(at + 2) : FIRST_IN_ROUTE;
  const first = at + 3 + (pointer % 4);
  fill(piece, at + 3, Math.min(first, end), WHOLE);
  let one = first;
  for (; one + 4 <= end; one += 4) replaceAddress(piece, one);
  if (first > at + 3) fill(piece, one, end, WHOLE);
}

const TIME_STAMPS_OF_TCP = 8;
/** With those: end, no operation, MSS, window scale, SACK permitted, SACK. */
const PLAIN_TCP_OPTIONS: readonly number[] = [0, 1, 2, 3, 4, 5, TIME_STAMPS_OF_TCP];

/** Replaces those FROM … TO of a TCP header: cookies, signatures and what else may tell who it is. */
export function replaceTcpOptions(piece: Piece, from: number, to: number): void {
  const { view } = piece;
  for (let at = from; at < to; ) {
    const kind = view.getUint8(at);
    if (kind === 0) {
      fill(piece, at + 1, to, WHOLE);
      return;
    }
    const length = kind === 1 ? 1 : at + 1 < to ? view.getUint8(at + 1) : 0;
    if (kind !== 1 && (length < 2 || at + length > to)) {
      fill(piece, at + 1, to, WHOLE);
      return;
    }
    if (kind === TIME_STAMPS_OF_TCP) piece.parts.keeps('time stamps of TCP: how long hosts have been up');
    if (!PLAIN_TCP_OPTIONS.includes(kind)) fill(piece, at + 2, at + length, WHOLE);
    at += length;
  }
}
