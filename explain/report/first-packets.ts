/** hot: which packets are the first of their kind: of their connection and verdict, and of their traversal. */
import type { SeenPacket } from './seen-packet.js';

export class FirstPackets {
  /** A bit for each verdict, by the number of the connection. */
  #verdicts = new Uint8Array(1 << 10);
  /** By the number of the traversal. */
  #traversals = new Uint8Array(1 << 10);

  /** Whether PACKET, of CONNECTION, is one; -1: it is of none. */
  isFirst({ verdict, traversal }: SeenPacket, connection: number): boolean {
    this.#traversals = withRoom(this.#traversals, traversal);
    const isNew = this.#traversals[traversal] === 0;
    this.#traversals[traversal] = 1;
    if (connection < 0) return isNew;
    this.#verdicts = withRoom(this.#verdicts, connection);
    const bit = 1 << verdict;
    const isNewVerdict = (this.#verdicts[connection] & bit) === 0;
    this.#verdicts[connection] |= bit;
    return isNew || isNewVerdict;
  }
}

/** BYTES, or more of them, so that there is one at INDEX. */
function withRoom(bytes: Uint8Array<ArrayBuffer>, index: number): Uint8Array<ArrayBuffer> {
  if (index < bytes.length) return bytes;
  const larger = new Uint8Array(Math.max(index + 1, bytes.length * 2));
  larger.set(bytes);
  return larger;
}
