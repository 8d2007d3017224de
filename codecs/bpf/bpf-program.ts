/** hot: runs classic BPF programs (instruction.ts). */
import {
  BPF_MEMORY_WORDS,
  BpfAlu,
  BpfClass,
  BpfJump,
  BpfMisc,
  BpfMode,
  BpfReturn,
  BpfSize,
  BpfSource,
  faultOf,
  type Instruction,
} from './instruction.js';

/**
 * Instructions as they are run: numbered without gaps, so that a switch over them is one indirect jump. An operation
 * and a jump with a constant comes right before the same with X.
 */
const Op = {
  LD_W_ABS: 0,
  LD_H_ABS: 1,
  LD_B_ABS: 2,
  LD_W_IND: 3,
  LD_H_IND: 4,
  LD_B_IND: 5,
  LD_IMM: 6,
  LD_MEM: 7,
  LD_LEN: 8,
  LDX_IMM: 9,
  LDX_MEM: 10,
  LDX_LEN: 11,
  LDX_MSH: 12,
  ST: 13,
  STX: 14,
  JA: 15,
  JEQ_K: 16,
  JEQ_X: 17,
  JGT_K: 18,
  JGT_X: 19,
  JGE_K: 20,
  JGE_X: 21,
  JSET_K: 22,
  JSET_X: 23,
  ADD_K: 24,
  ADD_X: 25,
  SUB_K: 26,
  SUB_X: 27,
  MUL_K: 28,
  MUL_X: 29,
  DIV_K: 30,
  DIV_X: 31,
  MOD_K: 32,
  MOD_X: 33,
  AND_K: 34,
  AND_X: 35,
  OR_K: 36,
  OR_X: 37,
  XOR_K: 38,
  XOR_X: 39,
  LSH_K: 40,
  LSH_X: 41,
  RSH_K: 42,
  RSH_X: 43,
  NEG: 44,
  TAX: 45,
  TXA: 46,
  RET_K: 47,
  RET_A: 48,
  /** Shifts of which only the lowest five bits count. */
  LSH_CUT_K: 50,
  LSH_CUT_X: 51,
  RSH_CUT_K: 52,
  RSH_CUT_X: 53,
} as const;

/** Words an instruction takes: operation, operand, and where to go on. */
const WORDS = 4;

/**
 * What a load of SIZE bytes from OFFSET, an int32, returns if that is not within the captured bytes; A and X are the
 * registers. Undefined ends the program, which then rejects the packet.
 */
export type LoadElsewhere = (offset: number, size: number, a: number, x: number) => number | undefined;

export class BpfProgram {
  readonly #words: Int32Array;
  /** A program without scratch memory needs none to be cleared. */
  readonly #memory: Int32Array | undefined;

  /**
   * SHIFTS: what a shift by 32 bits or more, which is in X, leaves: nothing, as libpcap has it, or as much as a shift
   * by the lowest five bits, as Linux has it.
   *
   * @throws {RangeError} if PROGRAM is not valid (`faultOf`)
   */
  constructor(program: readonly Instruction[], shifts: 'libpcap' | 'linux' = 'libpcap') {
    const found = faultOf(program);
    if (found !== undefined) throw new RangeError(`instruction ${found.index}: ${found.fault}`);
    this.#words = new Int32Array(program.length * WORDS);
    for (const [index, instruction] of program.entries()) {
      const op = shifted(operationOf(instruction), shifts);
      const next = index + 1;
      const isJump = op >= Op.JA && op <= Op.JSET_X;
      const jt = op === Op.JA ? next + instruction.k : next + instruction.jt;
      const jf = op === Op.JA ? next + instruction.k : next + instruction.jf;
      this.#words.set(
        [op, instruction.k, isJump ? target(program, jt) * WORDS : 0, isJump ? target(program, jf) * WORDS : 0],
        index * WORDS,
      );
    }
    const usesMemory = program.some(
      ({ code }) => (code & 7) === BpfClass.ST || (code & 7) === BpfClass.STX || (code & 0xe0) === BpfMode.MEM,
    );
    this.#memory = usesMemory ? new Int32Array(BPF_MEMORY_WORDS) : undefined;
  }

  /**
   * Runs the program on the packet `bytes[at … at + captured)`, which had ONWIRE bytes. Returns what it returns: 0
   * rejects the packet. A load from beyond the captured bytes and a division by 0 reject it, too; ELSEWHERE may know
   * more about such loads.
   */
  run(bytes: Uint8Array, at: number, captured: number, onWire: number, elsewhere: LoadElsewhere = nowhere): number {
    const words = this.#words;
    const memory = this.#memory ?? words;
    if (this.#memory !== undefined) memory.fill(0);
    let a = 0;
    let x = 0;
    for (let pc = 0; ; pc += WORDS) {
      const k = words[pc + 1];
      switch (words[pc]) {
        case Op.LD_W_ABS: {
          const offset = k >>> 0;
          if (offset + 4 > captured) {
            const loaded = elsewhere(offset | 0, 4, a, x);
            if (loaded === undefined) return 0;
            a = loaded;
            break;
          }
          a = word(bytes, at + offset);
          break;
        }
        case Op.LD_H_ABS: {
          const offset = k >>> 0;
          if (offset + 2 > captured) {
            const loaded = elsewhere(offset | 0, 2, a, x);
            if (loaded === undefined) return 0;
            a = loaded;
            break;
          }
          a = (bytes[at + offset] << 8) | bytes[at + offset + 1];
          break;
        }
        case Op.LD_B_ABS: {
          const offset = k >>> 0;
          if (offset >= captured) {
            const loaded = elsewhere(offset | 0, 1, a, x);
            if (loaded === undefined) return 0;
            a = loaded;
            break;
          }
          a = bytes[at + offset];
          break;
        }
        case Op.LD_W_IND: {
          const offset = (k >>> 0) + (x >>> 0);
          if (offset + 4 > captured) {
            const loaded = elsewhere(offset | 0, 4, a, x);
            if (loaded === undefined) return 0;
            a = loaded;
            break;
          }
          a = word(bytes, at + offset);
          break;
        }
        case Op.LD_H_IND: {
          const offset = (k >>> 0) + (x >>> 0);
          if (offset + 2 > captured) {
            const loaded = elsewhere(offset | 0, 2, a, x);
            if (loaded === undefined) return 0;
            a = loaded;
            break;
          }
          a = (bytes[at + offset] << 8) | bytes[at + offset + 1];
          break;
        }
        case Op.LD_B_IND: {
          const offset = (k >>> 0) + (x >>> 0);
          if (offset >= captured) {
            const loaded = elsewhere(offset | 0, 1, a, x);
            if (loaded === undefined) return 0;
            a = loaded;
            break;
          }
          a = bytes[at + offset];
          break;
        }
        case Op.LD_IMM:
          a = k;
          break;
        case Op.LD_MEM:
          a = memory[k];
          break;
        case Op.LD_LEN:
          a = onWire | 0;
          break;
        case Op.LDX_IMM:
          x = k;
          break;
        case Op.LDX_MEM:
          x = memory[k];
          break;
        case Op.LDX_LEN:
          x = onWire | 0;
          break;
        case Op.LDX_MSH: {
          const offset = k >>> 0;
          const byte = offset >= captured ? elsewhere(offset | 0, 1, a, x) : bytes[at + offset];
          if (byte === undefined) return 0;
          x = (byte & 0xf) << 2;
          break;
        }
        case Op.ST:
          memory[k] = a;
          break;
        case Op.STX:
          memory[k] = x;
          break;
        case Op.JA:
          pc = words[pc + 2] - WORDS;
          break;
        case Op.JEQ_K:
          pc = words[a === k ? pc + 2 : pc + 3] - WORDS;
          break;
        case Op.JEQ_X:
          pc = words[a === x ? pc + 2 : pc + 3] - WORDS;
          break;
        case Op.JGT_K:
          pc = words[a >>> 0 > k >>> 0 ? pc + 2 : pc + 3] - WORDS;
          break;
        case Op.JGT_X:
          pc = words[a >>> 0 > x >>> 0 ? pc + 2 : pc + 3] - WORDS;
          break;
        case Op.JGE_K:
          pc = words[a >>> 0 >= k >>> 0 ? pc + 2 : pc + 3] - WORDS;
          break;
        case Op.JGE_X:
          pc = words[a >>> 0 >= x >>> 0 ? pc + 2 : pc + 3] - WORDS;
          break;
        case Op.JSET_K:
          pc = words[(a & k) !== 0 ? pc + 2 : pc + 3] - WORDS;
          break;
        case Op.JSET_X:
          pc = words[(a & x) !== 0 ? pc + 2 : pc + 3] - WORDS;
          break;
        case Op.NEG:
          a = -a | 0;
          break;
        case Op.TAX:
          x = a;
          break;
        case Op.TXA:
          a = x;
          break;
        case Op.RET_K:
          return k >>> 0;
        case Op.RET_A:
          return a >>> 0;
        default: {
          // What remains are operations: even numbers take the constant, odd ones X.
          const op = words[pc];
          const operand = (op & 1) === 0 ? k : x;
          if (operand === 0 && op >= Op.DIV_K && op <= Op.MOD_X) return 0;
          a = computed(op & ~1, a, operand);
        }
      }
    }
  }
}

function nowhere(): undefined {
  return undefined;
}

/** OP, or the shift that it is with these SHIFTS. */
function shifted(op: number, shifts: 'libpcap' | 'linux'): number {
  const isShift = op >= Op.LSH_K && op <= Op.RSH_X;
  return isShift && shifts === 'linux' ? op + Op.LSH_CUT_K - Op.LSH_K : op;
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

/** A after the operation OP (as with a constant) with OPERAND. Shifts by 32 or more leave 0, as libpcap has it. */
function computed(op: number, a: number, operand: number): number {
  switch (op) {
    case Op.ADD_K:
      return (a + operand) | 0;
    case Op.SUB_K:
      return (a - operand) | 0;
    case Op.MUL_K:
      return Math.imul(a, operand);
    case Op.DIV_K:
      return ((a >>> 0) / (operand >>> 0)) | 0;
    case Op.MOD_K:
      return ((a >>> 0) % (operand >>> 0)) | 0;
    case Op.AND_K:
      return a & operand;
    case Op.OR_K:
      return a | operand;
    case Op.XOR_K:
      return a ^ operand;
    case Op.LSH_K:
      return operand >>> 0 < 32 ? a << operand : 0;
    case Op.LSH_CUT_K:
      return a << operand;
    case Op.RSH_CUT_K:
      return (a >>> operand) | 0;
    default:
      return operand >>> 0 < 32 ? (a >>> operand) | 0 : 0;
  }
}

/** The instruction at which a jump to INDEX of PROGRAM arrives when it has followed unconditional jumps. */
function target(program: readonly Instruction[], index: number): number {
  let at = index;
  while (program[at].code === (BpfClass.JMP | BpfJump.JA)) at += 1 + program[at].k;
  return at;
}

const ALU_OPS: ReadonlyMap<number, number> = new Map([
  [BpfAlu.ADD, Op.ADD_K],
  [BpfAlu.SUB, Op.SUB_K],
  [BpfAlu.MUL, Op.MUL_K],
  [BpfAlu.DIV, Op.DIV_K],
  [BpfAlu.MOD, Op.MOD_K],
  [BpfAlu.AND, Op.AND_K],
  [BpfAlu.OR, Op.OR_K],
  [BpfAlu.XOR, Op.XOR_K],
  [BpfAlu.LSH, Op.LSH_K],
  [BpfAlu.RSH, Op.RSH_K],
]);

/** The operation of a valid instruction. */
function operationOf({ code }: Instruction): number {
  const withX = (code & BpfSource.X) === 0 ? 0 : 1;
  const size = (code & 0x18) === BpfSize.W ? 0 : (code & 0x18) === BpfSize.H ? 1 : 2;
  const mode = code & 0xe0;
  switch (code & 7) {
    case BpfClass.LD:
      if (mode === BpfMode.ABS) return Op.LD_W_ABS + size;
      if (mode === BpfMode.IND) return Op.LD_W_IND + size;
      return mode === BpfMode.IMM ? Op.LD_IMM : mode === BpfMode.MEM ? Op.LD_MEM : Op.LD_LEN;
    case BpfClass.LDX:
      if (mode === BpfMode.MSH) return Op.LDX_MSH;
      return mode === BpfMode.IMM ? Op.LDX_IMM : mode === BpfMode.MEM ? Op.LDX_MEM : Op.LDX_LEN;
    case BpfClass.ST:
      return Op.ST;
    case BpfClass.STX:
      return Op.STX;
    case BpfClass.ALU:
      return (code & 0xf0) === BpfAlu.NEG ? Op.NEG : (ALU_OPS.get(code & 0xf0) ?? 0) + withX;
    case BpfClass.JMP:
      if ((code & 0xf0) === BpfJump.JA) return Op.JA;
      return Op.JEQ_K + 2 * (((code & 0xf0) - BpfJump.JEQ) >> 4) + withX;
    case BpfClass.RET:
      return (code & 0x18) === BpfReturn.A ? Op.RET_A : Op.RET_K;
    default:
      return (code & 0xf8) === BpfMisc.TXA ? Op.TXA : Op.TAX;
  }
}
