/** An Ethernet header in words, which are faster to compare and store than its fourteen bytes. */

const WORDS = 4;

export class LinkHeader {
  /** The header: fourteen bytes, plus two of padding. */
  readonly bytes: Uint8Array;
  readonly words = new Int32Array(WORDS);

  constructor(header?: LinkHeader) {
    this.bytes = new Uint8Array(this.words.buffer);
    if (header !== undefined) this.bytes.set(header.bytes);
  }

  isSame(other: LinkHeader): boolean {
    const mine = this.words;
    const theirs = other.words;
    return mine[0] === theirs[0] && mine[1] === theirs[1] && mine[2] === theirs[2] && mine[3] === theirs[3];
  }
}
