/** What diff finds between random rulesets is what two replays that are independent of each other do differently. */
import { writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createEmulator } from '../../core/emulator.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';
import { compareRuns } from '../../explain/diff/compare-runs.js';
import type { Differences } from '../../explain/diff/differences.js';
import { createPcapFile } from '../../io/capture-file.js';
import type { ReplayOptions } from '../../replay/replay.js';
import { Scratch } from '../codecs/capture-files.js';
import { converse, randomRuleset, TALKS_HOST } from '../flow/random-talks.js';
import { buildFrame, udpPacket } from '../packets/packets.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';

const Diffs = suite('diff at random');

const DEVS = ['lo', 'wan', 'lan', 'dmz'];
const HOST = loadHost(TALKS_HOST, 'host.json');

interface Traffic {
  readonly frames: readonly { readonly dev: number; readonly bytes: Uint8Array; readonly timeMs: number }[];
  readonly inputs: readonly { readonly iface: string; readonly path: string }[];
}

/** Talks that take place under RULES, as frames and as captures. */
function trafficUnder(rules: string, random: Random, scratch: Scratch): Traffic {
  const frames: { dev: number; bytes: Uint8Array; timeMs: number }[] = [];
  converse(random, 'remembered', rules, 25, {
    onArrival: (dev, packet, timeMs) => {
      const mac = Uint8Array.of(2, 0, 0, 0, 0, 0x10 + dev - 1);
      frames.push({ dev, timeMs, bytes: buildFrame(mac, Uint8Array.of(2, 9, 9, 9, 9, dev), Buffer.from(packet)) });
    },
  });
  const inputs = DEVS.slice(1).map((iface) => ({ iface, path: scratch.path(`${iface}.pcap`) }));
  for (const { iface, path } of inputs) {
    const writer = createPcapFile(path, 1);
    for (const { dev, bytes, timeMs } of frames) {
      if (DEVS[dev] !== iface) continue;
      writer.write(Math.floor(timeMs / 1000), (timeMs % 1000) * 1e6, bytes, 0, bytes.length, bytes.length);
    }
    writer.close();
  }
  return { frames, inputs };
}

/** What became of each packet under RULES: its outcome and all that left, told by an emulator that is observed. */
function fatesUnder(rules: string, { frames }: Traffic): string[] {
  let number = 0;
  let left: string[] = [];
  const note = (where: string, bytes: Uint8Array, at: number, available: number): void => {
    left.push(`${where} ${Buffer.from(bytes.subarray(at, at + available)).toString('hex')}`);
  };
  const emulator = createEmulator(
    {
      ruleset: parseRuleset(rules, 'rules'),
      host: HOST,
      engine: 'interpreter',
      checksums: 'auto',
      packetNumber: () => number,
      observer: () => {},
    },
    {
      egress: (dev, bytes, at, available) => note(String(dev), bytes, at, available),
      local: (bytes, at, available) => note('local', bytes, at, available),
      dropped() {},
    },
  );
  return frames.map(({ dev, bytes, timeMs }) => {
    number++;
    left = [];
    const [tsSec, tsNsec] = [Math.floor(timeMs / 1000), (timeMs % 1000) * 1e6];
    emulator.receive(new Frame({ bytes: Uint8Array.from(bytes), dev, tsSec, tsNsec }));
    return [emulator.outcome, ...left].join('\n');
  });
}

interface Compared {
  readonly differences: Differences;
  readonly packets: Set<number>;
  /** How many packets took the slow path. */
  readonly slow: { readonly old: number; readonly new: number };
}

function compared(old: ReplayOptions, other: ReplayOptions): Compared {
  const packets = new Set<number>();
  const steps = compareRuns(old, other, { comparesDecisions: false, onPacket: (key) => packets.add(key) });
  for (;;) {
    const { done, value } = steps.next();
    if (!done) continue;
    const { old: before, new: now, differences } = value;
    const slow = { old: before.run.emulator.slowPathPackets, new: now.run.emulator.slowPathPackets };
    return { differences, packets, slow };
  }
}

/** Rules that may be put into a chain of the filter table. */
const INSERTED = [
  '-p tcp -m tcp --dport 80 -j REJECT',
  '-p udp -j DROP',
  '-i wan -j ACCEPT',
  '-m ttl --ttl-lt 64 -j DROP',
];

/** RULES with a few changes. */
function mutated(rules: string, random: Random): string {
  const lines = rules.split('\n');
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const own = lines.flatMap((line, i) => (line.startsWith('-A ') ? [i] : []));
    if (own.length === 0) break;
    const at = pick(random, own);
    const line = lines[at];
    const kind = random(6);
    if (kind === 0) lines.splice(at, 1);
    else if (kind === 1)
      lines[at] = line.replace(/-j (ACCEPT|DROP)/, (_, verdict) => (verdict === 'DROP' ? '-j ACCEPT' : '-j DROP'));
    else if (kind === 2) lines[at] = line.replace(/port \d+/, `port ${pick(random, [22, 53, 80, 8080])}`);
    else if (kind === 3)
      lines[at] = line.replace(/to-(destination|source) \S+/, `to-$1 ${pick(random, ['172.17.0.2', '10.9.1.1'])}`);
    else if (kind === 4) lines.splice(lines.indexOf('*filter') + 2, 0, `-A FORWARD ${pick(random, INSERTED)}`);
    else [lines[at], lines[own[0]]] = [lines[own[0]], lines[at]];
  }
  return lines.join('\n');
}

/** The first of a few mutations of RULES that can be loaded. */
function otherRules(rules: string, random: Random): string {
  for (;;) {
    const text = mutated(rules, random);
    try {
      parseRuleset(text, 'mutated');
      return text;
    } catch {
      // Another one.
    }
  }
}

/** RULES that do the same: comments added, chains renamed, printed anew, perhaps with a LOG that ends the fast path. */
function reworded(rules: string, random: Random): string {
  const renamed = rules.replace(/^:(u|v) /gm, ':other-$1 ').replace(/-([jgA]) (u|v)( |$)/gm, '-$1 other-$2$3');
  const commented = renamed.replace(/^-A (.*?)( -[jg] .*)?$/gm, (line, start: string, target = '') =>
    random(2) === 0 ? line : `-A ${start} -m comment --comment "rule ${random(100)}"${target}`,
  );
  const logged = random(2) === 0 ? commented : commented.replace('*mangle', '*mangle\n-A PREROUTING -j LOG');
  return saveRuleset(parseRuleset(logged, 'reworded'));
}

for (const mode of ['in place', 'record by record'] as const) {
  Diffs(`the packets that differ are those of two independent replays: ${mode}`, () => {
    const seed = testSeed();
    console.log(`seed ${seed}`);
    for (let round = 0; round < 12; round++) {
      const random = seededRandom(seed + round);
      const scratch = new Scratch();
      const rules = randomRuleset(random);
      const other = otherRules(rules, random);
      const traffic = trafficUnder(pick(random, [rules, other]), random, scratch);
      const [oldPath, newPath] = [scratch.path('old.v4'), scratch.path('new.v4')];
      writeFileSync(scratch.path('host.json'), TALKS_HOST);
      writeFileSync(oldPath, rules);
      writeFileSync(newPath, other);
      const options = {
        hostPath: scratch.path('host.json'),
        inputs: traffic.inputs,
        ...(mode === 'in place' ? {} : { from: 'n1' }),
      };
      const { packets, differences } = compared({ ...options, rulesPath: oldPath }, { ...options, rulesPath: newPath });
      const [before, now] = [rules, other].map((text) => fatesUnder(text, traffic));
      const expected = before.flatMap((fate, i) => (fate === now[i] ? [] : [i + 1]));
      const where = `seed ${seed}, round ${round}, ${mode}\n${rules}\n---\n${other}`;
      assert.equal(
        [...packets].sort((a, b) => a - b),
        expected,
        where,
      );
      for (const { example } of differences.groups) {
        const { dev } = traffic.frames[example.key - 1];
        const inInput = traffic.frames.slice(0, example.key).filter((frame) => frame.dev === dev);
        assert.equal([example.input, example.number], [dev - 1, inInput.length], where);
      }
      scratch.remove();
    }
  });
}

Diffs('rules that mean the same make no difference', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  for (let round = 0; round < 10; round++) {
    const random = seededRandom(seed + round);
    const scratch = new Scratch();
    const rules = randomRuleset(random);
    const other = reworded(rules, random);
    const { inputs } = trafficUnder(rules, random, scratch);
    const [oldPath, newPath, hostPath] = ['old.v4', 'new.v4', 'host.json'].map((name) => scratch.path(name));
    writeFileSync(hostPath, TALKS_HOST);
    writeFileSync(oldPath, rules);
    writeFileSync(newPath, other);
    const { differences, packets } = compared(
      { hostPath, inputs, rulesPath: oldPath },
      { hostPath, inputs, rulesPath: newPath },
    );
    const where = `seed ${seed}, round ${round}\n${rules}\n---\n${other}`;
    assert.equal([...packets], [], where);
    assert.is(differences.groups.length, 0, where);
    scratch.remove();
  }
});

Diffs(
  'packets that leave by an interface without MAC addresses are noted alike on the fast path and on the slow one',
  () => {
    const scratch = new Scratch();
    const [hostPath, oldPath, newPath, path] = ['host.json', 'old.v4', 'new.v4', 'eth0.pcap'].map((name) =>
      scratch.path(name),
    );
    const [mac, from] = [Uint8Array.of(2, 0, 0, 0, 0, 1), Uint8Array.of(2, 0, 0, 0, 0, 9)];
    const addressed = (local: string): object => ({ addr_info: [{ family: 'inet', local, prefixlen: 24 }] });
    const eth0 = { ifname: 'eth0', address: '02:00:00:00:00:01', ...addressed('10.0.0.1') };
    const wg0 = { ifname: 'wg0', link_type: 'none', ...addressed('10.16.1.1') };
    writeFileSync(hostPath, JSON.stringify({ addr: [eth0, wg0] }));
    writeFileSync(oldPath, '*filter\nCOMMIT\n');
    writeFileSync(newPath, '*filter\n-A FORWARD -j LOG\nCOMMIT\n');
    const writer = createPcapFile(path, 1);
    for (let n = 0; n < 400; n++) {
      const data = new Uint8Array(n % 9);
      const packet = udpPacket({
        source: '10.0.0.9',
        destination: '10.16.1.7',
        ttl: 64,
        sport: 1024 + n,
        dport: 53,
        data,
      });
      const frame = buildFrame(mac, from, packet);
      writer.write(n, 0, frame, 0, frame.length, frame.length);
    }
    writer.close();
    const options = { hostPath, inputs: [{ iface: 'eth0', path }] };
    const { packets, slow } = compared({ ...options, rulesPath: oldPath }, { ...options, rulesPath: newPath });
    assert.equal([...packets], []);
    assert.ok(slow.old < 100 && slow.new === 400, `${slow.old} and ${slow.new} packets took the slow path`);
    scratch.remove();
  },
);

Diffs.run();
