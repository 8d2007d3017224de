/**
 * `-j CONNMARK`: sets the connection's mark, or copies marks between connection and packet (xt_connmark, revision 2).
 */
import { Verdict } from '../hooks.js';
import type { OptionSpec, ParsedOptions, TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { formatHex, parseNumber, parseWord32 } from '../rules/parse/values.js';
import { markOptions, parseMarkChange } from './mark.js';

const COPIES = ['--save-mark', '--restore-mark'] as const;
const SHIFTS = ['--left-shift-mark', '--right-shift-mark'] as const;

interface ConnmarkParams {
  readonly operation: 'set' | 'save' | 'restore';
  /** For `set`: the value to XOR in. */
  readonly value: number;
  /** Bits of the connection's mark and, for save and restore, of the packet's mark. */
  readonly ctMask: number;
  readonly nfMask: number;
  /** Bits to shift left; negative to shift right. */
  readonly shift: number;
}

export const connmark: TargetExtension<ConnmarkParams> = {
  name: 'CONNMARK',
  terminates: false,
  options: [
    ...markOptions(COPIES),
    { name: '--save-mark', words: 0, excludes: ['--restore-mark'] },
    { name: '--restore-mark', words: 0, excludes: ['--save-mark'] },
    ...['--nfmask', '--ctmask'].map(
      (name): OptionSpec => ({ name, words: 1, expected: 'a mask', excludes: ['--mask'] }),
    ),
    { name: '--mask', words: 1, expected: 'a mask', excludes: ['--nfmask', '--ctmask'] },
    { name: '--left-shift-mark', words: 1, expected: 'bits, 0–31' },
    { name: '--right-shift-mark', words: 1, expected: 'bits, 0–31' },
  ],

  listed: listed(
    [/CONNMARK (?=set|xset|and|or|xor|save|restore)/, ''],
    [/set (0x\S+)/, '--set-mark $1'],
    [/xset (0x\S+)/, '--set-xmark $1'],
    [/(and|or|xor) (0x\S+)/, '--$1-mark $2'],
    [/(save|restore)/, '--$1-mark'],
    [/mask (0x\S+)/, '--nfmask $1 --ctmask $1'],
    [/nfmask (0x\S+) ctmask ~(0x\S+)/, '--nfmask $1 --ctmask $2'],
    [/ctmask (0x\S+) nfmask ~(0x\S+)/, '--nfmask $2 --ctmask $1'],
    [/(left|right)-shift-mark (\d+)/, '--$1-shift-mark $2'],
  ),

  parse(options) {
    const change = parseMarkChange(options);
    const shift = parseShift(options);
    const both = parseMask(options, '--mask');
    const ctMask = parseMask(options, '--ctmask');
    const nfMask = parseMask(options, '--nfmask');
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
      ctMask: ctMask ?? both ?? -1,
      nfMask: nfMask ?? both ?? -1,
      shift,
    };
  },

  save({ operation, value, ctMask, nfMask, shift }) {
    let text = ` --set-xmark ${formatHex(value)}/${formatHex(ctMask)}`;
    if (operation !== 'set') text = ` --${operation}-mark --nfmask ${formatHex(nfMask)} --ctmask ${formatHex(ctMask)}`;
    if (shift !== 0) text += ` --${shift > 0 ? 'left' : 'right'}-shift-mark ${Math.abs(shift)}`;
    return text;
  },

  apply({ operation, value, ctMask, nfMask, shift }, packet, { conntrack }) {
    const { ct } = packet;
    if (ct < 0) return Verdict.CONTINUE;
    const old = conntrack.mark(ct);
    if (operation === 'set') {
      conntrack.setMark(ct, shifted((old & ~ctMask) ^ value, shift));
    } else if (operation === 'save') {
      conntrack.setMark(ct, (old & ~ctMask) ^ shifted(packet.mark & nfMask, shift));
    } else {
      packet.mark = (packet.mark & ~nfMask) ^ shifted(old & ctMask, shift);
    }
    return Verdict.CONTINUE;
  },

  // No `plan`, because each connection has its own mark.
  effect: ({ operation }) => (operation === 'restore' ? 'mark' : 'connection'),
};

function shifted(mark: number, shift: number): number {
  return shift >= 0 ? mark << shift : (mark >>> -shift) | 0;
}

/** A mask after `--set-mark` replaces its mask. One before it is overridden. */
function maskAfterChange(options: ParsedOptions): number | undefined {
  const change = options.all.findIndex(({ name }) => name.endsWith('mark') && !name.includes('shift'));
  const mask = options.all.findLastIndex(({ name }) => name === '--mask' || name === '--ctmask');
  return mask > change ? parseWord32(options.all[mask].values[0]) : undefined;
}

function parseMask(options: ParsedOptions, name: string): number | undefined {
  const word = options.get(name)?.values[0];
  return word === undefined ? undefined : parseWord32(word);
}

/** The last shift counts; the values of all are checked. */
function parseShift(options: ParsedOptions): number {
  let shift = 0;
  for (const { name, values } of options.all) {
    if (!(SHIFTS as readonly string[]).includes(name)) continue;
    const bits = parseNumber(values[0].text, 31);
    if (bits === undefined) throw new RuleFault(values[0], `cannot shift by "${values[0].text}"`, '0–31');
    shift = name === '--left-shift-mark' ? bits : -bits;
  }
  return shift;
}
