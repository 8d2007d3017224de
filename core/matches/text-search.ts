/**
 * hot: the search of `-m string`, after Boyer and Moore ("A fast string searching algorithm", 1977): the pattern is
 * compared from its end, and a byte that differs says how far it can move.
 */

const BYTES = 256;
/** Letters, of which those of Latin-1 count. The multiplication and division signs are none. */
const [UPPER_A, UPPER_Z, LOWER_A, LOWER_Z, LATIN, LATIN_LOWER] = [0x41, 0x5a, 0x61, 0x7a, 0xc0, 0xdf];
const [TIMES, DIVIDED] = [0xd7, 0xf7];
const CASE = 0x20;

/** As the kernel has it (lib/ctype.c), also for ß and ÿ, which have no capital letters there. */
function toUpper(byte: number): number {
  const isLower = (byte >= LOWER_A && byte <= LOWER_Z) || (byte >= LATIN_LOWER && byte !== DIVIDED);
  return isLower ? byte - CASE : byte;
}

function toLower(byte: number): number {
  const isUpper = (byte >= UPPER_A && byte <= UPPER_Z) || (byte >= LATIN && byte < LATIN_LOWER && byte !== TIMES);
  return isUpper ? byte + CASE : byte;
}

export class TextSearch {
  /** The number of bytes. */
  readonly length: number;
  readonly #pattern: Uint8Array;
  /** What each byte of the packet is compared as. */
  readonly #folded: Uint8Array;
  /** How far the end of the pattern moves from a byte that differs. */
  readonly #skips: Int32Array;
  /** How far the pattern moves at least after so many bytes at its end were the same. */
  readonly #moves: Int32Array;

  /**
   * ALGORITHM: both find the same, unless bytes 0xdf or 0xff meet a search that ignores case: the kernel's bm then
   * moves too far.
   */
  constructor(pattern: Uint8Array, ignoresCase: boolean, algorithm: 'bm' | 'kmp') {
    this.length = pattern.length;
    const fold = ignoresCase ? toUpper : (byte: number): number => byte;
    this.#pattern = pattern.map(fold);
    this.#folded = Uint8Array.from({ length: BYTES }, (_, byte) => fold(byte));
    const last = pattern.length - 1;
    this.#skips = new Int32Array(BYTES).fill(pattern.length);
    for (let i = 0; i < last; i++) {
      const byte = this.#pattern[i];
      if (algorithm === 'bm') {
        this.#skips[byte] = last - i;
        if (ignoresCase) this.#skips[toLower(byte)] = last - i;
      } else {
        for (let raw = 0; raw < BYTES; raw++) if (this.#folded[raw] === byte) this.#skips[raw] = last - i;
      }
    }
    this.#moves = movesOf(this.#pattern);
  }

  /** Where the pattern first is in BYTES from START on, before END; -1 if it is not. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const pattern = this.#pattern;
    const folded = this.#folded;
    const last = pattern.length - 1;
    for (let at = start + last; at < end; ) {
      let same = 0;
      while (same <= last && folded[bytes[at - same]] === pattern[last - same]) same++;
      if (same > last) return at - last;
      at += Math.max(this.#skips[bytes[at - same]] - same, this.#moves[same]);
    }
    return -1;
  }
}

/**
 * By how many bytes at its end were the same: how far PATTERN moves until these bytes meet the same ones again, with
 * another one before them, or the beginning of the pattern.
 */
function movesOf(pattern: Uint8Array): Int32Array {
  const last = pattern.length - 1;
  return Int32Array.from({ length: pattern.length }, (_, same) => {
    const differs = last - same;
    for (let move = 1; move < pattern.length; move++) {
      if (isAgain(pattern, differs, move)) return move;
    }
    return pattern.length;
  });
}

/** Whether PATTERN moved by MOVE has the same bytes behind the one that DIFFERS, and another one there. */
function isAgain(pattern: Uint8Array, differs: number, move: number): boolean {
  if (differs === pattern.length - 1) return true;
  for (let at = pattern.length - 1; at > differs && at - move >= 0; at--) {
    if (pattern[at - move] !== pattern[at]) return false;
  }
  return differs - move < 0 || pattern[differs - move] !== pattern[differs];
}
