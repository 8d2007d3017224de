/** `-m bpf`: what a BPF program says of the packet (xt_bpf). */
import { BpfProgram, type LoadElsewhere } from '../../codecs/bpf/bpf-program.js';
import type { Instruction } from '../../codecs/bpf/instruction.js';
import {
  type BpfExtension,
  EXTENSION_AT,
  EXTENSIONS,
  extensionOf,
  isAbsoluteLoad,
  kernelFaultOf,
  NETWORK_AT,
  OUTSIDE_AT,
} from '../../codecs/bpf/kernel-check.js';
import { quoteWord, type Word } from '../../codecs/iptables-save.js';
import { ETHERTYPE_IPV4 } from '../../codecs/layouts.js';
import type { Packet } from '../packet.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { lastBits, type Scanned, scanNumber } from '../rules/parse/scan.js';
import { contentOf, contentTest } from './content.js';

/** XT_BPF_MAX_NUM_INSTR. */
const MAX_INSTRUCTIONS = 64;
const EXTENSIONS_HERE: ReadonlySet<BpfExtension> = new Set(['protocol', 'packet type', 'mark', 'xor X']);
const EXPECTED = 'a length and instructions: 2,48 0 0 9,22 0 0 0';

type BpfParams =
  | { readonly program: readonly Instruction[] }
  /** The path of an eBPF program in the host's memory. */
  | { readonly pinned: string };

export const bpf: MatchExtension<BpfParams> = {
  name: 'bpf',
  options: [
    { name: '--bytecode', words: 1, excludes: ['--object-pinned'], expected: EXPECTED },
    { name: '--object-pinned', words: 1, expected: 'the path of a pinned program' },
  ],

  listed: listedAs(
    [/match bpf pinned (\S+)/, '--object-pinned $1'],
    [
      /match bpf (\d+ \d+ \d+ \d+(?:,\d+ \d+ \d+ \d+)*)/,
      ([, code]) => ['--bytecode', `${code!.split(',').length},${code}`],
    ],
  ),

  parse(options) {
    const pinned = options.get('--object-pinned')?.values[0];
    if (pinned?.text === '') throw new RuleFault(pinned, 'an empty path', 'the path of a pinned program');
    if (pinned !== undefined) return { pinned: pinned.text };
    const bytecode = options.get('--bytecode')?.values[0];
    if (bytecode === undefined) throw new RuleFault(options.word, 'bpf without a program', `--bytecode, ${EXPECTED}`);
    return { program: parseProgram(bytecode) };
  },

  refuse(params) {
    if ('pinned' in params) return undefined;
    const found = kernelFaultOf(params.program);
    return found && `the kernel refuses the program: instruction ${found.index}: ${found.fault}`;
  },

  unsupported(params) {
    if ('pinned' in params) return `the program pinned at ${params.pinned}`;
    for (const instruction of params.program) {
      const missing = missingFor(instruction);
      if (missing !== undefined) return `${missing}, which its program reads`;
    }
    return undefined;
  },

  save(params) {
    if ('pinned' in params) return ` --object-pinned ${params.pinned}`;
    const { program } = params;
    const lines = program.map(({ code, jt, jf, k }) => `${code} ${jt} ${jf} ${k}`);
    return ` --bytecode ${quoteWord([program.length, ...lines].join(','))}`;
  },

  lower(params) {
    if ('pinned' in params) throw new Error('a pinned program is not run');
    const run = new PacketProgram(params.program);
    const ask = (packet: Packet): boolean | undefined => run.accepts(packet);
    const reads = ['mark', 'packetType'] as const;
    return { native: contentTest(ask, `-m bpf${bpf.save(params)}`, 'the BPF program returned 0', ...reads) };
  },
};

/** What INSTRUCTION needs that the emulated host does not have; undefined if nothing. */
function missingFor(instruction: Instruction): string | undefined {
  const extension = extensionOf(instruction);
  if (extension !== undefined) return EXTENSIONS_HERE.has(extension) ? undefined : `the ${extension} of packets`;
  const { k } = instruction;
  const isLink = isAbsoluteLoad(instruction) && k >= OUTSIDE_AT && k < NETWORK_AT;
  return isLink ? 'the link-layer header of packets' : undefined;
}

/** A program, run on packets as the kernel does (bpf_prog_run): offsets are from the IP header. */
class PacketProgram {
  readonly #program: BpfProgram;
  /** The packet that it runs on, and whether a byte that was not captured was asked for. */
  #packet: Packet | undefined;
  #isCut = false;

  constructor(program: readonly Instruction[]) {
    this.#program = new BpfProgram(program, 'linux');
  }

  /** Undefined: it depends on bytes that were not captured. */
  accepts(packet: Packet): boolean | undefined {
    this.#packet = packet;
    this.#isCut = false;
    const { at, available, length } = packet;
    const result = this.#program.run(contentOf(packet), at, available, length, this.#load);
    return this.#isCut ? undefined : result !== 0;
  }

  readonly #load: LoadElsewhere = (offset, size, a, x) => {
    const packet = this.#packet!;
    const place = offset >>> 0;
    switch (place) {
      case EXTENSION_AT + 4 * EXTENSIONS.indexOf('protocol'):
        return ETHERTYPE_IPV4;
      case EXTENSION_AT + 4 * EXTENSIONS.indexOf('packet type'):
        return packet.type;
      case EXTENSION_AT + 4 * EXTENSIONS.indexOf('mark'):
        return packet.mark;
      case EXTENSION_AT + 4 * EXTENSIONS.indexOf('xor X'):
        return a ^ x;
      default:
        return this.#bytesAt(packet, place >= NETWORK_AT ? place - NETWORK_AT : place, size);
    }
  };

  /** The SIZE bytes of PACKET at OFFSET from its IP header. */
  #bytesAt(packet: Packet, offset: number, size: number): number | undefined {
    const { at, available, length } = packet;
    if (offset + size > available) {
      if (offset + size <= length) this.#isCut = true;
      return undefined;
    }
    const bytes = contentOf(packet);
    let value = 0;
    for (let i = 0; i < size; i++) value = (value << 8) | bytes[at + offset + i];
    return value;
  }
}

function parseProgram(word: Word): Instruction[] {
  const { text } = word;
  const length = scanNumber(text, 0, 10);
  if (length === undefined || text[length.end] !== ',') {
    throw new RuleFault(word, `bad length of the program "${text}"`, EXPECTED);
  }
  const count = lastBits(length, 16);
  if (count === 0 || count > MAX_INSTRUCTIONS) {
    throw new RuleFault(word, `a program of ${count} instructions`, `1–${MAX_INSTRUCTIONS} instructions`);
  }
  const texts = text.slice(length.end + 1).split(',');
  // A comma may end the program.
  if (texts.at(-1) === '') texts.pop();
  if (texts.length !== count) {
    throw new RuleFault(word, `the program has ${texts.length} instructions, not ${count}`, EXPECTED);
  }
  return texts.map((one) => parseInstruction(word, one));
}

/** Parses `code jt jf k` as scanf does: numbers are cut to their types, and what follows them means nothing. */
function parseInstruction(word: Word, text: string): Instruction {
  const numbers: Scanned[] = [];
  for (let at = 0; numbers.length < 4; ) {
    const number = scanNumber(text, at, 10);
    if (number === undefined) throw new RuleFault(word, `bad instruction "${text}"`, 'four numbers: code jt jf k');
    numbers.push(number);
    at = number.end;
  }
  const [code, jt, jf, k] = numbers;
  return { code: lastBits(code, 16), jt: lastBits(jt, 8), jf: lastBits(jf, 8), k: lastBits(k, 32) };
}
