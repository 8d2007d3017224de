/** `-j CONNMARK`: the connection's mark, and copies between it and the packet's (xt_connmark, revision 2). */
import { FAST_PATH, MARK, RECORD_WORDS } from '../conntrack/record.js';
import { Verdict } from '../hooks.js';
import type { Packet } from '../packet.js';
import type { RuleContext } from '../rules/context.js';
import type { OptionSpec, ParsedOptions, TargetExtension } from '../rules/extension.js';
import { RuleFault } from '../rules/parse/error.js';
import { formatHex, parseNumber, parseWord32 } from '../rules/parse/values.js';
import { markOptions, parseMarkChange } from './mark.js';

const COPIES = ['--save-mark', '--restore-mark'] as const;
const SHIFTS = ['--left-shift-mark', '--right-shift-mark'] as const;

interface ConnmarkParams {
  readonly operation: 'set' | 'save' | 'restore';
  /** set: what is XORed in. */
  readonly value: number;
  /** Bits of the connection's mark, and (save, restore) of the packet's. */
  readonly ctMask: number;
  readonly nfMask: number;
  /** Bits to the left; negative: to the right. */
  readonly shift: number;
}

export const connmark: TargetExtension<ConnmarkParams> = {
  name: 'CONNMARK',
  terminates: false,
  options: [
    ...markOptions(COPIES),
    { name: '--save-mark', words: 0, excludes: ['--restore-mark'] },
    { name: '--restore-mark', words: 0, excludes: ['--save-mark'] },
    ...['--nfmask', '--ctmask'].map((name): OptionSpec => ({ name, words: 1, wanted: 'a mask', excludes: ['--mask'] })),
    { name: '--mask', words: 1, wanted: 'a mask', excludes: ['--nfmask', '--ctmask'] },
    { name: '--left-shift-mark', words: 1, wanted: 'bits, 0–31' },
    { name: '--right-shift-mark', words: 1, wanted: 'bits, 0–31' },
  ],

  parse(options) {
    const change = parseMarkChange(options);
    const shift = parseShift(options);
    const both = parseMask(options, '--mask');
    if (change !== undefined) {
      return {
        operation: 'set',
        value: change.value,
        ctMask: maskAfterChange(options) ?? change.mask,
        nfMask: -1,
        shift,
      };
    }
    const copy = COPIES.find((name) => options.get(name) !== undefined);
    if (copy === undefined) {
      throw new RuleFault(options.word, 'CONNMARK without an operation', '--set-xmark, --save-mark, --restore-mark, …');
    }
    return {
      operation: copy === '--save-mark' ? 'save' : 'restore',
      value: 0,
      ctMask: parseMask(options, '--ctmask') ?? both ?? -1,
      nfMask: parseMask(options, '--nfmask') ?? both ?? -1,
      shift,
    };
  },

  save({ operation, value, ctMask, nfMask, shift }) {
    let text = ` --set-xmark ${formatHex(value)}/${formatHex(ctMask)}`;
    if (operation !== 'set') text = ` --${operation}-mark --nfmask ${formatHex(nfMask)} --ctmask ${formatHex(ctMask)}`;
    if (shift !== 0) text += ` --${shift > 0 ? 'left' : 'right'}-shift-mark ${Math.abs(shift)}`;
    return text;
  },

  apply,

  compile(params, context) {
    return (packet) => apply(params, packet, context);
  },

  explain(params, packet) {
    if (packet.ct < 0) return 'the packet has no connection: nothing changes';
    return {
      set: 'the connection is marked',
      save: "the packet's mark goes to the connection",
      restore: "the connection's mark goes to the packet",
    }[params.operation];
  },
};

function apply(params: ConnmarkParams, packet: Packet, context: RuleContext): Verdict {
  if (packet.ct < 0) return Verdict.CONTINUE;
  const { words } = context.conntrack;
  const { operation, value, ctMask, nfMask, shift } = params;
  const base = packet.ct * RECORD_WORDS;
  const at = base + MARK;
  const before = words[at];
  if (operation === 'set') {
    words[at] = shifted((words[at] & ~ctMask) ^ value, shift);
  } else if (operation === 'save') {
    words[at] = (words[at] & ~ctMask) ^ shifted(packet.mark & nfMask, shift);
  } else {
    packet.mark = (packet.mark & ~nfMask) ^ shifted(words[at] & ctMask, shift);
  }
  // What rules made of the connection's packets with the old mark does not hold any more.
  if (words[at] !== before) words.fill(-1, base + FAST_PATH, base + FAST_PATH + 2);
  return Verdict.CONTINUE;
}

function shifted(mark: number, shift: number): number {
  return shift >= 0 ? mark << shift : (mark >>> -shift) | 0;
}

/** A mask that stands behind `--set-mark` replaces its own; one before it is overwritten by it. */
function maskAfterChange(options: ParsedOptions): number | undefined {
  const change = options.all.findIndex(({ name }) => name.endsWith('mark') && !name.includes('shift'));
  const mask = options.all.findLastIndex(({ name }) => name === '--mask' || name === '--ctmask');
  return mask > change ? parseWord32(options.all[mask].values[0]) : undefined;
}

function parseMask(options: ParsedOptions, name: string): number | undefined {
  const word = options.get(name)?.values[0];
  return word === undefined ? undefined : parseWord32(word);
}

function parseShift(options: ParsedOptions): number {
  const option = options.all.findLast(({ name }) => (SHIFTS as readonly string[]).includes(name));
  if (option === undefined) return 0;
  const bits = parseNumber(option.values[0].text, 31);
  if (bits === undefined) throw new RuleFault(option.values[0], `cannot shift by "${option.values[0].text}"`, '0–31');
  return option.name === '--left-shift-mark' ? bits : -bits;
}
