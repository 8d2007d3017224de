/** Conversations with frames longer than those on the wire (see virtio-header.ts). */
import { IPPROTO_UDP, TCP_ACK, TCP_CWR, TCP_ECE, TCP_FIN, TCP_PSH } from '../../codecs/layouts.js';
import { buildIpv4, buildUdp, withChecksum } from '../packets/packets.js';
import type { Prng } from './prng.js';
import { LOCAL } from './router.js';
import { arrival, type Scene, type Side, type Stage, shotOf, untranslatedPeer } from './scene.js';
import { type Connection, type End, handshake, openConnection, segment } from './tcp-scene.js';
import { leftToCard } from './virtio-header.js';
import type { World } from './world.js';

const TCP_HEADERS = 40;
const UDP_HEADERS = 28;
/** The smallest MSS that Linux takes for its own (TCP_MIN_MSS). */
const LEAST_MSS = 88;
const FIRST_OWN_PORT = 20_000;
const TIMESTAMPS = Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2);

function mtuOf({ host }: World, dev: string): number {
  return host.addr.find(({ ifname }) => ifname === dev)?.mtu ?? 1500;
}

/** FLOW from a port that nothing else uses, so that the length of its segments is known from itself only. */
function withOwnPort(stage: Stage, flow: Side): Side {
  const port = FIRST_OWN_PORT + stage.coalesced;
  stage.coalesced++;
  return { ...flow, port };
}

/** A connection, from its handshake or picked up, with bursts of data in one or the other direction. */
export function* coalescedConnection(stage: Stage, flow: Side): Scene {
  const side = withOwnPort(stage, flow);
  const { prng } = stage;
  const connection = openConnection(stage, side);
  const { client, server } = connection;
  for (const end of [client, server])
    Object.assign(end, {
      mss: prng.pick([1460, 1460, 1452, 1426, 1380, 1200, 536]),
      sack: false,
      window: 65_535,
      scale: 7,
    });
  const isLoose = stage.world.host.sysctl?.['net.netfilter.nf_conntrack_tcp_loose'] !== 0;
  const isPickedUp = prng.chance(0.2) && isLoose;
  if (!isPickedUp && !(yield* handshake(connection))) return;
  // A rule may have left an MSS with which nobody sends anything that is worth coalescing.
  if (!isPickedUp && Math.min(client.heardMss, server.heardMss) < LEAST_MSS) return;
  const full = new Map<End, number>();
  for (let left = prng.between(1, 6); left > 0; left--) {
    const isFirst = full.size === 0;
    const from = isFirst || prng.chance(0.5) ? client : server;
    if (from.side.dev === LOCAL) return;
    const most = mtuOf(stage.world, from.side.dev) - TCP_HEADERS - optionsOf(from).length;
    let size = Math.min(client.heardMss, server.heardMss) - optionsOf(from).length;
    if (isPickedUp) {
      // The first segment of a direction shows how long its segments are.
      const first = full.get(from) ?? prng.between(536, Math.min(most, 1460));
      const isNew = !full.has(from);
      full.set(from, first);
      if (isNew && !(yield* segment(connection, from, TCP_ACK, dataOf(prng, first), { options: optionsOf(from) })))
        return;
      size = first;
    }
    yield* burst(connection, from, Math.min(size, most));
    if (!(yield* segment(connection, from === client ? server : client, TCP_ACK)) && prng.chance(0.5)) return;
  }
}

/** LENGTH bytes of data that repeats itself, so that recorded cases stay small. */
function dataOf(prng: Prng, length: number): Buffer {
  return Buffer.alloc(length, prng.bytes(61));
}

const optionsOf = (end: End): Uint8Array => (end.timestamps ? TIMESTAMPS : new Uint8Array(0));

/** More segments of SIZE bytes than the interface could receive in one frame. */
function* burst(connection: Connection, from: End, size: number): Scene {
  const { prng, world } = connection.stage;
  const mtu = mtuOf(world, from.side.dev);
  const segments = Math.ceil(mtu / size) + prng.below(5);
  const length = (segments - 1) * size + prng.between(1, size);
  if (length + TCP_HEADERS + optionsOf(from).length <= mtu) return;
  const flags = prng.weighted([
    [6, TCP_ACK],
    [2, TCP_ACK | TCP_PSH],
    [1, TCP_ACK | TCP_ECE],
    [1, TCP_ACK | TCP_CWR | TCP_ECE],
    [0.5, TCP_ACK | TCP_FIN],
  ]);
  const deviation = { options: optionsOf(from), urgent: size, isLeftToCard: true };
  yield* segment(connection, from, flags, dataOf(prng, length), deviation);
}

/** Datagrams of one length, first alone, then coalesced. */
export function* coalescedDatagrams(stage: Stage, flow: Side): Scene {
  const side = withOwnPort(stage, flow);
  const { prng, world } = stage;
  let peer = untranslatedPeer(world, side);
  const sizes = new Map<Side, number>();
  for (let turn = 0; turn < prng.between(2, 7); turn++) {
    const isReply = turn > 0 && prng.chance(0.4);
    const from = isReply ? peer : side;
    if (from.dev === LOCAL) return;
    const mtu = mtuOf(world, from.dev);
    const size = sizes.get(from) ?? prng.between(536, Math.min(mtu, 1500) - UDP_HEADERS);
    const isFirst = !sizes.has(from);
    const length = isFirst ? size : Math.ceil(mtu / size) * size + prng.below(3 * size);
    const header = {
      ...{ source: from.address, destination: from.peerAddress, protocol: IPPROTO_UDP },
      ...{ id: size, fragment: prng.chance(0.5) ? 0x4000 : 0 },
    };
    const packet = withChecksum(buildIpv4(header, buildUdp(from.port, from.peerPort, dataOf(prng, length))));
    const outputs = yield shotOf(stage, from, isFirst ? packet : leftToCard(packet));
    const seen = arrival(packet, outputs);
    if (isFirst && seen === null) return;
    if (!isReply && seen !== null && isFirst) peer = seen;
    sizes.set(from, size);
  }
}
