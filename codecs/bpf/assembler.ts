/**
 * Puts classic BPF programs together. Conditions are emitted in the order in which they are tested; each has two lists
 * of jumps that still lead nowhere, and joining two conditions makes one's jumps lead to the other.
 */
import { BpfClass, BpfJump, BpfReturn, BpfSource, type Instruction } from './instruction.js';

/** The jumps taken if a condition holds, and if not: `2 * index` for jt of an instruction, and one more for jf. */
export interface Exits {
  readonly yes: number[];
  readonly no: number[];
}

/** Emits a condition. */
export type Condition = () => Exits;

const { JMP, RET } = BpfClass;
/** What an accepted packet's program returns: libpcap's snapshot length, which no packet exceeds. */
const ACCEPT = 262_144;
/** jt and jf have 8 bits. */
const FARTHEST = 255;

export class Assembler {
  readonly #codes: number[] = [];
  readonly #operands: number[] = [];
  /** Where a conditional jump leads to, by `Exits`; in the order of instructions, two each. */
  readonly #targets: number[] = [];

  /** Emits an instruction that is not a conditional jump. */
  emit(code: number, k = 0): void {
    this.#codes.push(code);
    this.#operands.push(k >>> 0);
    this.#targets.push(0, 0);
  }

  /** Emits a conditional jump: one of BpfJump, compared with K, or with X if K is undefined. */
  test(jump: number, k?: number): Exits {
    const at = this.#codes.length * 2;
    this.emit(JMP | jump | (k === undefined ? BpfSource.X : BpfSource.K), k);
    return { yes: [at], no: [at + 1] };
  }

  /** Makes JUMPS lead to the next instruction. */
  land(jumps: readonly number[]): void {
    for (const jump of jumps) this.#targets[jump] = this.#codes.length;
  }

  /** All of CONDITIONS must hold; later ones are tested only then. */
  all(first: Condition, ...others: readonly Condition[]): Exits {
    let exits = first();
    for (const other of others) {
      this.land(exits.yes);
      const next = other();
      exits = { yes: next.yes, no: joined(exits.no, next.no) };
    }
    return exits;
  }

  /** One of CONDITIONS must hold; later ones are tested only if earlier ones do not. */
  any(first: Condition, ...others: readonly Condition[]): Exits {
    let exits = first();
    for (const other of others) {
      this.land(exits.no);
      const next = other();
      exits = { yes: joined(exits.yes, next.yes), no: next.no };
    }
    return exits;
  }

  not({ yes, no }: Exits): Exits {
    return { yes: no, no: yes };
  }

  /** The program that accepts a packet by the yes of EXITS and rejects it by the no. */
  finish({ yes, no }: Exits): Instruction[] {
    this.land(yes);
    this.emit(RET | BpfReturn.K, ACCEPT);
    this.land(no);
    this.emit(RET | BpfReturn.K, 0);
    return this.#encode();
  }

  /** Where a jump of more than 255 instructions is needed, an unconditional one is put behind the conditional one. */
  #encode(): Instruction[] {
    const count = this.#codes.length;
    /** How many unconditional jumps follow each instruction. */
    const extra = new Uint8Array(count);
    let places = this.#places(extra);
    for (let isSettled = false; !isSettled; places = this.#places(extra)) {
      isSettled = true;
      for (let at = 0; at < count; at++) {
        if (!this.#isConditional(at)) continue;
        const wanted = this.#farTargets(at, places, extra).length;
        if (wanted <= extra[at]) continue;
        extra[at] = wanted;
        isSettled = false;
      }
    }
    const program: Instruction[] = [];
    for (let at = 0; at < count; at++) program.push(...this.#encoded(at, places, extra));
    return program;
  }

  /** The place of each instruction in the program. */
  #places(extra: Uint8Array): Int32Array {
    const places = new Int32Array(extra.length);
    for (let at = 1; at < extra.length; at++) places[at] = places[at - 1] + 1 + extra[at - 1];
    return places;
  }

  /** Which exits of the conditional jump AT (0: jt, 1: jf) lead too far for 8 bits. */
  #farTargets(at: number, places: Int32Array, extra: Uint8Array): number[] {
    // A jump that once had to be long stays so: otherwise this might go on forever.
    if (extra[at] === 2) return [0, 1];
    return [0, 1].filter((exit) => places[this.#targets[at * 2 + exit]] - places[at] - 1 > FARTHEST - 2);
  }

  #encoded(at: number, places: Int32Array, extra: Uint8Array): Instruction[] {
    const code = this.#codes[at];
    const k = this.#operands[at];
    if (!this.#isConditional(at)) return [{ code, jt: 0, jf: 0, k }];
    const skips = [0, 1].map((exit) => places[this.#targets[at * 2 + exit]] - places[at] - 1);
    const far = this.#farTargets(at, places, extra);
    const jumps = far.map((exit, i) => ({ code: JMP | BpfJump.JA, jt: 0, jf: 0, k: skips[exit] - i - 1 }));
    for (const [i, exit] of far.entries()) skips[exit] = i;
    while (jumps.length < extra[at]) jumps.push({ code: JMP | BpfJump.JA, jt: 0, jf: 0, k: 0 });
    return [{ code, jt: skips[0], jf: skips[1], k }, ...jumps];
  }

  #isConditional(at: number): boolean {
    return (this.#codes[at] & 7) === JMP;
  }
}

/** A and B in one list. The longer one is reused, so that long chains take no quadratic time. */
function joined(a: number[], b: number[]): number[] {
  const [long, short] = a.length < b.length ? [b, a] : [a, b];
  for (const jump of short) long.push(jump);
  return long;
}
