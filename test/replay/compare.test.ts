import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { renderDifference } from '../../cli/render-difference.js';
import { PLAIN } from '../../explain/text/style.js';
import { type Comparison, compareResults, NotAResultError } from '../../replay/compare.js';

interface Context {
  parent: string;
  /** A copy of a recording of the kernel, to be modified. */
  copy: string;
}

const WANT = 'pcaps/docker/want';
const Compare = suite<Context>('compare');

Compare.before.each((context) => {
  context.parent = mkdtempSync(join(tmpdir(), 'nfreplay-compare-'));
  context.copy = join(context.parent, 'got');
  cpSync(WANT, context.copy, { recursive: true });
});

Compare.after.each(({ parent }) => {
  rmSync(parent, { recursive: true, force: true });
});

/** Where each record of a pcap starts: offset of its frame, and its length. */
function recordsOf(data: Buffer): { at: number; length: number }[] {
  const records: { at: number; length: number }[] = [];
  for (let at = 24; at < data.length; at += 16 + data.readUInt32LE(at + 8))
    records.push({ at: at + 16, length: data.readUInt32LE(at + 8) });
  return records;
}

/** Changes the first frame of FILE that PICK selects with CHANGE. */
function spoil(file: string, pick: (frame: Buffer) => boolean, change: (frame: Buffer) => void): void {
  const data = readFileSync(file);
  const record = recordsOf(data).find(({ at, length }) => pick(data.subarray(at, at + length)));
  if (!record) throw new Error(`no such frame in ${file}`);
  change(data.subarray(record.at, record.at + record.length));
  writeFileSync(file, data);
}

function edit(file: string, change: (text: string) => string): void {
  const before = readFileSync(file, 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`nothing to change in ${file}`);
  writeFileSync(file, after);
}

const kinds = ({ differences }: Comparison): string[] => differences.map((difference) => difference.kind);
const isTcp = (frame: Buffer): boolean => frame[23] === 6;
const isIcmpError = (frame: Buffer): boolean => frame[23] === 1 && frame[34] === 3;

Compare('a copy has no differences', ({ copy }) => {
  const comparison = compareResults(WANT, copy);
  assert.equal(comparison.differences, []);
  assert.ok(comparison.frames > 20 && comparison.connections > 3);
  // grep -c '] -A' rules.v4
  assert.is(comparison.rules, 19);
});

Compare('a difference of one bit is shown as a different field', ({ copy }) => {
  spoil(join(copy, 'eth0.pcap'), isTcp, (frame) => frame.writeUInt16BE(4321, 14 + 20 + 14));
  const comparison = compareResults(WANT, copy);
  assert.equal(kinds(comparison), ['frame']);
  const lines = renderDifference(comparison.differences[0]);
  assert.equal(
    lines.filter((line) => line.startsWith('*')).map((line) => line.split(/ +/)),
    [['*', 'tcp.window', '64240', '4321']],
  );
  assert.ok(lines.some((line) => line.includes('^^ ^^')));
});

Compare('packets side by side fit a narrow terminal', ({ copy }) => {
  spoil(join(copy, 'eth0.pcap'), isTcp, (frame) => frame.writeUInt16BE(4321, 14 + 20 + 14));
  const [difference] = compareResults(WANT, copy).differences;
  for (const width of [50, 80, 120]) {
    const lines = renderDifference(difference, PLAIN, width);
    const side = lines.slice(lines.indexOf(''));
    for (const line of side) assert.ok(line.length <= width, `${line.length}: ${line}`);
    // Lines that continue a value are marked as well.
    const marked = side.filter((line) => line.startsWith('*'));
    assert.equal(marked[0].split(/ +/), ['*', 'tcp.window', '64240', '4321']);
  }
});

Compare('a MAC address is a difference', ({ copy }) => {
  spoil(join(copy, 'docker0.pcap'), isTcp, (frame) => {
    frame[5] ^= 1;
  });
  assert.equal(kinds(compareResults(WANT, copy)), ['frame']);
});

Compare("the IP identification and header checksum of the host's own ICMP errors are ignored", ({ copy }) => {
  spoil(join(copy, 'eth0.pcap'), isIcmpError, (frame) => {
    frame.writeUInt16BE(0x1234, 14 + 4);
    frame.writeUInt16BE(0x5678, 14 + 10);
  });
  assert.equal(compareResults(WANT, copy).differences, []);
});

Compare('the IP identification of any other packet is compared', ({ copy }) => {
  spoil(join(copy, 'eth0.pcap'), isTcp, (frame) => frame.writeUInt16BE(0x1234, 14 + 4));
  assert.equal(kinds(compareResults(WANT, copy)), ['frame']);
  cpSync(WANT, copy, { recursive: true });
  spoil(join(copy, 'eth0.pcap'), isIcmpError, (frame) => {
    frame[14 + 1] = 0;
    frame.writeUInt16BE(0x1234, 14 + 4);
  });
  assert.equal(kinds(compareResults(WANT, copy)), ['frame']);
});

Compare('Ethernet padding is ignored', ({ copy }) => {
  const file = join(copy, 'eth0.pcap');
  const data = readFileSync(file);
  const [first] = recordsOf(data);
  data.writeUInt32LE(first.length + 6, first.at - 8);
  data.writeUInt32LE(first.length + 6, first.at - 4);
  const end = first.at + first.length;
  writeFileSync(file, Buffer.concat([data.subarray(0, end), Buffer.alloc(6), data.subarray(end)]));
  assert.equal(compareResults(WANT, copy).differences, []);
});

Compare('outputs are compared by timestamp: a different one is a missing packet and an unexpected one', ({ copy }) => {
  const file = join(copy, 'eth0.pcap');
  const data = readFileSync(file);
  data.writeUInt32LE(data.readUInt32LE(24 + 4) + 1, 24 + 4);
  writeFileSync(file, data);
  const { differences } = compareResults(WANT, copy);
  assert.equal(
    differences.map((difference) => [difference.wanted === null, difference.got === null]),
    [
      [false, true],
      [true, false],
    ],
  );
});

Compare('microseconds and the other byte order are read as well', ({ copy }) => {
  const file = join(copy, 'local.pcap');
  const data = readFileSync(file);
  data.writeUInt32BE(0xa1b2c3d4, 0);
  for (const at of [4, 6]) data.writeUInt16BE(data.readUInt16LE(at), at);
  for (const at of [16, 20]) data.writeUInt32BE(data.readUInt32LE(at), at);
  for (const { at } of recordsOf(readFileSync(file))) {
    data.writeUInt32BE(data.readUInt32LE(at - 16), at - 16);
    data.writeUInt32BE(data.readUInt32LE(at - 12) / 1000, at - 12);
    data.writeUInt32BE(data.readUInt32LE(at - 8), at - 8);
  }
  writeFileSync(file, data);
  assert.equal(compareResults(WANT, copy).differences, []);
});

Compare('a missing interface means that all its packets are missing; dropped packets are not compared', ({ copy }) => {
  const data = readFileSync(join(copy, 'docker0.pcap'));
  writeFileSync(join(copy, 'dropped.pcap'), data);
  assert.equal(compareResults(WANT, copy).differences, []);
  rmSync(join(copy, 'docker0.pcap'));
  assert.is(compareResults(WANT, copy).differences.length, recordsOf(data).length);
});

Compare('rule and policy counters are compared; user chain counters, comments and table order are not', ({ copy }) => {
  const file = join(copy, 'rules.v4');
  edit(file, (text) => `# by hand\n${text.replace(/^:DOCKER - \[\d+:\d+\]/m, ':DOCKER - [7:7]')}`);
  edit(file, (text) =>
    text
      .split(/(?<=^COMMIT\n)/m)
      .reverse()
      .join(''),
  );
  assert.equal(compareResults(WANT, copy).differences, []);
  edit(file, (text) => text.replace(/^\[(\d+):(\d+)\] -A INPUT -p icmp/m, '[99:9999] -A INPUT -p icmp'));
  edit(file, (text) => text.replace(/^:OUTPUT ACCEPT \[\d+:\d+\]/m, ':OUTPUT ACCEPT [98:9998]'));
  const { differences } = compareResults(WANT, copy);
  assert.is(differences.length, 2);
  const lines = differences.flatMap((difference) => renderDifference(difference));
  assert.ok(lines.includes('rules.v4, table filter: -A INPUT -p icmp -j ACCEPT'), lines.join('\n'));
  assert.ok(
    lines.some((line) => /^ {2}expected 1 packets \d+ bytes, got 99 packets 9999 bytes$/.test(line)),
    lines.join('\n'),
  );
  assert.ok(
    lines.some((line) => /policy ACCEPT of OUTPUT$/.test(line)),
    lines.join('\n'),
  );
});

Compare('connections are compared except for remaining seconds, use and order', ({ copy }) => {
  const file = join(copy, 'conntrack.txt');
  edit(file, (text) => `${text.trimEnd().split('\n').reverse().join('\n')}\n`.replaceAll('use=1', 'use=3'));
  edit(file, (text) => text.replace(/^(ipv4\s+2\s+\S+\s+\d+) \d+/gm, '$1 3'));
  assert.equal(compareResults(WANT, copy).differences, []);
  edit(file, (text) => text.replace('[ASSURED] ', ''));
  const comparison = compareResults(WANT, copy);
  assert.equal(kinds(comparison), ['connection', 'connection']);
  assert.match(renderDifference(comparison.differences[0])[1], /\[ASSURED\]/);
  edit(file, (text) => `${text}${text.split('\n')[0]}\n`);
  assert.is(compareResults(WANT, copy).differences.length, 3);
});

Compare('a folder without rules or connections is not a result folder', ({ copy }) => {
  rmSync(join(copy, 'conntrack.txt'));
  assert.throws(
    () => compareResults(WANT, copy),
    (error: unknown) => error instanceof NotAResultError && /conntrack\.txt is missing/.test(error.message),
  );
});

Compare.run();
