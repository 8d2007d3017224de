/**
 * A scene is one conversation of a case, told as a coroutine: it yields a frame that somebody sends and is resumed with
 * what the host made of it, so that the other side can answer what it really saw.
 */
import { IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_TCP } from '../../codecs/layouts.js';
import { buildFrame } from '../packets/packets.js';
import type { Prng } from './prng.js';
import { LOCAL, type Output } from './router.js';
import { deviceTowards, macOf, neighbourMac, type Party, type World } from './world.js';

/** A frame that is to enter by DEV; of `local`, a bare IP packet. */
export interface Shot {
  dev: string;
  frame: Uint8Array;
}

export type Scene = Generator<Shot, void, Output[]>;

/** What all scenes of a case share. */
export interface Stage {
  world: World;
  prng: Prng;
  /** IP packets that came out so far, where they were seen: what ICMP errors are about. The latest are last. */
  seen: { dev: string; packet: Buffer }[];
  /** Chance of a deliberate fault in a packet. */
  oddity: number;
}

/** One end of a flow, as that end sees it. */
export interface Side {
  dev: string;
  address: number;
  port: number;
  peerAddress: number;
  peerPort: number;
}

/** PACKET as PARTY would put it on its link. */
export function shotOf(stage: Stage, party: Party, packet: Buffer): Shot {
  const { world, prng } = stage;
  if (party.dev === LOCAL) return { dev: LOCAL, frame: packet };
  const destination = packet.length >= 20 ? packet.readUInt32BE(16) : 0;
  const isBroadcast = destination === 0xffffffff || prng.chance(stage.oddity * 0.1);
  const isMulticast = destination >>> 28 === 14;
  const broadcast = Uint8Array.of(255, 255, 255, 255, 255, 255);
  const multicast = Uint8Array.of(1, 0, 0x5e, (destination >>> 16) & 127, (destination >>> 8) & 255, destination & 255);
  const to = isBroadcast ? broadcast : isMulticast ? multicast : macOf(world, party.dev);
  const frame = buildFrame(to, neighbourMac(world, party.dev, party.address), packet, prng.chance(0.15));
  return { dev: party.dev, frame };
}

/** Where the packet that SENT became came out: the side that saw it, or null where it did not arrive. */
export function arrival(sent: Buffer, outputs: readonly Output[]): Side | null {
  for (const { dev, frame } of outputs) {
    const packet = Buffer.from(dev === LOCAL ? frame : frame.subarray(14));
    if (packet.length < 24 || packet[9] !== sent[9] || !sameContents(sent, packet)) continue;
    const l4 = (packet[0] & 15) * 4;
    // A query's id stands for both of its ports.
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
  return null;
}

/** Whether what translation leaves alone is the same in both: TCP's sequence numbers, UDP's data, SCTP's chunks, an ICMP query. */
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

/** The other end of SIDE's flow if nothing translates it. */
export function untranslatedPeer(world: World, side: Side): Side {
  return {
    dev: deviceTowards(world, side.peerAddress) || side.dev,
    address: side.peerAddress,
    port: side.peerPort,
    peerAddress: side.address,
    peerPort: side.port,
  };
}

/** Remembers what came out, so that somebody can complain about it later. */
export function remember(stage: Stage, outputs: readonly Output[]): void {
  for (const { dev, frame } of outputs)
    stage.seen.push({ dev, packet: Buffer.from(dev === LOCAL ? frame : frame.subarray(14)) });
  if (stage.seen.length > 40) stage.seen.splice(0, stage.seen.length - 40);
}
