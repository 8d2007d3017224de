/** Rules that ask sets of ipset and change them; the sets are drawn around the planned flows. */
import { contains, formatIpv4, formatNetwork, networkOf, parseIpv4 } from '../address.js';
import type { Prng } from '../prng.js';
import { LOCAL } from '../router.js';
import { devicesOf, type Flow, neighbourMac, type World } from '../world.js';
import { type Circumstances, type ExtensionFamily, not } from './maker.js';

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const UDPLITE = 136;
const SCTP = 132;
const PROTOCOL_WORDS: Readonly<Record<number, string>> = {
  [TCP]: 'tcp',
  [UDP]: 'udp',
  [UDPLITE]: 'udplite',
  [SCTP]: 'sctp',
};

/** The parts of elements of the types that Linux 6.18 was built with here. */
const TYPES = {
  'bitmap:ip': ['ip'],
  'bitmap:ip,mac': ['ip', 'mac'],
  'bitmap:port': ['bare-port'],
  'hash:ip': ['ip'],
  'hash:ip,port': ['ip', 'port'],
  'hash:ip,port,ip': ['ip', 'port', 'ip'],
  'hash:ip,port,net': ['ip', 'port', 'net'],
  'hash:net': ['net'],
  'hash:net,port': ['net', 'port'],
  'hash:net,iface': ['net', 'iface'],
  'list:set': ['set'],
} as const;
type SetType = keyof typeof TYPES;
type Part = (typeof TYPES)[SetType][number];

const WEIGHTS: readonly (readonly [number, SetType])[] = [
  ...([
    [1.5, 'bitmap:ip'],
    [1, 'bitmap:ip,mac'],
    [1, 'bitmap:port'],
    [3, 'hash:ip'],
    [2, 'hash:ip,port'],
  ] as const),
  ...([
    [1, 'hash:ip,port,ip'],
    [1, 'hash:ip,port,net'],
    [3, 'hash:net'],
    [1.5, 'hash:net,port'],
  ] as const),
  ...([
    [1.5, 'hash:net,iface'],
    [2, 'list:set'],
  ] as const),
];

/** A time-out that ends in no case. */
const LONG_SEC = [600, 3600, 86_400];

interface Made {
  readonly name: string;
  readonly type: SetType;
  readonly options: readonly string[];
  /** bitmap: the addresses or ports that it may have. */
  readonly range: { readonly text: string; isIn(value: number): boolean } | undefined;
  readonly maxelem: number;
}

/** Describes three to seven sets, some of which have what the packets of flows are looked up by. */
function describeFlows(prng: Prng, world: World): void {
  const made: Made[] = [];
  const lines: string[] = [];
  const count = prng.between(3, 7);
  for (let i = 0; i < count; i++) {
    const type = prng.weighted(WEIGHTS);
    if (type === 'list:set' && made.every((one) => one.type === 'list:set')) continue;
    const range = rangeOf(prng, world, type);
    const maxelem = type.startsWith('hash:') && prng.chance(0.15) ? prng.between(1, 4) : 65_536;
    const set = { name: `s${i}`, type, options: optionsOf(prng, type), range, maxelem };
    lines.push(`create ${set.name} ${type}${createWords(prng, set)}`);
    const elements = type === 'list:set' ? membersOf(prng, made) : elementsOf(prng, world, set);
    for (const element of elements.slice(0, maxelem)) {
      lines.push(`add ${set.name} ${element}${elementWords(prng, set)} -exist`);
    }
    made.push(set);
  }
  world.host.ipset = lines.map((line) => `${line}\n`).join('');
}

function optionsOf(prng: Prng, type: SetType): string[] {
  const options = (['timeout', 'counters', 'comment', 'skbinfo'] as const).filter((option) =>
    prng.chance(option === 'counters' ? 0.4 : 0.3),
  );
  return type.startsWith('hash:') && prng.chance(0.1) ? [...options, 'forceadd'] : options;
}

function rangeOf(prng: Prng, world: World, type: SetType): Made['range'] {
  if (type.startsWith('bitmap:ip')) {
    const { network } = prng.pick(world.subnets);
    const wide = networkOf(network.address, Math.min(Math.max(network.prefixLength, 16), 30));
    return { text: formatNetwork(wide), isIn: (address) => contains(wide, address) };
  }
  if (type !== 'bitmap:port') return undefined;
  const [first, last] = prng.pick([
    [0, 65_535],
    [1, 10_000],
    [20_000, 65_535],
  ]);
  return { text: `${first}-${last}`, isIn: (port) => port >= first && port <= last };
}

function createWords(prng: Prng, { type, options, range, maxelem }: Made): string {
  const words = options.map((option) => (option === 'timeout' ? `timeout ${prng.pick([0, ...LONG_SEC])}` : option));
  if (range !== undefined) words.unshift(`range ${range.text}`);
  if (type === 'hash:ip' && prng.chance(0.25)) words.push(`netmask ${prng.pick([16, 24, 29])}`);
  if (type.startsWith('hash:') && prng.chance(0.2)) words.push('hashsize 64');
  if (maxelem < 65_536) words.push(`maxelem ${maxelem}`);
  // Which entry gives way follows from the initial value of the hash.
  if (options.includes('forceadd')) words.push(`initval 0x${prng.word().toString(16)}`);
  return words.map((word) => ` ${word}`).join('');
}

/** Lists may have each set once, but no list. */
function membersOf(prng: Prng, made: readonly Made[]): string[] {
  const sets = made.filter(({ type }) => type !== 'list:set').map(({ name }) => name);
  return prng.some(sets, prng.between(1, 3));
}

function elementsOf(prng: Prng, world: World, { type, range }: Made): string[] {
  const elements: string[] = [];
  const count = prng.between(1, 12);
  for (let i = 0; i < count; i++) {
    const flow = prng.pick(world.flows);
    // Each end of the flow stands for one direction of its packets.
    const isSource = prng.chance(0.5);
    const words = TYPES[type].map((part: Part, at: number) => {
      // The second address of a packet is most often the other end's.
      return partOf(prng, world, part, { ...flow, isSource: isSource !== at > 1 });
    });
    if (words.includes('') || !isInRange(words[0] ?? '', range)) continue;
    elements.push(words.filter((word) => word !== undefined).join(','));
  }
  return elements;
}

function isInRange(word: string, range: Made['range']): boolean {
  return range === undefined || range.isIn(word.includes('.') ? parseIpv4(word) : Number(word));
}

/** The word for a PART that packets of a flow have at one of its ends; '': none; undefined: it is left out. */
function partOf(prng: Prng, world: World, part: Part, flow: Flow & { isSource: boolean }): string | undefined {
  const address = flow.isSource ? flow.address : flow.peerAddress;
  const port = prng.chance(0.6) ? flow.peerPort : flow.port;
  switch (part) {
    case 'ip':
      return formatIpv4(prng.chance(0.85) ? address : prng.pick(world.parties).address);
    case 'net':
      return netOf(prng, address);
    case 'bare-port':
      return String(Math.max(port, 1));
    case 'port':
      return portOf(prng, flow, port);
    case 'mac':
      if (prng.chance(0.4)) return undefined;
      return flow.dev === LOCAL
        ? undefined
        : Array.from(neighbourMac(world, flow.dev, address), (byte) => byte.toString(16).padStart(2, '0')).join(':');
    case 'iface':
      return prng.chance(0.85) && flow.dev !== LOCAL ? flow.dev : prng.pick(devicesOf(world));
    default:
      return '';
  }
}

function netOf(prng: Prng, address: number): string {
  const prefixLength = prng.weighted([
    [3, 32],
    [1, 30],
    [2, 24],
    [2, 16],
    [1, 9],
    [0.5, 1],
  ] as const);
  return prefixLength === 32 ? formatIpv4(address) : formatNetwork(networkOf(address, prefixLength));
}

function portOf(prng: Prng, { protocol }: Flow, port: number): string {
  if (protocol === ICMP) return `icmp:${prng.pick(['echo-request', 'echo-reply', 'host-unreachable', '3/3'])}`;
  const word = PROTOCOL_WORDS[protocol];
  if (word === undefined) return `${protocol}:0`;
  return `${word}:${Math.max(port, 1)}`;
}

function elementWords(prng: Prng, { type, options }: Made): string {
  const words: string[] = [];
  for (const option of options) {
    if (option === 'timeout' && prng.chance(0.5)) words.push(`timeout ${prng.pick([0, ...LONG_SEC])}`);
    if (option === 'counters' && prng.chance(0.4)) words.push(`packets ${prng.below(4)} bytes ${prng.below(300)}`);
    if (option === 'comment' && prng.chance(0.5)) words.push('comment "by hand"');
    if (option === 'skbinfo' && prng.chance(0.7)) words.push(`skbmark ${prng.pick(['0x7', '0x10/0xf0', '0xff/0xff'])}`);
  }
  if (type.includes('net') && prng.chance(0.15)) words.push('nomatch');
  return words.map((word) => ` ${word}`).join('');
}

/** A set of WORLD, by the text that describes it; undefined if it has none. */
function anySet(
  prng: Prng,
  { host }: World,
  isFit: (line: string) => boolean = () => true,
): [string, SetType] | undefined {
  const lines = (host.ipset ?? '').split('\n').filter((line) => line.startsWith('create ') && isFit(line));
  if (lines.length === 0) return undefined;
  const [, name, type] = prng.pick(lines).split(' ');
  return [name, type as SetType];
}

/** Directions for a set of TYPE; for a list, for those that it may have. */
function endsOf(prng: Prng, type: SetType): string {
  const dimensions = type === 'list:set' ? prng.between(1, 3) : TYPES[type].length;
  const count = prng.weighted([
    [12, dimensions],
    [1, dimensions + 1],
    [0.5, Math.max(dimensions - 1, 1)],
  ] as const);
  const first = prng.pick(['src', 'dst'] as const);
  const other = first === 'src' ? 'dst' : 'src';
  return Array.from({ length: count }, (_, i) => (i > 0 && prng.chance(0.55) ? other : first)).join(',');
}

const UNUSED = '-m comment --comment "no set"';

function matchText({ prng, world }: Circumstances): string {
  const set = anySet(prng, world);
  if (set === undefined) return UNUSED;
  const [name, type] = set;
  const counter = (what: string): string => {
    const comparison = prng.pick(['eq', 'lt', 'gt']);
    const value = what === 'packets' ? prng.below(6) : prng.below(600);
    return `${comparison === 'eq' ? not(prng) : ''}--${what}-${comparison} ${value}`;
  };
  const options = [
    `${not(prng)}--match-set ${name} ${endsOf(prng, type)}`,
    ...(prng.chance(0.12) ? ['--return-nomatch'] : []),
    ...(prng.chance(0.15) ? ['! --update-counters'] : []),
    ...(prng.chance(0.15) ? ['! --update-subcounters'] : []),
    ...(prng.chance(0.15) ? [counter('packets')] : []),
    ...(prng.chance(0.08) ? [counter('bytes')] : []),
  ];
  return `-m set ${options.join(' ')}`;
}

function targetText({ prng, world, table, hooks }: Circumstances): string {
  const parts: string[] = [];
  const added = anySet(prng, world);
  if (added !== undefined && prng.chance(0.75)) {
    parts.push(`--add-set ${added[0]} ${endsOf(prng, added[1])}`);
    if (prng.chance(0.4)) parts.push('--exist');
    if (prng.chance(0.3)) parts.push(`--timeout ${prng.pick([0, ...LONG_SEC])}`);
  }
  const deleted = anySet(prng, world);
  if (deleted !== undefined && (parts.length === 0 || prng.chance(0.2))) {
    parts.push(`--del-set ${deleted[0]} ${endsOf(prng, deleted[1])}`);
  }
  const mapped = table === 'mangle' ? anySet(prng, world, (line) => line.includes('skbinfo')) : undefined;
  if (mapped !== undefined && prng.chance(0.5)) {
    const isAfterRouting = ![...hooks].some((hook) => hook === 'PREROUTING' || hook === 'INPUT');
    const flags = isAfterRouting && prng.chance(0.3) ? ['--map-mark', '--map-prio'] : ['--map-mark'];
    parts.push(`--map-set ${mapped[0]} ${endsOf(prng, mapped[1])} ${flags.join(' ')}`);
  }
  return parts.length === 0 ? '' : `-j SET ${parts.join(' ')}`;
}

export const SETS: ExtensionFamily = {
  name: 'sets',
  matches: [{ name: 'set', weight: 10, make: matchText }],
  targets: [{ name: 'SET', weight: 5, make: targetText }],
  describeFlows,
};
