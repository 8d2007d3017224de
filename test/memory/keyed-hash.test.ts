/** Hash tables are keyed: nobody can write a capture that makes them slow, and the key changes no result. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { SLOT } from '../../core/conntrack/record.js';
import { ConntrackTable } from '../../core/conntrack/table.js';
import { describeCause } from '../../core/drop.js';
import { createEmulator } from '../../core/emulator.js';
import { loadHost } from '../../core/host/host.js';
import { drawHashKey, type HashKey, KeyedHash } from '../../core/keyed-hash.js';
import { Frame } from '../../core/link/frame.js';
import { Memory } from '../../core/memory.js';
import { REGIONS } from '../../core/memory-map.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { DropTally } from '../../replay/drops.js';
import { TupleMap } from '../../replay/tuple-map.js';
import { fragmentTrains } from '../fragments/traffic.js';
import { Prng } from '../kernel/prng.js';
import { testSeed } from '../random.js';

const keyedHash = suite('keyed hashes');

const GOLDEN_RATIO = 0x9e3779b1;
const TCP = 6;
const BEFORE_ANY_EXPIRES_MS = -1;

/** The hash of version 0.1 was (source * GOLDEN_RATIO) ^ destination, mixed further: all of these were equal. */
function craftedTuple(n: number): readonly [source: number, destination: number] {
  return [n, Math.imul(n, GOLDEN_RATIO) ^ 0x12345678];
}

keyedHash('tuples crafted for a known hash do not share hash slots', () => {
  const count = 5000;
  const table = new ConntrackTable();
  for (let n = 0; n < count; n++) {
    table.confirm(table.create(...craftedTuple(n), 0x5000aaaa, 0xaaaa5000 | 0, TCP, BEFORE_ANY_EXPIRES_MS));
  }
  const slots = REGIONS.slots.wordsOf(table.memory.buffer);
  const hashes = new Set<number>();
  for (let at = 0; at < 2 ** 18; at += SLOT.words) {
    if (slots[at + SLOT.word.owner] !== 0) hashes.add(slots[at + SLOT.word.hash]);
  }
  // 10,000 random hashes of 32 bits: a single pair of equal ones is expected once in 86 runs.
  assert.ok(hashes.size > 2 * count - 5, `${hashes.size} different hashes`);
});

keyedHash('the hash of other tables depends on the key', () => {
  const hash = new KeyedHash(1);
  const other = new KeyedHash(2);
  const crafted = Array.from({ length: 5000 }, (_, n) => craftedTuple(n));
  const hashes = new Set(crafted.map(([source, destination]) => hash.mix(hash.mix(0, source), destination)));
  assert.ok(hashes.size > crafted.length - 5, `${hashes.size} different hashes`);
  const alike = crafted.filter(([source]) => hash.mix(0, source) === other.mix(0, source));
  assert.ok(alike.length < 5, `${alike.length} hashes do not depend on the key`);
});

keyedHash('words are permuted one to one', () => {
  const hash = new KeyedHash();
  const words = Array.from({ length: 20_000 }, (_, n) => Math.imul(n, 0x10001));
  assert.is(new Set(words.map((word) => hash.permute(word))).size, new Set(words).size);
});

keyedHash('keys are drawn at random', () => {
  assert.is(new Set(Array.from({ length: 100 }, drawHashKey)).size, 100);
});

keyedHash('counters beyond 2^31 and 2^32', () => {
  const map = new TupleMap(2);
  const at = map.insert(1, 2, 3, 4);
  for (let i = 0; i < 3; i++) map.count(at, 2 ** 31 - 1);
  map.count(at, 5);
  assert.is(map.counted(at), 3 * (2 ** 31 - 1) + 5);
});

/** What a host makes of fragments for it, for others and for networks without a route, of packets that it drops. */
function outcomeWith(hashKey: HashKey, frames: readonly Uint8Array[]): readonly string[] {
  const rules = '*filter\n:FORWARD DROP [0:0]\n-A FORWARD -d 10.0.0.0/27 -j REJECT\nCOMMIT\n';
  const host = loadHost(JSON.stringify(HOST_WITH_RATE_LIMIT), 'host.json');
  const lines: string[] = [];
  const tally = new DropTally(new KeyedHash(hashKey));
  const emulator = createEmulator(
    { ruleset: parseRuleset(rules, 'rules.v4'), host, memory: new Memory(hashKey) },
    {
      egress: (dev, bytes, at, available) => lines.push(`${dev} ${bytes.subarray(at, at + available).join(' ')}`),
      local: (bytes, at, available) => lines.push(`local ${bytes.subarray(at, at + available).join(' ')}`),
      dropped(drop, bytes, at, available) {
        lines.push(describeCause(drop.cause));
        tally.count(drop, bytes, at, available);
      },
    },
  );
  for (const [i, bytes] of frames.entries()) {
    emulator.receive(new Frame({ bytes, dev: 1, linktype: Linktype.RAW, tsSec: 1 + Math.floor(i / 50), tsNsec: 0 }));
  }
  return [...lines, JSON.stringify(tally.result(1000))];
}

const HOST_WITH_RATE_LIMIT = {
  addr: [
    { ifname: 'wan', address: '02:00:00:00:00:10', mtu: 1500, addr_info: [address('192.0.2.10', 24)] },
    { ifname: 'lan', address: '02:00:00:00:00:11', mtu: 1280, addr_info: [address('10.0.0.1', 24)] },
  ],
  sysctl: { 'net.ipv4.icmp_ratelimit': 1000 },
};

function address(local: string, prefixlen: number): object {
  return { family: 'inet', local, prefixlen };
}

keyedHash('fragments, ICMP errors and dropped flows do not depend on the key', () => {
  const seed = testSeed();
  const frames = fragmentTrains(new Prng(seed), 200, 1280, false);
  const outcome = outcomeWith(1, frames);
  assert.ok(outcome.length > 50, `seed ${seed}: only ${outcome.length} packets`);
  assert.equal(outcomeWith(2, frames), outcome, `seed ${seed}`);
});

keyedHash.run();
