/** `-j TEE`: sends a copy of the packet to a gateway (xt_TEE, revision 1). */
import type { Address } from '../../codecs/address.js';
import { cutToBytes } from '../../codecs/text.js';
import { Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseLibcAddress } from '../rules/parse/host-values.js';

/** The kernel stores 16 bytes including the terminating zero. */
const MAX_INTERFACE_BYTES = 15;

interface TeeParams {
  readonly gateway: Address;
  /** The interface of the route to the gateway; '' if it is not given. */
  readonly dev: string;
}

export const tee: TargetExtension<TeeParams> = {
  name: 'TEE',
  terminates: false,
  options: [
    { name: '--gateway', words: 1, required: true, expected: 'the address of a gateway' },
    { name: '--oif', words: 1, expected: 'the name of an interface' },
  ],

  listed: listed([/TEE gw:(\S+)/, '--gateway @1'], [/oif=(\S+)/, '--oif $1']),

  parse(options) {
    const word = options.get('--gateway')!.values[0];
    const gateway = parseLibcAddress(word.text, options.family);
    if (gateway === undefined) throw new RuleFault(word, `"${word.text}" is no address`, 'an address');
    return { gateway, dev: cutToBytes(options.get('--oif')?.values[0].text ?? '', MAX_INTERFACE_BYTES) };
  },

  refuse: ({ gateway }) => (gateway.isUnspecified ? `the gateway is ${gateway}` : undefined),

  save: ({ gateway, dev }) => ` --gateway ${gateway}${dev === '' ? '' : ` --oif ${dev}`}`,

  apply({ gateway, dev }, packet, context) {
    context.tee(packet, gateway, dev);
    return Verdict.CONTINUE;
  },

  effect: () => 'outside',
};
