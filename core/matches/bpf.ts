/** `-m bpf`: what a BPF program says of the packet (xt_bpf). */
import type { Instruction } from '../../codecs/bpf/instruction.js';
import { kernelFaultOf } from '../../codecs/bpf/kernel-check.js';
import { quoteWord, type Word } from '../../codecs/iptables-save.js';
import type { MatchExtension } from '../rules/extension.js';
import { RuleFault } from '../rules/parse/error.js';
import { lastBits, type Scanned, scanNumber } from '../rules/parse/scan.js';

/** XT_BPF_MAX_NUM_INSTR. */
const MAX_INSTRUCTIONS = 64;
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

  parse(options) {
    const pinned = options.get('--object-pinned')?.values[0];
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
    return 'pinned' in params ? `the program pinned at ${params.pinned}` : 'the run of a program on packets';
  },

  save(params) {
    if ('pinned' in params) return ` --object-pinned ${params.pinned}`;
    const { program } = params;
    const lines = program.map(({ code, jt, jf, k }) => `${code} ${jt} ${jf} ${k}`);
    return ` --bytecode ${quoteWord([program.length, ...lines].join(','))}`;
  },

  lower() {
    return {};
  },
};

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
