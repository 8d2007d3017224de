import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CONNECTION } from '../../core/conntrack/record.js';
import { ConntrackTable } from '../../core/conntrack/table.js';
import { Memory } from '../../core/memory.js';
import { MEMORY_BYTES, memoryMap, REGIONS, RecordRegion, Region } from '../../core/memory-map.js';

const MemoryMap = suite('memory map');

const KIB = 2 ** 10;
/** A fresh record expires at 0: it must not be swept. */
const BEFORE_ANY_EXPIRES_MS = -1;
const region = (start: number, bytes: number) => new Region(start, bytes, 'a test');

MemoryMap('refuses regions that overlap or are outside the memory', () => {
  memoryMap({ a: region(64 * KIB, 8), b: region(64 * KIB + 8, 8) });
  assert.throws(
    () => memoryMap({ a: region(64 * KIB, 16), b: region(64 * KIB + 8, 8) }),
    /region b at 65544 overlaps a/,
  );
  assert.throws(
    () => memoryMap({ b: region(64 * KIB + 8, 8), a: region(64 * KIB, 16) }),
    /region b at 65544 overlaps a/,
  );
  assert.throws(() => memoryMap({ a: region(0, 8) }), /region a at 0 overlaps the first address/);
  assert.throws(() => memoryMap({ a: region(64 * KIB + 4, 8) }), /not a multiple of 8/);
  assert.throws(() => memoryMap({ a: region(MEMORY_BYTES - 8, 16) }), /region a ends at 3221225480/);
});

MemoryMap('views of a region end where it ends', () => {
  const { buffer } = new Memory();
  for (const [name, part] of Object.entries(REGIONS)) {
    assert.is(part.bytesOf(buffer).byteLength, part.bytes, name);
    if (!(part instanceof RecordRegion)) continue;
    const words = part.wordsOf(buffer);
    assert.is(words.byteOffset + words.byteLength, part.end, name);
    assert.throws(() => part.recordsOf(buffer).addressOf(part.count), RangeError, name);
  }
});

MemoryMap('docs/memory-map.md lists all regions', () => {
  const rows = Object.entries(REGIONS).map(([name, part]) => {
    const content =
      part instanceof RecordRegion ? `${part.count} × ${part.layout.name}, ${part.layout.bytes} bytes each` : 'bytes';
    return `| ${hex(part.start)} | ${hex(part.end)} | \`${name}\` | ${content} | ${part.purpose} |`;
  });
  const shown = readFileSync('docs/memory-map.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `0x'));
  assert.equal(shown, rows);
});

// With a million connections, the table is as full as with an eighth of that.
MemoryMap('a connection takes 226 bytes if there are a million', () => {
  const table = new ConntrackTable();
  const count = 125_000;
  for (let n = 0; n < count; n++) table.confirm(table.create(n, 1, 2, 3, 6, BEFORE_ANY_EXPIRES_MS));
  assert.is(CONNECTION.bytes, 176);
  assert.is(Math.floor(table.bytes / count), 226);
});

function hex(address: number): string {
  return `\`0x${address.toString(16).padStart(8, '0')}\``;
}

MemoryMap.run();
