/** Chains nested as deeply as the kernel takes them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { describeCause } from '../../core/drop.js';
import { createEmulator, EMULATOR_ENGINES, type EmulatorEngine } from '../../core/emulator.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';
import { wanLanHost } from '../host/host-file.js';
import { udpPacket } from '../packets/packets.js';

const nesting = suite('nested chains');

const HOST = wanLanHost([]);
const LAN = HOST.interfaceIndex('lan');
const WAN = HOST.interfaceIndex('wan');
const DEPTH = 20_000;

/** A filter table in which each of COUNT chains leads to the next one by TARGET (`-j` or `-g`), and RULES after it. */
function nested(count: number, target: string, rules: (chain: number) => string[]): string {
  const chains = Array.from({ length: count }, (_, i) => i);
  return [
    '*filter',
    ...chains.map((i) => `:c${i} - [0:0]`),
    '-A FORWARD -j c0',
    ...chains.flatMap((i) => [...(i < count - 1 ? [`-A c${i} ${target} c${i + 1}`] : []), ...rules(i)]),
    'COMMIT',
    '',
  ].join('\n');
}

/** Datagrams back and forth, with several TTLs: the counters, and what dropped each packet. */
function play(rules: string, engine: EmulatorEngine): readonly string[] {
  const ruleset = parseRuleset(rules, 'rules.v4');
  const drops: string[] = [];
  const output = {
    egress() {},
    local() {},
    dropped: ({ cause }: Parameters<typeof describeDrop>[0]) => void drops.push(describeDrop({ cause })),
  };
  const emulator = createEmulator({ ruleset, host: HOST, engine }, output);
  const client = { source: '172.17.0.2', destination: '192.0.2.20', sport: 1024, dport: 53 };
  const server = { source: '192.0.2.20', destination: '172.17.0.2', sport: 53, dport: 1024 };
  for (const ttl of [64, 63, 64, 10, 64, 10]) {
    for (const [dev, ends] of [
      [LAN, client],
      [WAN, server],
    ] as const) {
      const bytes = udpPacket({ ...ends, ttl });
      emulator.receive(new Frame({ bytes, dev, linktype: Linktype.RAW, tsSec: 1, tsNsec: 0 }));
    }
  }
  return [saveRuleset(ruleset, emulator.counters), ...drops];
}

function describeDrop({ cause }: { cause: Parameters<typeof describeCause>[0] }): string {
  return describeCause(cause);
}

// Linux 6.18 loads 20,000 chains, each called by the one before it, and counts the same.
nesting('20,000 chains deep', () => {
  const rules = nested(DEPTH, '-j', (i) => (i === DEPTH - 1 ? ['-A c19999 -m ttl --ttl-lt 20 -j DROP'] : []));
  for (const engine of ['remembered', 'interpreter'] as const) {
    const [saved, ...drops] = play(rules, engine);
    assert.equal(drops, Array(4).fill('rules.v4:40002 filter c19999 1'), engine);
    assert.match(saved, '\n[12:336] -A c10000 -j c10001\n', engine);
    assert.match(saved, '\n[4:112] -A c19999 -m ttl --ttl-lt 20 -j DROP\n', engine);
    assert.match(saved, '\n:FORWARD ACCEPT [8:224]\n', engine);
  }
});

nesting('just over and just under what generated code nests, with -j and -g, RETURN and rules after a call', () => {
  for (const depth of [245, 260]) {
    for (const target of ['-j', '-g']) {
      const rules = nested(depth, target, (i) => [
        ...(i % 7 === 3 ? [`-A c${i} -m ttl --ttl-lt 20 -j RETURN`] : []),
        ...(i === 2 ? ['-A c2 -m ttl --ttl-eq 62 -j DROP'] : []),
      ]);
      const [expected, ...others] = ['interpreter' as const, ...EMULATOR_ENGINES].map((engine) => play(rules, engine));
      for (const [i, other] of others.entries()) {
        assert.equal(other, expected, `${depth} ${target} ${EMULATOR_ENGINES[i]}`);
      }
    }
  }
});

nesting('an error about a long loop names some of its chains', () => {
  const loop = nested(DEPTH, '-j', (i) => (i === DEPTH - 1 ? ['-A c19999 -j c3'] : []));
  const first = nested(3, '-j', (i) => (i === 2 ? ['-A c2 -j c1'] : []));
  const fault = (rules: string): string => {
    try {
      parseRuleset(rules, 'rules.v4');
    } catch (error) {
      return (error as Error).message;
    }
    return 'not refused';
  };
  assert.match(fault(loop), /: loop of chains: c3 → c4 → c5 → c6 → … \(19990 more\) → c19997 → c19998 → c19999 → c3$/);
  assert.match(fault(first), /: loop of chains: c1 → c2 → c1$/);
});

nesting.run();
