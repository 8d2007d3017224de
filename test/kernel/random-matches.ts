/** Random matches of a rule: the options behind `-A CHAIN`, before the target. */
import { formatIpv4 } from './address.js';
import type { Prng } from './prng.js';
import { randomNetworkText } from './random-host.js';
import { devicesOf, type World } from './world.js';

/** What of a rule's matches its target and other matches depend on. */
export interface MatchText {
  words: string[];
  /** `tcp`, `udp` …, where the rule asks for that protocol, not its negation. */
  protocol: string;
}

type Hooks = ReadonlySet<string>;

/** Matches for a rule of a chain that HOOKS reach. */
export function randomMatches(prng: Prng, world: World, hooks: Hooks, isBase: boolean): MatchText {
  const words: string[] = [];
  const maybe = (probability: number, make: () => string): void => {
    if (prng.chance(probability)) words.push(make());
  };
  maybe(0.22, () => `${not(prng)}-s ${randomNetworkText(prng, world)}`);
  maybe(0.25, () => `${not(prng)}-d ${randomNetworkText(prng, world)}`);
  const input = [...hooks].some((hook) => ['PREROUTING', 'INPUT', 'FORWARD'].includes(hook)) || !isBase;
  const output = [...hooks].some((hook) => ['FORWARD', 'OUTPUT', 'POSTROUTING'].includes(hook)) || !isBase;
  const isInputOk = input && !(isBase && (hooks.has('OUTPUT') || hooks.has('POSTROUTING')));
  const isOutputOk = output && !(isBase && (hooks.has('PREROUTING') || hooks.has('INPUT')));
  if (isInputOk) maybe(0.2, () => `${not(prng)}-i ${deviceText(prng, world)}`);
  if (isOutputOk) maybe(0.2, () => `${not(prng)}-o ${deviceText(prng, world)}`);
  maybe(0.04, () => `${not(prng)}-f`);
  const { text, protocol } = protocolMatch(prng, world);
  if (text) words.push(text);
  maybe(0.22, () => stateMatch(prng));
  maybe(0.1, () => conntrackMatch(prng, world));
  maybe(0.12, () => addrtypeMatch(prng, hooks));
  maybe(0.06, () => `-m mark ${not(prng)}--mark ${markText(prng)}`);
  maybe(0.06, () => `-m connmark ${not(prng)}--mark ${markText(prng)}`);
  maybe(0.06, () => `-m comment --comment "${prng.pick(['docker', 'a rule', "it's", 'x y z', 'née'])}"`);
  return { words, protocol };
}

const not = (prng: Prng): string => (prng.chance(0.18) ? '! ' : '');

export function deviceText(prng: Prng, world: World): string {
  const name = prng.pick([...devicesOf(world), ...devicesOf(world), 'lo']);
  return prng.weighted([
    [8, name],
    [1, `${name.slice(0, 2)}+`],
    [0.3, 'nosuch0'],
  ]);
}

export function markText(prng: Prng): string {
  const value = prng.pick(['0x1', '0x2', '0x3', '0x10', '0x8000']);
  return prng.chance(0.4) ? `${value}/${prng.pick(['0x1', '0x3', '0xff', '0xffff0000'])}` : value;
}

function protocolMatch(prng: Prng, world: World): { text: string; protocol: string } {
  const protocol = prng.weighted([
    [4, ''],
    [4, 'tcp'],
    [3, 'udp'],
    [2, 'icmp'],
    [0.4, 'gre'],
    [0.2, 'sctp'],
    [0.2, 'udplite'],
    [0.2, '253'],
  ]);
  if (protocol === '') return { text: '', protocol };
  if (prng.chance(0.06)) return { text: `! -p ${protocol}`, protocol: '' };
  const base = `-p ${protocol}`;
  const hasPorts = ['tcp', 'udp', 'sctp', 'udplite'].includes(protocol);
  if (hasPorts && prng.chance(0.18)) return { text: `${base} ${multiport(prng, world)}`, protocol };
  const details = { tcp: tcpMatch, udp: udpMatch, icmp: icmpMatch }[protocol];
  const text = details && prng.chance(0.75) ? `${base} ${details(prng, world)}` : base;
  return { text, protocol };
}

export function portText(prng: Prng, world: World): string {
  const port = prng.pick(world.ports);
  return prng.weighted([
    [6, `${port}`],
    [2, `${prng.between(1, port)}:${port + prng.below(100)}`],
    [0.5, `:${port}`],
    [0.5, `${port}:`],
    [0.5, '1024:65535'],
    [0.5, '40000:40003'],
  ]);
}

function tcpMatch(prng: Prng, world: World): string {
  const parts = [];
  if (prng.chance(0.6)) parts.push(`${not(prng)}--dport ${portText(prng, world)}`);
  if (prng.chance(0.15)) parts.push(`${not(prng)}--sport ${portText(prng, world)}`);
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

function udpMatch(prng: Prng, world: World): string {
  const parts = [];
  if (prng.chance(0.7)) parts.push(`${not(prng)}--dport ${portText(prng, world)}`);
  if (prng.chance(0.3)) parts.push(`${not(prng)}--sport ${portText(prng, world)}`);
  return `-m udp ${parts.join(' ')}`;
}

function icmpMatch(prng: Prng): string {
  return `-m icmp ${not(prng)}--icmp-type ${prng.pick(['8', '0', '3', '3/3', '3/4', '11', '11/0', '13', '5', 'any', '8/0', '12'])}`;
}

function multiport(prng: Prng, world: World): string {
  const port = (): string => {
    const one = prng.pick(world.ports);
    return prng.chance(0.3) ? `${one}:${one + prng.between(1, 500)}` : `${one}`;
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
  return `-m conntrack ${not(prng)}--ctstate ${prng.pick([...common, 'DNAT', 'SNAT', 'SNAT,DNAT', 'INVALID,NEW,DNAT'])}`;
}

function conntrackMatch(prng: Prng, world: World): string {
  const address = (): string => randomNetworkText(prng, world);
  const range = (): string => prng.pick([`${prng.pick(world.ports)}`, '1:1024', '40000:40010']);
  const options = [
    () => `${not(prng)}--ctproto ${prng.pick(['tcp', 'udp', 'icmp', '47'])}`,
    () => `${not(prng)}--ctorigsrc ${address()}`,
    () => `${not(prng)}--ctorigdst ${address()}`,
    () => `${not(prng)}--ctreplsrc ${address()}`,
    () => `${not(prng)}--ctrepldst ${address()}`,
    () => `${not(prng)}--ctorigsrcport ${range()}`,
    () => `${not(prng)}--ctorigdstport ${range()}`,
    () => `${not(prng)}--ctreplsrcport ${range()}`,
    () => `${not(prng)}--ctrepldstport ${range()}`,
    () =>
      `${not(prng)}--ctstatus ${prng.pick(['NONE', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED', 'EXPECTED', 'SEEN_REPLY,ASSURED'])}`,
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

/** An address in a rule, as text. */
export function addressText(prng: Prng, world: World): string {
  return formatIpv4(prng.pick(world.parties).address);
}
