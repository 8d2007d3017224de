/** The vocabulary for golden cases: who sends what to whom, and who answers. */
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_SYN } from '../../../codecs/layouts.js';
import type { Backend } from '../../../core/rules/model.js';
import { buildIcmp, buildIpv4, buildUdp, withChecksum } from '../../packets/packets.js';
import { parseIpv4 } from '../address.js';
import type { ChangeText } from '../change.js';
import type { HostDescription } from '../host-description.js';
import type { Output } from '../router.js';
import { arrival, type Scene, type Shot, type Side, type Stage, shotOf, untranslatedPeer } from '../scene.js';
import { type Connection, openConnection, segment } from '../tcp-scene.js';

/** A golden case. */
export interface GoldenStory {
  /** The name of the case's own folder. */
  name: string;
  /** The folder that contains it. Default `pcaps`. */
  folder?: string;
  /** One line about what it protects. */
  protects: string;
  host: HostDescription;
  /** iptables-save text. */
  rules: string;
  /** Which iptables the host has; left out: legacy. */
  backend?: Backend;
  /** Real time passes as in the captures. */
  isPaced?: boolean;
  tell(stage: Stage): Scene;
}

type Telling<T = void> = Generator<Shot, T, Output[]>;

/** A client at ADDRESS behind DEV (`local`: the host itself), which connects to PEER. */
export function from(dev: string, address: string, port: number, peer: string, peerPort: number): Side {
  return { dev, address: parseIpv4(address), port, peerAddress: parseIpv4(peer), peerPort };
}

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

/** A connection with plain options, none of it sent yet. */
export function plainConnection(stage: Stage, side: Side): Connection {
  const connection = openConnection(stage, side);
  for (const end of [connection.client, connection.server]) {
    end.next = end === connection.client ? 1000 : 5000;
    end.window = 64_240;
    end.scale = -1;
    end.sack = false;
    end.timestamps = false;
  }
  return connection;
}

/** What is told of, MS later than it would be (in a paced story). */
export function* after<T>(ms: number, told: Generator<Shot, T, Output[]>): Telling<T> {
  let next = told.next();
  for (let isFirst = true; !next.done; isFirst = false) {
    const outputs = yield isFirst ? { ...next.value, afterMs: ms + (next.value.afterMs ?? 0) } : next.value;
    next = told.next(outputs);
  }
  return next.value;
}

/** What is told of, after CHANGES on the host. */
export function* changing<T>(changes: readonly ChangeText[], told: Generator<Shot, T, Output[]>): Telling<T> {
  let next = told.next();
  for (let isFirst = true; !next.done; isFirst = false) {
    const outputs = yield isFirst ? { ...next.value, changes } : next.value;
    next = told.next(outputs);
  }
  return next.value;
}

/** The three-way handshake. */
export function* connect(stage: Stage, side: Side): Telling<Connection> {
  const connection = plainConnection(stage, side);
  yield* segment(connection, connection.client, TCP_SYN);
  yield* segment(connection, connection.server, TCP_SYN | TCP_ACK);
  yield* segment(connection, connection.client, TCP_ACK);
  return connection;
}

/** A request, its reply, and the acknowledgment. */
export function* ask(connection: Connection, question: string, answer: string): Telling {
  yield* segment(connection, connection.client, TCP_PSH | TCP_ACK, text(question));
  yield* segment(connection, connection.server, TCP_PSH | TCP_ACK, text(answer));
  yield* segment(connection, connection.client, TCP_ACK);
}

/** The client closes, then the server. */
export function* hangUp(connection: Connection): Telling {
  yield* segment(connection, connection.client, TCP_FIN | TCP_ACK);
  yield* segment(connection, connection.server, TCP_FIN | TCP_ACK);
  yield* segment(connection, connection.client, TCP_ACK);
}

/** A whole connection: handshake, one request, close. */
export function* session(stage: Stage, side: Side, question: string, answer: string): Scene {
  const connection = yield* connect(stage, side);
  yield* ask(connection, question, answer);
  yield* hangUp(connection);
}

/** A lone SYN without an answer. */
export function* knock(stage: Stage, side: Side): Telling {
  const connection = plainConnection(stage, side);
  yield* segment(connection, connection.client, TCP_SYN);
}

/** Sends PACKET from SIDE; returns the side that saw it, or null if it did not arrive. */
export function* deliver(stage: Stage, side: Side, packet: Buffer): Telling<Side | null> {
  const outputs = yield shotOf(stage, side, packet);
  return arrival(packet, outputs);
}

/** Sends a datagram from SIDE; returns the side that saw it. */
export function* datagram(stage: Stage, side: Side, words: string): Telling<Side> {
  const packet = buildIpv4(
    { source: side.address, destination: side.peerAddress, protocol: 17, id: 7 },
    buildUdp(side.port, side.peerPort, text(words)),
  );
  return (yield* deliver(stage, side, withChecksum(packet))) ?? untranslatedPeer(stage.world, side);
}

/** A request and its reply over UDP. */
export function* query(stage: Stage, side: Side, question: string, answer: string): Telling {
  const peer = yield* datagram(stage, side, question);
  yield* datagram(stage, peer, answer);
}

/** An echo request of SIDE (its port is the id) and its reply. */
export function* ping(stage: Stage, side: Side, sequence = 1): Telling {
  const echo = (who: Side, type: number): Buffer =>
    buildIpv4(
      { source: who.address, destination: who.peerAddress, protocol: 1, id: 9 },
      buildIcmp(type, 0, who.port, sequence, text('0123456789abcdef')),
    );
  const peer = yield* deliver(stage, side, echo(side, 8));
  if (peer) yield* deliver(stage, peer, echo(peer, 0));
}

/** An ICMP error from ADDRESS behind DEV about the last output packet. WORD: the MTU of a 3/4. */
export function* complain(stage: Stage, dev: string, address: string, type: number, code: number, word = 0): Telling {
  const about = stage.seen[stage.seen.length - 1].packet;
  const error = buildIpv4(
    { source: parseIpv4(address), destination: about.readUInt32BE(12), protocol: 1, id: 11 },
    buildIcmp(type, code, 0, word, about.subarray(0, 56)),
  );
  yield* deliver(stage, { dev, address: parseIpv4(address), port: 0, peerAddress: 0, peerPort: 0 }, error);
}
