/**
 * A minimal NFLOG listener (linux/netfilter/nfnetlink_log.h): the payload of every packet that is logged to one group.
 */
import { closeSync } from 'node:fs';
import { AF_INET, AF_NETLINK, type Libc, SOCK_RAW } from './libc.js';

const NETLINK_NETFILTER = 12;
const NFNL_SUBSYS_ULOG = 4;
const NFULNL_MSG_PACKET = NFNL_SUBSYS_ULOG << 8;
const NFULNL_MSG_CONFIG = (NFNL_SUBSYS_ULOG << 8) | 1;
const NLM_F_REQUEST_ACK = 5;

const NFULA_CFG_CMD = 1;
const NFULA_CFG_MODE = 2;
const NFULA_CFG_TIMEOUT = 4;
const NFULA_CFG_QTHRESH = 5;
const NFULA_PAYLOAD = 9;

const CMD_BIND = Buffer.from([1]);
const CMD_PF_BIND = Buffer.from([3]);
/** NFULNL_COPY_PACKET, up to 65535 bytes. */
const MODE_WHOLE_PACKETS = Buffer.from([0, 0, 0xff, 0xff, 2, 0]);
const ONE = Buffer.from([0, 0, 0, 1]);

const MESSAGE_HEADER_LENGTH = 16;
const GROUP_HEADER_LENGTH = 4;
const ATTRIBUTE_HEADER_LENGTH = 4;

const align = (length: number): number => (length + 3) & ~3;

export class Nflog {
  readonly fd: number;
  private readonly buffer = Buffer.alloc(1 << 18);

  /** Listens to GROUP in this thread's network namespace. */
  constructor(
    private readonly libc: Libc,
    group: number,
  ) {
    this.fd = libc.socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK);
    libc.bind(this.fd, address);
    this.configure(0, AF_INET, NFULA_CFG_CMD, CMD_PF_BIND);
    this.configure(group, 0, NFULA_CFG_CMD, CMD_BIND);
    this.configure(group, 0, NFULA_CFG_MODE, MODE_WHOLE_PACKETS);
    this.configure(group, 0, NFULA_CFG_QTHRESH, ONE);
    this.configure(group, 0, NFULA_CFG_TIMEOUT, ONE);
  }

  private configure(group: number, family: number, attribute: number, value: Buffer): void {
    const message = Buffer.alloc(
      MESSAGE_HEADER_LENGTH + GROUP_HEADER_LENGTH + ATTRIBUTE_HEADER_LENGTH + align(value.length),
    );
    message.writeUInt32LE(message.length, 0);
    message.writeUInt16LE(NFULNL_MSG_CONFIG, 4);
    message.writeUInt16LE(NLM_F_REQUEST_ACK, 6);
    message.writeUInt32LE(1, 8);
    message.writeUInt8(family, 16);
    message.writeUInt16BE(group, 18);
    message.writeUInt16LE(ATTRIBUTE_HEADER_LENGTH + value.length, 20);
    message.writeUInt16LE(attribute, 22);
    value.copy(message, 24);
    this.libc.send(this.fd, message);
    const answer = this.libc.receive(this.fd, this.buffer);
    const error = answer?.readInt32LE(MESSAGE_HEADER_LENGTH) ?? 0;
    if (error !== 0) throw new Error(`nflog configuration attribute ${attribute}: error ${-error}`);
  }

  /** The packets logged since the last call. */
  read(): Uint8Array[] {
    const packets: Uint8Array[] = [];
    for (;;) {
      const data = this.libc.receive(this.fd, this.buffer);
      if (data === null) return packets;
      for (let at = 0; at + MESSAGE_HEADER_LENGTH <= data.length; ) {
        const length = data.readUInt32LE(at);
        if (data.readUInt16LE(at + 4) === NFULNL_MSG_PACKET) collectPayloads(data.subarray(at, at + length), packets);
        at += Math.max(align(length), MESSAGE_HEADER_LENGTH);
      }
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}

function collectPayloads(message: Buffer, into: Uint8Array[]): void {
  let at = MESSAGE_HEADER_LENGTH + GROUP_HEADER_LENGTH;
  while (at + ATTRIBUTE_HEADER_LENGTH <= message.length) {
    const length = message.readUInt16LE(at);
    if (length < ATTRIBUTE_HEADER_LENGTH) return;
    if ((message.readUInt16LE(at + 2) & 0x7fff) === NFULA_PAYLOAD)
      into.push(Uint8Array.from(message.subarray(at + ATTRIBUTE_HEADER_LENGTH, at + length)));
    at += align(length);
  }
}
