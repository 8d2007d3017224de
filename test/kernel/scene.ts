/**
 * A scene is one conversation of a case, written as a coroutine: it yields a frame to send and is resumed with the
 * host's output, so that the other side can answer what it actually received.
 */
import { IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_TCP } from '../../codecs/layouts.js';
import { buildFrame } from '../packets/packets.js';
import type { ChangeText } from './change.js';
import type { Prng } from './prng.js';
import { LOCAL, type Output } from './router.js';
import { leftToCard } from './virtio-header.js';
import { deviceTowards, macOf, neighbourMac, type Party, type World } from './world.js';

/** A frame to arrive on DEV; for `local`, a bare IP packet. */
export interface Shot {
  dev: string;
  frame: Uint8Array;
  /** How much time passes before it, besides the usual millisecond. */
  afterMs?: number;
  /** What changes on the host before it. */
  changes?: readonly ChangeText[];
}

export type Scene = Generator<Shot, void, Output[]>;

/** What all scenes of a case share. */
export interface Stage {
  world: World;
  prng: Prng;
  /** The IP packets sent so far, with where they were seen, for ICMP errors. The latest are last. */
  seen: { dev: string; packet: Buffer }[];
  /** Probability of a deliberate fault in a packet. */
  oddity: number;
  /** Probability that a sender leaves a checksum to its network card. */
  offload: number;
  /** How many coalesced conversations there were. */
  coalesced: number;
  /** Real time passes as in the captures. */
  isPaced?: boolean;
}

/** One end of a flow, as that end sees it. */
export interface Side {
  dev: string;
  address: number;
  port: number;
  peerAddress: number;
  peerPort: number;
}

/** PACKET as PARTY would send it on its link. */
export function shotOf(stage: Stage, party: Party, packet: Buffer): Shot {
  const { world, prng } = stage;
  if (party.dev === LOCAL) return { dev: LOCAL, frame: packet };
  const destination = packet.length >= 20 ? packet.readUInt32BE(16) : 0;
  const isBroadcast = destination === 0xffffffff || prng.chance(stage.oddity * 0.1);
  const isMulticast = destination >>> 28 === 14;
  const broadcast = Uint8Array.of(255, 255, 255, 255, 255, 255);
  const multicast = Uint8Array.of(1, 0, 0x5e, (destination >>> 16) & 127, (destination >>> 8) & 255, destination & 255);
  const to = isBroadcast ? broadcast : isMulticast ? multicast : macOf(world, party.dev);
  const sent = stage.offload > 0 && prng.chance(stage.offload) ? leftToCard(packet) : packet;
  const frame = buildFrame(to, neighbourMac(world, party.dev, party.address), sent, prng.chance(0.15));
  return { dev: party.dev, frame };
}

/** The side that saw the packet SENT after the host's changes, or null if it did not arrive. */
export function arrival(sent: Buffer, outputs: readonly Output[]): Side | null {
  const found = arrivedPacket(sent, outputs);
  if (found === null) return null;
  const { dev, packet } = found;
  const l4 = (packet[0] & 15) * 4;
  // A query's id is used for both ports.
  const [sportAt, dportAt] = packet[9] === IPPROTO_ICMP ? [l4 + 4, l4 + 4] : [l4, l4 + 2];
  const hasPorts = packet.length >= dportAt + 2;
  return {
    dev,
    address: packet.readUInt32BE(16),
    port: hasPorts ? packet.readUInt16BE(dportAt) : 0,
    peerAddress: packet.readUInt32BE(12),
    peerPort: hasPorts ? packet.readUInt16BE(sportAt) : 0,
  };
}

/** What became of SENT, as it left, and where; null: it did not arrive anywhere. */
export function arrivedPacket(sent: Buffer, outputs: readonly Output[]): { dev: string; packet: Buffer } | null {
  for (const { dev, frame } of outputs) {
    const packet = Buffer.from(dev === LOCAL ? frame : frame.subarray(14));
    if (packet.length >= 24 && packet[9] === sent[9] && sameContents(sent, packet)) return { dev, packet };
  }
  return null;
}

/**
 * Whether what NAT does not change is the same in both: TCP's sequence numbers, UDP's data, SCTP's chunks, an ICMP
 * query.
 */
function sameContents(sent: Buffer, seen: Buffer): boolean {
  const a = sent.subarray((sent[0] & 15) * 4);
  const b = seen.subarray((seen[0] & 15) * 4);
  if (sent[9] === IPPROTO_TCP) return Buffer.compare(a.subarray(4, 12), b.subarray(4, 12)) === 0 && a[13] === b[13];
  // All but the ports and the checksum.
  if (sent[9] === IPPROTO_SCTP)
    return Buffer.compare(a.subarray(4, 8), b.subarray(4, 8)) === 0 && a.subarray(12).equals(b.subarray(12));
  if (sent[9] === IPPROTO_ICMP)
    return a[0] === b[0] && a[1] === b[1] && Buffer.compare(a.subarray(6, 16), b.subarray(6, 16)) === 0;
  return Buffer.compare(a.subarray(8, 24), b.subarray(8, 24)) === 0;
}

/** The other end of SIDE's flow without NAT. */
export function untranslatedPeer(world: World, side: Side): Side {
  return {
    dev: deviceTowards(world, side.peerAddress) || side.dev,
    address: side.peerAddress,
    port: side.peerPort,
    peerAddress: side.address,
    peerPort: side.port,
  };
}

/** Records output packets for later ICMP errors. */
export function remember(stage: Stage, outputs: readonly Output[]): void {
  for (const { dev, frame } of outputs)
    stage.seen.push({ dev, packet: Buffer.from(dev === LOCAL ? frame : frame.subarray(14)) });
  if (stage.seen.length > 40) stage.seen.splice(0, stage.seen.length - 40);
}
