/**
 * The workload of the benchmark: 64-byte TCP frames of 10,000 connections to a published port, both sides, merged by
 * time. Each connection opens and then speaks in turns; checksums are right, everything is in its window. Of one count
 * it is always the same, byte for byte.
 */
import { join } from 'node:path';
import { internetChecksum, pseudoHeaderSum } from '../codecs/checksum.js';
import {
  ETHERNET_LENGTH,
  IPPROTO_TCP,
  IPV4_CHECKSUM_AT,
  IPV4_LENGTH,
  TCP_ACK,
  TCP_CHECKSUM_AT,
  TCP_PSH,
  TCP_SYN,
} from '../codecs/layouts.js';
import { PcapWriter } from '../codecs/pcap-writer.js';

const FRAME_BYTES = 64;
const PAYLOAD_BYTES = 10;
const L4 = ETHERNET_LENGTH + IPV4_LENGTH;
const LINKTYPE_ETHERNET = 1;
const WINDOW = 64_240;
const STEP_NS = 10_000;
const START_SEC = 1_700_000_000;

/** The host's MAC addresses, and those of its neighbours, as bench/host.json has them. */
const GATEWAY_TO_HOST = [0x02, 0, 0, 0, 0, 0x10, 0x02, 0, 0, 0, 0, 0x01];
const CONTAINER_TO_HOST = [0x02, 0x42, 0xc0, 0xbb, 0xbb, 0x1e, 0x02, 0x42, 0xac, 0x11, 0, 0x03];
/** 192.0.2.10:36379 is published, and leads to 172.17.0.3:6379. */
const PUBLISHED_ADDRESS = 0xc000020a;
const PUBLISHED_PORT = 36_379;
const CONTAINER_ADDRESS = 0xac110003;
const CONTAINER_PORT = 6379;
/** Client i has the address 198.18.0.0 + i (RFC 2544's network). */
const FIRST_CLIENT = 0xc6120000;

export interface Est64 {
  /** What arrives on eth0 (from the clients) and on docker0 (from the container). */
  eth0: string;
  docker0: string;
  packets: number;
  connections: number;
}

/** Writes the workload of so many PACKETS into DIR. */
export function writeEst64(dir: string, packets: number, connections = 10_000): Est64 {
  const paths = { eth0: join(dir, `est64-${packets}-eth0.pcap`), docker0: join(dir, `est64-${packets}-docker0.pcap`) };
  const fromClients = new PcapWriter(paths.eth0, LINKTYPE_ETHERNET);
  const fromContainer = new PcapWriter(paths.docker0, LINKTYPE_ETHERNET);
  const frame = new FrameMaker();
  for (let n = 0; n < packets; n++) {
    const client = n % connections;
    const turn = Math.floor(n / connections);
    frame.make(client, turn);
    const ns = n * STEP_NS;
    const writer = isFromClient(turn) ? fromClients : fromContainer;
    writer.write(START_SEC + Math.floor(ns / 1e9), ns % 1e9, frame.bytes, 0, FRAME_BYTES, FRAME_BYTES);
  }
  fromClients.close();
  fromContainer.close();
  return { ...paths, packets, connections };
}

/** Turns: SYN, SYN/ACK, ACK, then data in turns, the client first. */
const isFromClient = (turn: number) => turn === 0 || (turn >= 2 && (turn === 2 || turn % 2 === 1));

class FrameMaker {
  readonly bytes = new Uint8Array(FRAME_BYTES);
  readonly #view = new DataView(this.bytes.buffer);

  /** Makes the frame of the TURN-th packet of CLIENT's connection. */
  make(client: number, turn: number): void {
    const forward = isFromClient(turn);
    const view = this.#view;
    const clientAddress = FIRST_CLIENT + client;
    const clientPort = 1024 + ((client * 7919) % 60_000);
    const hasData = turn > 2;
    // Data turns are 3, 5, 7 … of the client and 4, 6, 8 … of the container.
    const clientSent = turn < 3 ? 0 : Math.floor((turn - 2) / 2) * PAYLOAD_BYTES;
    const containerSent = turn < 4 ? 0 : Math.floor((turn - 3) / 2) * PAYLOAD_BYTES;
    const clientSequence = 1_000_000 + client + (turn > 0 ? 1 : 0) + clientSent;
    const containerSequence = 2_000_000 + client + (turn > 1 ? 1 : 0) + containerSent;

    this.bytes.fill(0);
    this.bytes.set(forward ? GATEWAY_TO_HOST : CONTAINER_TO_HOST);
    view.setUint16(12, 0x0800);
    view.setUint16(ETHERNET_LENGTH, 0x4500);
    view.setUint16(ETHERNET_LENGTH + 2, IPV4_LENGTH + 20 + (hasData ? PAYLOAD_BYTES : 0));
    view.setUint16(ETHERNET_LENGTH + 4, (client + turn * 31) & 0xffff);
    view.setUint16(ETHERNET_LENGTH + 6, 0x4000);
    view.setUint16(ETHERNET_LENGTH + 8, (64 << 8) | IPPROTO_TCP);
    view.setUint32(ETHERNET_LENGTH + 12, forward ? clientAddress : CONTAINER_ADDRESS);
    view.setUint32(ETHERNET_LENGTH + 16, forward ? PUBLISHED_ADDRESS : clientAddress);
    view.setUint16(ETHERNET_LENGTH + IPV4_CHECKSUM_AT, internetChecksum(view, ETHERNET_LENGTH, IPV4_LENGTH));

    view.setUint16(L4, forward ? clientPort : CONTAINER_PORT);
    view.setUint16(L4 + 2, forward ? PUBLISHED_PORT : clientPort);
    view.setUint32(L4 + 4, forward ? clientSequence : containerSequence);
    view.setUint32(L4 + 8, turn === 0 ? 0 : forward ? containerSequence : clientSequence);
    const flags = turn === 0 ? TCP_SYN : turn === 1 ? TCP_SYN | TCP_ACK : hasData ? TCP_ACK | TCP_PSH : TCP_ACK;
    view.setUint16(L4 + 12, (5 << 12) | flags);
    view.setUint16(L4 + 14, WINDOW);
    if (hasData) this.bytes.fill(0x2e, L4 + 20, L4 + 20 + PAYLOAD_BYTES);
    const segmentBytes = 20 + (hasData ? PAYLOAD_BYTES : 0);
    const pseudo = pseudoHeaderSum(view, ETHERNET_LENGTH, IPPROTO_TCP, segmentBytes);
    view.setUint16(L4 + TCP_CHECKSUM_AT, internetChecksum(view, L4, segmentBytes, pseudo));
  }
}
