/** All layer-4 protocols that conntrack knows, one per line. generic.ts tracks all others. */
export { dccp } from './dccp.js';
export { gre } from './gre.js';
export { icmp } from './icmp.js';
export { icmpv6 } from './icmpv6.js';
export { sctp } from './sctp.js';
export { tcp } from './tcp.js';
export { udp } from './udp.js';
export { udplite } from './udplite.js';
