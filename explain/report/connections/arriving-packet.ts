/** hot: the tuple of a packet that is about to enter the host, and that of the packet which it quotes. */
import {
  ICMP_ERROR_TYPES,
  ICMP_LENGTH,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPV4_DESTINATION_AT,
  IPV4_LENGTH,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  TCP_ACK,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_RST,
  TCP_SEQUENCE_AT,
  TCP_SYN,
} from '../../../codecs/layouts.js';
import { Tuple } from '../../../core/conntrack/tuple.js';
import type { Frame } from '../../../core/link/frame.js';
import { IpLocation, locateIp } from '../../../core/link/locate-ip.js';
import { fragmentOf } from '../../capture/fragment-key.js';

/** Set in the protocol word of packets whose ports are not known: their header is cut, or the first fragment missing. */
export const NO_PORTS = 1 << 8;

export class ArrivingPacket {
  /** Its tuple. If its ports are not known, they are 0, and its protocol has NO_PORTS. */
  readonly tuple = new Tuple();
  /** What it has in common with other fragments; '': it is none. */
  fragment = '';
  /** It has a tuple: it is a packet of IPv4. */
  hasTuple = false;
  hasPorts = false;
  /** It is an ICMP error about a packet of which `quoted` is the tuple. */
  isError = false;
  readonly quoted = new Tuple();
  /** It is a TCP segment that can only open a connection. Its sequence number. */
  isOpener = false;
  sequence = 0;
  readonly #location = new IpLocation();

  read(frame: Frame): void {
    const { tuple } = this;
    const location = this.#location;
    this.fragment = '';
    this.hasTuple = false;
    this.hasPorts = false;
    this.isError = false;
    this.isOpener = false;
    if (!locateIp(frame, location) || location.captured < IPV4_LENGTH) return;
    const { view } = frame;
    const { at, captured } = location;
    this.hasTuple = true;
    this.fragment = fragmentOf(frame, at);
    this.hasPorts = tuple.read(view, at, captured);
    if (!this.hasPorts) {
      tuple.source = view.getInt32(at + IPV4_SOURCE_AT, true);
      tuple.destination = view.getInt32(at + IPV4_DESTINATION_AT, true);
      tuple.ports = 0;
      tuple.protocol = view.getUint8(at + IPV4_PROTOCOL_AT) | NO_PORTS;
      return;
    }
    const l4 = at + ((view.getUint8(at) & 15) << 2);
    if (tuple.protocol === IPPROTO_TCP) this.#readTcp(view, l4, at + captured - l4);
    else if (tuple.protocol === IPPROTO_ICMP && ICMP_ERROR_TYPES.includes(view.getUint8(l4)))
      this.isError = this.quoted.read(view, l4 + ICMP_LENGTH, at + captured - l4 - ICMP_LENGTH);
  }

  #readTcp(view: DataView, l4: number, available: number): void {
    if (available < TCP_LENGTH) return;
    this.isOpener = (view.getUint8(l4 + TCP_FLAGS_AT) & (TCP_SYN | TCP_ACK | TCP_RST)) === TCP_SYN;
    this.sequence = view.getUint32(l4 + TCP_SEQUENCE_AT) | 0;
  }
}
