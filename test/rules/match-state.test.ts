/**
 * Matches with state: they count as in the kernel, their state is separate in each emulator, and each packet is counted
 * once.
 */

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { createEmulator, type Emulator, Outcome } from '../../core/emulator.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import type { RuleContext } from '../../core/rules/context.js';
import type { Ruleset } from '../../core/rules/model.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { ENGINES, type Engine } from '../../core/rules/run/build.js';
import { FlatState, NTH_STATE, StateKind } from '../../core/rules/run/flat-state.js';
import { FunctionState, type MatchState } from '../../core/rules/run/match-state.js';
import { saveRuleset } from '../../core/rules/save.js';
import { udpPacket } from '../packets/packets.js';
import { seededRandom } from '../random.js';
import { packetOf, testContext } from './random.js';

const states = suite('matches with state');

const host = loadHost(
  JSON.stringify({
    addr: ['10.0.0.1', '10.1.0.1'].map((local, i) => ({
      ifname: `eth${i}`,
      address: `02:00:00:00:00:1${i}`,
      mtu: 1500,
      addr_info: [{ family: 'inet', local, prefixlen: 24 }],
    })),
  }),
  'host.json',
);

/** 48 bytes of UDP from 10.0.0.2 to 10.1.0.2. */
function datagram(): Uint8Array {
  return udpPacket({ source: '10.0.0.2', destination: '10.1.0.2', sport: 4000, dport: 53, data: new Uint8Array(20) });
}

function emulatorOf(ruleset: Ruleset, engine: Engine, seed = 0): Emulator {
  return createEmulator({ ruleset, host, engine, seed }, { egress() {}, local() {}, dropped() {} });
}

/** Receives a datagram at each of TIMES_MS; returns which of them, counted from 0, were forwarded. */
function forwarded(emulator: Emulator, timesMs: readonly number[]): number[] {
  return [...timesMs.keys()].filter((i) => {
    const [tsSec, tsNsec] = [Math.floor(timesMs[i] / 1000), (timesMs[i] % 1000) * 1e6];
    emulator.receive(new Frame({ bytes: datagram(), dev: 0, linktype: Linktype.RAW, tsSec, tsNsec }));
    return emulator.outcome === Outcome.FORWARDED;
  });
}

function limited(match: string): Ruleset {
  return parseRuleset(`*filter\n:FORWARD DROP\n-A FORWARD ${match} -j ACCEPT\nCOMMIT\n`, 'limited');
}

const every = (count: number, ms: number): number[] => Array.from({ length: count }, (_, i) => i * ms);

/** The output of iptables-save -c after twelve datagrams went through the kernel. */
const COUNTED = `*mangle
[12:576] -A PREROUTING -j u
[12:576] -A PREROUTING -m ttl --ttl-eq 64
[0:0] -A PREROUTING -m ttl --ttl-lt 64
[12:576] -A FORWARD -j u
[12:576] -A FORWARD -j u
[12:576] -A FORWARD -m ttl --ttl-eq 63
[0:0] -A FORWARD -m ttl --ttl-gt 63
[7:336] -A u -m statistic --mode nth --every 5 --packet 1
[7:336] -A u -m limit --limit 1/hour --limit-burst 7
COMMIT
*filter
[4:192] -A FORWARD -s 10.0.0.2/32 -m limit --limit 1/hour --limit-burst 4
[4:192] -A FORWARD -s 10.0.0.0/24 -m limit --limit 1/hour --limit-burst 4
[0:0] -A FORWARD -m limit --limit 1/hour --limit-burst 3 -m length --length 1
[3:144] -A FORWARD -m limit --limit 1/hour --limit-burst 3 -m limit --limit 1/hour --limit-burst 6
[4:192] -A FORWARD -m statistic --mode nth --every 2 --packet 0 -m limit --limit 1/hour --limit-burst 4
[8:384] -A FORWARD -m statistic --mode nth ! --every 3 --packet 2
[12:576] -A FORWARD -m statistic --mode nth --every 1 --packet 0
[3:144] -A FORWARD -m statistic --mode nth --every 4 --packet 3
[12:576] -A FORWARD -m statistic --mode random --probability 1.00000000000
[0:0] -A FORWARD -m statistic --mode random ! --probability 1.00000000000
[0:0] -A FORWARD -m statistic --mode random --probability 0.00000000000
[12:576] -A FORWARD -m length --length 48
[0:0] -A FORWARD ! -p tcp -m length ! --length 40:48
[0:0] -A FORWARD -m length --length 49:65535
COMMIT
`;

for (const engine of ENGINES) {
  states(
    `twelve datagrams are counted as the kernel counted them, a chain they pass three times too (${engine})`,
    () => {
      const rules = COUNTED.replace(/^\[.*?\] /gm, '')
        .replace('*mangle\n', '*mangle\n:u - [0:0]\n')
        // One line makes two rules, each with its own limit.
        .replace(/^.*10\.0\.0\.0\/24.*\n/m, '')
        .replace('10.0.0.2/32', '10.0.0.2,10.0.0.0/24');
      const ruleset = parseRuleset(rules, 'counted');
      const emulator = emulatorOf(ruleset, engine);
      forwarded(emulator, every(12, 1));
      const saved = saveRuleset(ruleset, emulator.counters).split('\n');
      const wanted = COUNTED.split('\n').filter((line) => line.startsWith('['));
      assert.equal(saved.filter((line) => line.startsWith('[')).sort(), wanted.sort());
    },
  );

  states(`a limit lets the same packets through as the kernel (${engine})`, () => {
    const cases: [string, number[], number[]][] = [
      [
        '-m limit --limit 20/second --limit-burst 5',
        every(60, 20),
        [0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 15, 18, 20, 23, 25, 28, 30, 33, 35, 38, 40, 43, 45, 48, 50, 53, 55, 58],
      ],
      ['-m limit --limit 100/minute --limit-burst 3', every(40, 100), [0, 1, 2, 6, 12, 18, 24, 30, 36]],
    ];
    for (const [match, timesMs, passed] of cases) {
      assert.equal(forwarded(emulatorOf(limited(match), engine), timesMs), passed, match);
    }
  });

  states(`emulators with one ruleset have separate match state (${engine})`, () => {
    const ruleset = limited('-m limit --limit 1/hour --limit-burst 2');
    const [one, other] = [emulatorOf(ruleset, engine), emulatorOf(ruleset, engine)];
    assert.equal(forwarded(one, every(4, 1)), [0, 1]);
    assert.equal(forwarded(other, every(4, 1)), [0, 1]);
    assert.equal(forwarded(one, every(2, 1)), []);
  });

  states(`a random match is the same for the same seed, and has about the requested probability (${engine})`, () => {
    const ruleset = limited('-m statistic --mode random --probability 0.25');
    const [first, again, other] = [1, 1, 2].map((seed) => forwarded(emulatorOf(ruleset, engine, seed), every(2000, 1)));
    assert.equal(again, first);
    assert.not.equal(other, first);
    // Five standard deviations, 97, around 500.
    assert.ok(Math.abs(first.length - 500) < 97, `${first.length} of 2000`);
  });
}

states('a bucket left alone for 37 hours starts over, as the 32 bits of the kernel do', () => {
  // 2^32 credits at 128 per tick of 4 ms: 134,217.728 s. 1/second costs 32,000 credits; later ticks start from 0 again.
  const wholeMs = 134_217_728;
  const emulator = (): Emulator => emulatorOf(limited('-m limit --limit 1/second --limit-burst 1'), 'compiled');
  assert.equal(forwarded(emulator(), [0, 10, wholeMs - 1000]), [0, 2]);
  assert.equal(forwarded(emulator(), [0, 10, wholeMs + 500]), [0]);
  assert.equal(forwarded(emulator(), [0, 10, wholeMs + 1100]), [0, 2]);
});

const statesOf: Readonly<Record<string, (context: RuleContext) => MatchState>> = {
  // Every other packet matches, the first one too.
  'in a function': (context) => {
    let asked = 0;
    return new FunctionState(context, () => asked++ % 2 === 0);
  },
  'in memory': (context) => FlatState.create(context, { kind: StateKind.NTH }, NTH_STATE, { count: 1, last: 1 }),
};
for (const [where, stateOf] of Object.entries(statesOf)) {
  states(`a predicted result is used for its packet, once, and then discarded: a state ${where}`, () => {
    const context = { ...testContext(seededRandom(1), 0), packetNumber: 1 };
    const state = stateOf(context);
    const packet = packetOf(datagram());
    assert.equal([state.predict(packet), state.predict(packet)], [true, true], 'the same, however often');
    assert.is(state.matches(packet), true, 'as predicted');
    assert.is(state.matches(packet), false, 'nothing is left: evaluated again');

    context.packetNumber = 2;
    assert.is(state.predict(packet), true);
    context.packetNumber = 3;
    assert.is(state.matches(packet), false, 'another packet');
    assert.equal([state.predict(packet), state.matches(packet)], [true, true]);
    assert.is(state.matches(packet), false);
  });
}

states.run();
