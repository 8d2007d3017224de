/** `-j NETMAP`: translates a network to another one, address by address (xt_NETMAP). */
import { type Address, addressFromLoaded, addressFromWords, maskLength } from '../../codecs/address.js';
import { Hook } from '../hooks.js';
import { Manip } from '../nat/range.js';
import type { TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { type HostMask, parseHostMask } from '../rules/parse/host-values.js';

export const netmap: TargetExtension<HostMask> = {
  name: 'NETMAP',
  tables: ['nat'],
  hooks: [Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING],
  terminates: true,
  options: [{ name: '--to', words: 1, required: true, expected: 'address[/mask]' }],

  listed: listed([/to:(\S+)/, '--to $1']),

  parse(options) {
    const { address, mask } = parseHostMask(options.get('--to')!.values[0], options.family);
    return { address: address.masked(mask), mask };
  },

  save: ({ address, mask }) => ` --to ${address}/${maskLength(mask) ?? mask}`,

  apply({ address, mask }, packet, context) {
    const isDestination = packet.hook === Hook.PREROUTING || packet.hook === Hook.OUTPUT;
    const old = addressFromLoaded(isDestination ? packet.destination : packet.source);
    const mapped = withNetwork(old, address, mask);
    const range = { minAddress: mapped, maxAddress: mapped, random: false, randomFully: false, persistent: false };
    return context.setupNat(packet, range, isDestination ? Manip.DST : Manip.SRC);
  },

  effect: () => 'connection',
  mapsEnd: true,
};

/** ADDRESS with the bits of MASK from NETWORK. */
function withNetwork(address: Address, network: Address, mask: Address): Address {
  const [bits, masks] = [network.words, mask.words];
  return addressFromWords(address.words.map((word, i) => (word & ~masks[i]) | (bits[i] & masks[i])));
}
