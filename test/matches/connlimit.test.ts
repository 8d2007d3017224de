/** connlimit counts as the kernel: the numbers here are what Linux 6.18 counted, with a packet each 50 ms. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../codecs/layouts.js';
import { EMULATOR_ENGINES, type EmulatorEngine, Outcome } from '../../core/emulator.js';
import { tcpPacket, udpPacket } from '../packets/packets.js';
import { MatchingHost } from './matching-host.js';

const connlimit = suite('connlimit');

const SERVER = '10.1.0.2';
/** More connections than any packet here counts. */
const MOST = 12;

const FLAGS: Readonly<Record<string, number>> = { S: TCP_SYN, A: TCP_ACK, F: TCP_FIN, R: TCP_RST };

/** A packet in words: `.2:4000 > udp`, `.2:5000 < SA 500 101` (flags, sequence and acknowledgment number). */
function packetOf(words: string): { dev: number; bytes: Uint8Array } {
  const [client, arrow, kind, seq = '0', ack = '0'] = words.split(' ');
  const [host8, port] = client.split(':');
  const ends = { address: `10.0.0${host8}`, port: Number(port) };
  const serverPort = kind === 'udp' ? 53 : 80;
  const isOut = arrow === '>';
  const addresses = isOut
    ? { source: ends.address, destination: SERVER, sport: ends.port, dport: serverPort }
    : { source: SERVER, destination: ends.address, sport: serverPort, dport: ends.port };
  if (kind === 'udp') return { dev: isOut ? 0 : 1, bytes: udpPacket(addresses) };
  const flags = [...kind].reduce((sum, letter) => sum | FLAGS[letter], 0);
  return {
    dev: isOut ? 0 : 1,
    bytes: tcpPacket({ ...addresses, flags, sequence: Number(seq), acknowledgment: Number(ack) }),
  };
}

/** Rules that match a packet if it counts more than 0, 1, 2, … connections. */
function ladder(options = ''): string {
  const rules = Array.from({ length: MOST }, (_, n) => `-A FORWARD -m connlimit --connlimit-above ${n} ${options}`);
  return ['*filter', ...rules, 'COMMIT', ''].join('\n');
}

class Counter {
  readonly #host: MatchingHost;

  constructor(rules: string, engine: EmulatorEngine) {
    this.#host = new MatchingHost(rules, { engine });
  }

  /** How many connections the packet in WORDS counts; `drop` if the kernel cannot count it. MS later than the last. */
  send(words: string, ms = 50): number | 'drop' {
    const { dev, bytes } = packetOf(words);
    const matched = this.#host.receive(dev, bytes, ms);
    return this.#host.outcome === Outcome.FORWARDED ? matched.length : 'drop';
  }
}

const STORY = `
  .2:4000 > udp             1
  .2:4001 > udp             2
  .2:4002 > udp             3
  .2:4000 < udp             1
  .2:4001 < udp             2
  .2:4002 < udp             3
  .2:4000 > udp             3
  .2:4001 > udp             3
  .2:5000 > S 100           4
  .2:5000 < SA 500 101      4
  .2:5000 > A 101 501       4
  .2:5001 > S 100           5
  .2:5001 < SA 500 101      5
  .2:5001 > A 101 501       5
  .2:5002 > S 100           6
  .2:5002 < SA 500 101      6
  .2:5002 > A 101 501       6
  .2:5000 > FA 101 501      6
  .2:5000 < FA 501 102      6
  .2:5000 > A 102 502       5
  .2:5000 > A 102 502       5
  .2:4009 > udp             6
  .2:5001 > RA 101 501      5
  .2:4010 > udp             6
  .3:6000 > S 100           1
  .3:6000 < SA 500 101      5
  .3:6000 > A 101 501       1
  .3:6000 > FA 101 501      1
  .3:6000 < FA 501 102      5
  .3:6000 > A 102 502       drop
  .3:6000 > A 102 502       drop
  .3:6001 > S 100           1
  .3:6001 > R 101           1
  .3:6002 > S 100           1
  .3:6002 < RA 0 101        5
  .3:4009 > udp             1
  .4:7000 > F 100           1
  .4:7000 > F 100           1
  .4:7001 > F 100           1
  .4:4009 > udp             1
  .4:4008 > udp             2`;

for (const engine of EMULATOR_ENGINES) {
  connlimit(`${engine}: connections are added until they are ASSURED, and leave once they are closed`, () => {
    const counter = new Counter(ladder(), engine);
    for (const line of STORY.trim().split('\n')) {
      const [, words, count] = /^\s*(.*?) {2,}(\S+)$/.exec(line)!;
      assert.is(String(counter.send(words)), count, words);
    }
  });

  connlimit(`${engine}: what never became a connection counts until the next tick`, () => {
    const rules = ladder().replace('COMMIT', '-A FORWARD -p udp --sport 4000:4099 -j DROP\nCOMMIT');
    const counter = new Counter(rules, engine);
    // A dropped packet tells no count.
    for (let i = 0; i < 10; i++) assert.is(counter.send(`.2:${4000 + i} > udp`, 0), 'drop');
    assert.is(counter.send('.2:5000 > udp', 0), 11);
    assert.is(counter.send('.2:5001 > udp'), 2);
  });

  connlimit(`${engine}: after 64 new ones in a tick, those that are gone leave all the same`, () => {
    const rules = ladder().replace('COMMIT', '-A FORWARD -p udp --sport 4000:4199 -j DROP\nCOMMIT');
    const counter = new Counter(rules, engine);
    for (let i = 0; i < 64; i++) counter.send(`.2:${4000 + i} > udp`, 0);
    counter.send('.2:4100 > udp', 0);
    assert.is(counter.send('.2:5000 > udp', 0), 2);
  });
}

connlimit('hosts are grouped by a prefix, at either end', () => {
  const byNetwork = new Counter(ladder('--connlimit-mask 24'), 'interpreter');
  assert.is(byNetwork.send('.2:4000 > udp'), 1);
  assert.is(byNetwork.send('.3:4000 > udp'), 2);
  const byServer = new Counter(ladder('--connlimit-daddr'), 'interpreter');
  assert.is(byServer.send('.2:4000 > udp'), 1);
  assert.is(byServer.send('.3:4000 > udp'), 2);
  assert.is(byServer.send('.3:4000 < udp'), 1);
  const byAll = new Counter(ladder('--connlimit-mask 0'), 'interpreter');
  assert.is(byAll.send('.2:4000 > udp'), 1);
  assert.is(byAll.send('.3:4000 > udp'), 2);
  assert.is(byAll.send('.3:4000 < udp'), 2);
});

connlimit('upto is the opposite of above', () => {
  const rules =
    '*filter\n-A FORWARD -m connlimit --connlimit-upto 1\n-A FORWARD -m connlimit ! --connlimit-above 1\nCOMMIT\n';
  const counter = new Counter(rules, 'interpreter');
  assert.equal([counter.send('.2:1 > udp'), counter.send('.2:2 > udp'), counter.send('.3:1 > udp')], [2, 0, 2]);
});

connlimit.run();
