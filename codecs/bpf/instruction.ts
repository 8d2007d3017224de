/**
 * Classic BPF programs (McCanne and Jacobson, "The BSD Packet Filter", 1993; linux/filter.h): an accumulator A, an
 * index register X, sixteen words of scratch memory M, and jumps that only lead forward, so that every program ends.
 */

export interface Instruction {
  readonly code: number;
  /** For conditional jumps: how many instructions to skip if the condition holds, and if not. */
  readonly jt: number;
  readonly jf: number;
  /** The operand, 32 bits, unsigned. */
  readonly k: number;
}

/** The class of an instruction: the lowest three bits of its code. */
export const BpfClass = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, RET: 6, MISC: 7 } as const;
/** Of loads: the size. */
export const BpfSize = { W: 0x00, H: 0x08, B: 0x10 } as const;
/** Of loads: where from. MSH is `4 * (byte & 0xf)`, the length of an IPv4 header. */
export const BpfMode = { IMM: 0x00, ABS: 0x20, IND: 0x40, MEM: 0x60, LEN: 0x80, MSH: 0xa0 } as const;
/** Of ALU instructions: the operation. */
export const BpfAlu = {
  ADD: 0x00,
  SUB: 0x10,
  MUL: 0x20,
  DIV: 0x30,
  OR: 0x40,
  AND: 0x50,
  LSH: 0x60,
  RSH: 0x70,
  NEG: 0x80,
  MOD: 0x90,
  XOR: 0xa0,
} as const;
/** Of jumps: the condition. JA is unconditional. */
export const BpfJump = { JA: 0x00, JEQ: 0x10, JGT: 0x20, JGE: 0x30, JSET: 0x40 } as const;
/** Of ALU instructions and conditional jumps: the second operand. */
export const BpfSource = { K: 0x00, X: 0x08 } as const;
/** Of RET: what is returned. */
export const BpfReturn = { K: 0x00, A: 0x10 } as const;
/** Of MISC: which way the registers are copied. */
export const BpfMisc = { TAX: 0x00, TXA: 0x80 } as const;

/** Words of scratch memory. */
export const BPF_MEMORY_WORDS = 16;

const { LD, LDX, ST, STX, ALU, JMP, RET, MISC } = BpfClass;

const VALID_CODES: ReadonlySet<number> = new Set([
  ...Object.values(BpfSize).flatMap((size) => [LD | size | BpfMode.ABS, LD | size | BpfMode.IND]),
  LD | BpfMode.IMM,
  LD | BpfMode.MEM,
  LD | BpfMode.LEN,
  LDX | BpfMode.IMM,
  LDX | BpfMode.MEM,
  LDX | BpfMode.LEN,
  LDX | BpfSize.B | BpfMode.MSH,
  ST,
  STX,
  ...Object.values(BpfAlu).flatMap((alu) =>
    alu === BpfAlu.NEG ? [ALU | alu] : [ALU | alu | BpfSource.K, ALU | alu | BpfSource.X],
  ),
  ...Object.values(BpfJump).flatMap((jump) =>
    jump === BpfJump.JA ? [JMP | jump] : [JMP | jump | BpfSource.K, JMP | jump | BpfSource.X],
  ),
  RET | BpfReturn.K,
  RET | BpfReturn.A,
  MISC | BpfMisc.TAX,
  MISC | BpfMisc.TXA,
]);

/**
 * What is wrong with PROGRAM, in words that follow "instruction N: "; undefined if it can be run. These are the checks
 * of Linux (bpf_check_classic): known instructions, jumps within the program, scratch words that exist, no division by
 * a constant 0, no shift by 32 or more, and a RET at the end.
 */
export function faultOf(
  program: readonly Instruction[],
): { readonly index: number; readonly fault: string } | undefined {
  if (program.length === 0) return { index: 0, fault: 'the program is empty' };
  for (const [index, instruction] of program.entries()) {
    const fault = instructionFault(instruction, program.length - index - 1);
    if (fault !== undefined) return { index, fault };
  }
  const index = program.length - 1;
  return (program[index].code & 7) === RET ? undefined : { index, fault: 'the program does not end with a RET' };
}

/** What is wrong with an instruction that REST others follow. */
function instructionFault({ code, jt, jf, k }: Instruction, rest: number): string | undefined {
  if (!VALID_CODES.has(code)) return `unknown code 0x${code.toString(16)}`;
  const kind = code & 7;
  const isMemory = kind === ST || kind === STX || ((kind === LD || kind === LDX) && (code & 0xe0) === BpfMode.MEM);
  if (isMemory && k >= BPF_MEMORY_WORDS) return `there is no scratch word ${k}`;
  if (kind === ALU && (code & BpfSource.X) === 0) {
    const alu = code & 0xf0;
    if ((alu === BpfAlu.DIV || alu === BpfAlu.MOD) && k === 0) return 'division by 0';
    if ((alu === BpfAlu.LSH || alu === BpfAlu.RSH) && k > 31) return `a shift by ${k} bits`;
  }
  if (jt > 0xff || jf > 0xff) return 'a jump by more than 255 instructions';
  if (kind === JMP) {
    const isFar = (code & 0xf0) === BpfJump.JA ? k >= rest : Math.max(jt, jf) >= rest;
    if (isFar) return 'a jump past the end of the program';
  }
  return undefined;
}
