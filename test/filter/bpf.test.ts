/** Classic BPF: programs are checked as Linux checks them, and run as the paper and linux/filter.h say. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BpfProgram } from '../../codecs/bpf/bpf-program.js';
import {
  BpfAlu,
  BpfClass,
  BpfJump,
  BpfMode,
  BpfReturn,
  BpfSize,
  BpfSource,
  faultOf,
  type Instruction,
} from '../../codecs/bpf/instruction.js';

const Bpf = suite('classic BPF');

const { LD, LDX, ST, STX, ALU, JMP, RET, MISC } = BpfClass;
const op = (code: number, k = 0, jt = 0, jf = 0): Instruction => ({ code, k, jt, jf });
const RETURN_A = op(RET | BpfReturn.A);
const PACKET = Uint8Array.from([0xff, 0x45, 0x80, 0x00, 0x00, 0x07, 0xaa]);

/** What the program returns for all of PACKET but its first and last byte, which had 99 bytes. */
const run = (...program: Instruction[]): number => new BpfProgram(program).run(PACKET, 1, 5, 99);
const load = (size: number, k: number) => op(LD | size | BpfMode.ABS, k);
const set = (k: number) => op(LD | BpfMode.IMM, k);
const setX = (k: number) => op(LDX | BpfMode.IMM, k);
const indirect = (size: number, k: number) => op(LD | size | BpfMode.IND, k);

Bpf('loads are big-endian and count from the packet', () => {
  assert.is(run(load(BpfSize.B, 0), RETURN_A), 0x45);
  assert.is(run(load(BpfSize.H, 1), RETURN_A), 0x8000);
  assert.is(run(load(BpfSize.W, 1), RETURN_A), 0x80000007);
  assert.is(run(op(LDX | BpfSize.B | BpfMode.MSH, 0), op(MISC | 0x80), RETURN_A), 20);
  assert.is(run(op(LD | BpfMode.LEN), RETURN_A), 99);
  assert.is(run(setX(3), indirect(BpfSize.H, 1), op(MISC | 0x80), RETURN_A), 0, 'the last byte was not captured');
  assert.is(run(setX(2), indirect(BpfSize.H, 1), RETURN_A), 7);
});

Bpf('a load from beyond the captured bytes rejects the packet, whatever follows', () => {
  const accepts = op(RET | BpfReturn.K, 1);
  for (const [size, first] of [
    [BpfSize.B, 5],
    [BpfSize.H, 4],
    [BpfSize.W, 2],
  ]) {
    assert.is(run(load(size, first - 1), accepts), 1);
    assert.is(run(load(size, first), accepts), 0);
    assert.is(run(load(size, 0xffffffff), accepts), 0);
    assert.is(run(setX(first), indirect(size, 0), accepts), 0);
    // The sum does not wrap around.
    assert.is(run(setX(0xffffffff), indirect(size, 1), accepts), 0);
  }
  assert.is(run(op(LDX | BpfSize.B | BpfMode.MSH, 5), accepts), 0);
});

Bpf('arithmetic is that of 32 bits without a sign', () => {
  const compute = (alu: number, a: number, b: number): number => {
    const withConstant = [set(a), op(ALU | alu | BpfSource.K, b), RETURN_A];
    const withX = run(set(a), setX(b), op(ALU | alu | BpfSource.X), RETURN_A);
    if (faultOf(withConstant) === undefined) assert.is(run(...withConstant), withX);
    return withX;
  };
  assert.is(compute(BpfAlu.ADD, 0xffffffff, 2), 1);
  assert.is(compute(BpfAlu.SUB, 1, 2), 0xffffffff);
  assert.is(compute(BpfAlu.MUL, 0x10001, 0x10001), 0x20001);
  assert.is(compute(BpfAlu.DIV, 0xfffffffe, 2), 0x7fffffff);
  assert.is(compute(BpfAlu.MOD, 0xffffffff, 16), 15);
  assert.is(compute(BpfAlu.AND, 0xf0f0f0f0, 0xff0000ff), 0xf00000f0);
  assert.is(compute(BpfAlu.OR, 0x80000000, 1), 0x80000001);
  assert.is(compute(BpfAlu.XOR, 0xffffffff, 1), 0xfffffffe);
  assert.is(compute(BpfAlu.LSH, 3, 31), 0x80000000);
  assert.is(compute(BpfAlu.RSH, 0x80000000, 31), 1);
  assert.is(compute(BpfAlu.LSH, 3, 32), 0);
  assert.is(compute(BpfAlu.DIV, 5, 0), 0, 'rejected');
  assert.is(run(set(5), op(ALU | BpfAlu.NEG), RETURN_A), 0xfffffffb);
});

Bpf('jumps compare without a sign', () => {
  const holds = (jump: number, a: number, b: number): boolean => {
    const ends = [op(RET | BpfReturn.K, 0), op(RET | BpfReturn.K, 1)];
    const answer = run(set(a), op(JMP | jump | BpfSource.K, b, 1, 0), ...ends);
    assert.is(run(set(a), setX(b), op(JMP | jump | BpfSource.X, 0, 1, 0), ...ends), answer);
    return answer === 1;
  };
  assert.ok(holds(BpfJump.JGT, 0x80000000, 0x7fffffff));
  assert.not(holds(BpfJump.JGT, 5, 5));
  assert.ok(holds(BpfJump.JGE, 5, 5));
  assert.ok(holds(BpfJump.JEQ, 0xffffffff, 0xffffffff));
  assert.ok(holds(BpfJump.JSET, 0x80000000, 0x80000000));
  assert.not(holds(BpfJump.JSET, 6, 9));
  const skip = op(JMP | BpfJump.JA, 1);
  assert.is(run(set(1), skip, set(2), RETURN_A), 1);
});

Bpf('scratch memory is empty at first and does not remember other packets', () => {
  const swap = [
    op(LD | BpfMode.MEM, 3),
    op(LDX | BpfMode.IMM, 7),
    op(STX, 3),
    op(ST, 15),
    op(LD | BpfMode.MEM, 15),
    RETURN_A,
  ];
  const program = new BpfProgram(swap);
  assert.is(program.run(PACKET, 0, 7, 7), 0);
  assert.is(program.run(PACKET, 0, 7, 7), 0);
  assert.is(run(set(9), op(ST, 2), set(0), op(LDX | BpfMode.MEM, 2), op(MISC | 0x80), RETURN_A), 9);
});

Bpf('programs that Linux refuses are refused', () => {
  const accepts = op(RET | BpfReturn.K, 1);
  const refused: readonly (readonly [Instruction[], RegExp])[] = [
    [[], /empty/],
    [[set(1)], /does not end/],
    [[op(JMP | BpfJump.JA, 1), accepts], /past the end/],
    [[op(JMP | BpfJump.JEQ, 0, 0, 1), accepts], /past the end/],
    [[op(JMP | BpfJump.JA, 0xffffffff), accepts], /past the end/],
    [[op(JMP | BpfJump.JEQ, 0, 256, 0), ...new Array<Instruction>(300).fill(accepts)], /more than 255/],
    [[op(ST, 16), accepts], /no scratch word 16/],
    [[op(LD | BpfMode.MEM, 16), accepts], /no scratch word/],
    [[op(ALU | BpfAlu.DIV, 0), accepts], /division by 0/],
    [[op(ALU | BpfAlu.MOD, 0), accepts], /division by 0/],
    [[op(ALU | BpfAlu.LSH, 32), accepts], /shift by 32/],
    [[op(0xffff), accepts], /unknown code/],
    [[op(LD | BpfMode.MSH), accepts], /unknown code/],
  ];
  for (const [program, says] of refused) {
    assert.match(faultOf(program)?.fault ?? 'accepted', says);
    assert.throws(() => new BpfProgram(program), says);
  }
  assert.is(faultOf([op(JMP | BpfJump.JEQ, 0, 1, 0), accepts, accepts]), undefined);
});

Bpf.run();
