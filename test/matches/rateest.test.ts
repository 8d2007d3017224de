/**
 * rateest and RATEEST. The rates are worked out by hand; with this arithmetic, and the rules loaded 56 ms before the
 * first packet, Linux 6.18 had the same rates for all of 120 packets.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EMULATOR_ENGINES, type EmulatorEngine } from '../../core/emulator.js';
import { udpPacket } from '../packets/packets.js';
import { MatchingHost } from './matching-host.js';

const rateest = suite('rateest');

/** 100 bytes. */
const DATAGRAM = udpPacket({
  source: '10.0.0.2',
  destination: '10.1.0.2',
  sport: 4000,
  dport: 53,
  data: new Uint8Array(72),
});

/** Half of what was counted in 248 ms (62 ticks), times four, goes into the average, which loses half. */
const HALF = '-A FORWARD -j RATEEST --rateest-name half --rateest-interval 250ms --rateest-ewmalog 500ms';
/** A quarter of what was counted in 496 ms, times two. */
const QUARTER = '-A FORWARD -j RATEEST --rateest-name quarter --rateest-interval 500ms --rateest-ewmalog 2s';

/** A host that estimates, and then compares with MATCHES; rule 2 is the first of them. */
function estimating(matches: readonly string[], engine: EmulatorEngine = 'interpreter'): MatchingHost {
  const rules = matches.map((match) => `-A FORWARD -m rateest ${match}`);
  return new MatchingHost(['*filter', HALF, QUARTER, ...rules, 'COMMIT', ''].join('\n'), { engine });
}

const is = (name: string, bps: number, pps: number): string =>
  `--rateest ${name} --rateest-eq --rateest-bps ${bps * 8} --rateest-pps ${pps}`;

for (const engine of EMULATOR_ENGINES) {
  rateest(`${engine}: the average follows what was counted in each interval`, () => {
    const rates = [is('half', 0, 0), is('half', 1800, 18), is('half', 1100, 11), is('quarter', 500, 5)];
    const host = estimating(rates, engine);
    for (let i = 0; i < 8; i++) assert.equal(host.receive(0, DATAGRAM, i === 0 ? 0 : 10), [0, 1, 2], String(i));
    assert.equal(host.receive(0, DATAGRAM, 177), [0, 1, 2], '247 ms');
    assert.equal(host.receive(0, DATAGRAM, 1).slice(2), [3], '248 ms: half is 9 × 4 / 2');
    assert.equal(
      host.receive(0, DATAGRAM, 251).slice(2),
      [4, 5],
      '499 ms: half is 18 / 2 + 1 × 4 / 2, quarter 10 × 2 / 4',
    );
  });

  rateest(`${engine}: rates decay in silence, however long`, () => {
    const host = estimating([is('half', 800, 8), is('half', 200, 2), is('half', 0, 0)], engine);
    for (let i = 0; i < 4; i++) host.receive(0, DATAGRAM, 10);
    assert.equal(host.receive(0, DATAGRAM, 218).slice(2), [2], '258 ms');
    // The packet of 258 ms is in the next interval: 8 / 2 + 2 = 6, then 3, 1.5, 0.75, …
    assert.equal(host.receive(0, DATAGRAM, 86_400_000).slice(2), [4], 'a day later');
  });
}

rateest('operators, negations, differences and two estimators', () => {
  const matches = [
    '--rateest half --rateest-gt --rateest-pps 7',
    '--rateest half --rateest-gt --rateest-pps 8',
    '--rateest half ! --rateest-gt --rateest-pps 8',
    '--rateest half --rateest-lt --rateest-bps 6408',
    '--rateest half --rateest-lt --rateest-bps 6400',
    '--rateest1 half --rateest-gt --rateest-bps --rateest2 quarter',
    '--rateest1 quarter --rateest-lt --rateest-pps --rateest2 half',
    // 10 − 8 = 2, and never below 0.
    '--rateest-delta --rateest half --rateest-pps1 10 --rateest-eq --rateest-pps2 2',
    '--rateest-delta --rateest half --rateest-pps1 7 --rateest-eq --rateest-pps2 0',
    '--rateest-delta --rateest1 half --rateest-pps1 10 --rateest-lt --rateest-pps2 3 --rateest2 quarter',
    // Both have to hold.
    '--rateest half --rateest-eq --rateest-bps 6400 --rateest-pps 9',
  ];
  const host = estimating(matches);
  for (let i = 0; i < 4; i++) host.receive(0, DATAGRAM, 10);
  const matched = host.receive(0, DATAGRAM, 218).slice(2);
  assert.equal(
    matched.map((rule) => matches[rule - 2]),
    [0, 2, 3, 5, 6, 7, 8, 9].map((i) => matches[i]),
  );
});

rateest.run();
