/**
 * hot: GRE (kernel: nf_conntrack_proto_gre). Only enhanced GRE (RFC 2637, section 4.1), version 1, has a key that
 * conntrack and NAT use: the call ID of the destination.
 */
import { GRE_CALL_ID_AT, GRE_LENGTH, GRE_PROTOCOL_AT, GRE_VERSION_MASK, IPPROTO_GRE } from '../../codecs/layouts.js';
import { Manip } from '../nat/range.js';
import { swapPorts } from './ports.js';
import { defineProtocol } from './protocol.js';
import { REPLIED, UNREPLIED, updateStream } from './update.js';

const VERSION_PPTP = 1;
const PROTOCOL_PPP = 0x880b;
/** Flags, version and protocol: the part common to all GRE headers. */
const SHORTEST = 4;

export const gre = defineProtocol({
  number: IPPROTO_GRE,
  name: 'gre',
  listedTuple: 'keys',
  timeouts: [
    [UNREPLIED, 'gre_timeout', 30],
    [REPLIED, 'gre_timeout_stream', 180],
  ],

  readTuple(view, l4, available) {
    if (available < SHORTEST || versionOf(view, l4) !== VERSION_PPTP) return 0;
    if (available < GRE_LENGTH) return 0;
    if (view.getUint16(l4 + GRE_PROTOCOL_AT) !== PROTOCOL_PPP) return undefined;
    return view.getUint16(l4 + GRE_CALL_ID_AT, true) << 16;
  },
  invert: swapPorts,
  update: updateStream,

  /** Packets do not carry the source's key. */
  mangle(view, l4, available, manip, port) {
    if (available < GRE_LENGTH) return false;
    if (manip === Manip.SRC) return true;
    const version = versionOf(view, l4);
    if (version > VERSION_PPTP) return false;
    if (version === VERSION_PPTP) view.setUint16(l4 + GRE_CALL_ID_AT, port);
    return true;
  },
});

function versionOf(view: DataView, l4: number): number {
  return view.getUint16(l4) & GRE_VERSION_MASK;
}
