/**
 * An element as `ipset add` names it, with what it carries. One record is filled again and again while a file is
 * loaded or saved: an object for each of a million elements would cost more than the set itself.
 */
import type { Address } from '../../codecs/address.js';
import type { HostOrderAddress } from '../../codecs/byte-order.js';

/** A number that was not given. */
export const NONE = -1;

export class Element {
  /** IPv4: the first address, and the last of a range; NONE if not given. */
  ip: HostOrderAddress = NONE;
  ipTo: HostOrderAddress = NONE;
  /** The length of its prefix; NONE if not given. */
  cidr = NONE;
  /** The second address. */
  ip2: HostOrderAddress = NONE;
  ip2To: HostOrderAddress = NONE;
  cidr2 = NONE;
  /** IPv6: the same two addresses. */
  ip6: Address | undefined = undefined;
  ip6Second: Address | undefined = undefined;
  /** Ports in host order (ICMP: type × 256 + code), and the protocol. */
  port = NONE;
  portTo = NONE;
  proto = NONE;
  /** 48 bits. */
  mac = NONE;
  mark = NONE;
  /** The interface's name; `physdev:` before it; `wildcard` after it. */
  iface = '';
  isPhysdev = false;
  isWildcard = false;
  /** list:set: the member, and the one that it goes before or after. */
  set = '';
  neighbour = '';
  isBefore = false;
  isNomatch = false;
  /** In seconds; 0: permanent; NONE: not given. */
  timeout = NONE;
  /** Counters; undefined: not given. */
  packets: bigint | undefined = undefined;
  bytes: bigint | undefined = undefined;
  comment: string | undefined = undefined;
  /** skbinfo; NONE: not given. */
  skbMark = NONE;
  skbMarkMask = NONE;
  skbPrio = NONE;
  skbQueue = NONE;

  clear(): void {
    this.ip = NONE;
    this.ipTo = NONE;
    this.cidr = NONE;
    this.ip2 = NONE;
    this.ip2To = NONE;
    this.cidr2 = NONE;
    this.ip6 = undefined;
    this.ip6Second = undefined;
    this.port = NONE;
    this.portTo = NONE;
    this.proto = NONE;
    this.mac = NONE;
    this.mark = NONE;
    this.iface = '';
    this.isPhysdev = false;
    this.isWildcard = false;
    this.set = '';
    this.neighbour = '';
    this.isBefore = false;
    this.clearExtensions();
  }

  private clearExtensions(): void {
    this.isNomatch = false;
    this.timeout = NONE;
    this.packets = undefined;
    this.bytes = undefined;
    this.comment = undefined;
    this.skbMark = NONE;
    this.skbMarkMask = NONE;
    this.skbPrio = NONE;
    this.skbQueue = NONE;
  }
}
