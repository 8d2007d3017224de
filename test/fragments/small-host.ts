/** The host of the recordings, reduced to what these tests need: no rules, no conntrack, two links. */
import { updateChecksum } from '../../codecs/checksum.js';
import { IPV4_CHECKSUM_AT, IPV4_LENGTH, IPV4_TTL_AT } from '../../codecs/layouts.js';
import { answerDestination } from '../../core/answers/echo-options.js';
import {
  buildIcmpError,
  FRAGMENTATION_NEEDED,
  type IcmpError,
  mayAnswer,
  PARAMETER_PROBLEM,
  parameterPointer,
  TTL_EXCEEDED,
} from '../../core/answers/icmp-error.js';
import { forwardOptions, IpOptions, type OptionsHost, processOptions } from '../../core/answers/ip-options.js';
import { isFragment } from '../../core/decode.js';
import { exceedsMtu, FragmentAction, Fragmenter, fragmentAction } from '../../core/fragments/fragment.js';
import { FragmentQueues, FragmentUser, Reassembly } from '../../core/fragments/reassemble.js';
import { Packet } from '../../core/packet.js';
import type { Recording } from './recording.js';

/** Own addresses, as loaded little-endian. */
const ETH0_ADDRESS = 0x0a0200c0; // 192.0.2.10
const LAN_ADDRESS = 0x0100000a; // 10.0.0.1
const LAN_NETWORK = 10;
const TTL = 64;
const ETH0_MTU = 9000;

export class SmallHost implements OptionsHost {
  readonly queues: FragmentQueues;
  private readonly fragmenter = new Fragmenter();
  private readonly packet = new Packet();
  private readonly answer = packetIn(new Uint8Array(1024), 0, 0, 0);
  private readonly options = new IpOptions();
  private outputs: string[] = [];

  constructor(private readonly recording: Pick<Recording, 'lanMtu' | 'isLocal' | 'sysctl'>) {
    const { sysctl } = recording;
    this.queues = new FragmentQueues({
      maxDist: sysctl['net.ipv4.ipfrag_max_dist'] ?? 64,
      highThreshBytes: sysctl['net.ipv4.ipfrag_high_thresh'] ?? 4 << 20,
    });
  }

  /**
   * Receives a packet at NOW_MS; returns the outputs in the form of recordings. AVAILABLE: its length after truncation
   * by a snaplen.
   */
  take(bytes: Uint8Array, nowMs: number, available = bytes.length): string[] {
    this.outputs = [];
    const { packet } = this;
    load(packet, bytes, available);
    packet.nowMs = nowMs;
    packet.isLocal = this.recording.isLocal;
    const user = packet.isLocal ? FragmentUser.CONNTRACK_OUT : FragmentUser.CONNTRACK_IN;
    if (!isFragment(packet) || this.queues.add(packet, user) === Reassembly.COMPLETE) this.route();
    return this.outputs;
  }

  private route(): void {
    const { packet, options } = this;
    options.clear();
    if (packet.isLocal) {
      this.leave();
      return;
    }
    if (packet.headerLength > IPV4_LENGTH) {
      if (!processOptions(packet, options, this)) {
        this.answerWith(PARAMETER_PROBLEM, parameterPointer(options.errorPointer));
        return;
      }
      if (options.hasSourceRoute) return;
    }
    if (packet.destination === ETH0_ADDRESS || packet.destination === LAN_ADDRESS) {
      this.output('local', packet.bytes, packet.at, packet.available);
      return;
    }
    this.forward();
  }

  private forward(): void {
    const { packet, options, recording } = this;
    const { view, at } = packet;
    if (view.getUint8(at + IPV4_TTL_AT) <= 1) {
      this.answerWith(TTL_EXCEEDED, 0);
      return;
    }
    if (exceedsMtu(packet, recording.lanMtu)) {
      this.answerWith(FRAGMENTATION_NEEDED, recording.lanMtu);
      return;
    }
    const old = view.getUint16(at + IPV4_TTL_AT);
    view.setUint16(at + IPV4_TTL_AT, old - 0x100);
    const checksum = updateChecksum(view.getUint16(at + IPV4_CHECKSUM_AT), old, old - 0x100);
    view.setUint16(at + IPV4_CHECKSUM_AT, checksum);
    if (options.length > 0) forwardOptions(packet, options, () => LAN_ADDRESS);
    this.leave();
  }

  private leave(): void {
    const { packet, recording } = this;
    const action = fragmentAction(packet, recording.lanMtu);
    if (action === FragmentAction.SEND_WHOLE) this.output('lan', packet.bytes, packet.at, packet.available);
    if (action !== FragmentAction.FRAGMENT) return;
    this.fragmenter.fragment(packet, recording.lanMtu, this.queues.geometry, (bytes, at, _length, available) =>
      this.output('lan', bytes, at, available),
    );
  }

  private answerWith(error: IcmpError, info: number): void {
    const { packet, answer, options, recording } = this;
    if (!mayAnswer(packet, false)) return;
    const isForLan = (answerDestination(packet, options) & 0xff) === LAN_NETWORK;
    const dev = isForLan ? 'lan' : 'eth0';
    const isForHost = packet.destination === ETH0_ADDRESS || packet.destination === LAN_ADDRESS;
    const source = isForHost ? packet.destination : isForLan ? LAN_ADDRESS : ETH0_ADDRESS;
    const route = { source, ttl: TTL, mtu: isForLan ? recording.lanMtu : ETH0_MTU };
    if (buildIcmpError(answer, error, info, packet, options, route, this) > 0) {
      this.output(dev, answer.bytes, answer.at, answer.available);
    }
  }

  private output(dev: string, bytes: Uint8Array, at: number, length: number): void {
    this.outputs.push(`${dev}:${Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('hex')}`);
  }

  ownAddressFor({ destination }: Packet): number {
    return destination === LAN_ADDRESS ? LAN_ADDRESS : ETH0_ADDRESS;
  }

  isRemote(address: number): boolean {
    return address !== ETH0_ADDRESS && address !== LAN_ADDRESS;
  }

  millisecondsOfDay(): number {
    return 0;
  }
}

/** A packet record for LENGTH bytes at AT, of which AVAILABLE are present. */
export function packetIn(bytes: Uint8Array, at: number, length: number, available: number): Packet {
  const packet = new Packet();
  packet.bytes = bytes;
  packet.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  packet.at = at;
  packet.length = length;
  packet.available = available;
  return packet;
}

/** Points PACKET to BYTES, an IP packet of which AVAILABLE bytes are present. */
export function load(packet: Packet, bytes: Uint8Array, available = bytes.length): void {
  packet.bytes = bytes;
  packet.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  packet.at = 0;
  packet.length = bytes.length;
  packet.available = available;
  packet.headerLength = (bytes[0] & 15) * 4;
  packet.fragmentMaxSize = 0;
  packet.fragmentHadDf = false;
  packet.reload();
}
