/**
 * The workload of most rows: TCP frames of many connections to a published port, in both directions, merged by time.
 * Each connection is opened, and then the two sides send data in turn. All checksums are correct and everything is in
 * window. The same counts always produce the same bytes.
 */
import { join } from 'node:path';
import { ETHERNET_LENGTH, IPV4_LENGTH, TCP_ACK, TCP_LENGTH, TCP_PSH, TCP_SYN } from '../codecs/layouts.js';
import { Linktype } from '../codecs/linktypes.js';
import { createPcapFile } from '../io/capture-file.js';
import { CONTAINER_TO_HOST, type Ends, FrameBuilder, GATEWAY_TO_HOST } from './frame-builder.js';

const HEADER_BYTES = ETHERNET_LENGTH + IPV4_LENGTH + TCP_LENGTH;

/** The published port 192.0.2.10:36379, which is forwarded to 172.17.0.3:6379. */
const PUBLISHED_ADDRESS = 0xc000020a;
const PUBLISHED_PORT = 36_379;
const CONTAINER_ADDRESS = 0xac110003;
const CONTAINER_PORT = 6379;
/** Client i has the address 198.18.0.0 + i (the network of RFC 2544, and beyond). */
const FIRST_CLIENT = 0xc6120000;

/** The frame lengths in bytes of packets with data, in rotation. */
export const SIZES_64 = [64];
/**
 * Seven short, four medium, one long. A frame of 1518 bytes on the wire is captured without its frame check sequence.
 */
export const SIZES_IMIX = [64, 594, 64, 64, 594, 64, 1514, 64, 594, 64, 64, 594];

/**
 * The capture files of a workload: frames that arrive on eth0 (from the clients) and on docker0 (from the container).
 */
export interface Est64 {
  eth0: string;
  docker0: string;
  packets: number;
  connections: number;
}

/**
 * How many packets a connection takes to settle: the handshake, and two packets from each side, from which the flow
 * cache learns its path.
 */
const SETTLING_TURNS = 7;
/** How many packets it takes at least until V8 has optimised the code. */
const WARM_UP_PACKETS = 100_000;

/** How many packets of a workload it takes until all connections are settled and the code is optimised. */
export function settlingPackets(connections: number): number {
  return Math.max(SETTLING_TURNS * connections, WARM_UP_PACKETS);
}

/** Writes a workload of PACKETS to DIR. */
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

/** The turns: SYN, SYN/ACK, ACK, then data in alternation, the client first. */
const isFromClient = (turn: number) => turn === 0 || (turn >= 2 && (turn === 2 || turn % 2 === 1));

class Conversations {
  readonly frame = new FrameBuilder();
  readonly #sizes: readonly number[];
  /** Bytes of data that each client has sent, and that the container has sent to it. */
  readonly #clientSent: Uint32Array;
  readonly #containerSent: Uint32Array;

  constructor(connections: number, sizes: readonly number[]) {
    this.#sizes = sizes;
    this.#clientSent = new Uint32Array(connections);
    this.#containerSent = new Uint32Array(connections);
  }

  /** Builds the frame of turn TURN of CLIENT's connection. Turns must be built in order. */
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

/** The ends of a packet from CLIENT to the published port. */
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
