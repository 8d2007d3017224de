/**
 * hot: the last stage of a packet: transmission by an interface with an Ethernet header, whole or fragmented
 * (ip_finish_output).
 */
import { ETHERNET_LENGTH, ETHERNET_SOURCE_AT, ETHERNET_TYPE_AT, ETHERTYPE_IPV4 } from '../../codecs/layouts.js';
import type { EmulatorOutput } from '../emulator.js';
import { LinkHeader } from '../flow/link-header.js';
import { Fragmenter, type FragmentSink } from '../fragments/fragment.js';
import type { FragmentGeometry } from '../fragments/geometry.js';
import type { Host } from '../host/host.js';
import { unfinishChecksum } from '../offload/checksums.js';
import { Segmenter } from '../offload/segmenter.js';
import type { Packet } from '../packet.js';

/** A fragment: BYTES are its available bytes, LENGTH its total length. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly length: number;
}

export class Egress {
  /** The Ethernet header of the last packet sent. */
  readonly link = new LinkHeader();
  readonly #host: Host;
  readonly #output: EmulatorOutput;
  /** How the most recently reassembled packet was fragmented. */
  readonly #geometry: FragmentGeometry;
  readonly #fragmenter = new Fragmenter();
  readonly #segmenter = new Segmenter();
  readonly #emitFragment: FragmentSink;
  #dev = -1;

  constructor(host: Host, geometry: FragmentGeometry, output: EmulatorOutput) {
    this.#host = host;
    this.#geometry = geometry;
    this.#output = output;
    this.#emitFragment = (bytes, at, length, available) => this.#emit(bytes, at, available, length);
    this.link.bytes[ETHERNET_TYPE_AT] = ETHERTYPE_IPV4 >> 8;
  }

  /** Sends PACKET out of the interface it is routed to. */
  transmit(packet: Packet, isCut: boolean): void {
    const { bytes } = this.link;
    const { mac } = this.#host.interfaces[packet.routeDev];
    this.#dev = packet.routeDev;
    if (packet.nextHopMac === undefined || this.#host.interfaces[this.#dev].linkLength === 0)
      this.#host.writeMac(this.#dev, packet.nextHop, bytes, 0);
    else bytes.set(packet.nextHopMac);
    bytes.set(mac, ETHERNET_SOURCE_AT);
    if (packet.segmentLength > 0) this.#sendSegments(packet, isCut, packet.routeMtu);
    else this.#send(packet, isCut, packet.routeMtu);
  }

  /** A method of its own, as a function with a closure allocates whenever it is called. */
  #sendSegments(packet: Packet, isCut: boolean, mtu: number): void {
    this.#segmenter.cut(packet, (segment) => this.#send(segment, isCut, mtu));
  }

  #send(packet: Packet, isCut: boolean, mtu: number): void {
    if (isCut) {
      // A copy shares the fragments with the packet, so the kernel cuts it anew.
      const geometry = packet.teeDev >= 0 ? null : this.#geometry;
      this.#fragmenter.fragment(packet, mtu, geometry, this.#emitFragment);
      return;
    }
    // Without its missing bytes, it cannot be finished.
    if (packet.isCut) unfinishChecksum(packet);
    this.#emit(packet.bytes, packet.at, packet.available, packet.length);
  }

  /** The fragments PACKET would be sent as. */
  piecesOf(packet: Packet): Piece[] {
    const pieces: Piece[] = [];
    this.#fragmenter.fragment(packet, packet.routeMtu, this.#geometry, (bytes, at, length, available) =>
      pieces.push({ bytes: bytes.slice(at, at + available), length }),
    );
    return pieces;
  }

  /** Sends the packet at AT, with the Ethernet header before it. */
  #emit(bytes: Uint8Array, at: number, available: number, length: number): void {
    const start = at - ETHERNET_LENGTH;
    for (let i = 0; i < ETHERNET_LENGTH; i++) bytes[start + i] = this.link.bytes[i];
    const { linkLength } = this.#host.interfaces[this.#dev];
    this.#output.egress(this.#dev, bytes, at - linkLength, available + linkLength, length + linkLength);
  }
}
