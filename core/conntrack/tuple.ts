/** hot: reads the tuple of a packet. */
import {
  IPV4_DESTINATION_AT,
  IPV4_FRAGMENT_AT,
  IPV4_LENGTH,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
} from '../../codecs/layouts.js';
import { protocolOf } from '../protocols/registry.js';

/** A tuple (struct nf_conntrack_tuple) in a reusable record. record.ts describes its words. */
export class Tuple {
  source = 0;
  destination = 0;
  ports = 0;
  protocol = 0;

  /**
   * Reads the tuple of the IPv4 packet at AT, which has AVAILABLE bytes. Returns false if there is none: a fragment
   * other than the first, or a truncated layer-4 header (nf_ct_get_tuplepr).
   */
  read(view: DataView, at: number, available: number): boolean {
    if (available < IPV4_LENGTH) return false;
    const headerLength = (view.getUint8(at) & 15) << 2;
    if ((view.getUint16(at + IPV4_FRAGMENT_AT) & IPV4_OFFSET_MASK) !== 0) return false;
    this.source = view.getInt32(at + IPV4_SOURCE_AT, true);
    this.destination = view.getInt32(at + IPV4_DESTINATION_AT, true);
    this.protocol = view.getUint8(at + IPV4_PROTOCOL_AT);
    const ports = protocolOf(this.protocol).readTuple(view, at + headerLength, available - headerLength);
    if (ports === undefined) return false;
    this.ports = ports;
    return true;
  }

  /** Inverts the tuple. Returns false if the protocol has no inverse for it (nf_ct_invert_tuple). */
  invert(): boolean {
    const ports = protocolOf(this.protocol).invert(this.ports);
    if (ports === undefined) return false;
    const { source } = this;
    this.source = this.destination;
    this.destination = source;
    this.ports = ports;
    return true;
  }
}

/** The ports word of the inverse tuple. Every tuple in the table has one. */
export function invertPorts(ports: number, protocol: number): number {
  return protocolOf(protocol).invert(ports) ?? 0;
}
