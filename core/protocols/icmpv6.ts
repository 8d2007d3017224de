/** ICMPv6, which is always INVALID over IPv4 (nf_conntrack_icmpv6_packet). */
import { IPPROTO_ICMPV6 } from '../../codecs/layouts.js';
import { defineProtocol, Invalid } from './protocol.js';

export const icmpv6 = defineProtocol({
  number: IPPROTO_ICMPV6,
  name: 'icmpv6',
  timeouts: [],
  validate: () => Invalid.FAMILY,
  update: () => Invalid.FAMILY,
});
