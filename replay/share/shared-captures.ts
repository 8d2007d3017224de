/** Replaces what captures say about whose they are: frames, times, names of interfaces. Comments are left out. */
import { type CaptureRecord, Direction } from '../../codecs/capture.js';
import { Linktype } from '../../codecs/linktypes.js';
import { PcapngWriter } from '../../codecs/pcapng-writer.js';
import { createPcapFile, FileSink, openCaptureFile } from '../../io/capture-file.js';
import { FrameReplacer } from './link-frames.js';
import type { Replacer } from './replacer.js';

/** The program that a pcapng names. */
const APPLICATION = 'nfreplay share';

/** What is known of a capture that was read once. */
export interface CaptureContent {
  readonly path: string;
  /** In the order in which they were met; of a pcap, one. */
  readonly interfaces: readonly CapturedInterface[];
  readonly isPcapng: boolean;
  readonly packets: number;
  /** Its packets are those that the host itself sends. */
  readonly isSent: boolean;
}

interface CapturedInterface {
  readonly index: number;
  readonly name: string;
  readonly linktype: number;
}

/**
 * Takes down what the capture PATH holds. IS_SENT: what the host itself sends.
 * @throws {CaptureError} if it cannot be read
 */
export function readCapture(path: string, inventory: Replacer, isSent = false): CaptureContent {
  const frames = new FrameReplacer(inventory, isSent);
  const interfaces = new Map<string, CapturedInterface>();
  let [packets, isDirected] = [0, false];
  let linktype: number = Linktype.ETHERNET;
  const reader = openCaptureFile(path);
  try {
    linktype = reader.linktype;
    while (reader.next()) {
      const one = interfaceOf(reader);
      if (!interfaces.has(keyOf(one))) {
        interfaces.set(keyOf(one), one);
        if (one.name !== '') inventory.iface(one.name);
      }
      packets++;
      isDirected ||= reader.direction !== Direction.UNKNOWN;
      inventory.time(reader.tsSec);
      frames.replaced({ bytes: bytesOf(reader), linktype: reader.linktype, wirelen: reader.wirelen });
    }
    for (const { message } of reader.cuts) inventory.keeps(`left out: what ${message} says is cut`);
  } finally {
    reader.close();
  }
  const met = interfaces.size === 0 ? [{ index: 0, name: '', linktype }] : [...interfaces.values()];
  const isPcapng = met.length > 1 || met.some(({ name }) => name !== '') || isDirected;
  return { path, interfaces: met, isPcapng, packets, isSent };
}

/** Writes the replacement of CONTENT to the file TARGET. */
export function writeCapture(content: CaptureContent, target: string, replacer: Replacer): void {
  const frames = new FrameReplacer(replacer, content.isSent);
  const writer = content.isPcapng
    ? pcapngTo(target, content, replacer)
    : pcapTo(target, content.interfaces[0].linktype);
  const reader = openCaptureFile(content.path);
  try {
    while (reader.next()) {
      const { linktype, wirelen, caplen } = reader;
      const bytes = frames.replaced({ bytes: bytesOf(reader), linktype, wirelen });
      writer.write(reader, bytes, wirelen + bytes.length - caplen, replacer.time(reader.tsSec));
    }
  } finally {
    reader.close();
    writer.close();
  }
}

interface FrameWriter {
  write(record: CaptureRecord, bytes: Uint8Array, wirelen: number, tsSec: number): void;
  close(): void;
}

function pcapTo(target: string, linktype: number): FrameWriter {
  const pcap = createPcapFile(target, linktype);
  return {
    write: ({ tsNsec }, bytes, wirelen, tsSec) => pcap.write(tsSec, tsNsec, bytes, 0, bytes.length, wirelen),
    close: () => pcap.close(),
  };
}

function pcapngTo(target: string, { interfaces }: CaptureContent, replacer: Replacer): FrameWriter {
  const sink = new FileSink(target);
  const indexes = new Map(interfaces.map((one, i) => [keyOf(one), i]));
  const named = interfaces.map(({ name, linktype }) => ({ name: name === '' ? '' : replacer.iface(name), linktype }));
  const pcapng = new PcapngWriter(sink, named, APPLICATION);
  return {
    write(record, bytes, wirelen, tsSec) {
      const { tsNsec, direction } = record;
      const index = indexes.get(keyOf(interfaceOf(record))) ?? 0;
      pcapng.write({ interface: index, tsSec, tsNsec, bytes, wirelen, comment: '', direction });
    },
    close() {
      pcapng.flush();
      sink.close();
    },
  };
}

function interfaceOf({ interfaceIndex, interfaceName, linktype }: CaptureRecord): CapturedInterface {
  return { index: interfaceIndex, name: interfaceName, linktype };
}

const keyOf = ({ index, name, linktype }: CapturedInterface): string => `${index} ${linktype} ${name}`;

const bytesOf = ({ bytes, at, caplen }: CaptureRecord): Uint8Array => bytes.slice(at, at + caplen);
