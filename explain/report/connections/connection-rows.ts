/** hot: what is noted of each connection: a row of numbers, since a capture may have a million of them. */

/** How many numbers of 32 bits a row has, and which. */
const INTS = 24;
export const INT = {
  /** The tuples, as in record.ts: of the packets that open it, and of those that answer. */
  source: 0,
  destination: 1,
  ports: 2,
  /** With NO_PORTS: of packets whose ports are not known. */
  protocol: 3,
  replySource: 4,
  replyDestination: 5,
  replyPorts: 6,
  /** The numbers of both; -1: the second one is not known. */
  tuple: 7,
  reply: 23,
  inDev: 8,
  outDev: 9,
  traversal: 10,
  lastTraversal: 11,
  decided: 12,
  /** The record of its entry; -1: it has none, or none any more. */
  entry: 13,
  /** A position in ENTRY_ENDS. */
  entryEnd: 14,
  state: 15,
  timeout: 16,
  /** A position in VERDICTS: of its packets. */
  verdict: 17,
  /** 1: its entry had timed out when there was still a packet. */
  isCut: 18,
  refused: 19,
  invalid: 20,
  /** The sequence number of its first SYN. */
  sequence: 21,
  hasSequence: 22,
} as const;

const DOUBLES = 12;
export const DOUBLE = {
  firstNs: 0,
  lastNs: 1,
  /** When its entry expires, in milliseconds as the clock of the host has them. */
  expiresMs: 2,
  /** By direction. */
  packets: 4,
  bytes: 6,
  errors: 8,
  errorBytes: 9,
} as const;

const FIRST_ROWS = 1 << 10;

export class ConnectionRows {
  count = 0;
  #capacity = FIRST_ROWS;
  ints = new Int32Array(FIRST_ROWS * INTS);
  doubles = new Float64Array(FIRST_ROWS * DOUBLES);

  /** Adds a row of zeros, and returns its number. */
  add(): number {
    if (this.count === this.#capacity) {
      this.#capacity *= 2;
      const [ints, doubles] = [this.ints, this.doubles];
      this.ints = new Int32Array(this.#capacity * INTS);
      this.ints.set(ints);
      this.doubles = new Float64Array(this.#capacity * DOUBLES);
      this.doubles.set(doubles);
    }
    return this.count++;
  }

  int(row: number, column: number): number {
    return this.ints[row * INTS + column];
  }

  setInt(row: number, column: number, value: number): void {
    this.ints[row * INTS + column] = value;
  }

  double(row: number, column: number): number {
    return this.doubles[row * DOUBLES + column];
  }

  setDouble(row: number, column: number, value: number): void {
    this.doubles[row * DOUBLES + column] = value;
  }

  /** Adds VALUE to what the column has. */
  addDouble(row: number, column: number, value: number): void {
    this.doubles[row * DOUBLES + column] += value;
  }
}
