/** hot: what was dropped and why, by flow. */
import { formatAddress, swap16 } from '../codecs/address.js';
import {
  IPV4_DESTINATION_AT,
  IPV4_FRAGMENT_AT,
  IPV4_LENGTH,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
} from '../codecs/layouts.js';
import { hasPorts } from '../core/packet.js';
import { TupleMap } from './tuple-map.js';

/** Flows that are told apart; what is dropped of others counts under its reason only. */
const MAX_FLOWS = 10_000;

/** Packets of one source to one service that were dropped for one reason. */
export interface DroppedFlow {
  reason: string;
  protocol: number;
  source: string;
  destination: string;
  /** The destination port; absent where the protocol has none. */
  port?: number;
  packets: number;
}

/** Counts dropped packets by reason, and by flow within it. Allocates nothing for a packet. */
export class DropTally {
  readonly #reasons: string[] = [];
  readonly #counts: number[] = [];
  readonly #flows = new TupleMap(1);

  /** Count the IPv4 packet at AT, of which LENGTH bytes are there. */
  count(reason: string, bytes: Uint8Array, at: number, length: number): void {
    const index = this.#indexOf(reason);
    this.#counts[index]++;
    if (length < IPV4_LENGTH) return;
    const protocol = bytes[at + IPV4_PROTOCOL_AT];
    const source = word(bytes, at + IPV4_SOURCE_AT);
    const destination = word(bytes, at + IPV4_DESTINATION_AT);
    const portAt = (bytes[at] & 15) * 4 + 2;
    const isFirst = (((bytes[at + IPV4_FRAGMENT_AT] << 8) | bytes[at + IPV4_FRAGMENT_AT + 1]) & IPV4_OFFSET_MASK) === 0;
    const port =
      isFirst && hasPorts(protocol) && portAt + 2 <= length ? bytes[at + portAt] | (bytes[at + portAt + 1] << 8) : -1;
    const kind = ((index + 1) << 8) | protocol;
    let flow = this.#flows.find(source, destination, port, kind);
    if (flow < 0) {
      if (this.#flows.size >= MAX_FLOWS) return;
      flow = this.#flows.insert(source, destination, port, kind);
    }
    this.#flows.words[flow]++;
  }

  /** Packets by reason, the most frequent first. */
  reasons(): { reason: string; packets: number }[] {
    return this.#reasons
      .map((reason, index) => ({ reason, packets: this.#counts[index] }))
      .sort((a, b) => b.packets - a.packets || (a.reason < b.reason ? -1 : 1));
  }

  /** The flows, the most frequent first. */
  flows(): DroppedFlow[] {
    const flows: DroppedFlow[] = [];
    this.#flows.forEach((source, destination, port, kind, at) => {
      flows.push({
        reason: this.#reasons[(kind >>> 8) - 1],
        protocol: kind & 0xff,
        source: formatAddress(source),
        destination: formatAddress(destination),
        ...(port < 0 ? {} : { port: swap16(port) }),
        packets: this.#flows.words[at],
      });
    });
    const key = (flow: DroppedFlow) =>
      `${flow.reason} ${flow.source} ${flow.destination} ${flow.protocol} ${flow.port}`;
    return flows.sort((a, b) => b.packets - a.packets || (key(a) < key(b) ? -1 : 1));
  }

  #indexOf(reason: string): number {
    const index = this.#reasons.indexOf(reason);
    if (index >= 0) return index;
    this.#counts.push(0);
    return this.#reasons.push(reason) - 1;
  }
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}
