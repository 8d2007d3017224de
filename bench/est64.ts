/**
 * The workload of most rows: TCP frames of many connections to a published port, both sides, merged by time. Each
 * connection opens and then speaks in turns; checksums are right, everything is in its window. Of one count it is always
 * the same, byte for byte.
 */
import { join } from 'node:path';
import { ETHERNET_LENGTH, IPV4_LENGTH, TCP_ACK, TCP_LENGTH, TCP_PSH, TCP_SYN } from '../codecs/layouts.js';
import { Linktype } from '../codecs/linktypes.js';
import { createPcapFile } from '../io/capture-file.js';
import { CONTAINER_TO_HOST, type Ends, FrameBuilder, GATEWAY_TO_HOST } from './frame-builder.js';

const HEADER_BYTES = ETHERNET_LENGTH + IPV4_LENGTH + TCP_LENGTH;

/** 192.0.2.10:36379 is published, and leads to 172.17.0.3:6379. */
const PUBLISHED_ADDRESS = 0xc000020a;
const PUBLISHED_PORT = 36_379;
const CONTAINER_ADDRESS = 0xac110003;
const CONTAINER_PORT = 6379;
/** Client i has the address 198.18.0.0 + i (RFC 2544's network, and on from there). */
const FIRST_CLIENT = 0xc6120000;

/** Frame lengths in bytes that packets with data take in turn. */
export const SIZES_64 = [64];
/** Seven short, four middling, one long; what is 1518 on the wire is captured without its frame check sequence. */
export const SIZES_IMIX = [64, 594, 64, 64, 594, 64, 1514, 64, 594, 64, 64, 594];

/** A workload in files: what arrives on eth0 (from the clients) and on docker0 (from the container). */
export interface Est64 {
  eth0: string;
  docker0: string;
  packets: number;
  connections: number;
}

/**
 * How many packets a connection has before all that follow are ordinary: the handshake, and two of each side from which
 * the way of its packets is learned.
 */
const SETTLING_TURNS = 7;
/** How many packets it takes at least until V8 has optimised what deals with them. */
const WARMING_PACKETS = 100_000;

/** How many packets of a workload go by before all that follow are ordinary. */
export function settlingPackets(connections: number): number {
  return Math.max(SETTLING_TURNS * connections, WARMING_PACKETS);
}

/** Writes the workload of so many PACKETS into DIR. */
export function writeEst64(dir: string, packets: number, connections = 10_000, sizes = SIZES_64): Est64 {
  const name = join(dir, `est${sizes === SIZES_64 ? '64' : 'mix'}-${packets}-${connections}`);
  const paths = { eth0: `${name}-eth0.pcap`, docker0: `${name}-docker0.pcap` };
  const fromClients = createPcapFile(paths.eth0, Linktype.ETHERNET);
  const fromContainer = createPcapFile(paths.docker0, Linktype.ETHERNET);
  const conversations = new Conversations(connections, sizes);
  for (let n = 0; n < packets; n++) {
    const turn = Math.floor(n / connections);
    conversations.make(n % connections, turn);
    conversations.frame.writeTo(isFromClient(turn) ? fromClients : fromContainer, n);
  }
  fromClients.close();
  fromContainer.close();
  return { ...paths, packets, connections };
}

/** Turns: SYN, SYN/ACK, ACK, then data in turns, the client first. */
const isFromClient = (turn: number) => turn === 0 || (turn >= 2 && (turn === 2 || turn % 2 === 1));

class Conversations {
  readonly frame = new FrameBuilder();
  readonly #sizes: readonly number[];
  /** Bytes of data that each client, and the container to it, has sent. */
  readonly #clientSent: Uint32Array;
  readonly #containerSent: Uint32Array;

  constructor(connections: number, sizes: readonly number[]) {
    this.#sizes = sizes;
    this.#clientSent = new Uint32Array(connections);
    this.#containerSent = new Uint32Array(connections);
  }

  /** Makes the frame of the TURN-th packet of CLIENT's connection; turns come in order. */
  make(client: number, turn: number): void {
    const forward = isFromClient(turn);
    const hasData = turn > 2;
    const payloadBytes = hasData ? this.#sizes[(client + turn * 5) % this.#sizes.length] - HEADER_BYTES : 0;
    const clientSequence = 1_000_000 + client + (turn > 0 ? 1 : 0) + this.#clientSent[client];
    const containerSequence = 2_000_000 + client + (turn > 1 ? 1 : 0) + this.#containerSent[client];
    const flags = turn === 0 ? TCP_SYN : turn === 1 ? TCP_SYN | TCP_ACK : hasData ? TCP_ACK | TCP_PSH : TCP_ACK;
    const ends = forward ? fromClient(client) : toClient(client);
    const sequence = forward ? clientSequence : containerSequence;
    const acknowledgment = turn === 0 ? 0 : forward ? containerSequence : clientSequence;
    this.frame.tcp(ends, (client + turn * 31) & 0xffff, flags, sequence, acknowledgment, payloadBytes);
    (forward ? this.#clientSent : this.#containerSent)[client] += payloadBytes;
  }
}

const clientPort = (client: number) => 1024 + ((client * 7919) % 60_000);

/** The ends of a packet of CLIENT's to the published port. */
export function fromClient(client: number): Ends {
  return {
    macs: GATEWAY_TO_HOST,
    source: FIRST_CLIENT + client,
    destination: PUBLISHED_ADDRESS,
    sport: clientPort(client),
    dport: PUBLISHED_PORT,
  };
}

function toClient(client: number): Ends {
  return {
    macs: CONTAINER_TO_HOST,
    source: CONTAINER_ADDRESS,
    destination: FIRST_CLIENT + client,
    sport: CONTAINER_PORT,
    dport: clientPort(client),
  };
}
