/** `-m nfacct`: always matches, and counts the packet in an accounting object of the host (xt_nfacct). */
import { quoteWord } from '../../codecs/iptables-save.js';
import { cutToBytes } from '../../codecs/text.js';
import { accountingOf } from '../rules/accounting.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { FunctionState } from '../rules/run/match-state.js';

/** The kernel stores 32 bytes including the terminating zero. */
const MAX_NAME_BYTES = 31;

interface NfacctParams {
  readonly name: string;
}

export const nfacct: MatchExtension<NfacctParams> = {
  name: 'nfacct',
  options: [{ name: '--nfacct-name', words: 1, required: true, expected: 'the name of an accounting object' }],

  listed: listedAs([/nfacct-name +([\w-]+)/, '--nfacct-name $1'], [/nfacct-name +"(.*?)"/, '--nfacct-name $1']),

  parse(options) {
    const [word] = options.get('--nfacct-name')!.values;
    if (word.text === '') throw new RuleFault(word, 'the name is empty', 'at least one character');
    if (word.text.includes('\n')) {
      throw new RuleFault(word, 'the name contains a line feed', 'a quote that is closed on its line');
    }
    return { name: cutToBytes(word.text, MAX_NAME_BYTES) };
  },

  // With two spaces, as iptables prints it.
  save: ({ name }) => ` --nfacct-name  ${quoteWord(name)}`,

  accountingObject: ({ name }) => name,

  createState({ name }, context) {
    const object = accountingOf(context).object(name);
    return new FunctionState(context, ({ length }) => {
      if (object.packets === 0) context.facts.assumeAccounting(name);
      object.packets += 1;
      object.bytes += length;
      return true;
    });
  },

  lower: () => ({ native: { reads: ['history'], explanation: '' } }),
};
