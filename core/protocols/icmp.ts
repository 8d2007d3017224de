/**
 * hot: ICMP (RFC 792; kernel: nf_conntrack_proto_icmp). Queries open a connection that includes their replies. An error
 * belongs to the connection of the packet it quotes.
 */
import { applyDelta, checksumDelta, isIcmpChecksumRight } from '../../codecs/checksum.js';
import {
  ICMP_CHECKSUM_AT,
  ICMP_ERROR_TYPES,
  ICMP_ID_AT,
  ICMP_LENGTH,
  ICMP_TYPE_AT,
  IPPROTO_ICMP,
} from '../../codecs/layouts.js';
import { Hook } from '../hooks.js';
import type { Packet } from '../packet.js';
import { defineProtocol, Invalid, type PortSpace } from './protocol.js';
import { updateAny } from './update.js';

/** Queries and their replies (RFC 792; RFC 950, appendix I). The code may be anything. */
const QUERIES: readonly (readonly [query: number, reply: number])[] = [
  [8, 0],
  [13, 14],
  [15, 16],
  [17, 18],
];
/** The highest type that the kernel knows (NR_ICMP_TYPES). */
const MAX_TYPE = 18;

const NO_INVERSE = -1;
const INVERSE = new Int8Array(256).fill(NO_INVERSE);
const IS_QUERY = new Uint8Array(256);
for (const [query, reply] of QUERIES) {
  INVERSE[query] = reply;
  INVERSE[reply] = query;
  IS_QUERY[query] = 1;
}

/** Both ends of a query have the same ID. */
const ID_SPACE: PortSpace = { isShared: true, range: () => [0, 65_536] };

export const icmp = defineProtocol({
  number: IPPROTO_ICMP,
  name: 'icmp',
  listedTuple: 'query',
  timeouts: [[0, 'icmp_timeout', 30]],

  /** The ID is in the lower half, in wire order; type << 16, code << 24. */
  readTuple(view, l4, available) {
    if (available < ICMP_LENGTH) return undefined;
    return view.getUint16(l4 + ICMP_ID_AT, true) | (view.getUint16(l4 + ICMP_TYPE_AT, true) << 16);
  },
  invert(ports) {
    const type = INVERSE[(ports >>> 16) & 0xff];
    return type === NO_INVERSE ? undefined : (ports & 0xff00ffff) | (type << 16);
  },

  isError: (packet) => isIcmpError(packet.view.getUint8(packet.l4 + ICMP_TYPE_AT)),
  reachesChecksum,
  validate({ verifiesChecksums }, packet) {
    if (!reachesChecksum(packet)) return Invalid.HEADER;
    const { view, l4 } = packet;
    if (verifiesChecksums && packet.hook === Hook.PREROUTING && !packet.isCut) {
      if (!isIcmpChecksumRight(view, l4, packet.l4Length)) return Invalid.CHECKSUM;
    }
    return view.getUint8(l4 + ICMP_TYPE_AT) <= MAX_TYPE ? Invalid.NONE : Invalid.TYPE;
  },
  open(_tracker, _entry, { view, l4 }) {
    return IS_QUERY[view.getUint8(l4 + ICMP_TYPE_AT)] !== 0 ? Invalid.NONE : Invalid.NOT_OPENING;
  },
  update: updateAny,
  remark(_tracker, packet, fault) {
    if (fault === Invalid.CHECKSUM) return 'bad hw icmp checksum';
    if (fault === Invalid.TYPE) return 'invalid icmp type';
    // What is wrong with a packet that an error quotes is not logged.
    return fault === Invalid.HEADER && !reachesChecksum(packet) ? 'short packet' : undefined;
  },

  portSpace: ID_SPACE,
  mangle(view, l4, available, _manip, id) {
    if (available < ICMP_LENGTH) return false;
    if (INVERSE[view.getUint8(l4 + ICMP_TYPE_AT)] === NO_INVERSE) return true;
    const idAt = l4 + ICMP_ID_AT;
    const checksumAt = l4 + ICMP_CHECKSUM_AT;
    view.setUint16(checksumAt, applyDelta(view.getUint16(checksumAt), checksumDelta(view.getUint16(idAt), id)));
    view.setUint16(idAt, id);
    return true;
  },
});

function isIcmpError(type: number): boolean {
  return ICMP_ERROR_TYPES.includes(type);
}

function reachesChecksum(packet: Packet): boolean {
  return packet.l4Length >= ICMP_LENGTH && packet.l4Available >= ICMP_LENGTH;
}
