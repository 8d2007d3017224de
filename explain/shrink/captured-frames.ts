/** The frames of a case's captures in memory, in the order in which they are replayed, and the files that keep some. */

import { MemorySink } from '../../codecs/byte-stream.js';
import { type CaptureRecord, Direction } from '../../codecs/capture.js';
import { PcapWriter } from '../../codecs/pcap-writer.js';
import { PcapngWriter, type WrittenInterface } from '../../codecs/pcapng-writer.js';
import { type CapturePaths, openCaptureFile } from '../../io/capture-file.js';
import { ReplayOptionsError } from '../../replay/errors.js';
import type { Time } from '../../replay/time.js';

/** A frame of a capture: what its record says. */
export interface CapturedFrame {
  /** The index of its input. */
  readonly input: number;
  /** Its number there, from 1. */
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly wirelen: number;
  readonly tsSec: number;
  readonly tsNsec: number;
  readonly linktype: number;
  /** As in CaptureRecord. */
  readonly interfaceName: string;
  readonly direction: Direction;
}

/** More than this is not read into memory. */
const MOST_BYTES = 2 ** 30;

/**
 * The frames of INPUTS, merged by time: the earliest head first, ties in the order of the inputs, as a replay reads them.
 * @throws {CaptureError} as `openCaptureFile`
 * @throws {ReplayOptionsError} if they are too large to be kept in memory
 */
export function readFrames(inputs: readonly CapturePaths[]): CapturedFrame[] {
  const room = { left: MOST_BYTES };
  const lists = inputs.map((path, input) => framesOf(path, input, room));
  if (lists.length === 1) return lists[0];
  const next = lists.map(() => 0);
  const merged: CapturedFrame[] = [];
  const total = lists.reduce((sum, { length }) => sum + length, 0);
  while (merged.length < total) {
    let earliest = -1;
    for (const [i, list] of lists.entries()) {
      if (next[i] === list.length) continue;
      if (earliest < 0 || isEarlier(list[next[i]], lists[earliest][next[earliest]])) earliest = i;
    }
    merged.push(lists[earliest][next[earliest]++]);
  }
  return merged;
}

function isEarlier(a: CapturedFrame, b: CapturedFrame): boolean {
  return a.tsSec < b.tsSec || (a.tsSec === b.tsSec && a.tsNsec < b.tsNsec);
}

function framesOf(path: CapturePaths, input: number, room: { left: number }): CapturedFrame[] {
  const reader = openCaptureFile(path);
  const frames: CapturedFrame[] = [];
  try {
    while (reader.next()) {
      room.left -= reader.caplen;
      if (room.left < 0) throw tooLarge(reader.path);
      frames.push(frameOf(reader, input, frames.length + 1));
    }
  } finally {
    reader.close();
  }
  return frames;
}

function tooLarge(path: string): ReplayOptionsError {
  const what = `${path}: the captures have more than ${MOST_BYTES / 2 ** 30} GiB of packets, too many to search`;
  return new ReplayOptionsError(`${what}; cut out the time in question first (editcap -A, tcpdump -r … -w …)`);
}

function frameOf(record: CaptureRecord, input: number, number: number): CapturedFrame {
  const { bytes, at, caplen, wirelen, tsSec, tsNsec, linktype, interfaceName, direction } = record;
  return {
    ...{ input, number, bytes: bytes.slice(at, at + caplen) },
    ...{ wirelen, tsSec, tsNsec, linktype, interfaceName, direction },
  };
}

export const timeOfFrame = ({ tsSec, tsNsec }: CapturedFrame): Time => ({ sec: tsSec, nsec: tsNsec });

/**
 * Whether a classic pcap can hold FRAMES: they have one link type, and nothing says on which interface or in which
 * direction each was captured, or that does not matter because ALL of them enter by one interface.
 */
export function fitPcap(frames: readonly CapturedFrame[], isOfOneInterface: boolean): boolean {
  const isPlain = ({ interfaceName, direction }: CapturedFrame): boolean =>
    isOfOneInterface || (interfaceName === '' && direction === Direction.UNKNOWN);
  return frames.every((frame) => frame.linktype === frames[0].linktype && isPlain(frame));
}

/** FRAMES, which `fitPcap`, as a pcap with nanoseconds. */
export function pcapOf(frames: readonly CapturedFrame[], linktype: number): Uint8Array {
  const sink = new MemorySink();
  const writer = new PcapWriter(sink, linktype);
  for (const { bytes, tsSec, tsNsec, wirelen } of frames) writer.write(tsSec, tsNsec, bytes, 0, bytes.length, wirelen);
  writer.close();
  return sink.bytes();
}

/** FRAMES as a pcapng, with the names of their interfaces and their directions. APPLICATION: who writes it. */
export function pcapngOf(frames: readonly CapturedFrame[], application: string): Uint8Array {
  const interfaces: WrittenInterface[] = [];
  const indexes = new Map<string, number>();
  for (const { interfaceName: name, linktype } of frames) {
    const key = `${linktype} ${name}`;
    if (!indexes.has(key)) indexes.set(key, interfaces.push({ name, linktype }) - 1);
  }
  const sink = new MemorySink();
  const writer = new PcapngWriter(sink, interfaces, application);
  for (const { interfaceName, linktype, bytes, tsSec, tsNsec, wirelen, direction } of frames) {
    const index = indexes.get(`${linktype} ${interfaceName}`)!;
    writer.write({ interface: index, tsSec, tsNsec, bytes, wirelen, comment: '', direction });
  }
  writer.flush();
  return sink.bytes();
}
