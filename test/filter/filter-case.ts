/** Filters and captures for tests: what nfreplay chooses, and files for tcpdump. */
import { MemorySink } from '../../codecs/byte-stream.js';
import { CaptureFilter } from '../../codecs/filter/capture-filter.js';
import { FilterError } from '../../codecs/filter/filter-error.js';
import type { Captured } from './random-frames.js';

/** What a filter chooses of packets, in order; or why it is refused. */
export type Choice = { readonly chosen: readonly boolean[] } | { readonly refused: string };

/** What nfreplay chooses of FRAMES. */
export function ourChoice(text: string, linktype: number, frames: readonly Captured[]): Choice {
  try {
    const filter = new CaptureFilter(text);
    filter.prepare(linktype);
    const chosen = frames.map(({ bytes, wirelen }) =>
      filter.matches({ bytes, at: 0, caplen: bytes.length, wirelen, linktype }),
    );
    return { chosen };
  } catch (error) {
    if (error instanceof FilterError) return { refused: error.message };
    throw error;
  }
}

/** A pcap of FRAMES: the number of each is its time in seconds. */
export function pcapOf(linktype: number, frames: readonly Captured[]): Uint8Array {
  const sink = new MemorySink();
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262_144, 16);
  header.writeUInt32LE(linktype, 20);
  sink.write(header, 0, header.length);
  for (const [number, { bytes, wirelen }] of frames.entries()) {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(number, 0);
    record.writeUInt32LE(bytes.length, 8);
    record.writeUInt32LE(wirelen, 12);
    sink.write(record, 0, record.length);
    sink.write(bytes, 0, bytes.length);
  }
  return sink.bytes();
}

/** The link type and the packets of the pcap that `pcapOf` or tcpdump wrote, and their times in seconds. */
export function framesOf(pcap: Buffer): { linktype: number; frames: (Captured & { sec: number })[] } {
  const frames: (Captured & { sec: number })[] = [];
  for (let at = 24; at + 16 <= pcap.length; ) {
    const caplen = pcap.readUInt32LE(at + 8);
    const bytes = pcap.subarray(at + 16, at + 16 + caplen);
    frames.push({ bytes, wirelen: pcap.readUInt32LE(at + 12), sec: pcap.readUInt32LE(at) });
    at += 16 + caplen;
  }
  return { linktype: pcap.readUInt32LE(20), frames };
}
