/** Replays capture files through the kernel and writes a result folder, with which the emulator is compared. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCapture, writeCapture } from './capture-file.js';
import type { CaseChanges, Change } from './change.js';
import type { HostDescription } from './host-description.js';
import { type Libc, SystemError } from './libc.js';
import { Pacer } from './pacer.js';
import type { QueueVerdict } from './queue-verdict.js';
import { LOCAL, type Output, Router } from './router.js';

export interface KernelReplayOptions extends CaseChanges {
  hostPath: string;
  rulesPath?: string;
  /** Frames that arrive on an interface; interface `local`: packets that the host itself sends. */
  inputs?: { iface: string; path: string }[];
  outDir: string;
  /** The folder for the injected packets, as IFACE.pcap. */
  saveInputsDir?: string;
  /** Whether to keep the time between packets of the captures. */
  pace?: boolean;
  /** Whether to keep the destination of unicast frames instead of changing it to the interface's MAC. */
  keepMac?: boolean;
  /** How long to wait for more output after each packet; forwarding itself needs none. */
  settleMs?: number;
  /** What the captures hold was left to network cards (see virtio-header.ts). */
  isOffloaded?: boolean;
  /** The verdict of the program that listens to the queues of NFQUEUE; left out: none does. */
  nfqueue?: QueueVerdict;
  /** How many packets to replay. */
  limit?: number;
}

/**
 * forward; local: it reached the host; reply: only an answer was sent; none: no output; else why it was not injected.
 */
export type Outcome = 'forward' | 'local' | 'reply' | 'none' | `not injected: ${string}`;

/** A frame to be injected. */
export interface InputFrame {
  tsNs: bigint;
  dev: string;
  frame: Uint8Array;
  isBare: boolean;
}

const ETHERNET_LENGTH = 14;

/** The injected frames and their outputs, kept until `write`. */
export class ReplayRecord {
  private readonly outputs = new Map<string, { tsNs: bigint; frame: Uint8Array }[]>();
  private readonly injected = new Map<string, { isBare: boolean; frames: { tsNs: bigint; frame: Uint8Array }[] }>();
  private readonly verdicts: string[] = [];
  /** The times of the injected frames, in their order. */
  readonly times: bigint[] = [];
  readonly outcomes = new Map<string, number>();

  /** BARE: the devices whose packets have no link header. */
  constructor(
    devices: readonly string[],
    private readonly bare: readonly string[],
  ) {
    for (const dev of [...devices, LOCAL]) this.outputs.set(dev, []);
  }

  get count(): number {
    return this.verdicts.length;
  }

  add(input: InputFrame, outcome: Outcome, outputs: readonly Output[]): void {
    const { tsNs, dev } = input;
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
    if (!outcome.startsWith('not injected')) this.keepInput(input);
    for (const output of outputs)
      this.outputs.get(output.dev)?.push({
        tsNs,
        frame: this.bare.includes(output.dev) ? output.frame.subarray(ETHERNET_LENGTH) : output.frame,
      });
    const out = outputs.map((o) => ({ dev: o.dev, len: o.frame.length, hex: Buffer.from(o.frame).toString('hex') }));
    const n = this.verdicts.length;
    this.verdicts.push(
      `{"n": ${n}, "in": "${dev}", "ts": ${tsNs}, ` +
        `"outcome": ${JSON.stringify(outcome)}, "out": ${JSON.stringify(out)}}`,
    );
  }

  private keepInput({ tsNs, dev, frame, isBare }: InputFrame): void {
    this.times.push(tsNs);
    const kept = this.injected.get(dev) ?? { isBare: isBare || dev === LOCAL || this.bare.includes(dev), frames: [] };
    this.injected.set(dev, kept);
    kept.frames.push({ tsNs, frame: kept.isBare && !isBare ? frame.subarray(ETHERNET_LENGTH) : frame });
  }

  /** Writes the outputs, verdicts, rules and connections to DIR, which is created, or cleared of earlier results. */
  write(dir: string, router: Router): void {
    mkdirSync(dir, { recursive: true });
    for (const name of readdirSync(dir)) if (/\.(pcap|jsonl|v4|v6|txt)$/.test(name)) rmSync(join(dir, name));
    for (const [dev, frames] of this.outputs)
      writeCapture(join(dir, `${dev}.pcap`), dev === LOCAL || this.bare.includes(dev), frames);
    writeFileSync(join(dir, 'verdicts.jsonl'), this.verdicts.map((line) => `${line}\n`).join(''));
    writeFileSync(join(dir, 'rules.v4'), router.savedRules());
    writeFileSync(join(dir, 'conntrack.txt'), router.conntrack());
    const sets = router.savedSets();
    if (sets !== undefined) writeFileSync(join(dir, 'ipset.txt'), sets);
    router.writeTold(dir);
  }

  /** Writes the injected frames to DIR; returns the files. */
  writeInputs(dir: string): { iface: string; path: string }[] {
    mkdirSync(dir, { recursive: true });
    return [...this.injected].map(([iface, { isBare, frames }]) => {
      const path = join(dir, `${iface}.pcap`);
      writeCapture(path, isBare, frames);
      return { iface, path };
    });
  }
}

export function readHost(path: string): HostDescription {
  return JSON.parse(readFileSync(path, 'utf8')) as HostDescription;
}

/** Injects INPUT; returns its outputs. */
export function step(
  router: Router,
  input: InputFrame,
  options: { keepMac?: boolean; settleMs?: number } = {},
): { outcome: Outcome; outputs: Output[] } {
  router.setTime(input.tsNs);
  try {
    router.inject(input.dev, input.frame, input.isBare, options.keepMac);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const outputs = router.drain(options.settleMs);
    // A packet from the host itself without any output was sent nevertheless: OUTPUT rules may have seen it.
    if (input.dev === LOCAL && (error.isUnroutable || (error.isInvalid && hasWholeHeader(input.frame))))
      return { outcome: outcomeOf(input, outputs), outputs };
    return { outcome: `not injected: ${error.description}`, outputs };
  }
  const outputs = router.drain(options.settleMs);
  return { outcome: outcomeOf(input, outputs), outputs };
}

/** Replays according to OPTIONS; returns the number of packets by outcome. Needs root. */
export function replayKernel(libc: Libc, options: KernelReplayOptions): Map<string, number> {
  const host = readHost(options.hostPath);
  const inputs = readInputs(options).slice(0, options.limit);
  const router = new Router(libc, host, options.isOffloaded, options.backend);
  const changes = [...(options.changes ?? [])];
  try {
    router.load(options.rulesPath && readFileSync(options.rulesPath, 'utf8'), options.nfqueue);
    router.drain();
    const record = new ReplayRecord(router.devices, router.bareDevices);
    const pacer = options.pace ? new Pacer(inputs[0]?.tsNs ?? 0n) : undefined;
    for (const input of inputs) {
      pacer?.waitFor(input.tsNs);
      makeChanges(router, changes, input.tsNs);
      const { outcome, outputs } = step(router, input, options);
      record.add(input, outcome, outputs);
    }
    record.write(options.outDir, router);
    if (options.saveInputsDir !== undefined) record.writeInputs(options.saveInputsDir);
    return record.outcomes;
  } finally {
    router.close();
  }
}

/** Makes, on ROUTER, those of CHANGES that precede a packet of TS_NS, and removes them. */
function makeChanges(router: Router, changes: Change[], tsNs: bigint): void {
  while (changes.length > 0 && changes[0].tsNs <= tsNs) router.change(changes.shift()!);
}

/** All inputs, the earliest head first, ties in the order of the files; frames that are not IPv4 are left out. */
export function readInputs(options: Pick<KernelReplayOptions, 'inputs'>): InputFrame[] {
  const files = options.inputs ?? [];
  const queues = files.map(({ iface, path }) =>
    readCapture(path)
      .filter(({ frame, isBare }) =>
        isBare ? isIpv4(frame, 0) : frame.length >= 34 && frame[12] === 8 && frame[13] === 0,
      )
      .map((captured) => ({ ...captured, dev: iface })),
  );
  const heads = queues.map(() => 0);
  const merged: InputFrame[] = [];
  for (;;) {
    let earliest = -1;
    queues.forEach((queue, i) => {
      if (heads[i] < queue.length && (earliest < 0 || queue[heads[i]].tsNs < queues[earliest][heads[earliest]].tsNs))
        earliest = i;
    });
    if (earliest < 0) return merged;
    merged.push(queues[earliest][heads[earliest]++]);
  }
}

/** Whether a raw socket accepts the header of PACKET. */
function hasWholeHeader(packet: Uint8Array): boolean {
  const headerLength = (packet[0] & 15) * 4;
  return headerLength >= 20 && headerLength <= packet.length;
}

const isIpv4 = (bytes: Uint8Array, at: number): boolean => bytes.length >= at + 20 && bytes[at] >> 4 !== 6;

function outcomeOf(input: InputFrame, outputs: readonly Output[]): Outcome {
  if (outputs.some((output) => output.dev === LOCAL)) return 'local';
  if (outputs.length === 0) return 'none';
  const isAnswered = outputs.every((output) => output.dev === input.dev) && isGenerated(input, outputs[0].frame);
  return isAnswered ? 'reply' : 'forward';
}

/** Whether FRAME is an answer by the host, not the input forwarded back. */
function isGenerated(input: InputFrame, frame: Uint8Array): boolean {
  const before = input.frame.subarray(input.isBare ? 0 : 14);
  const after = frame.subarray(14);
  if (after[0] >> 4 !== before[0] >> 4) return true;
  return [2, 3, 4, 5, 9].some((at) => after[at] !== before[at]);
}
