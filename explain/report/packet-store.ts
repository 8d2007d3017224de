/** Which packets a report lists, and how much of them, so that it does not get too large. */
import type { PacketsIndex } from './format/model.js';
import { type BytesChunks, type ListedPacket, PacketList } from './packet-lists.js';
import type { Chunks } from './sections.js';

/** What of the packets is in the report. */
export interface ChosenPackets {
  readonly list: PacketList;
  /** Undefined: no bytes. */
  readonly bytes: BytesChunks | undefined;
  readonly leftOutBy: PacketsIndex['leftOutBy'];
}

export class PacketStore {
  readonly #room: number;
  /** Undefined: there is no room for them, or only some are wanted. */
  #all: PacketList | undefined;
  /** Those that `--show` chooses, if there is any choice. */
  #shown: PacketList | undefined;
  /** The first of each connection and verdict. */
  readonly #first: PacketList;

  /** ROOM: how many bytes packets may take in all. HAS_CHOICE: `--show` was given. */
  constructor(room: number, hasChoice: boolean) {
    this.#room = room;
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
    if (packet.isFirst && (this.#shown === undefined || isShown) && first.size <= this.#room) first.add(packet);
  }

  #added(list: PacketList | undefined, packet: ListedPacket): PacketList | undefined {
    list?.add(packet);
    return list !== undefined && list.size > this.#room ? undefined : list;
  }

  /** Everything that there is so far. */
  get now(): ChosenPackets {
    const list = this.#all ?? this.#shown ?? this.#first;
    const leftOutBy = list === this.#all ? undefined : list === this.#shown ? 'show' : 'size';
    return { list, bytes: list.bytes[0], leftOutBy };
  }

  /** What ROOM bytes allow, in the end. */
  chosen(room: number): ChosenPackets {
    for (const [list, leftOutBy] of [[this.#all, undefined] as const, [this.#shown, 'show'] as const]) {
      if (list === undefined) continue;
      const rowsSize = sizeOf(list.rows) + sizeOf(list.details);
      const bytes = list.bytes.find((one) => rowsSize + sizeOf(one) <= room);
      if (bytes !== undefined) return { list, bytes, leftOutBy };
    }
    const list = this.#first;
    const rowsSize = sizeOf(list.rows) + sizeOf(list.details);
    return { list, bytes: list.bytes.find((one) => rowsSize + sizeOf(one) <= room), leftOutBy: 'size' };
  }
}

/** What all chunks of ONE take, compressed. */
function sizeOf(one: Chunks): number {
  let size = 0;
  for (let chunk = 0; chunk < one.chunks; chunk++) size += one.section(chunk).length;
  return size;
}
