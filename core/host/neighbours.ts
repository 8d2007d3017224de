/** hot: MAC addresses of next hops. */
import type { Address } from '../../codecs/address.js';
import type { LoadedAddress } from '../../codecs/byte-order.js';
import { AddressType } from './address-type.js';
import type { Interface } from './interfaces.js';

const MAC_BYTES = 6;
/** How many next hops with an assumed MAC are remembered. */
const MAX_ASSUMED = 1000;
const CACHE_SLOTS = 1024;

export class Neighbours {
  /** The neighbours named in the description, by interface and address. */
  private readonly known: Map<number, Uint8Array>[] = [];
  /** Those with IPv6 addresses, by interface and address. */
  private readonly ipv6 = new Map<string, Uint8Array>();
  /** A cache of recent next hops. Each slot has an address, an interface + 1, and the MAC. */
  private readonly keys = new Int32Array(2 * CACHE_SLOTS);
  private readonly macs = new Uint8Array(MAC_BYTES * CACHE_SLOTS);
  /** Next hops so far that the description does not include: interface * 2^32 + address (as loaded). */
  private unknown = new Set<number>();

  constructor(
    private readonly interfaces: readonly Interface[],
    private readonly addressType: (address: LoadedAddress, dev: number) => AddressType,
  ) {}

  /** Goes on from what was assumed of the host BEFORE it changed. */
  continueFrom(before: Neighbours): void {
    this.unknown = before.unknown;
  }

  add(dev: number, address: LoadedAddress, mac: Uint8Array): void {
    this.known[dev] ??= new Map();
    this.known[dev].set(address, mac);
  }

  addIpv6(dev: number, address: Address, mac: Uint8Array): void {
    this.ipv6.set(`${dev} ${address}`, mac);
  }

  /** The MAC of a gateway with an IPv6 address: 02:00 + the last four bytes of ADDRESS if it is not described. */
  macOfIpv6(dev: number, address: Address): Uint8Array {
    return this.ipv6.get(`${dev} ${address}`) ?? Uint8Array.from([2, 0, ...address.bytes.subarray(-4)]);
  }

  /**
   * Writes the six bytes of the MAC of NEXT_HOP on interface DEV to INTO[AT]: the neighbour's, or a broadcast or
   * multicast one (arp_constructor), or 02:00 + the IPv4 address if the description does not include the neighbour.
   */
  writeMac(dev: number, nextHop: LoadedAddress, into: Uint8Array, at: number): void {
    const { keys, macs } = this;
    const slot = (Math.imul(nextHop ^ dev, 0x9e3779b1) >>> 22) & (CACHE_SLOTS - 1);
    const from = slot * MAC_BYTES;
    if (keys[2 * slot] !== nextHop || keys[2 * slot + 1] !== dev + 1) {
      keys[2 * slot] = nextHop;
      keys[2 * slot + 1] = dev + 1;
      this.resolve(dev, nextHop, from);
    }
    for (let i = 0; i < MAC_BYTES; i++) into[at + i] = macs[from + i];
  }

  private resolve(dev: number, nextHop: LoadedAddress, at: number): void {
    const { macs } = this;
    const known = this.known[dev]?.get(nextHop);
    const type = this.addressType(nextHop, -1);
    const { mac, linkLength, isArpless } = this.interfaces[dev];
    // An interface without link header has a MAC of zeros.
    if (linkLength === 0) macs.set(mac, at);
    else if (known !== undefined) macs.set(known, at);
    else if (isArpless && type !== AddressType.MULTICAST) macs.set(mac, at);
    else if (type === AddressType.BROADCAST) macs.fill(0xff, at, at + MAC_BYTES);
    else if (type === AddressType.MULTICAST) writeMulticast(macs, at, nextHop);
    else {
      writeUnknown(macs, at, nextHop);
      if (this.unknown.size < MAX_ASSUMED) this.unknown.add(dev * 2 ** 32 + (nextHop >>> 0));
    }
  }

  /** The next hops so far, at most 1,000, whose MAC was assumed. */
  assumed(): { dev: number; address: LoadedAddress; mac: Uint8Array }[] {
    return [...this.unknown].map((key) => {
      const address = key | 0;
      const mac = new Uint8Array(MAC_BYTES);
      writeUnknown(mac, 0, address);
      return { dev: Math.floor(key / 2 ** 32), address, mac };
    });
  }
}

/** RFC 1112 section 6.4: the low 23 bits of the group. */
function writeMulticast(macs: Uint8Array, at: number, group: LoadedAddress): void {
  macs[at] = 0x01;
  macs[at + 1] = 0x00;
  macs[at + 2] = 0x5e;
  macs[at + 3] = (group >>> 8) & 0x7f;
  macs[at + 4] = group >>> 16;
  macs[at + 5] = group >>> 24;
}

function writeUnknown(macs: Uint8Array, at: number, address: LoadedAddress): void {
  macs[at] = 0x02;
  macs[at + 1] = 0x00;
  for (let i = 0; i < 4; i++) macs[at + 2 + i] = address >>> (8 * i);
}
