/** The program behind NFQUEUE (linux/netfilter/nfnetlink_queue.h): gives every packet of its queues one verdict. */
import { closeSync } from 'node:fs';
import type { Libc } from './libc.js';
import { openNetfilter, readMessages, request, sendMessage } from './netlink.js';
import type { QueueVerdict } from './queue-verdict.js';

const NFNL_SUBSYS_QUEUE = 3;
const NFQNL_MSG_PACKET = NFNL_SUBSYS_QUEUE << 8;
const NFQNL_MSG_VERDICT = (NFNL_SUBSYS_QUEUE << 8) | 1;
const NFQNL_MSG_CONFIG = (NFNL_SUBSYS_QUEUE << 8) | 2;
const NFQA_CFG_CMD = 1;
const NFQA_CFG_PARAMS = 2;
const NFQA_PACKET_HDR = 1;
const NFQA_VERDICT_HDR = 2;
const CMD_BIND = Buffer.from([1, 0, 0, 2]);
/** NFQNL_COPY_PACKET, up to 65535 bytes. */
const WHOLE_PACKETS = Buffer.from([0, 0, 0xff, 0xff, 2]);

export class Nfqueue {
  readonly fd: number;
  private readonly buffer = Buffer.alloc(1 << 18);

  /** Listens to QUEUES in this thread's network namespace. */
  constructor(
    private readonly libc: Libc,
    queues: Iterable<number>,
    private readonly verdict: QueueVerdict,
  ) {
    this.fd = openNetfilter(libc);
    for (const resource of queues) {
      for (const [attribute, value] of [
        [NFQA_CFG_CMD, CMD_BIND],
        [NFQA_CFG_PARAMS, WHOLE_PACKETS],
      ] as const) {
        const attributes = new Map([[attribute, value]]);
        request(libc, this.fd, { type: NFQNL_MSG_CONFIG, family: 0, resource, attributes });
      }
    }
  }

  /** Gives the packets that wait their verdict. */
  answer(): void {
    for (const { type, resource, attributes } of readMessages(this.libc, this.fd, this.buffer)) {
      const header = attributes.get(NFQA_PACKET_HDR);
      if (type !== NFQNL_MSG_PACKET || header === undefined) continue;
      const verdict = Buffer.alloc(8);
      verdict.writeUInt32BE(this.verdict === 'accept' ? 1 : 0, 0);
      header.copy(verdict, 4, 0, 4);
      const answer = {
        type: NFQNL_MSG_VERDICT,
        family: 0,
        resource,
        attributes: new Map([[NFQA_VERDICT_HDR, verdict]]),
      };
      sendMessage(this.libc, this.fd, answer);
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** The queues that RULES name. */
export function queuesOf(rules: string): Set<number> {
  const queues = new Set<number>();
  for (const [line] of rules.matchAll(/-j N?F?QUEUE\b.*/g)) {
    const [, first, last] = /--queue-balance (\d+):(\d+)/.exec(line) ?? [];
    const single = Number(/--queue-num (\d+)/.exec(line)?.[1] ?? 0);
    if (first === undefined) queues.add(single);
    else for (let queue = Number(first); queue <= Number(last); queue++) queues.add(queue);
  }
  return queues;
}
