/** Random matches of a rule: the options after `-A CHAIN`, before the target. */
import { formatIpv4 } from './address.js';
import { not } from './extensions/maker.js';
import type { Prng } from './prng.js';
import { networkText } from './random-host.js';
import { LOCAL } from './router.js';
import { devicesOf, deviceTowards, type Flow, neighbourMac, type World } from './world.js';

/** The matches of a rule, and what its target must know about them. */
export interface MatchText {
  words: string[];
  /** `tcp`, `udp` …, if the rule requires that protocol. */
  protocol: string;
}

interface MatchedProtocol {
  text: string;
  protocol: string;
}

type Hooks = ReadonlySet<string>;

/** Matches for a rule in a chain reached from HOOKS: a few, most of which match one of the planned flows. */
export function randomMatches(prng: Prng, world: World, hooks: Hooks, isBase: boolean): MatchText {
  const flow = randomFlow(prng, world);
  const hasAny = (...names: string[]): boolean => names.some((name) => hooks.has(name));
  // iptables refuses these in base chains where they are meaningless; in a user chain they never match.
  const isInputOk = isBase ? !hasAny('OUTPUT', 'POSTROUTING') : true;
  const isOutputOk = isBase ? !hasAny('PREROUTING', 'INPUT') : true;
  const makers = MAKERS.filter(({ name }) =>
    name === 'in' ? isInputOk : name === 'out' ? isOutputOk : name === 'mac' ? !hasAny('OUTPUT', 'POSTROUTING') : true,
  );
  const chosen = new Map<string, Maker>();
  for (
    let left = prng.weighted([
      [1, 0],
      [3, 1],
      [4, 2],
      [2, 3],
      [1, 4],
    ]);
    left > 0;
    left--
  ) {
    const maker = prng.weighted(makers.map((candidate) => [candidate.weight, candidate] as const));
    chosen.set(maker.name, maker);
  }
  const isProtocol = chosen.has('protocol');
  const { text, protocol } = isProtocol ? protocolMatch(prng, world, flow) : { text: '', protocol: '' };
  const words = [...chosen.values()]
    .filter(({ name }) => name !== 'protocol')
    .map(({ make }) => make({ prng, world, flow, hooks }));
  return { words: isProtocol ? [text, ...words] : words, protocol };
}

interface Circumstances {
  prng: Prng;
  world: World;
  flow: Flow;
  hooks: Hooks;
}

interface Maker {
  name: string;
  weight: number;
  make(circumstances: Circumstances): string;
}

const MAKERS: readonly Maker[] = [
  {
    name: 'source',
    weight: 4,
    make: ({ prng, world, flow }) => `${not(prng)}-s ${networkText(prng, world, flow.address)}`,
  },
  {
    name: 'destination',
    weight: 4,
    make: ({ prng, world, flow }) => `${not(prng)}-d ${networkText(prng, world, flow.peerAddress)}`,
  },
  { name: 'in', weight: 3, make: ({ prng, world, flow }) => `${not(prng)}-i ${deviceText(prng, world, flow.dev)}` },
  {
    name: 'out',
    weight: 3,
    make: ({ prng, world, flow }) =>
      `${not(prng)}-o ${deviceText(prng, world, deviceTowards(world, flow.peerAddress))}`,
  },
  { name: 'protocol', weight: 10, make: () => '' },
  { name: 'fragment', weight: 0.5, make: ({ prng }) => `${not(prng)}-f` },
  { name: 'state', weight: 4, make: ({ prng }) => stateMatch(prng) },
  { name: 'conntrack', weight: 3, make: ({ prng, world, flow }) => conntrackMatch(prng, world, flow) },
  { name: 'addrtype', weight: 2, make: ({ prng, hooks }) => addrtypeMatch(prng, hooks) },
  { name: 'mark', weight: 1, make: ({ prng }) => `-m mark ${not(prng)}--mark ${markText(prng)}` },
  { name: 'length', weight: 1, make: ({ prng }) => `-m length ${not(prng)}--length ${lengthText(prng)}` },
  { name: 'ttl', weight: 1, make: ({ prng }) => ttlMatch(prng) },
  { name: 'tos', weight: 0.7, make: ({ prng }) => tosMatch(prng) },
  {
    name: 'ecn',
    weight: 0.3,
    make: ({ prng }) => `-m ecn ${not(prng)}--ecn-ip-ect ${prng.below(4)}`,
  },
  {
    name: 'pkttype',
    weight: 0.7,
    make: ({ prng }) =>
      `-m pkttype ${not(prng)}--pkt-type ${prng.pick(['unicast', 'unicast', 'broadcast', 'multicast'])}`,
  },
  {
    name: 'mac',
    weight: 1,
    make: ({ prng, world, flow }) => `-m mac ${not(prng)}--mac-source ${macText(prng, world, flow)}`,
  },
  { name: 'iprange', weight: 1, make: ({ prng, flow }) => iprangeMatch(prng, flow) },
  { name: 'limit', weight: 0.7, make: ({ prng }) => `-m limit ${limitText(prng)}` },
  { name: 'statistic', weight: 0.7, make: ({ prng }) => nthMatch(prng) },
  { name: 'connmark', weight: 1, make: ({ prng }) => `-m connmark ${not(prng)}--mark ${markText(prng)}` },
  {
    name: 'comment',
    weight: 1,
    make: ({ prng }) => `-m comment --comment "${prng.pick(['docker', 'a rule', "it's", 'x y z', 'née'])}"`,
  },
];

/** One of the planned flows, sometimes in the reply direction. */
export function randomFlow(prng: Prng, world: World): Flow {
  const flow = prng.pick(world.flows);
  if (prng.chance(0.75)) return flow;
  const { protocol, address, port, peerAddress, peerPort } = flow;
  return {
    protocol,
    dev: deviceTowards(world, peerAddress),
    address: peerAddress,
    port: peerPort,
    peerAddress: address,
    peerPort: port,
  };
}

/** One end of FLOW, or its protocol. */
export function baseMatch(prng: Prng, world: World, flow: Flow): string[] {
  return [
    prng.weighted<() => string>([
      [2, () => `${not(prng)}-s ${networkText(prng, world, flow.address)}`],
      [2, () => `${not(prng)}-d ${networkText(prng, world, flow.peerAddress)}`],
      [1, () => `-p ${PROTOCOL_NAMES[flow.protocol]}`],
    ])(),
  ];
}

/** The address of FLOW's sender, or another. */
function macText(prng: Prng, world: World, { dev, address }: Flow): string {
  const mac = prng.chance(0.7) ? neighbourMac(world, dev, address) : prng.bytes(6);
  return [...mac].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** DEV, a wildcard that matches it, or another interface. */
function deviceText(prng: Prng, world: World, dev: string): string {
  const name = dev === LOCAL || dev === '' || prng.chance(0.15) ? prng.pick([...devicesOf(world), 'lo']) : dev;
  return prng.weighted([
    [8, name],
    [1, `${name.slice(0, 2)}+`],
    [0.2, 'nosuch0'],
  ]);
}

export function markText(prng: Prng): string {
  const value = prng.weighted([
    [5, '0x1'],
    [2, '0x2'],
    [1, '0x3'],
    [1, '0x10'],
    [2, '0x0'],
  ]);
  return prng.chance(0.4) ? `${value}/${prng.pick(['0x1', '0x3', '0xff', '0xffff0000'])}` : value;
}

/** Lengths as in the packets of the conversations. */
function lengthText(prng: Prng): string {
  const bytes = (): number => prng.pick([20, 28, 36, 40, 44, 52, 60, 84, 100, 576, 1280, 1500, prng.between(20, 120)]);
  const [first, last] = [bytes(), bytes()].sort((a, b) => a - b);
  return prng.pick([`${first}`, `${first}:${last}`, `:${last}`, `${first}:`]);
}

/** The TTLs that packets are sent with, and one less. */
function ttlMatch(prng: Prng): string {
  const ttl = prng.pick([1, 2, 63, 64, 64, 63, 128, 255, 0]);
  return `-m ttl ${prng.pick([`${not(prng)}--ttl-eq`, '--ttl-lt', '--ttl-gt'])} ${ttl}`;
}

function tosMatch(prng: Prng): string {
  if (prng.chance(0.3)) return `-m dscp ${not(prng)}--dscp ${prng.pick(['0', '4', '0x30', '46'])}`;
  return `-m tos ${not(prng)}--tos ${prng.pick(['0', '0x00/0x3f', '0xc0', '0x10/0x10', 'Minimize-Delay', '1/3'])}`;
}

function iprangeMatch(prng: Prng, { address, peerAddress }: Flow): string {
  const range = (near: number): string => {
    const first = Math.max(0, near - prng.below(3));
    return `${formatIpv4(first)}-${formatIpv4(Math.min(0xffffffff, first + prng.below(200)))}`;
  };
  const parts = [];
  if (prng.chance(0.6)) parts.push(`${not(prng)}--src-range ${range(address)}`);
  if (parts.length === 0 || prng.chance(0.4)) parts.push(`${not(prng)}--dst-range ${range(peerAddress)}`);
  return `-m iprange ${parts.join(' ')}`;
}

/** Limits that let a burst pass and nothing more during a case. */
function limitText(prng: Prng): string {
  return prng.chance(0.8)
    ? `--limit ${prng.pick(['1/hour', '2/hour', '20/day'])} --limit-burst ${prng.between(1, 12)}`
    : '--limit 1/day --limit-burst 3';
}

function nthMatch(prng: Prng): string {
  const every = prng.between(1, 6);
  return `-m statistic --mode nth ${not(prng)}--every ${every} --packet ${prng.below(every)}`;
}

const PROTOCOL_NAMES: Record<number, string> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  47: 'gre',
  132: 'sctp',
  136: 'udplite',
};

function protocolMatch(prng: Prng, world: World, flow: Flow): MatchedProtocol {
  const protocol = PROTOCOL_NAMES[flow.protocol];
  if (prng.chance(0.06)) return { text: `! -p ${protocol}`, protocol: '' };
  const base = `-p ${protocol}`;
  const hasPorts = ['tcp', 'udp', 'sctp', 'udplite'].includes(protocol);
  if (hasPorts && prng.chance(0.18)) return { text: `${base} ${multiport(prng, world, flow)}`, protocol };
  const details = { tcp: tcpMatch, udp: udpMatch, icmp: icmpMatch }[protocol];
  const text = details && prng.chance(0.75) ? `${base} ${details(prng, world, flow)}` : base;
  return { text, protocol };
}

function portText(prng: Prng, world: World, wanted: number): string {
  const port = prng.chance(0.8) ? wanted : prng.pick(world.ports);
  return prng.weighted([
    [6, `${port}`],
    [2, `${prng.between(1, port)}:${Math.min(65_535, port + prng.below(100))}`],
    [0.5, `:${port}`],
    [0.5, `${port}:`],
    [0.5, '1024:65535'],
    [0.5, '40000:40003'],
  ]);
}

function tcpMatch(prng: Prng, world: World, flow: Flow): string {
  const parts = [];
  if (prng.chance(0.6)) parts.push(`${not(prng)}--dport ${portText(prng, world, flow.peerPort)}`);
  if (prng.chance(0.15)) parts.push(`${not(prng)}--sport ${portText(prng, world, flow.port)}`);
  const about = prng.weighted([
    [12, 'syn'],
    [11, 'flags'],
    [77, 'nothing'],
  ] as const);
  if (about === 'syn') parts.push(`${not(prng)}--syn`);
  if (about === 'flags') {
    const flags = ['SYN', 'ACK', 'FIN', 'RST', 'URG', 'PSH'];
    const mask = prng.some(flags, prng.between(1, 6));
    const set = prng.some(mask, prng.below(mask.length + 1));
    parts.push(`${not(prng)}--tcp-flags ${mask.join(',')} ${set.join(',') || 'NONE'}`);
  }
  if (prng.chance(0.08)) parts.push(`${not(prng)}--tcp-option ${prng.pick([2, 3, 4, 5, 8, 19])}`);
  return `-m tcp ${parts.join(' ')}`;
}

function udpMatch(prng: Prng, world: World, flow: Flow): string {
  const parts = [];
  if (prng.chance(0.7)) parts.push(`${not(prng)}--dport ${portText(prng, world, flow.peerPort)}`);
  if (prng.chance(0.3)) parts.push(`${not(prng)}--sport ${portText(prng, world, flow.port)}`);
  return `-m udp ${parts.join(' ')}`;
}

function icmpMatch(prng: Prng): string {
  const types = ['3/1:9', '8/5:3', '8', '0', '3', '3/3', '3/4', '11', '11/0', '13', '5', 'any', '8/0', '12'];
  return `-m icmp ${not(prng)}--icmp-type ${prng.pick(types)}`;
}

function multiport(prng: Prng, world: World, flow: Flow): string {
  const port = (): string => {
    const one = prng.weighted([
      [3, prng.pick(world.ports)],
      [2, flow.peerPort],
      [1, flow.port],
    ]);
    return prng.chance(0.3) ? `${one}:${Math.min(65_535, one + prng.between(1, 500))}` : `${one}`;
  };
  const list = Array.from({ length: prng.between(1, 5) }, port).join(',');
  return `-m multiport ${not(prng)}--${prng.pick(['dports', 'dports', 'sports', 'ports'])} ${list}`;
}

function stateMatch(prng: Prng): string {
  const isState = prng.chance(0.4);
  const common = [
    'RELATED,ESTABLISHED',
    'RELATED,ESTABLISHED',
    'NEW',
    'INVALID',
    'ESTABLISHED',
    'RELATED',
    'NEW,RELATED',
    'UNTRACKED',
  ];
  if (isState) return `-m state ${not(prng)}--state ${prng.pick(common)}`;
  const states = [...common, 'DNAT', 'SNAT', 'SNAT,DNAT', 'INVALID,NEW,DNAT'];
  return `-m conntrack ${not(prng)}--ctstate ${prng.pick(states)}`;
}

function conntrackMatch(prng: Prng, world: World, flow: Flow): string {
  const source = (): string => networkText(prng, world, flow.address);
  const destination = (): string => networkText(prng, world, flow.peerAddress);
  const range = (port: number): string =>
    prng.weighted([
      [4, `${port}`],
      [1, `1:${port}`],
      [1, `${port}:65535`],
      [1, '40000:40010'],
    ]);
  const statuses = ['NONE', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED', 'EXPECTED', 'SEEN_REPLY,ASSURED'];
  const options = [
    () => `${not(prng)}--ctproto ${prng.chance(0.8) ? flow.protocol : prng.pick(['tcp', 'udp', 'icmp', '47'])}`,
    () => `${not(prng)}--ctorigsrc ${source()}`,
    () => `${not(prng)}--ctorigdst ${destination()}`,
    () => `${not(prng)}--ctreplsrc ${destination()}`,
    () => `${not(prng)}--ctrepldst ${source()}`,
    () => `${not(prng)}--ctorigsrcport ${range(flow.port)}`,
    () => `${not(prng)}--ctorigdstport ${range(flow.peerPort)}`,
    () => `${not(prng)}--ctreplsrcport ${range(flow.peerPort)}`,
    () => `${not(prng)}--ctrepldstport ${range(flow.port)}`,
    () => `${not(prng)}--ctstatus ${prng.pick(statuses)}`,
    () => `--ctdir ${prng.pick(['ORIGINAL', 'REPLY'])}`,
    () => `${not(prng)}--ctstate ${prng.pick(['NEW', 'ESTABLISHED', 'DNAT', 'SNAT', 'RELATED,ESTABLISHED'])}`,
  ];
  return `-m conntrack ${prng
    .some(options, prng.between(1, 3))
    .map((make) => make())
    .join(' ')}`;
}

function addrtypeMatch(prng: Prng, hooks: Hooks): string {
  const type = (): string =>
    prng.weighted([
      [5, 'LOCAL'],
      [2, 'UNICAST'],
      [1, 'BROADCAST'],
      [1, 'MULTICAST'],
      [0.5, 'BLACKHOLE'],
      [0.5, 'UNREACHABLE'],
      [0.5, 'PROHIBIT'],
      [0.5, 'UNSPEC'],
      [0.3, 'LOCAL,BROADCAST'],
      [0.2, 'ANYCAST'],
      [0.2, 'THROW'],
    ]);
  const parts = [];
  if (prng.chance(0.8)) parts.push(`${not(prng)}--dst-type ${type()}`);
  if (parts.length === 0 || prng.chance(0.25)) parts.push(`${not(prng)}--src-type ${type()}`);
  const hasOnly = (...names: string[]): boolean => [...hooks].every((hook) => names.includes(hook));
  if (prng.chance(0.1) && hasOnly('PREROUTING', 'INPUT', 'FORWARD')) parts.push('--limit-iface-in');
  else if (prng.chance(0.1) && hasOnly('POSTROUTING', 'OUTPUT', 'FORWARD')) parts.push('--limit-iface-out');
  return `-m addrtype ${parts.join(' ')}`;
}
