/** `-j TOS`: changes the type-of-service byte (xt_DSCP, revision 1 of TOS): TOS = (TOS & ~mask) ^ value. */
import { IPV4_TOS_AT } from '../../codecs/layouts.js';
import { Verdict } from '../hooks.js';
import { parseTos, TOS_EXPECTED } from '../matches/tos.js';
import type { ParsedOption, TargetExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { formatHexByte, parseNumber } from '../rules/parse/values.js';
import { setTos } from './header-change.js';

const NAMES = ['--set-tos', '--and-tos', '--or-tos', '--xor-tos'];
const BITS = 'a number of 8 bits';

interface TosParams {
  readonly value: number;
  readonly mask: number;
}

export const tos: TargetExtension<TosParams> = {
  name: 'TOS',
  tables: ['mangle'],
  terminates: false,
  options: NAMES.map((name) => ({
    name,
    words: 1,
    excludes: NAMES.filter((other) => other !== name),
    expected: name === '--set-tos' ? TOS_EXPECTED : BITS,
  })),

  listed: listedAs(
    [/TOS set (0x\S+)/, '--set-tos $1'],
    [/TOS set([A-Z]\S+)/, '--set-tos $1'],
    [/TOS (and|or|xor) (0x\S+)/, '--$1-tos $2'],
  ),

  parse(options) {
    const option = options.all[0];
    if (option === undefined) throw new RuleFault(options.word, 'TOS without an action', NAMES.join(', '));
    return option.name === '--set-tos' ? parseTos(option) : parseBits(option);
  },

  save: ({ value, mask }) => ` --set-tos ${formatHexByte(value)}/${formatHexByte(mask)}`,

  apply({ value, mask }, packet) {
    setTos(packet, (packet.view.getUint8(packet.at + IPV4_TOS_AT) & ~mask) ^ value);
    return Verdict.CONTINUE;
  },

  effect: () => 'packet',
};

function parseBits({ name, values: [word] }: ParsedOption): TosParams {
  const bits = parseNumber(word.text, 0xff);
  if (bits === undefined) throw new RuleFault(word, `bad TOS "${word.text}"`, BITS);
  if (name === '--and-tos') return { value: 0, mask: ~bits & 0xff };
  return { value: bits, mask: name === '--or-tos' ? bits : 0 };
}
