/** `-m mac`: the source address of the Ethernet frame that the packet arrived in (xt_mac). */
import type { Word } from '../../codecs/iptables-save.js';
import { asMac } from '../field-formats.js';
import { Hook } from '../hooks.js';
import { equals } from '../rules/condition.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';

/** At most two characters that strtol takes for a hexadecimal number; nothing is 0. */
const BYTE = /^(?:[ \t\n\v\f\r]?[-+]?[0-9a-f]+)?$/i;

interface MacParams {
  /** 48 bits. */
  readonly address: number;
  readonly negated: boolean;
}

export const mac: MatchExtension<MacParams> = {
  name: 'mac',
  options: [{ name: '--mac-source', words: 1, invertible: true, required: true, expected: 'a MAC address' }],
  hooks: [Hook.PREROUTING, Hook.INPUT, Hook.FORWARD],

  listed: listedAs([/MAC (!)? ?([0-9A-Fa-f:]{17})/, '$1 --mac-source $2']),

  parse(options) {
    const { values, negated } = options.get('--mac-source')!;
    const [word] = values;
    return { address: parseMac(word), negated };
  },

  save({ address, negated }) {
    return `${negated ? ' !' : ''} --mac-source ${asMac(address)}`;
  },

  lower({ address, negated }) {
    return { conditions: [equals('sourceMac', address, negated)] };
  },
};

/** Parses six bytes as iptables does, into a number of 48 bits (XTTYPE_ETHERMAC). */
export function parseMac(word: Word): number {
  const bytes = word.text.split(':');
  if (bytes.length !== 6 || !bytes.every((byte) => byte.length <= 2 && BYTE.test(byte))) {
    throw new RuleFault(word, `bad MAC address "${word.text}"`, 'six bytes, 02:00:00:00:00:01');
  }
  return bytes.reduce((number, byte) => number * 256 + ((Number.parseInt(byte || '0', 16) + 256) % 256), 0);
}
