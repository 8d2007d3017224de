/** What Linux checks of a classic BPF program that runs on socket buffers (bpf_check_classic in net/core/filter.c). */
import { BpfClass, BpfJump, BpfMode, faultOf, type Instruction } from './instruction.js';

/** Offsets from here on mean something else than a byte of the packet, one for each multiple of four (SKF_AD_OFF). */
export const EXTENSION_AT = 0xfffff000;
/** Offsets from here on are from the network header, and before that from the link-layer header (SKF_NET_OFF). */
export const NETWORK_AT = 0xfff00000;
/** Offsets from here on are outside of the packet. */
export const OUTSIDE_AT = 0x80000000;

/** The extensions, in order (SKF_AD_PROTOCOL and so on). */
export const EXTENSIONS = [
  'protocol',
  'packet type',
  'interface index',
  'netlink attribute',
  'nested netlink attribute',
  'mark',
  'queue',
  'hardware type',
  'receive hash',
  'CPU',
  'xor X',
  'VLAN tag',
  'VLAN tag present',
  'payload offset',
  'random',
  'VLAN TPID',
] as const;
export type BpfExtension = (typeof EXTENSIONS)[number];

/** The extension that INSTRUCTION loads; undefined if none. */
export function extensionOf(instruction: Instruction): BpfExtension | undefined {
  const { k } = instruction;
  if (!isAbsoluteLoad(instruction) || k < EXTENSION_AT || k % 4 !== 0) return undefined;
  return EXTENSIONS[(k - EXTENSION_AT) / 4];
}

export function isAbsoluteLoad({ code }: Instruction): boolean {
  return (code & 7) === BpfClass.LD && (code & 0xe0) === BpfMode.ABS;
}

interface Fault {
  readonly index: number;
  readonly fault: string;
}

/** As `faultOf`; also finds reads of scratch words that nothing has set, and unknown extensions. */
export function kernelFaultOf(program: readonly Instruction[]): Fault | undefined {
  const found = faultOf(program) ?? unknownExtension(program);
  return found ?? unsetWord(program);
}

function unknownExtension(program: readonly Instruction[]): Fault | undefined {
  const index = program.findIndex(
    (one) => isAbsoluteLoad(one) && one.k >= EXTENSION_AT && extensionOf(one) === undefined,
  );
  return index < 0 ? undefined : { index, fault: `there is no extension 0x${program[index].k.toString(16)}` };
}

/** On the way to each instruction, all paths must have set the scratch words that it reads (check_load_and_stores). */
function unsetWord(program: readonly Instruction[]): Fault | undefined {
  const ALL = 0xffff;
  /** By instruction: the words that are set on all paths that jump to it. */
  const atTarget = program.map(() => ALL);
  let set = 0;
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    set &= atTarget[index];
    const kind = code & 7;
    if (kind === BpfClass.ST || kind === BpfClass.STX) set |= 1 << k;
    const isLoad = kind === BpfClass.LD || kind === BpfClass.LDX;
    if (isLoad && (code & 0xe0) === BpfMode.MEM && (set & (1 << k)) === 0) {
      return { index, fault: `scratch word ${k} is read before it is set` };
    }
    if (kind !== BpfClass.JMP) continue;
    for (const skip of (code & 0xf0) === BpfJump.JA ? [k] : [jt, jf]) atTarget[index + 1 + skip] &= set;
    // Only a jump leads to what follows one.
    set = ALL;
  }
  return undefined;
}
