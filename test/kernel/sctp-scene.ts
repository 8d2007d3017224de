/** SCTP associations: from well-behaved ones to unexpected chunks. */
import { IPPROTO_SCTP } from '../../codecs/layouts.js';
import { buildIpv4 } from '../packets/packets.js';
import { buildChunk, buildInit, buildSctp, ChunkType } from '../packets/sctp.js';
import type { Output } from './router.js';
import { arrival, type Scene, type Shot, type Side, type Stage, shotOf, untranslatedPeer } from './scene.js';

/** One end of an association, and the tag that it requires in packets from the other end. */
interface End {
  side: Side;
  tag: number;
}

export interface Association {
  stage: Stage;
  client: End;
  server: End;
  /** The server has seen a packet from the client, so its view includes the host's NAT. */
  isSeen: boolean;
}

type Step = Generator<Shot, void, Output[]>;

export function openAssociation(stage: Stage, side: Side): Association {
  const end = (of: Side): End => ({ side: of, tag: 1 + stage.prng.below(0xfffffffe) });
  return { stage, client: end(side), server: end(untranslatedPeer(stage.world, side)), isSeen: false };
}

/** Sends CHUNKS from FROM with TAG, by default the one that the other end requires. */
export function* chunks(
  association: Association,
  from: End,
  contents: readonly Uint8Array[],
  tag = otherEnd(association, from).tag,
  checksumError = 0,
): Step {
  const { stage, client, server } = association;
  const { side } = from;
  const packet = buildIpv4(
    { source: side.address, destination: side.peerAddress, protocol: IPPROTO_SCTP, id: 1 + stage.prng.below(65_535) },
    buildSctp(side.port, side.peerPort, tag, contents, checksumError),
  );
  const outputs = yield shotOf(stage, side, packet);
  const seen = arrival(packet, outputs);
  if (seen === null || from !== client || association.isSeen) return;
  server.side = seen;
  association.isSeen = true;
}

/** INIT, INIT ACK, COOKIE ECHO, COOKIE ACK. */
export function* handshake(association: Association): Step {
  const { client, server } = association;
  yield* chunks(association, client, [buildInit(ChunkType.INIT, client.tag)], 0);
  yield* chunks(association, server, [buildInit(ChunkType.INIT_ACK, server.tag)]);
  yield* chunks(association, client, [buildChunk(ChunkType.COOKIE_ECHO)]);
  yield* chunks(association, server, [buildChunk(ChunkType.COOKIE_ACK)]);
}

export function* shutdown(association: Association): Step {
  const { client, server } = association;
  yield* chunks(association, client, [buildChunk(ChunkType.SHUTDOWN)]);
  yield* chunks(association, server, [buildChunk(ChunkType.SHUTDOWN_ACK, 0, new Uint8Array(0))]);
  yield* chunks(association, client, [buildChunk(ChunkType.SHUTDOWN_COMPLETE, 0, new Uint8Array(0))]);
}

export function* sctpConversation(stage: Stage, side: Side): Scene {
  const { prng } = stage;
  const association = openAssociation(stage, side);
  const { client, server } = association;
  if (!prng.chance(0.15)) yield* mayDeviate(association, handshake(association));
  for (let turn = prng.below(6); turn > 0; turn--) {
    const from = prng.pick([client, server]);
    const type = prng.pick([ChunkType.DATA, ChunkType.SACK, ChunkType.HEARTBEAT, ChunkType.HEARTBEAT_ACK]);
    yield* chunks(association, from, [buildChunk(type, 0, prng.bytes(prng.below(40)))]);
    if (prng.chance(0.2)) yield* stray(association);
  }
  if (prng.chance(0.2)) yield* chunks(association, prng.pick([client, server]), [buildChunk(ChunkType.ABORT)]);
  else if (prng.chance(0.7)) yield* mayDeviate(association, shutdown(association));
}

/** STEPS, rarely with one left out or with another packet in between. */
function* mayDeviate(association: Association, steps: Step): Step {
  const { prng } = association.stage;
  let next = steps.next();
  while (!next.done) {
    if (prng.chance(0.12)) yield* stray(association);
    next = steps.next(prng.chance(0.06) ? [] : yield next.value);
  }
}

/** An unexpected packet with one or several chunks. */
function* stray(association: Association): Step {
  const { stage, client, server } = association;
  const { prng } = stage;
  const contents = Array.from(
    {
      length: prng.weighted([
        [6, 1],
        [2, 2],
        [1, 3],
      ] as const),
    },
    () => anyChunk(association),
  );
  const tag = prng.pick([0, client.tag, server.tag, server.tag, prng.word()]);
  yield* chunks(association, prng.pick([client, server]), contents, tag, prng.chance(0.1) ? 1 : 0);
}

function anyChunk({ stage, client, server }: Association): Buffer {
  const { prng } = stage;
  const type = prng.pick([...Object.values(ChunkType), ...Object.values(ChunkType), 12, 13, 15, 16, 31, 63, 130, 255]);
  if (prng.chance(0.04)) return buildChunk(type, 0, new Uint8Array(4), prng.pick([0, 1, 3, 200]));
  if (type !== ChunkType.INIT && type !== ChunkType.INIT_ACK)
    return buildChunk(type, prng.below(2), prng.bytes(prng.below(9)));
  const init = buildInit(type, prng.pick([client.tag, server.tag, 0, prng.word()]));
  return prng.chance(0.1) ? init.subarray(0, prng.pick([4, 8, 16])) : init;
}

function otherEnd({ client, server }: Association, end: End): End {
  return end === client ? server : client;
}
