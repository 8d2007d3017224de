/** hot: UDP (RFC 768; kernel: nf_conntrack_proto_udp). Packets are tracked in wasm/conntrack/udp.ts. */
import { applyDelta, checksumDelta } from '../../codecs/checksum.js';
import { IPPROTO_UDP, UDP_CHECKSUM_AT, UDP_LENGTH, UDP_LENGTH_AT } from '../../codecs/layouts.js';
import { RECORD_F64, UDP_CONNECTION } from '../conntrack/record.js';
import type { Manip } from '../nat/range.js';
import type { Packet } from '../packet.js';
import { isChecksumBad, pseudoHeaderOffload } from './checksums.js';
import { portAt, WITH_PORTS } from './ports.js';
import { defineProtocol, Invalid, type Timeout, TrackResult } from './protocol.js';
import { forgetDatagram, largestSent } from './segment-size.js';
import { REPLIED, UNREPLIED } from './update.js';

/**
 * The first is for unanswered packets and a single request and reply, the second for streams. UDP-Lite uses the same.
 */
export const UDP_TIMEOUTS: readonly Timeout[] = [
  [UNREPLIED, 'udp_timeout', 30],
  [REPLIED, 'udp_timeout_stream', 120],
];

const CREATED_MS_F64 = UDP_CONNECTION.double.createdMs;

export const udp = defineProtocol({
  ...WITH_PORTS,
  number: IPPROTO_UDP,
  name: 'udp',
  timeouts: UDP_TIMEOUTS,
  setUp({ table, timeoutsMs }) {
    const { settings } = table.memory;
    settings.udpMs = timeoutsMs[UNREPLIED];
    settings.udpStreamMs = timeoutsMs[REPLIED];
  },

  reachesChecksum,
  // A checksum of 0 would mean that there is none.
  offload: pseudoHeaderOffload(IPPROTO_UDP, UDP_CHECKSUM_AT, 0xffff),
  validate({ verifiesChecksums }, packet) {
    if (!reachesChecksum(packet)) return Invalid.HEADER;
    if (!verifiesChecksums || packet.view.getUint16(packet.l4 + UDP_CHECKSUM_AT) === 0) return Invalid.NONE;
    return isChecksumBad(packet, IPPROTO_UDP) ? Invalid.CHECKSUM : Invalid.NONE;
  },
  open({ table }, entry, packet) {
    const { wasm, clock } = table.memory;
    clock.nowMs = packet.nowMs;
    wasm.udpOpen(entry);
    return Invalid.NONE;
  },
  remark: (_tracker, packet, fault) => datagramRemark(packet, fault, 'truncated/malformed packet'),
  /** A list does not tell the age: it is old enough for a stream. */
  restore({ table }, entry) {
    table.doubles[entry * RECORD_F64 + CREATED_MS_F64] = Number.NEGATIVE_INFINITY;
    return false;
  },
  update({ table }, entry, direction, packet) {
    const { wasm, clock } = table.memory;
    clock.nowMs = packet.nowMs;
    const known = packet.isCoalesced ? largestSent(table, entry, direction, IPPROTO_UDP) : 0;
    wasm.udpUpdate(entry, direction, packet.length);
    // A coalesced packet is no datagram of the sender.
    if (packet.isCoalesced) forgetDatagram(table, entry, direction, known);
    return TrackResult.ACCEPT;
  },

  /** A datagram without a checksum keeps having none. */
  mangle(view, l4, available, manip, port, addressDelta) {
    if (available < UDP_LENGTH) return false;
    if (view.getUint16(l4 + UDP_CHECKSUM_AT) === 0) view.setUint16(portAt(l4, manip), port);
    else mangleWithChecksum(view, l4, manip, port, addressDelta);
    return true;
  },
});

/** Rewrites the port and the checksum. A checksum that comes to 0 is written as 0xffff, as 0 means no checksum. */
export function mangleWithChecksum(view: DataView, l4: number, manip: Manip, port: number, addressDelta: number): void {
  const at = portAt(l4, manip);
  const checksumAt = l4 + UDP_CHECKSUM_AT;
  const delta = addressDelta + checksumDelta(view.getUint16(at), port);
  view.setUint16(at, port);
  view.setUint16(checksumAt, applyDelta(view.getUint16(checksumAt), delta) || 0xffff);
}

/** What the kernel logs about a PACKET that is INVALID because of FAULT; MALFORMED: if its lengths are wrong. */
export function datagramRemark(packet: Packet, fault: Invalid, malformed: string): string | undefined {
  if (fault === Invalid.CHECKSUM) return 'bad checksum';
  if (fault !== Invalid.HEADER) return undefined;
  return packet.l4Length < UDP_LENGTH || packet.l4Available < UDP_LENGTH ? 'short packet' : malformed;
}

function reachesChecksum(packet: Packet): boolean {
  const { view, l4, l4Length, l4Available } = packet;
  if (l4Length < UDP_LENGTH || l4Available < UDP_LENGTH) return false;
  const lengthBytes = view.getUint16(l4 + UDP_LENGTH_AT);
  return lengthBytes >= UDP_LENGTH && lengthBytes <= l4Length;
}
