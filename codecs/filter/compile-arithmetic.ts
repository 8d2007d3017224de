/** Emits arithmetic expressions and comparisons of them. */
import type { Condition, Exits } from '../bpf/assembler.js';
import { BpfAlu, BpfJump } from '../bpf/instruction.js';
import { isTransport } from './arithmetic.js';
import type { Arithmetic, ArithmeticOperator, Guard, Relation } from './ast.js';
import type { CodeWriter } from './code-writer.js';
import { isFirstFragment, isProtocol } from './compile-protocol.js';
import type { ProtocolWord } from './words.js';

const ALU: Readonly<Record<ArithmeticOperator, number>> = {
  '+': BpfAlu.ADD,
  '-': BpfAlu.SUB,
  '*': BpfAlu.MUL,
  '/': BpfAlu.DIV,
  '%': BpfAlu.MOD,
  '&': BpfAlu.AND,
  '|': BpfAlu.OR,
  '^': BpfAlu.XOR,
  '<<': BpfAlu.LSH,
  '>>': BpfAlu.RSH,
};

/** The jump for a relation, and whether it is the opposite. */
const JUMPS: Readonly<Record<Relation, readonly [jump: number, isOpposite: boolean]>> = {
  '=': [BpfJump.JEQ, false],
  '!=': [BpfJump.JEQ, true],
  '>': [BpfJump.JGT, false],
  '<=': [BpfJump.JGT, true],
  '>=': [BpfJump.JGE, false],
  '<': [BpfJump.JGE, true],
};

/** Emits whether RELATION holds between LEFT and RIGHT, and the packet is one that has what they ask for. */
export function compileRelation(
  writer: CodeWriter,
  column: number,
  relation: Relation,
  left: Arithmetic,
  right: Arithmetic,
): Exits {
  for (const side of [left, right]) refuseUnaskable(writer, column, side);
  const guards = [...left.guards, ...right.guards].map((guard) => () => guardOf(writer, column, guard));
  const [first, ...others]: Condition[] = [...guards, () => compare(writer, relation, left, right)];
  return writer.all(first, ...others);
}

/**
 * Refuses NODE if it loads what these frames are not known to have. Its guards alone do not say so: some are lost
 * (`operation`).
 */
function refuseUnaskable(writer: CodeWriter, column: number, node: Arithmetic): void {
  const { layer } = writer;
  if (layer.kind !== 'nflog' && layer.labels === 0) return;
  switch (node.is) {
    case 'load':
      refuseUnaskable(writer, column, node.index);
      for (const guard of node.guards) guardOf(writer.scratch(), column, guard);
      break;
    case 'constant':
      if (node.dropped !== undefined) refuseUnaskable(writer, column, node.dropped);
      break;
    case 'negation':
      refuseUnaskable(writer, column, node.operand);
      break;
    case 'operation': {
      let left: Arithmetic = node;
      for (; left.is === 'operation'; left = left.left) refuseUnaskable(writer, column, left.right);
      refuseUnaskable(writer, column, left);
    }
  }
}

function compare(writer: CodeWriter, relation: Relation, left: Arithmetic, right: Arithmetic): Exits {
  const [jump, isOpposite] = JUMPS[relation];
  const value = right.is === 'constant' ? right.value : undefined;
  if (value === undefined) {
    const register = writer.resultRegister(right.column, 0);
    evaluate(writer, right, 0);
    writer.save(register);
    evaluate(writer, left, 1);
    writer.restoreX(register);
  } else {
    evaluate(writer, left, 0);
  }
  const exits = writer.test(jump, value);
  return isOpposite ? writer.not(exits) : exits;
}

function guardOf(writer: CodeWriter, column: number, guard: Guard): Exits {
  switch (guard.is) {
    case 'protocol':
      return isProtocol(writer, column, guard.protocol);
    case 'first fragment':
      return isFirstFragment(writer);
    case 'next header':
      return writer.equals('network', 6, 1, guard.number);
  }
}

/** Emits what leaves the value of NODE in A. Scratch words from DEPTH on are free. */
function evaluate(writer: CodeWriter, node: Arithmetic, depth: number): void {
  // Long sums nest to the left: a loop, so that their length does not matter.
  const operations: (Arithmetic & { is: 'operation' })[] = [];
  let innermost = node;
  for (; innermost.is === 'operation'; innermost = innermost.left) operations.push(innermost);
  evaluateOperand(writer, innermost, depth);
  for (const { operator, right, column } of operations.reverse()) {
    if (right.is === 'constant') {
      writer.compute(ALU[operator], right.value);
      continue;
    }
    const register = writer.resultRegister(column, depth);
    writer.save(register);
    evaluate(writer, right, depth + 1);
    writer.copyAToX();
    writer.restore(register);
    writer.computeX(ALU[operator]);
  }
}

function evaluateOperand(writer: CodeWriter, node: Exclude<Arithmetic, { is: 'operation' }>, depth: number): void {
  switch (node.is) {
    case 'constant':
      writer.set(node.value);
      break;
    case 'length':
      writer.setLength();
      break;
    case 'negation':
      evaluate(writer, node.operand, depth);
      writer.negate();
      break;
    case 'load':
      evaluateLoad(writer, node, depth);
  }
}

function evaluateLoad(writer: CodeWriter, { protocol, index, size }: Arithmetic & { is: 'load' }, depth: number): void {
  if (isTransport(protocol)) {
    evaluateTransportLoad(writer, index, size, depth);
    return;
  }
  const base = baseOf(protocol);
  if (index.is === 'constant' && writer.isStatic(base, index.value)) {
    writer.load(base, index.value, size);
    return;
  }
  evaluate(writer, index, depth);
  writer.loadIndexed(base, size);
}

function baseOf(protocol: ProtocolWord): 'link' | 'network' | 'ipv6' {
  if (protocol === 'link') return 'link';
  return protocol === 'icmp6' ? 'ipv6' : 'network';
}

function evaluateTransportLoad(writer: CodeWriter, index: Arithmetic, size: 1 | 2 | 4, depth: number): void {
  if (index.is === 'constant' && writer.isStatic('ipv4', index.value)) {
    writer.load('ipv4', index.value, size);
    return;
  }
  const register = writer.resultRegister(index.column, depth);
  evaluate(writer, index, depth);
  writer.save(register);
  writer.setXToIpv4Length();
  writer.restore(register);
  writer.computeX(BpfAlu.ADD);
  writer.copyAToX();
  writer.loadAtX(size, writer.layer.payload.constant + writer.layer.network);
}
