/** `-m connlabel`: a label of the packet's connection, or sets it (xt_connlabel). */
import type { Word } from '../../codecs/iptables-save.js';
import type { MatchExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import type { NativeTest } from '../rules/lower.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseLongNumber } from '../rules/parse/values.js';
import { FunctionState } from '../rules/run/match-state.js';

const MAX_LABEL = 127;

interface ConnlabelParams {
  /** The number of a bit. */
  readonly label: number;
  readonly negated: boolean;
  /** Sets the label where the connection does not have it, and then matches. */
  readonly sets: boolean;
}

export const connlabel: MatchExtension<ConnlabelParams> = {
  name: 'connlabel',
  options: [
    { name: '--label', words: 1, invertible: true, required: true, expected: `the number of a label, 0–${MAX_LABEL}` },
    { name: '--set', words: 0 },
  ],

  listed: listed(/connlabel/, [/(!)? ?'?([^\s']+)'?/, '$1 --label $2'], [/set(?= |$)/, '--set']),

  usesLabels: true,

  parse(options) {
    const { values, negated } = options.get('--label')!;
    return { label: parseLabel(values[0]), negated, sets: options.get('--set') !== undefined };
  },

  refuse: ({ label }) => (label > MAX_LABEL ? `a label is at most ${MAX_LABEL}` : undefined),

  save: ({ label, negated, sets }) => `${negated ? ' !' : ''} --label "${label}"${sets ? ' --set' : ''}`,

  lower({ label, negated, sets }) {
    const explanation = negated ? `the connection has the label ${label}` : `the connection has no label ${label}`;
    // What sets a label takes the slow path.
    if (sets) return { native: { reads: ['ctlabels', 'unknown'], explanation } };
    const check: NativeTest['check'] = ({ ct }, { conntrack }) =>
      (ct >= 0 && conntrack.hasLabel(ct, label)) !== negated;
    return { native: { reads: ['ctlabels'], check, explanation } };
  },

  /** connlabel_mt. */
  createState({ label, negated }, context) {
    return new FunctionState(context, ({ ct }) => {
      if (ct < 0) return negated;
      return context.conntrack.setLabel(ct, label) !== negated;
    });
  },
};

/** The name of a label is known on the host only, in /etc/xtables/connlabel.conf. */
function parseLabel(word: Word): number {
  const { text } = word;
  const expected = `the number of a label, 0–${MAX_LABEL}`;
  const number = strtoul(text);
  // iptables keeps 32 bits of the number, and if they are negative takes it for a name; the kernel's field has 16.
  if (number !== undefined && BigInt.asIntN(32, number) >= 0) return Number(BigInt.asUintN(16, number));
  if (text === '' || number !== undefined) throw new RuleFault(word, `bad label "${text}"`, expected);
  const what = `the label "${text}" is a name, and what it means only the host knows (connlabel.conf)`;
  throw new RuleFault(word, what, expected, 'unsupported');
}

/** TEXT as the C library takes it for a number of 64 bits: with a sign, and the highest if it is too large. */
function strtoul(text: string): bigint | undefined {
  const [, blanks, sign, digits] = /^([ \t\n\v\f\r]*)([-+]?)([0-9].*)$/s.exec(text) ?? [];
  if (blanks === undefined) return undefined;
  const number = parseLongNumber(digits);
  if (number === undefined) return /^[0-9]+$/.test(digits) ? 2n ** 64n - 1n : undefined;
  return sign === '-' ? BigInt.asUintN(64, -number) : number;
}
