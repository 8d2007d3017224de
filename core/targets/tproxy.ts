/** `-j TPROXY`: delivers the packet to a local socket and leaves it as it is (xt_TPROXY, revision 1). */
import { addressFromWords } from '../../codecs/address.js';
import { IPPROTO_TCP, IPPROTO_UDP } from '../../codecs/layouts.js';
import { Hook } from '../hooks.js';
import type { ProxyTarget } from '../host/proxy-socket.js';
import type { TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { parseHost } from '../rules/parse/host-values.js';
import { formatHex, parseLibcPortNumber, parseMasked } from '../rules/parse/values.js';

const NO_ADDRESS = { ipv4: addressFromWords([0]), ipv6: addressFromWords([0, 0, 0, 0]) } as const;

export const tproxy: TargetExtension<ProxyTarget> = {
  name: 'TPROXY',
  tables: ['mangle'],
  hooks: [Hook.PREROUTING],
  terminates: true,
  options: [
    { name: '--on-port', words: 1, required: true, expected: 'a port' },
    { name: '--on-ip', words: 1, expected: 'an address of this host' },
    { name: '--tproxy-mark', words: 1, expected: 'value or value/mask' },
  ],

  listed: listed([/TPROXY redirect (\S+):(\d+) mark (0x\S+)/, '--on-port $2 --on-ip $1 --tproxy-mark $3']),

  parse(options) {
    const address = options.get('--on-ip');
    const mark = options.get('--tproxy-mark');
    return {
      port: parseLibcPortNumber(options.get('--on-port')!.values[0]),
      address: address === undefined ? NO_ADDRESS[options.family] : parseHost(address.values[0], options.family),
      mark: mark === undefined ? { value: 0, mask: 0 } : parseMasked(mark.values[0]),
    };
  },

  refuse(_, { base: { protocol } }) {
    const isPossible = protocol?.number === IPPROTO_TCP || protocol?.number === IPPROTO_UDP;
    return isPossible && !protocol.negated ? undefined : 'TPROXY needs -p tcp or -p udp';
  },

  save({ port, address, mark }) {
    return ` --on-port ${port} --on-ip ${address} --tproxy-mark ${formatHex(mark.value)}/${formatHex(mark.mask)}`;
  },

  apply: (params, packet, context) => context.tproxy(packet, params),
};
