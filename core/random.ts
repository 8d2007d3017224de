/**
 * Seeded randomness. It replaces the kernel's get_random_u32, so that runs can be repeated bit for bit. The generator
 * is sfc32 (Chris Doty-Humphrey, PractRand; public domain).
 */
export class Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;

  /** SEED is any integer. Its lower 64 bits are used. */
  constructor(seed: number) {
    this.#start(seed | 0, Math.floor(seed / 0x100000000) | 0);
  }

  #start(b: number, c: number): void {
    this.#a = 0x9e3779b9;
    this.#b = b;
    this.#c = c;
    this.#counter = 1;
    for (let round = 0; round < 12; round++) this.#next();
  }

  /** Starts again from what two numbers decide, each an int32. */
  protected restart(b: number, c: number): void {
    this.#start(b, c);
  }

  /** A number from 0 to 2^32 - 1. */
  uint32(): number {
    return this.#next();
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Fills WORDS with what `uint32` would return, in less time for many words. */
  fill(words: Int32Array): void {
    let [a, b, c, counter] = [this.#a, this.#b, this.#c, this.#counter];
    for (let i = 0; i < words.length; i++) {
      const sum = (a + b + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + sum) | 0;
      words[i] = sum;
    }
    [this.#a, this.#b, this.#c, this.#counter] = [a, b, c, counter];
  }

  /** A number from 0 to 65535. */
  uint16(): number {
    return this.uint32() >>> 16;
  }
}

/**
 * Randomness that depends on the seed and on which packet asks, but not on how much was drawn for packets before: two
 * hosts that treat one packet differently make the same choices for the next.
 */
export class PacketRandom extends Random {
  readonly #seed: number;
  readonly #packetNumber: () => number;
  #drawnFor = -1;

  /** PACKET_NUMBER returns the number of the current packet, from 1; before the first packet 0. */
  constructor(seed: number, packetNumber: () => number) {
    super(seed);
    this.#seed = seed;
    this.#packetNumber = packetNumber;
  }

  override uint32(): number {
    const number = this.#packetNumber();
    if (number !== this.#drawnFor) {
      this.#drawnFor = number;
      this.restart(this.#seed ^ number, Math.floor(this.#seed / 0x100000000) ^ Math.floor(number / 0x100000000));
    }
    return super.uint32();
  }
}
