/** Golden cases of protocols other than TCP, UDP and ICMP through NAT. */
import { IPPROTO_DCCP, IPPROTO_GRE, IPPROTO_UDP, IPPROTO_UDPLITE } from '../../../codecs/layouts.js';
import { buildIpv4, buildUdp, withChecksum } from '../../packets/packets.js';
import { buildChunk, buildInit, ChunkType } from '../../packets/sctp.js';
import type { Side, Stage } from '../scene.js';
import { type Association, chunks, handshake, openAssociation, shutdown } from '../sctp-scene.js';
import { DOCKER_HOST, HOST, OUTSIDE, REDIS, WEB_SERVER } from './hosts.js';
import { complain, deliver, from, type GoldenStory } from './story.js';

const RULES = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -p sctp -m multiport --dports 36412 -j DNAT --to-destination ${REDIS}:3868
-A PREROUTING -i eth0 -p gre -j DNAT --to-destination ${REDIS}
-A PREROUTING -i eth0 -p udplite -j DNAT --to-destination ${REDIS}
-A PREROUTING -i eth0 -p dccp -j DNAT --to-destination ${REDIS}
-A POSTROUTING -s 172.17.0.0/16 -o eth0 -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -m conntrack --ctstate NEW -j ACCEPT
COMMIT
`;

/** Tags that do not change from one recording to the next. */
function association(stage: Stage, side: Side): Association {
  const opened = openAssociation(stage, side);
  opened.client.tag = 0x1111_2222;
  opened.server.tag = 0x3333_4444;
  return opened;
}

const sctp: GoldenStory = {
  name: 'sctp',
  protects: 'SCTP through DNAT and MASQUERADE: ports, checksums, states, and the tags that a packet must carry',
  host: DOCKER_HOST,
  rules: RULES,
  *tell(stage) {
    const inwards = association(stage, from('eth0', OUTSIDE, 40_001, HOST, 36_412));
    yield* handshake(inwards);
    yield* chunks(inwards, inwards.client, [buildChunk(ChunkType.DATA, 3, new Uint8Array(21))]);
    yield* chunks(inwards, inwards.server, [buildChunk(ChunkType.SACK, 0, new Uint8Array(12))]);
    yield* complain(stage, 'eth0', OUTSIDE, 3, 1);

    const outwards = association(stage, from('docker0', REDIS, 40_002, WEB_SERVER, 3868));
    yield* handshake(outwards);
    yield* chunks(outwards, outwards.client, [buildChunk(ChunkType.DATA)], 0x5555_6666);
    yield* shutdown(outwards);

    // Refused by an ABORT; a second INIT to the entry that is over.
    const refused = association(stage, from('docker0', REDIS, 500, WEB_SERVER, 3868));
    yield* chunks(refused, refused.client, [buildInit(ChunkType.INIT, refused.client.tag)], 0);
    yield* chunks(refused, refused.server, [buildChunk(ChunkType.ABORT)]);
    yield* chunks(refused, refused.client, [buildInit(ChunkType.INIT, refused.client.tag)], 0);

    // A checksum that is wrong is INVALID; a path that is only probed by heartbeats.
    const wrong = association(stage, from('docker0', REDIS, 40_003, WEB_SERVER, 3868));
    yield* chunks(wrong, wrong.client, [buildInit(ChunkType.INIT, wrong.client.tag)], 0, 1);
    const probed = association(stage, from('docker0', REDIS, 40_004, WEB_SERVER, 3868));
    yield* chunks(probed, probed.client, [buildChunk(ChunkType.HEARTBEAT)]);
    yield* chunks(probed, probed.server, [buildChunk(ChunkType.HEARTBEAT_ACK)]);
  },
};

const withoutStates: GoldenStory = {
  name: 'gre-udplite-dccp',
  protects: 'GRE, UDP-Lite and DCCP through NAT: keys, coverage, and what conntrack lists of them',
  host: DOCKER_HOST,
  rules: RULES,
  *tell(stage) {
    const packet = (side: Side, protocol: number, contents: Uint8Array): Buffer =>
      buildIpv4({ source: side.address, destination: side.peerAddress, protocol, id: 7 }, contents);
    const pptp = (callId: number): Uint8Array =>
      Uint8Array.of(0x20, 1, 0x88, 0x0b, 0, 4, 0, callId, 0, 0, 0, 1, 1, 2, 3, 4);
    const plain = Uint8Array.of(0, 0, 8, 0, 69, 0, 0, 0);
    // Version 1 without PPP has no key, and there is no version 2.
    const notPpp = Uint8Array.of(0x20, 1, 8, 0, 0, 4, 0, 9, 0, 0, 0, 1, 1, 2, 3, 4);
    const unknown = Uint8Array.of(0, 2, 8, 0, 1, 2, 3, 4);
    for (const contents of [plain, pptp(9), pptp(9).subarray(0, 6), notPpp, unknown]) {
      const inside = yield* deliver(
        stage,
        from('eth0', OUTSIDE, 0, HOST, 0),
        packet(from('eth0', OUTSIDE, 0, HOST, 0), IPPROTO_GRE, contents),
      );
      if (inside) yield* deliver(stage, inside, packet(inside, IPPROTO_GRE, contents));
      if (inside) yield* deliver(stage, inside, packet(inside, IPPROTO_GRE, contents));
    }

    const client = from('docker0', REDIS, 40_001, WEB_SERVER, 5004);
    const udplite = (side: Side, coverage: number, pseudoProtocol = IPPROTO_UDP): Buffer => {
      // The data is all zeros, so that the checksum is the same whatever it covers.
      const contents = buildUdp(side.port, side.peerPort, new Uint8Array(12), coverage);
      return withChecksum(packet(side, IPPROTO_UDPLITE, contents), 0, pseudoProtocol);
    };
    const server = yield* deliver(stage, client, udplite(client, 0));
    if (server) yield* deliver(stage, server, udplite(server, 8));
    yield* deliver(stage, client, udplite(client, 20));
    // Less than a header, more than the payload, and the correct checksum, which Linux considers wrong.
    for (const coverage of [7, 21]) yield* deliver(stage, client, udplite(client, coverage));
    yield* deliver(stage, client, udplite(client, 0, IPPROTO_UDPLITE));

    const request = Uint8Array.of(0x9c, 0x41, 0x1f, 0x90, 4, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0);
    yield* deliver(stage, client, packet(client, IPPROTO_DCCP, request));
    yield* complain(stage, 'eth0', WEB_SERVER, 3, 2);
  },
};

export const PROTOCOL_STORIES: readonly GoldenStory[] = [sctp, withoutStates];
