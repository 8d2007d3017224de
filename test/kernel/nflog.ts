/**
 * A minimal NFLOG listener (linux/netfilter/nfnetlink_log.h): prefix and payload of every packet that is logged to one
 * group.
 */
import { closeSync } from 'node:fs';
import { AF_INET, type Libc } from './libc.js';
import { openNetfilter, readMessages, request } from './netlink.js';

const NFNL_SUBSYS_ULOG = 4;
const NFULNL_MSG_PACKET = NFNL_SUBSYS_ULOG << 8;
const NFULNL_MSG_CONFIG = (NFNL_SUBSYS_ULOG << 8) | 1;

const NFULA_CFG_CMD = 1;
const NFULA_CFG_MODE = 2;
const NFULA_CFG_TIMEOUT = 4;
const NFULA_CFG_QTHRESH = 5;
const NFULA_PAYLOAD = 9;
const NFULA_PREFIX = 10;

const CMD_BIND = Buffer.from([1]);
const CMD_PF_BIND = Buffer.from([3]);
/** NFULNL_COPY_PACKET, up to 65535 bytes. */
const MODE_WHOLE_PACKETS = Buffer.from([0, 0, 0xff, 0xff, 2, 0]);
const ONE = Buffer.from([0, 0, 0, 1]);

export interface NflogPacket {
  readonly group: number;
  readonly prefix: string;
  readonly bytes: Uint8Array;
}

export class Nflog {
  readonly fd: number;
  private readonly buffer = Buffer.alloc(1 << 18);

  /** Listens to GROUP in this thread's network namespace. */
  constructor(
    private readonly libc: Libc,
    readonly group: number,
  ) {
    this.fd = openNetfilter(libc);
    this.configure(0, AF_INET, NFULA_CFG_CMD, CMD_PF_BIND);
    this.configure(group, 0, NFULA_CFG_CMD, CMD_BIND);
    this.configure(group, 0, NFULA_CFG_MODE, MODE_WHOLE_PACKETS);
    this.configure(group, 0, NFULA_CFG_QTHRESH, ONE);
    this.configure(group, 0, NFULA_CFG_TIMEOUT, ONE);
  }

  private configure(group: number, family: number, attribute: number, value: Buffer): void {
    const attributes = new Map([[attribute, value]]);
    request(this.libc, this.fd, { type: NFULNL_MSG_CONFIG, family, resource: group, attributes });
  }

  /** The packets logged since the last call. */
  read(): NflogPacket[] {
    const packets: NflogPacket[] = [];
    for (const { type, attributes } of readMessages(this.libc, this.fd, this.buffer)) {
      if (type !== NFULNL_MSG_PACKET) continue;
      const prefix = attributes.get(NFULA_PREFIX)?.toString('utf8').replace(/\0.*$/, '') ?? '';
      packets.push({ group: this.group, prefix, bytes: attributes.get(NFULA_PAYLOAD) ?? new Uint8Array(0) });
    }
    return packets;
  }

  close(): void {
    closeSync(this.fd);
  }
}
