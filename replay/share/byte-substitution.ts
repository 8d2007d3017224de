/** Replaces each byte by another of its kind, for patterns that rules look for, and the same bytes in payloads. */
import type { Secret } from '../../io/secret.js';

const BYTES = 256;
const [DIGIT, UPPER, LOWER, HIGH] = [0x30, 0x41, 0x61, 0x80];
const LETTERS = 26;
const DIGITS = 10;

/** Letters stay letters of the same case, digits digits, and what is none of ASCII something else that is not. */
export class ByteSubstitution {
  readonly #table = Uint8Array.from({ length: BYTES }, (_, byte) => byte);

  /** CHANGES: else all stay what they are. */
  constructor(secret: Secret, changes: boolean) {
    if (!changes) return;
    this.#shuffle(secret, 'letters', [UPPER, LOWER], LETTERS);
    this.#shuffle(secret, 'digits', [DIGIT], DIGITS);
    this.#shuffle(secret, 'high', [HIGH], BYTES - HIGH);
  }

  byte(byte: number): number {
    return this.#table[byte];
  }

  bytes(bytes: Uint8Array): Uint8Array {
    return bytes.map((byte) => this.#table[byte]);
  }

  /** The COUNT bytes from each of STARTS on go round in one circle, so that none stays. */
  #shuffle(secret: Secret, kind: string, starts: readonly number[], count: number): void {
    const circle = Array.from({ length: count }, (_, i) => ({ i, rank: secret.number(`${kind} ${i}`) }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ i }) => i);
    for (const [place, i] of circle.entries()) {
      for (const start of starts) this.#table[start + i] = start + circle[(place + 1) % count];
    }
  }
}
