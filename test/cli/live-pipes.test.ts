/** What leaves comes out of a pipe while the input is still open. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, createGzip } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sourceOf } from '../../codecs/byte-stream.js';
import { openCapture } from '../../codecs/capture.js';
import { PcapngBlocks } from '../codecs/capture-files.js';

const Live = suite('live pipes');

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const CASE = fileURLToPath(new URL('../../../pcaps/docker/', import.meta.url));
const HEADER_BYTES = 24;
const GIVE_UP_MS = 60_000;

/** The records of the case's capture, each with its header. */
function recordsOf(file: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = HEADER_BYTES; at < file.length; ) {
    const end = at + 16 + file.readUInt32LE(at + 8);
    records.push(file.subarray(at, end));
    at = end;
  }
  return records;
}

const EXAMPLE = readFileSync(join(CASE, 'in/eth0.pcap'));

/** How many packets OUTPUT has so far. */
function packetsIn(output: Buffer): number {
  if (output.length < HEADER_BYTES) return 0;
  const reader = openCapture(sourceOf(output));
  let packets = 0;
  while (reader.next()) packets++;
  return packets;
}

interface Replay {
  readonly child: ChildProcess;
  /** Resolves when N packets have come out. */
  hasPackets(n: number): Promise<void>;
}

function start(): Replay {
  const args = ['replay', '--rules', join(CASE, 'rules.v4'), '--host', join(CASE, 'host.json')];
  const child = spawn(process.execPath, [MAIN, ...args, '--in', 'eth0=-', '--out', '-'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let output = Buffer.alloc(0);
  let check = (): void => {};
  child.stdout?.on('data', (bytes: Buffer) => {
    output = Buffer.concat([output, bytes]);
    check();
  });
  const hasPackets = (n: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${packetsIn(output)} of ${n} packets came out`)), GIVE_UP_MS);
      check = () => {
        if (packetsIn(output) < n) return;
        clearTimeout(timer);
        resolve();
      };
      check();
    });
  return { child, hasPackets };
}

const FORMS: readonly [name: string, isCompressed: boolean, header: Buffer, records: readonly Buffer[]][] = [
  ['pcap', false, EXAMPLE.subarray(0, HEADER_BYTES), recordsOf(EXAMPLE)],
  ['pcap compressed with gzip', true, EXAMPLE.subarray(0, HEADER_BYTES), recordsOf(EXAMPLE)],
  ['pcapng', false, pcapngHeader(), pcapngRecords()],
];

function pcapngHeader(): Buffer {
  const blocks = new PcapngBlocks();
  return Buffer.concat([blocks.section(), blocks.interface(1, { resolution: 9, name: 'eth0' })]);
}

function pcapngRecords(): Buffer[] {
  const blocks = new PcapngBlocks();
  const unitNs = EXAMPLE.readUInt32LE(0) === 0xa1b23c4d ? 1 : 1000;
  return recordsOf(EXAMPLE).map((record) => {
    const ns = BigInt(record.readUInt32LE(0)) * 1_000_000_000n + BigInt(record.readUInt32LE(4) * unitNs);
    return blocks.packet(0, ns, record.subarray(16));
  });
}

for (const [name, isCompressed, header, records] of FORMS) {
  Live(`what leaves comes out while the input is open: ${name}`, async () => {
    const { child, hasPackets } = start();
    const gzip = isCompressed ? createGzip({ flush: constants.Z_SYNC_FLUSH }) : undefined;
    const { stdin } = child;
    assert.ok(stdin);
    gzip?.pipe(stdin);
    const input = gzip ?? stdin;
    input.write(header);
    // The first packet of the example opens a connection to a published port, and leaves by docker0.
    input.write(records[0]);
    await hasPackets(1);
    input.write(Buffer.concat(records.slice(1)));
    await hasPackets(2);
    assert.is(child.exitCode, null);
    input.end();
    const [code] = await once(child, 'exit');
    assert.is(code, 0);
  });
}

Live.run();
