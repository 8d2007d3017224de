/** Who listens to what the rules of a host say besides the packets: to LOG, TRACE, NFLOG and NFQUEUE. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nflogPacket } from '../../codecs/nflog.js';
import { LOG_FILE, NFLOG_FILE } from '../../replay/logged.js';
import { writeRecords } from './capture-file.js';
import { KernelLog, logPrefixesOf } from './kernel-log.js';
import type { Libc } from './libc.js';
import { Nflog, type NflogPacket } from './nflog.js';
import { Nfqueue, queuesOf } from './nfqueue.js';
import type { QueueVerdict } from './queue-verdict.js';
import { formatTraced, TRACE_FILE } from './traced.js';

/** The group of TRACE, once a program listens to NFLOG. */
const TRACE_GROUP = 0;
const TRACE_PREFIX = 'TRACE: ';
const LINKTYPE_NFLOG = 239;

export class Listeners {
  /** The time stamp of the packet that is being injected. */
  nowNs = 0n;
  private log: KernelLog | undefined;
  private readonly groups: Nflog[] = [];
  private readonly queue: Nfqueue | undefined;
  private readonly lines: string[] = [];
  private readonly packets: { tsNs: bigint; frame: Uint8Array }[] = [];
  private readonly traced: string[] = [];
  private isTracing = false;
  private isPassing = false;

  /** Listens, in this thread's network namespace, to all that RULES name. VERDICT: undefined: to no queue. */
  constructor(
    private readonly libc: Libc,
    rules: string,
    verdict: QueueVerdict | undefined,
  ) {
    const queues = queuesOf(rules);
    this.queue = verdict === undefined || queues.size === 0 ? undefined : new Nfqueue(libc, queues, verdict);
    this.listenTo(rules);
  }

  /** Listens also to what RULES, which come later, name; but to no other queue. */
  listenTo(rules: string): void {
    const prefixes = logPrefixesOf(rules);
    if (prefixes.length > 0) this.log ??= new KernelLog(new Set());
    for (const prefix of prefixes) this.log?.prefixes.add(prefix);
    this.isTracing ||= /-j TRACE\b/.test(rules);
    const groups = new Set(
      [...rules.matchAll(/-j NFLOG\b.*/g)].map(([line]) => Number(/--nflog-group (\d+)/.exec(line)?.[1] ?? 0)),
    );
    this.isPassing ||= groups.size > 0;
    if (this.isTracing) groups.add(TRACE_GROUP);
    for (const { group } of this.groups) groups.delete(group);
    this.groups.push(...[...groups].map((group) => new Nflog(this.libc, group)));
  }

  get fds(): number[] {
    return [...this.groups, ...(this.queue === undefined ? [] : [this.queue])].map(({ fd }) => fd);
  }

  /** Takes what waits on FD, one of `fds`. */
  read(fd: number): void {
    if (fd === this.queue?.fd) this.queue.answer();
    for (const packet of this.groups.find((group) => group.fd === fd)?.read() ?? []) this.take(packet);
  }

  private take({ group, prefix, bytes }: NflogPacket): void {
    if (group === TRACE_GROUP && prefix.startsWith(TRACE_PREFIX)) this.traced.push(formatTraced(prefix, this.nowNs));
    else this.packets.push({ tsNs: this.nowNs, frame: nflogPacket(group, prefix, bytes) });
  }

  /** Takes the messages of the kernel, which cannot be waited for. */
  readLog(): void {
    if (this.log !== undefined) this.lines.push(...this.log.read());
  }

  /** Writes what was heard to DIR. */
  write(dir: string): void {
    this.readLog();
    const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
    if (this.log !== undefined) writeFileSync(join(dir, LOG_FILE), text(this.lines));
    if (this.isTracing) writeFileSync(join(dir, TRACE_FILE), text(this.traced));
    if (this.isPassing) writeRecords(join(dir, NFLOG_FILE), LINKTYPE_NFLOG, this.packets);
  }

  close(): void {
    this.log?.close();
    for (const group of this.groups) group.close();
    this.queue?.close();
  }
}
