/**
 * hot: assigns each packet of a capture of whole conversations to the interface by which it would enter the host.
 */
import { type Address, prefixMask } from '../codecs/address.js';
import type { LoadedAddress } from '../codecs/byte-order.js';
import { addressSum, fold, pseudoHeaderSum, updateChecksum } from '../codecs/checksum.js';
import type { HostDescription } from '../codecs/host/description.js';
import {
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_CHECKSUM_AT,
  IPV4_DESTINATION_AT,
  IPV4_FRAGMENT_AT,
  IPV4_MF,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  IPV4_TOTAL_LENGTH_AT,
  TCP_CHECKSUM_AT,
  UDP_CHECKSUM_AT,
} from '../codecs/layouts.js';
import type { KeyedHash } from '../core/keyed-hash.js';
import { swapPorts } from '../core/protocols/ports.js';
import { TupleMap } from './tuple-map.js';

/** Results of `place` besides an interface index: the host itself is the sender; no interface leads to the sender. */
export const STITCH_LOCAL = -1;
export const STITCH_NOWHERE = -2;

/** A network reached through an interface. */
export interface StitchRoute {
  network: LoadedAddress;
  prefixLength: number;
  dev: number;
}

/** An IPv4 header and a UDP header: shorter packets have no tuple here. */
const MIN_TUPLE_BYTES = 28;

/** The words of a key in `#translated`: what a tuple in the capture is rewritten to. */
const TO_SOURCE = 0;
const TO_DESTINATION = 1;
const TO_PORTS = 2;
const TRANSLATION_WORDS = 3;

/**
 * A capture taken outside the host shows each conversation from one side of the host only. A packet enters by the
 * interface through which the host routes to its sender. If the host has translated a packet, the receiver answers the
 * translated packet, so the reply in the capture is first rewritten to match the translation.
 *
 * Translations are learned from the output of the emulator: call `place` for a packet, then `learn` for each of its
 * outputs. Nothing is allocated per packet.
 */
export class Stitcher {
  readonly #own: Int32Array;
  readonly #networks: Int32Array;
  readonly #masks: Int32Array;
  readonly #devs: Int32Array;

  readonly #translated: TupleMap;

  // The tuple of the packet placed last, as captured. Protocol 0: it has none, or its reply is already known.
  #source = 0;
  #destination = 0;
  #ports = 0;
  #protocol = 0;

  // The tuple read last.
  #readSource = 0;
  #readDestination = 0;
  #readPorts = 0;
  #readProtocol = 0;

  // Consecutive outputs are mostly in the same buffer.
  #lastBytes: Uint8Array = new Uint8Array(0);
  #lastView: DataView = new DataView(this.#lastBytes.buffer);

  /**
   * @param own the host's own addresses, as loaded little-endian
   * @param routes its networks and routes; of equally long prefixes, the first wins
   */
  constructor(own: readonly number[], routes: readonly StitchRoute[], hash?: KeyedHash) {
    this.#translated = new TupleMap(TRANSLATION_WORDS, hash);
    const longestFirst = [...routes].sort((a, b) => b.prefixLength - a.prefixLength);
    const masks = longestFirst.map(({ prefixLength }) => prefixMask('ipv4', prefixLength).loaded);
    this.#own = Int32Array.from(own);
    this.#networks = Int32Array.from(longestFirst, ({ network }, i) => network & masks[i]);
    this.#masks = Int32Array.from(masks);
    this.#devs = Int32Array.from(longestFirst, ({ dev }) => dev);
  }

  /**
   * Returns where the IPv4 packet at AT enters: the index of an interface, STITCH_LOCAL or STITCH_NOWHERE. Rewrites a
   * reply to a translated packet in place. LENGTH: how many bytes of the packet are present, at least a header.
   */
  place(view: DataView, at: number, length: number): number {
    this.#protocol = 0;
    if (this.#read(view, at, length)) {
      const seen = this.#translated.find(this.#readSource, this.#readDestination, this.#readPorts, this.#readProtocol);
      this.#expectTranslation();
      if (seen >= 0) this.#rewrite(view, at, length, seen);
    }
    return this.#deviceTowards(view.getInt32(at + IPV4_SOURCE_AT, true));
  }

  /**
   * Learns the translation of the packet placed last from the IPv4 packet at AT, which the host sent in its place.
   */
  learn(bytes: Uint8Array, at: number, length: number): void {
    if (this.#protocol === 0) return;
    if (!this.#read(this.#viewOf(bytes), at, length) || this.#readProtocol !== this.#protocol) return;
    const translated = this.#translated;
    const to = translated.insert(this.#destination, this.#source, swapPorts(this.#ports), this.#protocol);
    translated.words[to + TO_SOURCE] = this.#readDestination;
    translated.words[to + TO_DESTINATION] = this.#readSource;
    translated.words[to + TO_PORTS] = swapPorts(this.#readPorts);
    this.#protocol = 0;
  }

  #viewOf(bytes: Uint8Array): DataView {
    if (bytes !== this.#lastBytes) {
      this.#lastBytes = bytes;
      this.#lastView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    return this.#lastView;
  }

  /** Reads the tuple of an unfragmented TCP or UDP packet; returns false for any other packet. */
  #read(view: DataView, at: number, length: number): boolean {
    if (length < MIN_TUPLE_BYTES) return false;
    const protocol = view.getUint8(at + IPV4_PROTOCOL_AT);
    if (protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP) return false;
    if ((view.getUint16(at + IPV4_FRAGMENT_AT) & (IPV4_MF | IPV4_OFFSET_MASK)) !== 0) return false;
    const headerLength = (view.getUint8(at) & 15) * 4;
    if (length < headerLength + 4) return false;
    this.#readSource = view.getInt32(at + IPV4_SOURCE_AT, true);
    this.#readDestination = view.getInt32(at + IPV4_DESTINATION_AT, true);
    this.#readPorts = view.getInt32(at + headerLength, true);
    this.#readProtocol = protocol;
    return true;
  }

  /** Makes the next `learn` record the translation of the tuple read last, unless it is already known. */
  #expectTranslation(): void {
    const ports = swapPorts(this.#readPorts);
    if (this.#translated.find(this.#readDestination, this.#readSource, ports, this.#readProtocol) >= 0) return;
    this.#source = this.#readSource;
    this.#destination = this.#readDestination;
    this.#ports = this.#readPorts;
    this.#protocol = this.#readProtocol;
  }

  /**
   * Sets addresses and ports to the words at TO. Checksums are updated incrementally, so a bad one stays bad, and one
   * that was left to the network card stays unfinished.
   */
  #rewrite(view: DataView, at: number, length: number, to: number): void {
    const { words } = this.#translated;
    const l4 = at + (view.getUint8(at) & 15) * 4;
    const source = words[to + TO_SOURCE];
    const destination = words[to + TO_DESTINATION];
    const ports = words[to + TO_PORTS];
    const oldSum = addressSum(this.#readSource) + addressSum(this.#readDestination);
    const newSum = addressSum(source) + addressSum(destination);

    const unfinished = this.#unfinishedChecksum(view, at, l4);
    view.setInt32(at + IPV4_SOURCE_AT, source, true);
    view.setInt32(at + IPV4_DESTINATION_AT, destination, true);
    view.setInt32(l4, ports, true);
    const checksumAt = at + IPV4_CHECKSUM_AT;
    view.setUint16(checksumAt, updateChecksum(view.getUint16(checksumAt), oldSum, newSum));

    const isUdp = this.#readProtocol === IPPROTO_UDP;
    const l4ChecksumAt = l4 + (isUdp ? UDP_CHECKSUM_AT : TCP_CHECKSUM_AT);
    if (l4ChecksumAt + 2 > at + length) return;
    const checksum = view.getUint16(l4ChecksumAt);
    // A UDP datagram without a checksum stays without one (RFC 768).
    if (isUdp && checksum === 0) return;
    if (checksum === unfinished) {
      view.setUint16(l4ChecksumAt, this.#unfinishedChecksum(view, at, l4));
      return;
    }
    // Two ports add up like an address: two 16-bit words.
    const oldPorts = addressSum(this.#readPorts);
    view.setUint16(l4ChecksumAt, updateChecksum(checksum, oldSum + oldPorts, newSum + addressSum(ports)));
  }

  /** The checksum of the segment at L4 if it was left to the network card: the sum of its pseudo header. */
  #unfinishedChecksum(view: DataView, at: number, l4: number): number {
    const length = view.getUint16(at + IPV4_TOTAL_LENGTH_AT) - (l4 - at);
    return fold(pseudoHeaderSum(view, at, this.#readProtocol, length));
  }

  #deviceTowards(source: number): number {
    const own = this.#own;
    for (let i = 0; i < own.length; i++) if (own[i] === source) return STITCH_LOCAL;
    const networks = this.#networks;
    for (let i = 0; i < networks.length; i++) if ((source & this.#masks[i]) === networks[i]) return this.#devs[i];
    return STITCH_NOWHERE;
  }
}

/** A stitcher for the described host. INDEX_OF returns the index of an interface by name. */
export function createStitcher({ links, routes }: HostDescription, indexOf: (name: string) => number): Stitcher {
  const isIpv4 = (address: Address): boolean => address.family === 'ipv4';
  const own = links.flatMap(({ addresses }) => addresses.map(({ local }) => local).filter(isIpv4));
  const loaded = own.map((address) => address.loaded);
  const networks = links.flatMap(({ name, isLoopback, addresses }) =>
    isLoopback
      ? []
      : addresses
          .filter(({ local }) => isIpv4(local))
          .map(({ local, prefixLength }) => ({ network: local.loaded, prefixLength, dev: indexOf(name) })),
  );
  const routed = routes.flatMap(({ type, dev, destination, prefixLength }) =>
    type === 'unicast' && dev !== undefined && isIpv4(destination)
      ? [{ network: destination.loaded, prefixLength, dev: indexOf(dev) }]
      : [],
  );
  return new Stitcher(loaded, [...networks, ...routed]);
}
