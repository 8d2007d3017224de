/** Which packets a report lists, and how much of them, so that it does not get too large. */
import type { PacketsIndex } from './format/model.js';
import { type BytesChunks, type BytesKept, type ListedPacket, PacketList } from './packet-lists.js';
import type { Chunks } from './sections.js';

/** What of the packets is in the report. */
export interface ChosenPackets {
  readonly rows: Chunks;
  /** How many there are. */
  readonly listed: number;
  readonly details: Chunks;
  /** Undefined: no bytes. */
  readonly bytes: Chunks | undefined;
  /** How many of the listed packets have bytes, and how much of them. */
  readonly withBytes: number;
  readonly kept: BytesKept | undefined;
  readonly leftOutBy: PacketsIndex['leftOutBy'];
}

export class PacketStore {
  readonly #room: number;
  readonly #hasChoice: boolean;
  /** Undefined: there is no room for them, or only some are wanted. */
  #all: PacketList | undefined;
  /** Those that `--show` chooses, if there is any choice. */
  #shown: PacketList | undefined;
  /** The first of each connection and verdict. */
  readonly #first: PacketList;

  /** ROOM: how many bytes packets may take in all. HAS_CHOICE: `--show` was given. */
  constructor(room: number, hasChoice: boolean) {
    this.#room = room;
    this.#hasChoice = hasChoice;
    this.#all = hasChoice ? undefined : new PacketList(['whole', 'headers', 'first'], room);
    this.#shown = hasChoice ? new PacketList(['whole', 'headers', 'first'], room) : undefined;
    this.#first = new PacketList(['whole', 'headers'], room);
  }

  /** Whether somebody still wants the bytes of all packets, or only their headers. */
  get wantsHeaders(): boolean {
    return [this.#all, this.#shown, this.#first].some((list) => list?.bytes.some(({ kept }) => kept === 'headers'));
  }

  add(packet: ListedPacket, isShown: boolean): void {
    this.#all = this.#added(this.#all, packet);
    if (isShown) this.#shown = this.#added(this.#shown, packet);
    const first = this.#first;
    if (packet.isFirst && (isShown || !this.#hasChoice) && first.size <= this.#room) first.add(packet);
  }

  #added(list: PacketList | undefined, packet: ListedPacket): PacketList | undefined {
    list?.add(packet);
    return list !== undefined && list.size > this.#room ? undefined : list;
  }

  /** Everything that there is so far. */
  get now(): ChosenPackets {
    const [list, leftOutBy] = this.#lists[0];
    return chosenOf(list, leftOutBy, list.bytes[0]);
  }

  /** The fullest first. */
  get #lists(): (readonly [PacketList, PacketsIndex['leftOutBy']])[] {
    const [all, shown] = [this.#all, this.#shown];
    return [
      ...(all === undefined ? [] : [[all, undefined] as const]),
      ...(shown === undefined ? [] : [[shown, 'show'] as const]),
      [this.#first, 'size'],
    ];
  }

  /** What ROOM bytes allow, in the end: rather more rows than their bytes. */
  chosen(room: number): ChosenPackets {
    for (const [list, leftOutBy] of this.#lists) {
      const forBytes = room - sizeOf(list.rows) - sizeOf(list.details);
      if (forBytes < 0 && list !== this.#first) continue;
      const bytes = list.bytes.find((one) => sizeOf(one) <= forBytes);
      if (bytes !== undefined) return chosenOf(list, leftOutBy, bytes);
      const chosen = chosenOf(list, leftOutBy, list.bytes.at(-1), chunksIn(list.bytes.at(-1), forBytes));
      if (forBytes >= 0) return chosen;
      const rows = new FirstChunks(list.rows, Math.max(1, chunksIn(list.rows, room - sizeOf(list.details))));
      return { ...chosen, rows, listed: Math.min(list.rows.rows, rows.chunks * rows.rowsPerChunk) };
    }
    throw new Error('there is always a list of packets');
  }
}

/** LIST with the first CHUNKS of BYTES. */
function chosenOf(
  { rows, details }: PacketList,
  leftOutBy: PacketsIndex['leftOutBy'],
  bytes: BytesChunks | undefined,
  chunks = bytes?.chunks ?? 0,
): ChosenPackets {
  const isAny = bytes !== undefined && chunks > 0;
  return {
    ...{ rows, listed: rows.rows, details, leftOutBy },
    bytes: isAny ? new FirstChunks(bytes, chunks) : undefined,
    withBytes: isAny ? bytes.packetsIn(chunks) : 0,
    kept: isAny ? bytes.kept : undefined,
  };
}

/** The first ones of others. */
class FirstChunks implements Chunks {
  readonly chunks: number;
  readonly #all: Chunks;

  constructor(all: Chunks, chunks: number) {
    this.#all = all;
    this.chunks = Math.min(chunks, all.chunks);
  }

  get rowsPerChunk(): number {
    return this.#all.rowsPerChunk;
  }

  section(number: number): Uint8Array {
    return this.#all.section(number);
  }
}

/** How many chunks of ONE have room in ROOM bytes. */
function chunksIn(one: Chunks | undefined, room: number): number {
  let [chunk, size] = [0, 0];
  if (one === undefined) return 0;
  for (; chunk < one.chunks; chunk++) {
    size += one.section(chunk).length;
    if (size > room) break;
  }
  return chunk;
}

/** What all chunks of ONE take, compressed. */
function sizeOf(one: Chunks): number {
  let size = 0;
  for (let chunk = 0; chunk < one.chunks; chunk++) size += one.section(chunk).length;
  return size;
}
