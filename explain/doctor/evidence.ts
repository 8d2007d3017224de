/** Collects the packets that show the same failure. */
import { formatSentence } from '../../codecs/sentence/format.js';
import { readSentencePacket, sentenceOf } from '../../codecs/sentence/read-packet.js';
import type { FindingPacket } from '../findings.js';
import type { PacketRecord } from './packet-record.js';

/** Packets beyond this many are only counted. */
const MAX_NAMED = 10;
/** More than a capture has. */
const MOST_FRAMES = 2 ** 40;
/** Failures of one kind beyond this many are left out: they are all alike. */
const MAX_FAILURES = 50;

/** The first packets that show a failure, and how many do. */
export class ShownPackets {
  readonly named: FindingPacket[] = [];
  readonly #places = new Set<number>();

  get count(): number {
    return this.#places.size;
  }

  /** A packet that was added before, because it shows the failure in another way too, is not counted again. */
  add({ bytes, inDev, name, place }: PacketRecord): void {
    const known = this.#places.size;
    this.#places.add(place.input * MOST_FRAMES + place.number);
    if (this.#places.size === known) return;
    if (this.named.length >= MAX_NAMED) return;
    const packet = readSentencePacket(bytes);
    if (packet === undefined) return;
    const sentence = sentenceOf({ ...packet, ...(inDev === undefined ? { isLocal: true } : { inDev }) });
    this.named.push({ packet: formatSentence(sentence), number: name });
  }
}

/** The packets of one failure. */
export interface Shown<T> {
  /** What was noted with the first packet. */
  readonly detail: T;
  readonly first: PacketRecord;
  readonly packets: ShownPackets;
}

/** Failures by a key that tells them apart, in the order of their first packets. */
export class Evidence<T> {
  readonly #byKey = new Map<unknown, Shown<T>>();

  /** Also notes RECORD as the first packet of KEY, about which DETAIL is to be told. */
  note(key: unknown, record: PacketRecord, detail: T): ShownPackets {
    let shown = this.#byKey.get(key);
    if (shown === undefined) {
      shown = { detail, first: record, packets: new ShownPackets() };
      if (this.#byKey.size < MAX_FAILURES) this.#byKey.set(key, shown);
    }
    shown.packets.add(record);
    return shown.packets;
  }

  get all(): Shown<T>[] {
    return [...this.#byKey.values()];
  }
}
