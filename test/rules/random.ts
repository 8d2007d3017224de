/**
 * Random packets and rules for the tests of all engines, with unusual headers and small value ranges, so that rules
 * match.
 */
import { portToLoaded } from '../../codecs/byte-order.js';
import type { FactsDescription } from '../../codecs/host/facts.js';
import { DEFAULT_NAMES } from '../../codecs/host/names.js';
import { socketsOf } from '../../codecs/host/sockets.js';
import {
  IPPROTO_AH,
  IPPROTO_DCCP,
  IPPROTO_ESP,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_IPCOMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
} from '../../codecs/layouts.js';
import {
  EXPIRES_MS_F64,
  MARK,
  ORIGINAL_TUPLE,
  PROTOCOL,
  RECORD_F64,
  RECORD_WORDS,
  REPLY_TUPLE,
  STATUS,
} from '../../core/conntrack/record.js';
import { ConntrackTable } from '../../core/conntrack/table.js';
import { Hook, Verdict } from '../../core/hooks.js';
import { AddressType } from '../../core/host/address-type.js';
import { HostFacts } from '../../core/host/facts.js';
import type { ReversePath } from '../../core/host/route-decision.js';
import { CtInfo, type Direction, type Packet, PacketType } from '../../core/packet.js';
import { Random as SeededRandom } from '../../core/random.js';
import type { RuleContext } from '../../core/rules/context.js';
import { HostSets } from '../../core/sets/host-sets.js';
import { buildIcmp, buildIpv4, buildTcp, buildUdp } from '../packets/packets.js';
import { buildChunk, buildSctp } from '../packets/sctp.js';
import { pick, type Random } from '../random.js';
import { randomMeter } from './random-meters.js';

const ADDRESSES = ['10.0.0.1', '10.0.0.2', '10.1.0.1', '192.168.1.1', '8.8.8.8', '255.255.255.255'];
const PORTS = [0, 22, 53, 80, 443, 1024, 65535];
/** A `shared` that shares. That of `testContext` creates a state for each rule. */
export function sharing(): RuleContext['shared'] {
  const states = new Map<string, unknown>();
  return <State>(kind: string, name: string, create: () => State): State => {
    const key = `${kind} ${name}`;
    if (!states.has(key)) states.set(key, create());
    return states.get(key) as State;
  };
}

export const INTERFACES = ['eth0', 'eth1', 'docker0', 'lo'];
const LINKS = INTERFACES.map((name, i) => ({ name, group: String(i % 3), master: i === 0 ? 'docker0' : undefined }));
const FACTS: FactsDescription = {
  cpu: 1,
  fdb: [{ mac: 0x020000000001, port: 'eth0' }],
  ipsec: undefined,
  kerneltz: 60,
  names: DEFAULT_NAMES,
  recent: { listTotal: undefined },
  nfacct: undefined,
  sockets: socketsOf([
    { proto: 'tcp', local: '10.0.0.1:80' },
    { proto: 'tcp', local: '*:443', transparent: true, mark: 5 },
    { proto: 'tcp', local: '10.0.0.2:22', remote: '10.1.0.1:1024', transparent: true, mark: 16 },
    { proto: 'udp', local: '0.0.0.0:53' },
    { proto: 'udp', local: '8.8.8.8:443', uid: 7, cgroup: '/a/b' },
  ]),
};
const PROTOCOLS = [
  ...[IPPROTO_TCP, IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDP],
  ...[IPPROTO_ICMP, IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_GRE],
  ...[IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_AH, IPPROTO_ESP, IPPROTO_IPCOMP],
];

export { packetOf } from '../packets/packet-of.js';

/** The bytes of an IPv4 packet, sometimes with a truncated or unusual layer-4 header. */
export function randomBytes(random: Random): Uint8Array {
  const protocol = pick(random, PROTOCOLS);
  const whole = randomLayer4(random, protocol);
  const l4 = random(8) === 0 ? whole.subarray(0, random(whole.length + 1)) : whole;
  return buildIpv4(
    {
      source: pick(random, ADDRESSES.slice(0, 5)),
      destination: pick(random, ADDRESSES.slice(0, 5)),
      protocol,
      tos: pick(random, [0, 0, 0, 0x10, 0x02, 0x28, 0xb8, random(256)]),
      ttl: pick(random, [64, 64, 64, 63, 1, 255]),
    },
    l4,
  );
}

function randomLayer4(random: Random, protocol: number): Uint8Array {
  const [sport, dport] = [pick(random, PORTS), pick(random, PORTS)];
  switch (protocol) {
    case IPPROTO_TCP: {
      const options = Uint8Array.from({ length: 4 * random(5) }, () => pick(random, [0, 1, 2, 3, 4, 8]));
      if (options.length > 0 && random(2) === 0) options.set([2, 4, pick(random, [0, 2, 5]), pick(random, [0, 180])]);
      const flags = pick(random, [0x02, 0x12, 0x10, 0x18, 0x04, 0x11, random(256)]);
      const odd = random(6) === 0 ? { dataOffsetWords: random(16) } : {};
      return buildTcp({ sport, dport, flags, options, ...odd });
    }
    case IPPROTO_ICMP:
      return buildIcmp(pick(random, [0, 3, 8, 11, 5]), random(4), 0, 0, new Uint8Array(random(8)));
    case IPPROTO_GRE:
      return new Uint8Array(8 + random(8));
    case IPPROTO_SCTP: {
      const chunks = Array.from({ length: random(4) }, () => {
        const data = new Uint8Array(random(6));
        return buildChunk(pick(random, [0, 1, 3, 6, 64]), random(16), data, random(9) === 0 ? random(9) : undefined);
      });
      return buildSctp(sport, dport, 1, chunks);
    }
    case IPPROTO_DCCP: {
      const packet = Buffer.alloc(12 + random(28), pick(random, [0, 1, 2, 44]));
      packet[4] = random(4) === 0 ? random(12) : packet.length >> 2;
      packet[8] = random(32);
      return packet;
    }
    case IPPROTO_AH:
    case IPPROTO_ESP:
    case IPPROTO_IPCOMP:
      return Uint8Array.from({ length: 12 }, () => pick(random, [0, 0, 0, 1, 255]));
    default:
      return buildUdp(sport, dport, new Uint8Array(random(8)));
  }
}

/** Gives PACKET random interfaces, marks and one of the connections of `testContext`. */
export function dressPacket(packet: Packet, random: Random, hook: Hook, connections: number): void {
  packet.hook = hook;
  packet.inDev = hook === 3 || hook === 4 ? -1 : random(INTERFACES.length);
  packet.outDev = hook === 0 || hook === 1 ? -1 : random(INTERFACES.length);
  packet.type = pick(random, Object.values(PacketType));
  packet.sourceMac = pick(random, [-1, 0x020000000001, 0x020000000002, 0xffffffffffff]);
  packet.mark = pick(random, [0, 1, 0x10, -1, 0xff]);
  packet.realms = pick(random, [0, 5, 0x70005, 0x70000]);
  packet.nowMs = random(100_000);
  packet.ctinfo = pick(random, Object.values(CtInfo));
  packet.ct = packet.ctinfo === CtInfo.INVALID || packet.ctinfo === CtInfo.UNTRACKED ? -1 : random(connections);
  packet.direction = random(2) as Direction;
}

/** A context with CONNECTIONS random connections, which records the requests of targets. */
export function testContext(random: Random, connections: number): RuleContext & { readonly asked: string[] } {
  const conntrack = new ConntrackTable();
  for (let i = 0; i < connections; i++) {
    const entry = conntrack.create(0, 0, 0, 0, pick(random, PROTOCOLS), 0);
    const base = entry * RECORD_WORDS;
    for (const tuple of [ORIGINAL_TUPLE, REPLY_TUPLE]) {
      for (const end of [0, 1]) conntrack.words[base + tuple + end] = loadedAddress(pick(random, ADDRESSES));
      conntrack.words[base + tuple + 2] = portToLoaded(pick(random, PORTS)) | (portToLoaded(pick(random, PORTS)) << 16);
    }
    conntrack.words[base + PROTOCOL] = pick(random, PROTOCOLS);
    conntrack.words[base + STATUS] = random(64);
    conntrack.words[base + MARK] = pick(random, [0, 1, 0x10, -1]);
    conntrack.doubles[entry * RECORD_F64 + EXPIRES_MS_F64] = random(120_000);
  }
  const asked: string[] = [];
  return {
    conntrack,
    sets: new HostSets({ interfaceNames: INTERFACES }).store,
    interfaceNames: INTERFACES,
    asked,
    packetNumber: 0,
    shared: (_kind, _name, create) => create(),
    randomStream: () => new SeededRandom(random(0x100000000)),
    addressType: (address, dev) => ((address ^ dev) & 1 ? AddressType.LOCAL : AddressType.UNICAST),
    facts: new HostFacts(FACTS, LINKS),
    reversePath: ({ source, inDev }) => (((source ^ inDev) & 7) % 6) as ReversePath,
    mtuTowards: () => 1400,
    tproxy: (_packet, { port }) => {
      asked.push(`tproxy ${port}`);
      return Verdict.DROP;
    },
    setupNat: (_packet, range, manip) => {
      asked.push(`nat ${JSON.stringify(range)} ${manip}`);
      return Verdict.ACCEPT;
    },
    masquerade: (_packet, range) => {
      asked.push(`masquerade ${JSON.stringify(range)}`);
      return Verdict.DROP;
    },
    redirect: (_packet, range) => {
      asked.push(`redirect ${JSON.stringify(range)}`);
      return Verdict.ACCEPT;
    },
    synproxy: (_packet, offer) => {
      asked.push(`synproxy ${JSON.stringify(offer)}`);
      return Verdict.DROP;
    },
    reject: (_packet, kind) => asked.push(`reject ${kind}`),
    log: (_packet, level, prefix) => asked.push(`log ${level} ${prefix}`),
    nflog: (_packet, group, prefix) => asked.push(`nflog ${group} ${prefix}`),
    tee: (_packet, gateway, dev) => asked.push(`tee ${gateway} ${dev}`),
    queue: (_packet, isBypassed) => {
      asked.push(`queue ${isBypassed}`);
      return Verdict.ACCEPT;
    },
    uncertain: (_packet, { reason }) => asked.push(`uncertain ${reason}`),
    traceRule: (_packet, table, chain, kind, number) => asked.push(`trace ${table} ${chain} ${kind} ${number}`),
  };
}

function loadedAddress(text: string): number {
  return new DataView(Uint8Array.from(text.split('.').map(Number)).buffer).getInt32(0, true);
}

/** The conditions of a random rule. STATELESS: without interfaces, marks and connections. */
export function randomConditions(random: Random, hook: Hook, stateless = false): string {
  const not = (): string => (random(4) === 0 ? '! ' : '');
  const maybe = (text: string): string => (random(4) === 0 ? `${not()}${text} ` : '');
  const ports = (): string => {
    const [a, b] = [pick(random, PORTS), pick(random, PORTS)].sort((x, y) => x - y);
    return random(2) === 0 || a === b ? String(a) : `${a}:${b}`;
  };
  let text = maybe(`-s ${pick(random, ADDRESSES)}/${pick(random, [8, 16, 24, 32])}`);
  text += maybe(`-d ${pick(random, ADDRESSES)}/${pick(random, [0, 8, 16, 32])}`);
  if (!stateless && hook !== 3 && hook !== 4)
    text += maybe(`-i ${pick(random, ['eth0', 'eth+', 'docker0', 'wlan0', 'd+'])}`);
  if (!stateless && hook !== 0 && hook !== 1)
    text += maybe(`-o ${pick(random, ['eth0', 'eth+', 'docker0', 'wlan0', '+'])}`);
  const protocol = pick(random, ['', 'tcp', 'tcp', 'udp', 'icmp', '132', '132', '33', 'ah', 'esp', '108', '! tcp']);
  if (protocol !== '') text += protocol === '! tcp' ? '! -p tcp ' : `-p ${protocol} `;
  if (random(10) === 0) text += `${not()}-f `;
  if (protocol === 'tcp' || protocol === 'udp') {
    text += `-m ${protocol} ${maybe(`--sport ${ports()}`)}${maybe(`--dport ${ports()}`)}`;
    if (random(4) === 0)
      text += `-m multiport ${not()}${pick(random, ['--sports', '--dports', '--ports'])} 22,80:443,1024 `;
  }
  if (protocol === 'tcp') {
    const flags = ['SYN', 'SYN,ACK', 'ALL', 'NONE', 'FIN,SYN,RST,ACK', 'RST', 'PSH,URG'];
    text += maybe(random(2) === 0 ? '--syn' : `--tcp-flags ${pick(random, flags)} ${pick(random, flags)}`);
    if (text.includes('-m multiport') === false) text += maybe(`--tcp-option ${pick(random, [2, 3, 8])}`);
  }
  if (protocol === 'icmp' && random(2) === 0)
    text += `-m icmp ${not()}--icmp-type ${pick(random, ['8', '3/1', '3/1:9', '8/5:3', 'any', '0', '11'])} `;
  if (protocol === '132') text += maybe(`-m multiport --dports ${ports()}`).replace('! -m multiport', '-m multiport !');
  text += randomProtocolMatch(random, not, protocol);
  text += randomHeaderMatches(random, not, protocol);
  if (stateless) return text;
  if (random(4) === 0) text += randomFact(random, hook, not);
  text += randomState(random, not);
  // A packet is counted unless an earlier part of the rule did not match.
  return random(2) === 0 ? text + randomKept(random, not) : randomKept(random, not) + text;
}

/** Matches of the options of TCP and of what SCTP, DCCP and IPsec have. */
function randomProtocolMatch(random: Random, not: () => string, protocol: string): string {
  if (random(3) === 0) return '';
  const spi = pick(random, ['0', '1:255', '65536:', ':16777216', '255:4278190080']);
  switch (protocol) {
    case 'tcp':
      return random(3) === 0 ? `-m tcpmss ${not()}--mss ${pick(random, ['0:100', '536', ':1460', '1460:'])} ` : '';
    case '132': {
      const chunks = pick(random, [
        'DATA',
        'DATA,INIT',
        'DATA:Be,ABORT:t',
        'DATA,INIT,SACK,ABORT,I_DATA',
        'NONE',
        'ALL',
      ]);
      return `-m sctp ${not()}--chunk-types ${pick(random, ['any', 'all', 'only'])} ${chunks} `;
    }
    case '33': {
      const types = pick(random, ['REQUEST', 'DATA,ACK,RESET', 'INVALID', 'SYNC,INVALID,REQUEST,RESPONSE']);
      const option = random(2) === 0 ? `${not()}--dccp-option ${pick(random, [1, 2, 44])} ` : '';
      return `-m dccp ${not()}--dccp-types ${types} ${option}`;
    }
    case 'ah':
      return `-m ah ${not()}--ahspi ${spi} `;
    case 'esp':
      return `-m esp ${not()}--espspi ${spi} `;
    case '108':
      return `-m ipcomp ${not()}--ipcompspi ${spi} `;
    default:
      return '';
  }
}

const SOCKET_FLAGS = ['', '--transparent', '--nowildcard', '--nowildcard --restore-skmark'];

/** A match on what the host knows. */
function randomFact(random: Random, hook: Hook, not: () => string): string {
  const isIn = hook === Hook.PREROUTING || hook === Hook.INPUT;
  return pick(random, [
    `-m cpu ${not()}--cpu ${random(2)} `,
    ...(isIn ? Array(3).fill(`-m socket ${pick(random, SOCKET_FLAGS)} `) : []),
    `-m physdev ${not()}--physdev-in eth0 `,
    `-m physdev ${not()}--physdev-is-in ! --physdev-is-bridged `,
  ]);
}

/** Matches on the IP header, the frame and the ECN bits of TCP. */
function randomHeaderMatches(random: Random, not: () => string, protocol: string): string {
  const matches = [
    `-m length ${not()}--length ${pick(random, ['28', '40', ':39', '40:60', '41:', '60:40'])} `,
    `-m ttl ${pick(random, ['--ttl-eq 64', '! --ttl-eq 64', '--ttl-lt 64', '--ttl-gt 8'])} `,
    `-m tos ${not()}--tos ${pick(random, ['0', '0x10/0x3f', '0x2/0x3', '0xff/0x3f', 'Minimize-Cost'])} `,
    `-m dscp ${not()}--dscp${pick(random, ['-class EF', '-class AF11', ' 0', ' 4'])} `,
    `-m ecn ${not()}--ecn-ip-ect ${random(4)} `,
    `-m string ${not()}--hex-string "|0${random(3)}|" --algo ${pick(random, ['bm', 'kmp'])} --from ${random(30)} `,
    `-m u32 ${not()}--u32 "${pick(random, ['8>>24=63:64', '0>>22&0x3c@4=0:0x7fffffff', '12=0:0x0affffff'])}" `,
    `-m bpf --bytecode "2,${pick(random, ['48 0 0 8', '128 0 0 0', '72 0 0 22'])},22 0 0 0" `,
    `-m iprange ${not()}--src-range 10.0.0.2-10.${random(2)}.0.9 `,
    `-m iprange --src-range 9.255.255.255-192.168.1.0 ${not()}--dst-range 10.0.0.1-10.0.0.1 `,
    `-m pkttype ${not()}--pkt-type ${pick(random, ['unicast', 'broadcast', 'multicast', 'otherhost'])} `,
  ];
  const tcpBits = ['--ecn-tcp-ece', '! --ecn-tcp-ece', '--ecn-tcp-cwr', '! --ecn-tcp-cwr --ecn-tcp-ece --ecn-ip-ect 2'];
  if (protocol === 'tcp') matches.push(`-m ecn ${pick(random, tcpBits)} `);
  return [0, 1]
    .filter(() => random(3) === 0)
    .map(() => pick(random, matches))
    .join('');
}

/** Matches with state. */
function randomKept(random: Random, not: () => string): string {
  const kept = [
    `-m limit --limit ${pick(random, ['1/hour', '1/second', '100/second', '10/minute'])} ` +
      `--limit-burst ${1 + random(9)} `,
    `-m statistic --mode nth ${not()}--every 3 --packet ${random(3)} `,
    `-m statistic --mode random ${not()}--probability 0.${random(10)} `,
    `-m connlimit --connlimit-${pick(random, ['upto', 'above'])} ${random(5)} --connlimit-mask ${8 * random(5)} `,
    ...Array.from({ length: 3 }, () => `${randomMeter(random)} `),
  ];
  return random(4) === 0 ? pick(random, kept) : '';
}

function randomState(random: Random, not: () => string): string {
  const sets = ['NEW', 'RELATED,ESTABLISHED', 'INVALID', 'UNTRACKED,NEW'];
  const conntrack = [
    `--ctstate ${pick(random, [...sets, 'SNAT', 'DNAT,INVALID'])}`,
    `--ctstatus ${pick(random, ['ASSURED', 'NONE', 'CONFIRMED,SEEN_REPLY'])}`,
    `--ctproto ${pick(random, ['tcp', 'udp', '1'])}`,
    `--ctorigsrc ${pick(random, ADDRESSES)}/16`,
    `--ctrepldst ${pick(random, ADDRESSES)}`,
    `--ctorigdstport ${pick(random, PORTS)}:65535`,
    `--ctreplsrcport ${pick(random, PORTS)}`,
    `--ctexpire 0:${random(100)}`,
  ];
  let text = '';
  if (random(3) === 0) text += `-m conntrack ${not()}${pick(random, conntrack)} `;
  if (random(6) === 0) {
    const [one, other] = [pick(random, conntrack), pick(random, conntrack)];
    text += `-m conntrack ${one} `;
    if (one.split(' ')[0] !== other.split(' ')[0])
      text += `${not()}${other} --ctdir ${pick(random, ['ORIGINAL', 'REPLY'])} `;
  }
  if (random(6) === 0) text += `-m state ${not()}--state ${pick(random, sets)} `;
  if (random(6) === 0) text += `-m mark ${not()}--mark ${pick(random, ['0x10', '0x1/0x1', '0'])} `;
  if (random(6) === 0) text += `-m connmark ${not()}--mark ${pick(random, ['0x10', '0x1/0x1', '0'])} `;
  if (random(8) === 0) {
    const mode = pick(random, ['packets', 'bytes', 'avgpkt']);
    const range = `${random(5)}:${pick(random, [5, 100, 1000])}`;
    const direction = pick(random, ['original', 'reply', 'both']);
    text += `-m connbytes ${not()}--connbytes ${range} --connbytes-mode ${mode} --connbytes-dir ${direction} `;
  }
  if (random(8) === 0) {
    const node = `${not()}--cluster-local-node ${1 + random(2)}`;
    text += `-m cluster --cluster-total-nodes ${2 + random(2)} ${node} --cluster-hash-seed ${random(9)} `;
  }
  if (random(8) === 0) text += `-m addrtype ${not()}--dst-type LOCAL `;
  if (random(8) === 0) text += '-m comment --comment "why \\"not\\"" ';
  return text;
}
