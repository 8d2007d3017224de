/** Emits the loads and comparisons of a filter, relative to the headers of a frame. */
import { Assembler, type Exits } from '../bpf/assembler.js';
import {
  BPF_MEMORY_WORDS,
  BpfAlu,
  BpfClass,
  BpfJump,
  BpfMisc,
  BpfMode,
  BpfSize,
  BpfSource,
} from '../bpf/instruction.js';
import { FilterError } from './filter-error.js';
import type { LinkLayer, Offset } from './link-layer.js';

export type Size = 1 | 2 | 4;
/** What an offset counts from. `payload`: where an LLC header would be. `ipv4`, `ipv6`: what follows these headers. */
export type Base = 'link' | 'type' | 'payload' | 'network' | 'after llc' | 'ipv4' | 'ipv6';

/** Names of hosts, by their addresses as `String(address)` returns them. */
export type HostNames = ReadonlyMap<string, string>;

const { LD, LDX, ST, STX, ALU, MISC } = BpfClass;
const SIZES: Readonly<Record<Size, number>> = { 1: BpfSize.B, 2: BpfSize.H, 4: BpfSize.W };
const ALL_BITS = 0xffffffff;
const IPV6_LENGTH = 40;
/** From here on, an offset is one before its base. */
const NEGATIVE = 0x80000000;

export class CodeWriter extends Assembler {
  /** How the frame is read at this point of the filter. */
  layer: LinkLayer;
  /** Scratch words from here on hold offsets. */
  #firstOffset = BPF_MEMORY_WORDS;
  readonly #linktypeName: string;
  /** Names of hosts, by address. */
  readonly names: HostNames;

  constructor(layer: LinkLayer, linktypeName: string, names: HostNames) {
    super();
    this.layer = layer;
    this.#linktypeName = linktypeName;
    this.names = names;
  }

  /** A writer for the same frames, whose code is not used. */
  scratch(): CodeWriter {
    return new CodeWriter(this.layer, this.#linktypeName, this.names);
  }

  /** The error about what the frames of this link do not have. */
  fault(column: number, what: string): FilterError {
    return new FilterError(column, `${what} (these frames: ${this.#linktypeName})`);
  }

  /** Emits an instruction on A with a constant: one of BpfAlu. */
  compute(alu: number, k: number): void {
    this.emit(ALU | alu | BpfSource.K, k);
  }

  computeX(alu: number): void {
    this.emit(ALU | alu | BpfSource.X);
  }

  negate(): void {
    this.emit(ALU | BpfAlu.NEG);
  }

  set(value: number): void {
    this.emit(LD | BpfMode.IMM, value);
  }

  setLength(): void {
    this.emit(LD | BpfMode.LEN);
  }

  copyAToX(): void {
    this.emit(MISC | BpfMisc.TAX);
  }

  copyXToA(): void {
    this.emit(MISC | BpfMisc.TXA);
  }

  save(register: number): void {
    this.emit(ST, register);
  }

  saveX(register: number): void {
    this.emit(STX, register);
  }

  restore(register: number): void {
    this.emit(LD | BpfMode.MEM, register);
  }

  restoreX(register: number): void {
    this.emit(LDX | BpfMode.MEM, register);
  }

  /** Loads the SIZE bytes at X plus OFFSET. */
  loadAtX(size: Size, offset: number): void {
    this.emit(LD | SIZES[size] | BpfMode.IND, offset);
  }

  /** Loads SIZE bytes at OFFSET from BASE into A. Uses X. */
  load(base: Base, offset: number, size: Size): void {
    if (base === 'ipv4') {
      this.setXToIpv4Length();
      this.loadAtX(size, this.layer.payload.constant + this.layer.network + offset);
      return;
    }
    const from = this.#offsetOf(base);
    if (from.register === undefined) {
      this.emit(LD | SIZES[size] | BpfMode.ABS, from.constant + offset);
      return;
    }
    this.restoreX(from.register);
    this.loadAtX(size, from.constant + offset);
  }

  /** Loads SIZE bytes at A plus OFFSET from BASE into A. Uses X. */
  loadIndexed(base: Exclude<Base, 'ipv4'>, size: Size): void {
    const from = this.#offsetOf(base);
    if (from.register !== undefined) {
      this.restoreX(from.register);
      this.computeX(BpfAlu.ADD);
    }
    this.copyAToX();
    this.loadAtX(size, from.constant);
  }

  /** Sets X to the length of the IPv4 header, plus the variable part of the offset of the payload. */
  setXToIpv4Length(): void {
    const { payload, network } = this.layer;
    if (payload.register === undefined) {
      this.emit(LDX | BpfSize.B | BpfMode.MSH, payload.constant + network);
      return;
    }
    this.restoreX(payload.register);
    this.loadAtX(1, payload.constant + network);
    this.compute(BpfAlu.AND, 0xf);
    this.compute(BpfAlu.LSH, 2);
    this.computeX(BpfAlu.ADD);
    this.copyAToX();
  }

  #offsetOf(base: Exclude<Base, 'ipv4'>): Offset {
    const { header, type, payload, network, afterLlc } = this.layer;
    switch (base) {
      case 'link':
        return header;
      case 'type':
        return type;
      case 'payload':
        return payload;
      case 'network':
        return { ...payload, constant: payload.constant + network };
      case 'after llc':
        return { ...payload, constant: payload.constant + afterLlc };
      case 'ipv6':
        return { ...payload, constant: payload.constant + network + IPV6_LENGTH };
    }
  }

  /** Whether a constant OFFSET from BASE can be part of a load. */
  isStatic(base: Base, offset: number): boolean {
    const { header, payload } = this.layer;
    return (base === 'link' ? header : payload).register === undefined || offset < NEGATIVE;
  }

  /** Whether the SIZE bytes at OFFSET from BASE, under MASK, are VALUE. */
  equals(base: Base, offset: number, size: Size, value: number, mask = ALL_BITS): Exits {
    return this.compare(BpfJump.JEQ, base, offset, size, value, mask);
  }

  compare(jump: number, base: Base, offset: number, size: Size, value: number, mask = ALL_BITS): Exits {
    this.load(base, offset, size);
    if (mask !== ALL_BITS) this.compute(BpfAlu.AND, mask);
    return this.test(jump, value);
  }

  /** Whether the bytes at OFFSET from BASE are BYTES; asked from the end, four at a time. */
  equalBytes(base: Base, offset: number, bytes: readonly number[]): Exits {
    const wordAt = (at: number, size: Size) => bytes.slice(at, at + size).reduce((word, byte) => word * 256 + byte, 0);
    const parts: { at: number; size: Size }[] = [];
    let end = bytes.length;
    for (const size of [4, 2, 1] as const) {
      for (; end >= size; end -= size) parts.push({ at: end - size, size });
    }
    const [first, ...others] = parts.map(
      ({ at, size }) =>
        () =>
          this.equals(base, offset + at, size, wordAt(at, size)),
    );
    return this.all(first, ...others);
  }

  always(): Exits {
    this.set(0);
    return this.test(BpfJump.JEQ, 0);
  }

  never(): Exits {
    this.set(1);
    return this.test(BpfJump.JEQ, 0);
  }

  /** A scratch word for an offset. */
  offsetRegister(column: number): number {
    if (this.#firstOffset === 1) throw new FilterError(column, 'the filter needs too many offsets');
    this.#firstOffset--;
    return this.#firstOffset;
  }

  /** The scratch word for intermediate results at DEPTH. */
  resultRegister(column: number, depth: number): number {
    if (depth < this.#firstOffset) return depth;
    throw new FilterError(column, 'the expression needs too many intermediate results; put its longer operands first');
  }
}
