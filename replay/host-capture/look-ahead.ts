/**
 * Frames that wait a moment before they are processed: captures of several interfaces may have a departure before the
 * arrival that caused it. A capture of several interfaces in one file is not even in the order of time: its writer gets
 * the frames of each interface in blocks.
 */
import {
  IPPROTO_TCP,
  IPV4_DESTINATION_AT,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  TCP_ACKNOWLEDGMENT_AT,
  TCP_LENGTH,
  TCP_SEQUENCE_AT,
} from '../../codecs/layouts.js';
import { type CapturedFrame, millisecondsBetween, PACKET_AT } from './captured-frame.js';

/** How much earlier than the arrival that caused it a departure may stand in the captures. */
const LOOK_AHEAD_MS = 2;
const LOOK_AHEAD_FRAMES = 512;
/** How much later than others the frames of an interface may stand in a file of several: dumpcap waits for a second. */
const BLOCK_MS = 2000;
const BLOCK_FRAMES = 100_000;

export interface Waiting {
  readonly frame: CapturedFrame;
  readonly identity: string;
}

export class LookAhead {
  #waiting: Waiting[] = [];
  /** The first of them that still waits. */
  #first = 0;
  #isSorting = false;
  /** Arrivals among them, by identity. */
  readonly #arrivals = new Map<string, number>();

  /** From now on, frames are put in the order of time. */
  sort(): void {
    this.#isSorting = true;
  }

  /** Adds NEXT, and calls PROCESS with each frame that has waited long enough. */
  add(next: Waiting, process: (waiting: Waiting) => void): void {
    const waiting = this.#waiting;
    let at = waiting.length;
    while (this.#isSorting && at > this.#first && millisecondsBetween(waiting[at - 1].frame, next.frame) < 0) at--;
    if (at === waiting.length) waiting.push(next);
    else waiting.splice(at, 0, next);
    this.#count(next, 1);
    const { frame: last } = waiting[waiting.length - 1];
    const [mostMs, most] = this.#isSorting ? [BLOCK_MS, BLOCK_FRAMES] : [LOOK_AHEAD_MS, LOOK_AHEAD_FRAMES];
    while (waiting.length - this.#first > most || millisecondsBetween(waiting[this.#first].frame, last) > mostMs) {
      this.#end(process);
    }
    if (this.#first < 1024 || this.#first * 2 < waiting.length) return;
    waiting.splice(0, this.#first);
    this.#first = 0;
  }

  /** Calls PROCESS with each frame that is left. */
  finish(process: (waiting: Waiting) => void): void {
    while (this.#first < this.#waiting.length) this.#end(process);
    this.#waiting = [];
    this.#first = 0;
  }

  #end(process: (waiting: Waiting) => void): void {
    const next = this.#waiting[this.#first++];
    this.#count(next, -1);
    process(next);
  }

  #count({ frame, identity }: Waiting, change: number): void {
    if (frame.isDeparture) return;
    const count = (this.#arrivals.get(identity) ?? 0) + change;
    if (count === 0) this.#arrivals.delete(identity);
    else this.#arrivals.set(identity, count);
  }

  /** Whether a packet of IDENTITY arrives in the next moment. */
  hasArrival(identity: string): boolean {
    return this.#arrivals.has(identity);
  }

  /**
   * Whom the answer to SYN, a TCP segment that the host sent by a bridge, is for once PREROUTING has taken back its
   * translation: the bridge shows that (see bridge-ports.ts). As loaded; undefined if nothing was taken back.
   */
  receiverOfAnswer(syn: CapturedFrame): number | undefined {
    if (syn.view.getUint8(PACKET_AT + IPV4_PROTOCOL_AT) !== IPPROTO_TCP) return undefined;
    for (let at = this.#first; at < this.#waiting.length; at++) {
      const { frame } = this.#waiting[at];
      if (millisecondsBetween(syn, frame) > LOOK_AHEAD_MS) break;
      if (frame.isDeparture || frame.dev !== syn.dev || !answers(frame, syn)) continue;
      const receiver = frame.view.getInt32(PACKET_AT + IPV4_DESTINATION_AT, true);
      return receiver === syn.view.getInt32(PACKET_AT + IPV4_SOURCE_AT, true) ? undefined : receiver;
    }
    return undefined;
  }
}

/** Whether FRAME acknowledges just SYN, a TCP segment. */
function answers({ view, captured }: CapturedFrame, { view: syn }: CapturedFrame): boolean {
  const [l4, synL4] = [view, syn].map((packet) => PACKET_AT + ((packet.getUint8(PACKET_AT) & 15) << 2));
  if (view.getUint8(PACKET_AT + IPV4_PROTOCOL_AT) !== IPPROTO_TCP) return false;
  if (l4 + TCP_LENGTH > PACKET_AT + captured || synL4 + TCP_LENGTH > syn.byteLength) return false;
  const isFromReceiver =
    view.getInt32(PACKET_AT + IPV4_SOURCE_AT, true) === syn.getInt32(PACKET_AT + IPV4_DESTINATION_AT, true);
  const next = (syn.getUint32(synL4 + TCP_SEQUENCE_AT) + 1) >>> 0;
  return isFromReceiver && view.getUint32(l4 + TCP_ACKNOWLEDGMENT_AT) === next;
}
