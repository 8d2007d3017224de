/** Fragments of packets that are never complete, while later packets of the same ends have the same IP ID. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { judged, outcome } from './judged.js';

interface Context {
  dir: string;
}

const Held = suite<Context>('held fragments');

Held.before.each((context) => {
  context.dir = mkdtempSync(join(tmpdir(), 'nfreplay-held-test-'));
  cpSync('pcaps/fragments', context.dir, { recursive: true });
});

Held.after.each(({ dir }) => {
  rmSync(dir, { recursive: true, force: true });
});

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const LENGTH_AT = 8;

/** The records of a capture, BYTES. */
function recordsOf(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = FILE_HEADER_BYTES; at < bytes.length; at += records.at(-1)!.length)
    records.push(bytes.subarray(at, at + RECORD_HEADER_BYTES + bytes.readUInt32LE(at + LENGTH_AT)));
  return records;
}

/** Makes the capture of eth0 that of the frames with the numbers WHICH, each so many seconds behind the first. */
function recapture(dir: string, which: readonly (readonly [frame: number, seconds: number])[]): void {
  const path = join(dir, 'in/eth0.pcap');
  const bytes = readFileSync(path);
  const records = recordsOf(bytes);
  const first = records[0].readUInt32LE(0);
  const chosen = which.map(([frame, seconds]) => {
    const record = Buffer.from(records[frame - 1]);
    record.writeUInt32LE(first + seconds, 0);
    return record;
  });
  writeFileSync(path, Buffer.concat([bytes.subarray(0, FILE_HEADER_BYTES), ...chosen]));
}

const FORWARDED = '  - packet: eth0 udp * > *\n    ends: forwarded\n';
const outcomes = (dir: string): string[] => judged(dir, FORWARDED).map(outcome);

// ip(7), ipfrag_time: a packet that is not complete after 30 s is given up.
Held('a fragment whose packet timed out is no part of a later one with its ID', ({ dir }) => {
  recapture(dir, [
    [1, 0],
    [1, 100],
    [2, 100],
  ]);
  assert.equal(outcomes(dir), ['1 of 2: ends']);
});

Held('a packet that is completed in time is one', ({ dir }) => {
  recapture(dir, [
    [1, 0],
    [2, 29],
    [1, 100],
    [2, 100],
  ]);
  assert.equal(outcomes(dir), ['met 2']);
});

// RFC 5722: with overlapping fragments all of the packet is given up.
Held('a packet that is given up because fragments of it overlap is no part of a later one with its ID', ({ dir }) => {
  recapture(dir, [
    [1, 0],
    [4, 1],
    [1, 2],
    [2, 2],
  ]);
  // Frame 4 begins within frame 1; its own end is that of a fragment that was dropped.
  assert.equal(outcomes(dir), ['2 of 3: ends']);
});

Held.run();
