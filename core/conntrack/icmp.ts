/** hot: the ICMP tracker, of queries and their replies (kernel: nf_conntrack_proto_icmp). Errors are told apart before. */

import { isIcmpChecksumRight } from '../../codecs/checksum.js';
import { ICMP_TYPE_AT } from '../../codecs/layouts.js';
import { Hook } from '../hooks.js';
import type { Direction, Packet } from '../packet.js';
import { reachesChecksum } from './checksums.js';
import type { ConntrackTable } from './table.js';
import type { Timeouts } from './timeouts.js';
import { type L4Tracker, TrackResult } from './tracker.js';

const ECHO = 8;
const TIMESTAMP = 13;
const INFORMATION = 15;
const ADDRESS_MASK = 17;
/** The highest type that the kernel knows (NR_ICMP_TYPES). */
const MAX_TYPE = 18;

export class IcmpTracker implements L4Tracker {
  readonly #table: ConntrackTable;
  readonly #timeouts: Timeouts;
  readonly #checksum: boolean;

  /** CHECKSUM: net.netfilter.nf_conntrack_checksum. */
  constructor(table: ConntrackTable, timeouts: Timeouts, checksum: boolean) {
    this.#table = table;
    this.#timeouts = timeouts;
    this.#checksum = checksum;
  }

  isValid(packet: Packet): boolean {
    if (!reachesChecksum(packet)) return false;
    if (this.#checksum && packet.hook === Hook.PREROUTING && !packet.isCut) {
      if (!isIcmpChecksumRight(packet.view, packet.l4, packet.l4Length)) return false;
    }
    return packet.view.getUint8(packet.l4 + ICMP_TYPE_AT) <= MAX_TYPE;
  }

  /** Only queries open a connection, with any code (RFC 792; RFC 950, appendix I). */
  open(_entry: number, packet: Packet): boolean {
    const type = packet.view.getUint8(packet.l4 + ICMP_TYPE_AT);
    return type === ECHO || type === TIMESTAMP || type === INFORMATION || type === ADDRESS_MASK;
  }

  update(entry: number, direction: Direction, packet: Packet): TrackResult {
    this.#table.account(entry, direction, packet.length);
    this.#table.refresh(entry, packet.nowMs, this.#timeouts.icmpMs);
    return TrackResult.ACCEPT;
  }
}
