/**
 * Random rulesets, and many connections between a few addresses and ports that lie around what the rules ask for.
 */

import { IPPROTO_TCP, TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { listConnection } from '../../core/conntrack/list.js';
import { describeCause } from '../../core/drop.js';
import { createEmulator, type Emulator, type EmulatorEngine } from '../../core/emulator.js';
import type { Observer } from '../../core/events.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { Memory } from '../../core/memory.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';
import { tcpPacket, udpPacket } from '../packets/packets.js';
import { pick, type Random } from '../random.js';

/** The host of the talks, as host.json. Interface lo is its first one. */
export const TALKS_HOST = JSON.stringify({
  addr: [
    ['wan', '192.0.2.10', 24],
    ['lan', '172.17.0.1', 16],
    ['dmz', '10.0.0.1', 24],
  ].map(([ifname, local, prefixlen], i) => ({
    ifname,
    address: `02:00:00:00:00:1${i}`,
    mtu: 1500,
    addr_info: [{ family: 'inet', local, prefixlen }],
  })),
  route: [
    { dst: 'default', gateway: '192.0.2.1', dev: 'wan' },
    { dst: '10.9.0.0/16', gateway: '10.0.0.2', dev: 'dmz' },
    { dst: '198.51.100.128/25', gateway: '10.0.0.2', dev: 'dmz' },
  ],
});
const HOST = loadHost(TALKS_HOST, 'host.json');
const DEVS = ['wan', 'lan', 'dmz'] as const;
const CLIENTS: Record<(typeof DEVS)[number], readonly string[]> = {
  wan: ['198.51.100.7', '198.51.100.127', '203.0.113.5', '8.8.8.8', '192.0.2.77'],
  lan: ['172.17.0.2', '172.17.0.3', '172.17.9.9'],
  dmz: ['10.0.0.2', '10.9.1.1', '10.9.200.1', '198.51.100.200'],
};
const SERVERS = ['192.0.2.10', '172.17.0.2', '172.17.0.3', '10.0.0.2', '10.9.1.1', '203.0.113.5', '198.51.100.200'];
const PORTS = [22, 53, 80, 81, 443, 1023, 1024, 8080, 40_000];
const NETWORKS = [
  '198.51.100.0/24',
  '198.51.100.0/25',
  '172.17.0.0/16',
  '172.17.0.3',
  '10.9.0.0/16',
  '203.0.113.0/24',
  '0.0.0.0/1',
];

export function randomRules(random: Random): string {
  const not = (): string => (random(4) === 0 ? '! ' : '');
  const ports = (): string => `${pick(random, PORTS)}${random(2) === 0 ? '' : `:${40_000 + random(20_000)}`}`;
  const parts = (): string => {
    const chosen = [
      random(3) === 0 ? `${not()}-s ${pick(random, NETWORKS)}` : '',
      random(3) === 0 ? `${not()}-d ${pick(random, NETWORKS)}` : '',
    ];
    const protocol = pick(random, ['', '', 'tcp', 'udp']);
    if (protocol !== '') {
      chosen.push(`-p ${protocol}`);
      const asked = [
        `-m ${protocol} ${not()}--${pick(random, ['dport', 'sport'])} ${ports()}`,
        `-m multiport ${not()}--dports 22,80:81,443,${1024 + random(3)}`,
        protocol === 'tcp' ? '-m tcp --tcp-flags SYN,ACK SYN' : '',
      ];
      chosen.push(pick(random, asked));
    }
    chosen.push(
      pick(random, [
        '',
        '',
        '',
        `-m conntrack ${not()}--ctstate ${pick(random, ['NEW', 'ESTABLISHED,RELATED', 'INVALID'])}`,
        `-m addrtype ${not()}--${pick(random, ['src', 'dst'])}-type ${pick(random, ['LOCAL', 'UNICAST'])}`,
        `-m iprange ${not()}--${pick(random, ['src', 'dst'])}-range 172.17.0.3-198.51.100.50`,
        `-m length ${not()}--length 40:44`,
        `-m ttl --ttl-gt ${62 + random(3)}`,
        '-m statistic --mode nth --every 3 --packet 0',
        '-m limit --limit 20/second --limit-burst 4',
        '-m conntrack --ctstatus ASSURED',
        '-m mark --mark 0x1/0x1',
        '-m connmark --mark 0x2',
      ]),
    );
    return chosen.filter((part) => part !== '').join(' ');
  };
  const rule = (chain: string, targets: readonly string[]): string => `-A ${chain} ${parts()} ${pick(random, targets)}`;
  const rules = (chain: string, targets: readonly string[], most: number): string[] =>
    Array.from({ length: random(most + 1) }, () => rule(chain, targets));
  const device = (): string => `${not()}-${pick(random, ['i', 'o'])} ${pick(random, DEVS)}`;
  return [
    '*mangle',
    ':u - [0:0]',
    ...(random(4) === 0 ? ['-A PREROUTING -j CONNMARK --restore-mark'] : []),
    ...rules('PREROUTING', ['', '-j u', '-j MARK --set-xmark 0x1/0x1'], 3),
    ...rules('u', ['', '-j RETURN'], 2),
    ...rules('FORWARD', ['', '-j CONNMARK --set-xmark 0x2/0x2', '-j u', '-j LOG --log-prefix "forwarded "'], 1),
    ...(random(4) === 0 ? rules('FORWARD', ['-j CONNMARK --save-mark', '-j CONNMARK --set-xmark 0x2/0'], 2) : []),
    'COMMIT',
    '*nat',
    // A chain that is asked, where some rules accept and others translate.
    ...(random(4) === 0
      ? Array.from(
          { length: 230 },
          () =>
            `-A PREROUTING ${addresses(random, 'tcp')} ` +
            `-j ${pick(random, ['ACCEPT', 'ACCEPT', 'DNAT --to-destination 10.9.1.1'])}`,
        )
      : []),
    ...Array.from({ length: random(3) }, () => {
      const to = pick(random, ['172.17.0.3', '172.17.0.2:8080', '10.9.1.1:80', '172.17.0.2-172.17.0.3']);
      const port = random(3) === 0 ? '' : ` -m tcp --dport ${pick(random, PORTS)}`;
      return `-A PREROUTING ${random(2) === 0 ? '-d 192.0.2.10/32 ' : ''}-p tcp${port} -j DNAT --to-destination ${to}`;
    }),
    ...(random(2) === 0 ? ['-A PREROUTING -i lan -p udp -m udp --dport 53 -j DNAT --to-destination 10.0.0.2:53'] : []),
    ...rules('POSTROUTING', ['-j ACCEPT', ''], 1),
    ...(random(3) > 0 ? ['-A POSTROUTING -s 172.17.0.0/16 ! -o lan -j MASQUERADE'] : []),
    ...(random(3) === 0 ? ['-A POSTROUTING -o dmz -j SNAT --to-source 10.0.0.1'] : []),
    'COMMIT',
    '*filter',
    ':v - [0:0]',
    // A chain that is asked, instead of being followed rule by rule.
    ...(random(2) === 0
      ? Array.from(
          { length: 230 },
          () => `-A FORWARD ${addresses(random)} -j ${pick(random, ['ACCEPT', 'ACCEPT', 'DROP'])}`,
        )
      : []),
    ...rules('v', ['-j RETURN', '-j DROP', '-j ACCEPT', ''], 3),
    ...(random(2) === 0 ? ['-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'] : []),
    ...Array.from(
      { length: random(4) },
      () => `-A FORWARD ${device()} ${parts()} -j ${pick(random, ['ACCEPT', 'v', 'DROP'])}`,
    ),
    ...rules('FORWARD', ['-j v', '-j ACCEPT', '-g v', ''], 4),
    'COMMIT',
    '',
  ].join('\n');
}

/** Rules with states of every kind: in the host's memory, shared by name, in closures. */
export const STATES = [
  '-A FORWARD -m limit --limit 20/second --limit-burst 4',
  '-A FORWARD -m statistic --mode nth --every 3 --packet 0',
  '-A FORWARD -m statistic --mode random --probability 0.5',
  '-A FORWARD -m quota --quota 2000',
  '-A FORWARD -m recent --name r --set',
  '-A FORWARD -m recent --name r --rcheck --hitcount 3',
  '-A FORWARD -m hashlimit --hashlimit-name h --hashlimit-upto 5/second --hashlimit-mode srcip',
  '-A FORWARD -m connlimit --connlimit-above 3',
  '-A FORWARD -m connbytes --connbytes 3: --connbytes-dir both --connbytes-mode packets',
  '-A FORWARD -j RATEEST --rateest-name e --rateest-interval 250ms --rateest-ewmalog 1s',
];

/** `randomRules`, of which some have states. */
export function randomRuleset(random: Random): string {
  const states = STATES.filter(() => random(4) === 0);
  return randomRules(random).replace(':v - [0:0]', [':v - [0:0]', ...states].join('\n'));
}

/** Of one source or destination, or of both, and often of a port. */
function addresses(random: Random, protocol = ''): string {
  const all = [...Object.values(CLIENTS).flat(), ...SERVERS].map(
    (address) => `${address}/${pick(random, [16, 24, 32, 32])}`,
  );
  const ends = pick(random, [['-s'], ['-d'], ['-s', '-d'], ['-s', '-d']]).map((end) => `${end} ${pick(random, all)}`);
  const isAnyPort = random(3) === 0;
  if (isAnyPort && protocol !== '') return `${ends.join(' ')} -p ${protocol}`;
  const port = isAnyPort ? '' : ` -p tcp -m tcp --${pick(random, ['dport', 'sport'])} ${pick(random, PORTS)}`;
  return ends.join(' ') + port;
}

interface Arrival {
  readonly dev: number;
  readonly bytes: Uint8Array;
}

/** A packet with right checksums; PAYLOAD bytes of data. */
function packetOf(
  random: Random,
  ends: { source: string; destination: string; sport: number; dport: number },
  protocol: number,
  flags: number,
  sequence: number,
  acknowledgment: number,
  payload: number,
): Uint8Array {
  const fields = { ...ends, ttl: pick(random, [64, 64, 63, 2]), data: new Uint8Array(payload) };
  if (protocol !== IPPROTO_TCP) return udpPacket(fields);
  return tcpPacket({ ...fields, flags, sequence, acknowledgment, window: 8192 });
}

/** What each side of a connection sends, by turns: who, flags, and data in bytes. */
const TURNS: readonly (readonly [side: 0 | 1, flags: number, payload: number])[] = [
  [0, TCP_SYN, 0],
  [1, TCP_SYN | TCP_ACK, 0],
  [0, TCP_ACK, 0],
  [0, TCP_ACK | TCP_PSH, 4],
  [1, TCP_ACK, 0],
  [1, TCP_ACK | TCP_PSH, 30],
  [0, TCP_ACK, 0],
  [0, TCP_ACK | TCP_FIN, 0],
  [1, TCP_ACK | TCP_FIN, 0],
  [0, TCP_ACK, 0],
];

export interface ConverseOptions {
  readonly memory?: Memory;
  readonly beforePacket?: (emulator: Emulator, number: number) => void;
  readonly observer?: Observer;
  /** Called with each packet before it arrives on interface DEV, from its IP header on. */
  readonly onArrival?: (dev: number, bytes: Uint8Array, timeMs: number) => void;
}

/** What one engine made of it. */
interface Outcome {
  readonly saved: string;
  readonly connections: string[];
  readonly sent: string[];
  readonly fullWay: number;
  readonly all: number;
}

/**
 * COUNT connections, all at once; whoever answers sees what reached him, as it was translated. BEFORE_PACKET is called
 * with the number of each packet, from 0.
 */
export function converse(
  random: Random,
  engine: EmulatorEngine,
  rules: string,
  count: number,
  { memory = new Memory(), beforePacket = () => {}, observer, onArrival }: ConverseOptions = {},
): Outcome {
  const ruleset = parseRuleset(rules, 'random');
  const sent: string[] = [];
  let left: { dev: number; bytes: Uint8Array } | undefined;
  const emulator = createEmulator(
    { ruleset, host: HOST, engine, memory, ...(observer === undefined ? {} : { observer }) },
    {
      egress(dev, bytes, at, available) {
        left = { dev, bytes: bytes.slice(at + 14, at + available) };
        sent.push(`${dev} ${bytes.subarray(at, at + available).join(' ')}`);
      },
      local() {},
      dropped: (drop) => sent.push(describeCause(drop.cause)),
      log: ({ prefix, bytes, at, available }) => sent.push(`${prefix} ${bytes.subarray(at, at + available).join(' ')}`),
    },
  );
  let all = 0;
  const arrive = ({ dev, bytes }: Arrival): void => {
    beforePacket(emulator, all);
    const timeMs = all++ * 7;
    onArrival?.(dev, bytes.slice(), timeMs);
    left = undefined;
    const [tsSec, tsNsec] = [Math.floor(timeMs / 1000), (timeMs % 1000) * 1e6];
    emulator.receive(new Frame({ bytes, dev, linktype: Linktype.RAW, tsSec, tsNsec }));
  };
  const talks = Array.from({ length: count }, () => {
    const dev = pick(random, DEVS);
    return {
      protocol: random(3) === 0 ? 17 : IPPROTO_TCP,
      dev: DEVS.indexOf(dev) + 1,
      source: pick(random, CLIENTS[dev]),
      destination: pick(random, SERVERS),
      sport: pick(random, [1000, 1024, 30_000, 40_001, 40_002, 50_000]),
      dport: pick(random, PORTS),
      answer: undefined as
        | { dev: number; source: string; destination: string; sport: number; dport: number }
        | undefined,
      sequences: [100 + random(5), 7000],
    };
  });
  for (const [side, flags, payload] of TURNS) {
    for (const talk of talks) {
      const { protocol, sequences } = talk;
      const odd = random(40) === 0;
      const kind = odd ? pick(random, [TCP_RST, TCP_SYN, TCP_ACK]) : flags;
      const from = side === 0 ? talk : talk.answer;
      if (from === undefined) continue;
      const acknowledgment = (kind & TCP_ACK) !== 0 ? sequences[1 - side] : 0;
      arrive({
        dev: from.dev,
        bytes: packetOf(random, from, protocol, kind, sequences[side], acknowledgment, payload),
      });
      if (!odd) sequences[side] += payload + ((flags & (TCP_SYN | TCP_FIN)) !== 0 ? 1 : 0);
      if (side === 0 && left !== undefined) {
        const view = new DataView(left.bytes.buffer, left.bytes.byteOffset);
        const address = (at: number): string => [...left!.bytes.subarray(at, at + 4)].join('.');
        talk.answer = {
          dev: left.dev,
          source: address(16),
          destination: address(12),
          sport: view.getUint16(22),
          dport: view.getUint16(20),
        };
      }
    }
  }
  const connections: string[] = [];
  const { nowMs } = emulator;
  emulator.connections.forEach(nowMs, (entry) => {
    connections.push(JSON.stringify(listConnection(emulator.connections, entry, nowMs)));
  });
  return {
    saved: saveRuleset(emulator.ruleset, emulator.counters),
    connections,
    sent,
    fullWay: emulator.slowPathPackets,
    all,
  };
}
