/**
 * TCP data that two hosts cut differently: a network card that segments (TSO) shows one long segment where another
 * shows several, and the other way round.
 */
import { IPV4_LENGTH } from '../../codecs/layouts.js';
import { Tuple } from '../../core/conntrack/tuple.js';
import type { Emitted } from './egress-comparison.js';
import { type PacketBytes, segmentOf, type TcpData } from './packet-identity.js';

/** An emitted segment, and how many of its bytes were already seen. */
interface Segment {
  readonly emitted: Emitted;
  readonly data: TcpData;
  seen: number;
}

/** The segments that were emitted and not yet seen, by interface and tuple. */
export class SegmentCover {
  readonly #flows = new Map<string, Segment[]>();
  readonly #tuple = new Tuple();

  add(emitted: Emitted): void {
    const data = segmentOf(emitted);
    if (data === undefined) return;
    const key = this.#keyOf(emitted.dev, emitted);
    const flow = this.#flows.get(key);
    if (flow === undefined) this.#flows.set(key, [{ emitted, data, seen: 0 }]);
    else flow.push({ emitted, data, seen: 0 });
  }

  remove(emitted: Emitted): void {
    if (segmentOf(emitted) === undefined) return;
    const key = this.#keyOf(emitted.dev, emitted);
    const left = this.#flows.get(key)?.filter((segment) => segment.emitted !== emitted) ?? [];
    if (left.length === 0) this.#flows.delete(key);
    else this.#flows.set(key, left);
  }

  /**
   * The emitted segments that CAPTURED, which left by DEV, completes; undefined if it is not the data of emitted ones.
   * The list is empty if it is a part of one that is longer. IS_OWN: they are of the host itself.
   */
  take(dev: number, captured: PacketBytes): { done: Emitted[]; isOwn: boolean } | undefined {
    const data = segmentOf(captured);
    const flow = data === undefined ? undefined : this.#flows.get(this.#keyOf(dev, captured));
    if (data === undefined || flow === undefined) return undefined;
    const parts: { segment: Segment; bytes: number }[] = [];
    let done = 0;
    while (done < data.dataBytes) {
      const sequence = (data.sequence + done) >>> 0;
      const segment = flow.find(({ data: other, seen }) => (other.sequence + seen) >>> 0 === sequence);
      if (segment === undefined || parts.some((part) => part.segment === segment)) return undefined;
      const bytes = Math.min(data.dataBytes - done, segment.data.dataBytes - segment.seen);
      if (!hasSameData(captured, data.dataAt + done, segment.emitted, segment.data.dataAt + segment.seen, bytes)) {
        return undefined;
      }
      parts.push({ segment, bytes });
      done += bytes;
    }
    for (const { segment, bytes } of parts) segment.seen += bytes;
    return {
      done: parts.flatMap(({ segment }) => (segment.seen === segment.data.dataBytes ? [segment.emitted] : [])),
      isOwn: parts.every(({ segment }) => segment.emitted.cause.isOwn),
    };
  }

  #keyOf(dev: number, { view, at, available }: PacketBytes): string {
    const tuple = this.#tuple;
    if (available < IPV4_LENGTH || !tuple.read(view, at, available)) return '';
    return `${dev} ${tuple.source} ${tuple.destination} ${tuple.ports}`;
  }
}

/** Whether BYTES bytes of A from AT_A on are those of B from AT_B on, as far as both are present. */
function hasSameData(a: PacketBytes, atA: number, b: PacketBytes, atB: number, bytes: number): boolean {
  const end = Math.min(bytes, a.available - atA, b.available - atB);
  for (let i = 0; i < end; i++) {
    if (a.view.getUint8(a.at + atA + i) !== b.view.getUint8(b.at + atB + i)) return false;
  }
  return true;
}
