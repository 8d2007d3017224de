/** Why packets of a replay were dropped, for those that are missing in its results. */
import { IPV4_ID_AT, IPV4_LENGTH, IPV4_PROTOCOL_AT, IPV4_TOTAL_LENGTH_AT } from '../codecs/layouts.js';
import type { DropCause } from '../core/drop.js';
import type { FrameDifference } from './compare.js';
import { nanosecondsOf } from './result-folder.js';

/** The causes by the identity of the packet. */
type Dropped = Map<number, Set<DropCause>>;

export class Drops {
  readonly #byTime = new Map<bigint, Dropped>();

  /** The IPv4 packet at AT was dropped for CAUSE, because of an input with this timestamp. */
  add(tsSec: number, tsNsec: number, cause: DropCause, bytes: Uint8Array, at: number): void {
    const tsNs = nanosecondsOf(tsSec, tsNsec);
    const dropped: Dropped = this.#byTime.get(tsNs) ?? new Map();
    this.#byTime.set(tsNs, dropped);
    const identity = identityOf(bytes, at);
    dropped.set(identity, (dropped.get(identity) ?? new Set()).add(cause));
  }

  /** Why the packet of a difference is missing; or else what was dropped at the same time. */
  causesOf({ tsNs, wanted, got }: FrameDifference): Pick<FrameDifference, 'cause' | 'droppedBy'> {
    const dropped = this.#byTime.get(tsNs);
    if (dropped === undefined) return {};
    const same = wanted === null || got !== null ? undefined : dropped.get(identityOf(wanted.bytes, wanted.ipAt));
    if (same?.size === 1) return { cause: [...same][0] };
    return { droppedBy: [...(same ?? new Set([...dropped.values()].flatMap((causes) => [...causes])))] };
  }
}

const NO_PACKET = -1;

/** What neither forwarding nor NAT changes of the IPv4 packet at AT: protocol, identification and length. */
function identityOf(bytes: Uint8Array, at: number): number {
  if (bytes.length < at + IPV4_LENGTH) return NO_PACKET;
  const word = (offset: number): number => (bytes[at + offset] << 8) | bytes[at + offset + 1];
  return (bytes[at + IPV4_PROTOCOL_AT] * 2 ** 16 + word(IPV4_ID_AT)) * 2 ** 16 + word(IPV4_TOTAL_LENGTH_AT);
}
