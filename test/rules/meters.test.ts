/**
 * Matches that remember packets by address, count bytes or read the time, in every engine: hashlimit, recent, quota,
 * time. The expected decisions are calculated by hand from the kernel's arithmetic (ticks of 4 ms, credits of
 * xt_hashlimit); the random cases with `--pace` are compared with the kernel itself.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { decodeText } from '../../codecs/text.js';
import { createEmulator, EMULATOR_ENGINES, Outcome } from '../../core/emulator.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';
import { buildIpv4, udpPacket } from '../packets/packets.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';
import { randomMeter } from './random-meters.js';

const meters = suite('matches that remember packets');

const DESCRIPTION = {
  addr: ['10.0.0.1', '10.1.0.1'].map((local, i) => ({
    ifname: `eth${i}`,
    address: `02:00:00:00:00:1${i}`,
    mtu: 1500,
    addr_info: [{ family: 'inet', local, prefixlen: 16 }],
  })),
};

interface Datagram {
  /** The last byte of its source, 10.0.0.X, from 2. */
  readonly from?: number;
  readonly sport?: number;
  readonly ttl?: number;
  /** Its IP total length in bytes, from 28. */
  readonly length?: number;
  /** Instead of UDP: the bytes after the IP header of this protocol. */
  readonly protocol?: number;
  readonly payload?: Uint8Array;
}

function bytesOf({ from = 2, sport = 4000, ttl = 64, length = 48, protocol, payload }: Datagram): Uint8Array {
  const ends = { source: `10.0.0.${from}`, destination: '10.1.0.2', ttl };
  if (protocol !== undefined) return buildIpv4({ ...ends, protocol }, payload ?? new Uint8Array(0));
  return udpPacket({ ...ends, sport, dport: 53, data: new Uint8Array(length - 28) });
}

/** Datagrams at these times, in milliseconds after START. */
type Traffic = readonly (readonly [ms: number, datagram?: Datagram])[];

/** What became of TRAFFIC under the filter RULES of FORWARD, in every engine: + forwarded, - dropped. */
function decisions(rules: readonly string[], traffic: Traffic, startSec = 0, facts: object = {}): string {
  return judge(rules, traffic, startSec, facts).decided;
}

/** The same, and what was assumed of a host with these FACTS. */
function judge(rules: readonly string[], traffic: Traffic, startSec: number, facts: object) {
  const host = loadHost(JSON.stringify({ ...DESCRIPTION, ...facts }), 'host.json');
  const text = rules.some((rule) => rule.startsWith('*')) ? rules : ['*filter', ':FORWARD DROP', ...rules, 'COMMIT'];
  const ruleset = parseRuleset(`${text.join('\n')}\n`, 'meters');
  const all = EMULATOR_ENGINES.map((engine) => {
    const emulator = createEmulator({ ruleset, host, engine }, { egress() {}, local() {}, dropped() {} });
    return traffic
      .map(([ms, datagram = {}]) => {
        const [tsSec, tsNsec] = [startSec + Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
        const bytes = bytesOf(datagram);
        emulator.receive(new Frame({ bytes, dev: 0, linktype: Linktype.RAW, tsSec, tsNsec }));
        return emulator.outcome === Outcome.FORWARDED ? '+' : '-';
      })
      .join('');
  });
  for (const one of all) assert.is(one, all[0], 'every engine decides alike');
  return { decided: all[0], assumed: host.assumed().filter((line) => /recent|zone/.test(line)) };
}

const accept = (match: string): string => `-A FORWARD ${match} -j ACCEPT`;
const times = (count: number, ms: number, datagram: Datagram = {}): Traffic =>
  Array.from({ length: count }, () => [ms, datagram] as const);

meters('hashlimit: each source has a bucket of its own, which refills by the tick', () => {
  const limit = accept(
    '-m hashlimit --hashlimit-upto 5/sec --hashlimit-burst 3 --hashlimit-mode srcip --hashlimit-name h',
  );
  const traffic: Traffic = [...times(4, 0), [0, { from: 3 }], [196], [200], [200], [400], [400, { from: 3 }]];
  assert.is(decisions([limit], traffic), '+++-+-+-++');
});

meters('hashlimit: --hashlimit-above and a negated --hashlimit-upto match what exceeds the limit', () => {
  for (const option of ['--hashlimit-above', '! --hashlimit-upto']) {
    const limit = accept(`-m hashlimit ${option} 1/sec --hashlimit-burst 2 --hashlimit-name h`);
    assert.is(decisions([limit], times(4, 0)), '--++');
  }
});

meters('hashlimit: an expired entry lives until the garbage collection, and each packet keeps it', () => {
  const limit = accept(
    '-m hashlimit --hashlimit-upto 1/min --hashlimit-burst 1 --hashlimit-htable-expire 1000 --hashlimit-name h',
  );
  // At 1950 it has expired, but the last collection was at 1000. So it is kept until 2950, and collected at 3000.
  assert.is(decisions([limit], [[0], [900], [1950], [2996], [3992], [5000]]), '+----+');
  assert.is(decisions([limit], [[0], [900], [1950], [3000]]), '+--+');
  const late = `${limit.slice(0, -10)} --hashlimit-htable-gcinterval 10000 -j ACCEPT`;
  assert.is(decisions([late], [[0], [900], [9996], [10_000], [20_000]]), '+---+');
  assert.is(decisions([late], [[0], [900], [9996], [20_000]]), '+--+');
});

meters('hashlimit: a full table drops what needs an entry, whatever the rule is for', () => {
  const limit = '-m hashlimit --hashlimit-above 1/sec --hashlimit-mode srcip --hashlimit-name h';
  const rules = [`-A FORWARD ${limit} --hashlimit-htable-size 1 --hashlimit-htable-max 2`, '-A FORWARD -j ACCEPT'];
  const [b, c] = [{ from: 3 }, { from: 4 }];
  assert.is(decisions(rules, [[0], [0, b], [0, c], [0], [0, b], [0, c], [900, b], [1000, c], [2000, c]]), '++-++-+++');
  // Without --hashlimit-htable-max there are eight for each bucket.
  const many = [`-A FORWARD ${limit} --hashlimit-htable-size 2`, '-A FORWARD -j ACCEPT'];
  const sources = Array.from({ length: 18 }, (_, i) => [0, { from: 2 + i }] as const);
  assert.is(decisions(many, sources), `${'+'.repeat(16)}--`);
});

meters('hashlimit: a rate of bytes counts chunks of 16, and fills the bucket as often as the burst says', () => {
  // A chunk costs 64,527,752 of the 4,194,304,000 of a second; 48 bytes are 4 chunks. A tick brings 16,777,216.
  const limit = '-m hashlimit --hashlimit-upto 1kb/s';
  const traffic: Traffic = [...times(17, 0), [44], [48], [48]];
  assert.is(decisions([accept(`${limit} --hashlimit-name h`)], traffic), `${'+'.repeat(16)}--+-`);
  const burst = accept(`${limit} --hashlimit-burst 2kb --hashlimit-name h`);
  assert.is(decisions([burst], times(50, 0)), `${'+'.repeat(48)}--`);
  // What costs more than a second's credit is counted as that.
  const long = accept('-m hashlimit --hashlimit-upto 100b/s --hashlimit-name h');
  assert.is(decisions([long], [[0, { length: 1400 }], [996], [1000, { length: 1400 }]]), '++-');
});

meters('hashlimit: ports are those of the protocol; where they are cut off, the packet is dropped', () => {
  const limit = '-m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 1 --hashlimit-mode srcport --hashlimit-name h';
  const spi = (value: number): Uint8Array => Uint8Array.of(0, value, 0, 0, 0, 0, 0, 0);
  const traffic: Traffic = [
    [0, { sport: 1 }],
    [0, { sport: 2 }],
    [0, { sport: 1 }],
    // ESP's index is where ports are, AH's four bytes later, GRE has none.
    [0, { protocol: 50, payload: spi(3) }],
    [0, { protocol: 50, payload: spi(3) }],
    [0, { protocol: 51, payload: Uint8Array.of(9, 9, 9, 9, 0, 4, 0, 0) }],
    [0, { protocol: 51, payload: Uint8Array.of(8, 8, 8, 8, 0, 4, 0, 0) }],
    [0, { protocol: 99, payload: spi(5) }],
    [0, { protocol: 99, payload: spi(6) }],
  ];
  assert.is(decisions([accept(limit)], traffic), '++-+-+-+-');
  const dropping = [`-A FORWARD ${limit}`, '-A FORWARD -j ACCEPT'];
  const cut = { protocol: 50, payload: Uint8Array.of(0, 1, 0) };
  assert.is(
    decisions(dropping, [
      [0, cut],
      [0, { protocol: 99, payload: spi(1) }],
    ]),
    '-+',
  );
});

meters('hashlimit: --hashlimit-rate-match counts intervals, and an interval above the rate blocks the next', () => {
  // 2 a second, and the burst of 1 on top of it.
  const limit = accept(
    '-m hashlimit --hashlimit-upto 2/sec --hashlimit-burst 1 --hashlimit-rate-match --hashlimit-name r',
  );
  assert.is(decisions([limit], [...times(4, 0), [996], [1000], [1996], [2000], [2000]]), '+++----++');
});

meters('hashlimit: rules with one name share the table of the first of them', () => {
  const first = '-m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-name h';
  // The mode, the rate and the burst of the second rule do not matter; what it matches does.
  const second = '-m hashlimit --hashlimit-above 100/sec --hashlimit-burst 9 --hashlimit-name h';
  const rules = [accept(`-s 10.0.0.2 ${first}`), accept(second)];
  assert.is(decisions(rules, [[0], [0], [0], [0, { from: 3 }], [0, { from: 3 }], [0, { from: 3 }]]), '+++--+');
});

meters('hashlimit: after 2^25 ticks without a packet the credit starts from 0 again', () => {
  const limit = '-m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 2 --hashlimit-htable-expire 4294967295';
  const silence = 2 ** 25 * 4;
  const rules = [accept(`${limit} --hashlimit-name h`)];
  assert.is(decisions(rules, [...times(3, 0), [silence], [silence + 3_600_000]]), '++--+');
  assert.is(decisions(rules, [...times(3, 0), [silence - 4], [silence]]), '++-++');
});

meters('recent: an address is in the list for as many seconds, counted by ticks', () => {
  const rules = [accept('-m recent --rcheck --seconds 1 --name l'), '-A FORWARD -m recent --set --name l'];
  // Each miss sets it again.
  assert.is(decisions(rules, [[0], [1000], [1004], [2004], [2007.9], [3012], [1e9], [1e9 + 1000]]), '-+-++--+');
});

meters('recent: ufw limits a source to five new connections in 30 seconds', () => {
  const rules = [
    '-A FORWARD -m recent --set --name DEFAULT --rsource',
    '-A FORWARD -m recent --update --seconds 30 --hitcount 6 --name DEFAULT --rsource -j DROP',
    '-A FORWARD -j ACCEPT',
  ];
  const attempts = Array.from({ length: 8 }, (_, i) => [i * 1000] as const);
  // The update adds a stamp, too: of eight stamps, six are in the last 30 seconds.
  assert.is(decisions(rules, [...attempts, [7000, { from: 3 }], [60_000], [60_100]]), '+++++---+++');
});

meters('recent: a list has 100 addresses, and forgets the one that was updated the longest time ago', () => {
  const rules = [accept('-m recent --rcheck --name l'), '-A FORWARD -m recent --set --name l'];
  const sources = Array.from({ length: 100 }, (_, i) => [i, { from: 2 + i }] as const);
  const next = [200, { from: 200 }] as const;
  assert.is(
    decisions(rules, [...sources, [150, { from: 2 }], next, [300, { from: 2 }], [300, { from: 3 }]]),
    `${'-'.repeat(100)}+---`,
  );
  // 10.0.0.2 was only looked for, so it is forgotten first. An update would have kept it.
  const kept = [accept('-m recent --update --name l'), '-A FORWARD -m recent --set --name l'];
  assert.is(
    decisions(kept, [...sources, [150, { from: 2 }], next, [300, { from: 2 }], [300, { from: 3 }]]),
    `${'-'.repeat(100)}+-+-`,
  );
});

meters('recent: an address keeps as many stamps as the largest hitcount of its list needs, a power of two', () => {
  const set = '-A FORWARD -m recent --set --name l';
  const check = (hits: number): string => accept(`-m recent --rcheck --hitcount ${hits} --name l`);
  assert.is(decisions([set, check(3)], times(5, 0)), '--+++');
  // 32 without any hitcount in the list; 2 for a hitcount of 2, so that there are never more.
  assert.is(decisions([set, accept('-m recent --rcheck --name l')], times(2, 0)), '++');
  const others = [set, '-A FORWARD -m recent --rcheck --hitcount 65 --name l', check(33)];
  assert.is(decisions(others, times(34, 0)), `${'-'.repeat(32)}++`);
  // Two stamps, both within the second: the older one has been overwritten.
  const window = [set, accept('-m recent --rcheck --seconds 1 --hitcount 2 --name l')];
  assert.is(decisions(window, [[0], [900], [1800], [3000], [3000]]), '-++-+');
});

meters('recent: --rttl compares the TTL before forwarding with that of the last packet set or updated', () => {
  const rules = [
    '*raw',
    '-A PREROUTING -m mark --mark 1 -m recent --set --name l',
    'COMMIT',
    '*filter',
    ':FORWARD DROP',
    accept('-m recent --rcheck --rttl --name l'),
    '-A FORWARD -m recent --set --name l',
    'COMMIT',
  ];
  const traffic: Traffic = [[0], [0], [0, { ttl: 65 }], [0], [0, { ttl: 64 }]];
  // The third sets it to 65, the fourth back to 64.
  assert.is(decisions(rules, traffic), '-+--+');
});

meters('recent: --reap removes the oldest address of the list if that is too old', () => {
  const rules = [
    accept('-s 10.0.0.9 -m recent --rcheck --name l --mask 0.0.0.0'),
    '-A FORWARD -s 10.0.0.9 -j DROP',
    accept('-m length --length 48 -m recent --rcheck --seconds 1 --reap --name k'),
    accept('-m length --length 100 -m recent --rcheck --name k'),
    '-A FORWARD -m length --length 28 -m recent --set --name k',
  ];
  const [set, ask] = [28, 100];
  const b = 3;
  const traffic: Traffic = [
    [0, { length: set }],
    [500, { length: set, from: b }],
    // 10.0.0.2 is too old now, and goes when 10.0.0.3 is looked for.
    [1100, { length: ask }],
    [1200, { from: b }],
    [1200, { length: ask }],
    [1200, { length: ask, from: b }],
    // So does 10.0.0.3, when it is looked for itself and too old.
    [1600, { from: b }],
    [1600, { length: ask, from: b }],
  ];
  assert.is(decisions(rules, traffic), '--++-+--');
});

meters('recent: negated, an update is for addresses that are in the list but not seen lately', () => {
  const rules = [
    accept('-m recent ! --update --seconds 1 --name l'),
    '-A FORWARD -m length --length 28 -m recent --set --name l',
  ];
  // It matches an unknown address, without adding it.
  assert.is(decisions(rules, [[0], [0], [500], [2000]]), '++++');
  const known: Traffic = [[0, { length: 28 }], [0]];
  assert.is(decisions(['-A FORWARD -m recent --set --name l', ...rules.slice(0, 1)], known), '--');
});

meters(
  'recent: --remove forgets an address; lists are shared by all tables; --rdest and --mask say what is listed',
  () => {
    const rules = [
      '*mangle',
      '-A PREROUTING -m length --length 28 -m recent --set --name l --mask 255.255.255.0',
      'COMMIT',
      '*filter',
      ':FORWARD DROP',
      accept('-m length --length 100 -m recent --remove --name l'),
      accept('-m length --length 48 -m recent --rcheck --name l'),
      accept('-m length --length 200 -m recent --rcheck --rdest --name l'),
      'COMMIT',
    ];
    const traffic: Traffic = [
      [0],
      [0, { length: 28 }],
      [0, { from: 99 }],
      [0, { length: 200 }],
      [0, { length: 100 }],
      [0, { length: 100 }],
      [0],
    ];
    assert.is(decisions(rules, traffic), '--+-+--');
  },
);

meters('quota: bytes are taken until a packet does not fit, and then none fits', () => {
  const traffic: Traffic = [[0], [0], [0], [0, { length: 28 }]];
  assert.is(decisions([accept('-m quota --quota 124')], traffic), '++--');
  assert.is(decisions([accept('-m quota ! --quota 124')], traffic), '--++');
  assert.is(decisions([accept('-m quota --quota 18446744073709551615')], traffic), '++++');
  assert.is(decisions([accept('-m quota --quota 0')], traffic), '----');
});

/** Decisions of `-m time` with OPTIONS at each of WHEN (ISO 8601, UTC), in order. */
function atTimes(options: string, ...when: string[]): string {
  const ms = when.map((text) => Date.parse(text));
  const startSec = Math.floor(ms[0] / 1000);
  return decisions(
    [accept(`-m time ${options}`)],
    ms.map((one) => [one - startSec * 1000] as const),
    startSec,
  );
}

meters('time: times of the day, days of the week and of the month, and dates, all in UTC', () => {
  const day = (time: string): string => `2026-07-04T${time}Z`;
  const office = ['08:59:59.999', '09:00:00', '17:30:00.999', '17:30:01'].map(day);
  assert.is(atTimes('--timestart 09:00 --timestop 17:30', ...office), '-++-');
  const night = ['05:59:59', '06:00:00', '06:00:01', '21:59:59', '22:00:00'].map(day);
  assert.is(atTimes('--timestart 22:00 --timestop 06:00', ...night), '++--+');
  // July 4th, 2026 is a Saturday.
  const weekend = ['2026-07-03T23:59:59Z', '2026-07-04T00:00:00Z', '2026-07-05T23:59:59Z', '2026-07-06T00:00:00Z'];
  assert.is(atTimes('--weekdays Sat,Sun', ...weekend), '-++-');
  assert.is(atTimes('! --weekdays Sat,Sun', ...weekend), '+--+');
  const months = ['2028-02-28', '2028-02-29', '2028-03-01', '2028-12-31', '2029-01-01'].map(
    (text) => `${text}T12:00:00Z`,
  );
  assert.is(atTimes('--monthdays 1,29,31', ...months), '-++++');
  const dates = ['2026-12-24T17:59:59Z', '2026-12-24T18:00:00Z', '2026-12-26T00:00:00Z', '2026-12-26T00:00:01Z'];
  assert.is(atTimes('--datestart 2026-12-24T18 --datestop 2026-12-26', ...dates), '-++-');
});

meters('time: with --contiguous, what is after midnight belongs to the day before', () => {
  // From Friday evening, July 3rd, until Saturday morning.
  const when = ['2026-07-03T01:00:00Z', '2026-07-03T23:00:00Z', '2026-07-04T01:00:00Z', '2026-07-04T23:00:00Z'];
  const night = '--timestart 22:00 --timestop 02:00 --weekdays Fri';
  assert.is(atTimes(night, ...when), '++--');
  assert.is(atTimes(`${night} --contiguous`, ...when), '-++-');
  assert.is(atTimes('--timestart 22:00 --timestop 02:00 --monthdays 3 --contiguous', ...when), '-++-');
});

meters('time: --kerneltz is in the time zone of the kernel, which is UTC unless the host says otherwise', () => {
  const rules = [accept('-m time --kerneltz --timestart 01:00 --timestop 02:00 --weekdays Fri')];
  // January 1st, 1970 was a Thursday.
  const traffic: Traffic = [[0], [23 * 3_600_000], [24.5 * 3_600_000], [25 * 3_600_000]];
  assert.equal(judge(rules, traffic, 0, {}), {
    decided: '---+',
    assumed: ['the time zone of the kernel = UTC, as rules ask for it (`kerneltz`)'],
  });
  assert.equal(judge(rules, traffic, 0, { kerneltz: 120 }), { decided: '-+--', assumed: [] });
  assert.is(decisions(rules, traffic, 0, { kerneltz: -30 }), '----');
  assert.is(decisions(rules, traffic, 86_400, { kerneltz: -23 * 60 }), '--++');
});

meters('recent: the host may say how many addresses its lists have', () => {
  const rules = [accept('-m recent --rcheck --name l'), '-A FORWARD -m recent --set --name l'];
  const two: Traffic = [[0], [0, { from: 3 }], [0], [0, { from: 4 }], [0, { from: 3 }], [0, { from: 4 }]];
  assert.equal(judge(rules, two, 0, {}), { decided: '--+-++', assumed: [] });
  assert.equal(judge(rules, two, 0, { xt_recent: { ip_list_tot: 2 } }), { decided: '--+-++', assumed: [] });
  assert.equal(judge(rules, two, 0, { xt_recent: { ip_list_tot: 1 } }).decided, '------');
  const many = Array.from({ length: 101 }, (_, i) => [0, { from: 2 + i }] as const);
  const { assumed } = judge(rules, many, 0, {});
  assert.equal(assumed, ['ip_list_tot = 100, so that a list of recent forgot addresses (`xt_recent`)']);
});

meters('translated packets are looked up as rules see them, in every engine', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  for (let round = 0; round < 30; round++) {
    const random = seededRandom(seed + round);
    const rules = (chain: string): string[] =>
      Array.from({ length: 1 + random(4) }, () => `-A ${chain} ${randomMeter(random)}`);
    const text = [
      ...['*nat', '-A PREROUTING -d 10.0.0.1 -p udp --dport 5353 -j DNAT --to-destination 10.1.0.2:53'],
      ...['-A POSTROUTING -o eth1 -j MASQUERADE', 'COMMIT'],
      ...['*mangle', ...rules('PREROUTING'), ...rules('FORWARD'), ...rules('POSTROUTING'), 'COMMIT', ''],
    ].join('\n');
    const ruleset = parseRuleset(text, 'random');
    const arrivals = translatedTraffic(random, 150);
    const counted = EMULATOR_ENGINES.map((engine) => {
      const host = loadHost(JSON.stringify(DESCRIPTION), 'host.json');
      const emulator = createEmulator({ ruleset, host, engine }, { egress() {}, local() {}, dropped() {} });
      for (const { ms, dev, bytes } of arrivals) {
        const [tsSec, tsNsec] = [Math.floor(ms / 1000), (ms % 1000) * 1e6];
        emulator.receive(new Frame({ bytes: Uint8Array.from(bytes), dev, linktype: Linktype.RAW, tsSec, tsNsec }));
      }
      return saveRuleset(ruleset, emulator.counters);
    });
    for (const one of counted) assert.is(one, counted[0], `seed ${seed}, round ${round}`);
  }
});

/** Requests of four clients to the published port, and replies to the host's address, with which it masquerades. */
function translatedTraffic(random: Random, count: number): { ms: number; dev: number; bytes: Uint8Array }[] {
  let ms = 0;
  return Array.from({ length: count }, (_, i) => {
    ms += i < 8 ? 600 : random(60);
    const client = i < 8 ? i >> 1 : random(4);
    const isRequest = i < 8 ? i % 2 === 0 : random(2) === 0;
    const ends = isRequest
      ? { source: `10.0.0.${2 + client}`, destination: '10.0.0.1', sport: 4000 + client, dport: 5353 }
      : { source: '10.1.0.2', destination: '10.1.0.1', sport: 53, dport: 4000 + client };
    const data = new Uint8Array(pick(random, [0, 20, 20, 100]));
    return { ms, dev: isRequest ? 0 : 1, bytes: udpPacket({ ...ends, ttl: pick(random, [63, 64]), data }) };
  });
}

/** Recorded from iptables 1.8.9: the bytes come out as they went in, cut to what the kernel stores. */
meters('names of tables and lists may have bytes that are not UTF-8', () => {
  const saved = (match: string, bytes: number): string => {
    const rules = ['*filter', `-A FORWARD ${match} ${decodeText(Buffer.alloc(bytes, 0xff))}`, 'COMMIT', ''];
    return saveRuleset(parseRuleset(rules.join('\n'), 'rules.v4'));
  };
  const holds = (text: string, bytes: number): boolean =>
    text.includes(` ${decodeText(Buffer.alloc(bytes, 0xff))}`) &&
    !text.includes(decodeText(Buffer.alloc(bytes + 1, 0xff)));
  const recent = '-m recent --set --name';
  const hashlimit = '-m hashlimit --hashlimit-upto 5/sec --hashlimit-name';
  assert.ok(holds(saved(recent, 90), 90));
  assert.ok(holds(saved(recent, 220), 199));
  assert.ok(holds(saved(hashlimit, 90), 90));
  assert.ok(holds(saved(hashlimit, 300), 254));
});

meters.run();
