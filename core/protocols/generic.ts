/** All protocols without a file of their own (kernel: nf_conntrack_proto_generic). */
import { defineProtocol } from './protocol.js';
import { updateAny } from './update.js';

export const generic = defineProtocol({
  number: -1,
  name: 'unknown',
  timeouts: [[0, 'generic_timeout', 600]],
  update: updateAny,
});
