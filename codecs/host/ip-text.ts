/**
 * What ip(8) prints without -j, as the JSON that it prints with -j: old ones and that of busybox have no JSON. Members
 * that nothing here depends on (life times, queues) are left out.
 */
import { WordFault, Words } from './ip-words.js';
import { quote } from './json-values.js';
import type { TextFault } from './sysctl-text.js';

export interface IpText {
  readonly entries: readonly object[];
  /** The line of each entry, from 1. */
  readonly lines: readonly number[];
  readonly fault?: TextFault;
}

type Entry = Record<string, unknown>;

/** What ip(8) prints starts like this. */
export function isIpText(member: string, text: string): boolean {
  const first = /^[^\n]*\S[^\n]*$/m.exec(text)?.[0] ?? '';
  return STARTS[member]?.test(first) ?? false;
}

const STARTS: Readonly<Record<string, RegExp>> = {
  addr: /^\d+: \S+: </,
  link: /^\d+: \S+: </,
  route: /^(?:[a-z]+ )?(?:default|[\da-f.:]+(?:\/\d+)?)(?: |$)/,
  rule: /^\d+:\s+(?:not )?from /,
  neigh: /^[\da-f.:]+ dev \S/,
  nexthop: /^id \d/,
};

/** Parses TEXT, the output of `ip MEMBER show`, up to the first fault in it. */
export function parseIpText(member: string, text: string): IpText {
  const entries: Entry[] = [];
  const lines: number[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const words = new Words(line);
    try {
      const entry = ENTRIES[member](words, line, entries.at(-1));
      if (entry === undefined) continue;
      entries.push(entry);
      lines.push(i + 1);
    } catch (fault) {
      if (!(fault instanceof WordFault)) throw fault;
      return { entries, lines, fault: { problem: fault.message, line: i + 1, column: fault.column } };
    }
  }
  if (member === 'route') nameKernelRoutes(entries);
  return { entries, lines };
}

/**
 * The ip(8) of busybox does not say which routes are the kernel's own (proto kernel). They have a source; those that
 * anybody else adds to the table local usually have none.
 */
function nameKernelRoutes(routes: readonly Entry[]): void {
  if (routes.some(({ protocol }) => protocol !== undefined)) return;
  for (const route of routes) {
    const isConnected = route.scope === 'link' && route.gateway === undefined;
    if (route.prefsrc !== undefined && (route.table === 'local' || isConnected)) route.protocol = 'kernel';
  }
}

/** The entry in a line; undefined if the line belongs to the entry LAST. */
type ParseLine = (words: Words, line: string, last: Entry | undefined) => Entry | undefined;

const ROUTE_TYPES: readonly string[] = [
  ...['unicast', 'local', 'broadcast', 'multicast', 'anycast'],
  ...['unreachable', 'blackhole', 'prohibit', 'throw', 'nat'],
];
/** Words of a route with a value, and what JSON calls them. */
const ROUTE_WORDS: Readonly<Record<string, string>> = {
  dev: 'dev',
  table: 'table',
  proto: 'protocol',
  scope: 'scope',
  src: 'prefsrc',
  tos: 'tos',
  pref: 'pref',
  from: 'from',
  expires: 'expires',
};
const ROUTE_NUMBERS: readonly string[] = ['metric', 'nhid', 'weight', 'error'];
const ROUTE_METRICS: readonly string[] = [
  ...['mtu', 'advmss', 'window', 'rtt', 'rttvar', 'ssthresh', 'cwnd', 'initcwnd', 'initrwnd', 'reordering'],
  ...['hoplimit', 'features', 'quickack', 'congctl', 'rto_min', 'fastopen_no_cookie'],
];
const ROUTE_FLAGS: readonly string[] = [
  ...['onlink', 'linkdown', 'dead', 'pervasive', 'offload', 'trap', 'notify', 'unresolved', 'rt_offload', 'rt_trap'],
];

function routeLine(words: Words, line: string, last: Entry | undefined): Entry | undefined {
  if (/^\s/.test(line)) {
    if (last === undefined || !words.takes('nexthop'))
      throw words.fault(`unknown line of a route: ${quote(line.trim())}`);
    const hop: Entry = {};
    routeWords(words, hop);
    last.nexthops = [...((last.nexthops as Entry[] | undefined) ?? []), hop];
    return undefined;
  }
  const route: Entry = {};
  if (ROUTE_TYPES.includes(words.peek())) route.type = words.take();
  route.dst = words.take();
  if (/^[a-z]+$/.test(String(route.dst)) && route.dst !== 'default')
    throw words.fault(`unknown type of a route: ${quote(String(route.dst))}`, 1);
  routeWords(words, route);
  return route;
}

function routeWords(words: Words, route: Entry): void {
  const flags: string[] = [];
  const metrics: Entry = {};
  while (words.hasMore) {
    const word = words.take();
    if (Object.hasOwn(ROUTE_WORDS, word)) route[ROUTE_WORDS[word]] = words.take();
    else if (ROUTE_NUMBERS.includes(word)) route[word] = Number(words.take());
    else if (ROUTE_METRICS.includes(word)) metrics[word] = metricOf(words);
    else if (ROUTE_FLAGS.includes(word)) flags.push(word);
    else if (word === 'via') viaWords(words, route);
    else if (word === 'realm' || word === 'realms') route.flow = realmsIn(words.take());
    else if (word === 'encap') {
      // Whatever follows belongs to it; such routes are not supported.
      route.encap = words.take();
      break;
    } else throw words.fault(`unknown word of a route: ${quote(word)}`, 1);
  }
  route.flags = flags;
  if (Object.keys(metrics).length > 0) route.metrics = [metrics];
}

/** `3`, or `5/6`: from 5 to 6. */
function realmsIn(text: string): { from?: string; to: string } {
  const [first, second] = text.split('/');
  return second === undefined ? { to: first } : { from: first, to: second };
}

function metricOf(words: Words): number | string {
  words.takes('lock');
  const word = words.take();
  return /^\d+$/.test(word) ? Number(word) : word;
}

function viaWords(words: Words, route: Entry): void {
  const word = words.take();
  if (word === 'inet' || word === 'inet6') route.via = { family: word, host: words.take() };
  else route.gateway = word;
}

const RULE_WORDS: Readonly<Record<string, string>> = {
  iif: 'iif',
  oif: 'oif',
  tos: 'tos',
  dsfield: 'tos',
  ipproto: 'ipproto',
  proto: 'protocol',
  lookup: 'table',
  suppress_ifgroup: 'suppress_ifgroup',
  tun_id: 'tun_id',
};
const RULE_ACTIONS: readonly string[] = ['blackhole', 'unreachable', 'prohibit'];
/** What the ip(8) of busybox prints for a rule without a table, and as the type of one that is no lookup. */
const BUSYBOX_NO_TABLE = 'unspec';
const BUSYBOX_ACTIONS: Readonly<Record<string, Entry>> = { local: { goto: 0 }, broadcast: { nop: null } };

function ruleLine(words: Words): Entry {
  const rule: Entry = {};
  const priority = /^(\d+):$/.exec(words.take())?.[1];
  if (priority === undefined) throw words.fault('expected the priority of a rule', 1);
  rule.priority = Number(priority);
  while (words.hasMore) {
    const word = words.take();
    if (Object.hasOwn(RULE_WORDS, word)) rule[RULE_WORDS[word]] = words.take();
    else if (RULE_ACTIONS.includes(word)) rule.action = word;
    else if (word === 'not' || word === 'nop') rule[word] = null;
    else if (word === 'from') prefixWords(words, rule, 'src');
    else if (word === 'to') prefixWords(words, rule, 'dst');
    else if (word === 'fwmark') markWord(words, rule);
    else if (word === 'sport' || word === 'dport') rangeWords(words, rule, word);
    else if (word === 'uidrange') [rule.uid_start, rule.uid_end] = words.take().split('-').map(Number);
    else if (word === 'goto') rule.goto = words.number();
    else if (Object.hasOwn(BUSYBOX_ACTIONS, word)) Object.assign(rule, BUSYBOX_ACTIONS[word]);
    else if (word === 'suppress_prefixlength') rule.suppress_prefixlen = words.number();
    else if (word === 'realms') {
      const { from, to } = realmsIn(words.take());
      Object.assign(rule, from === undefined ? {} : { flow_from: from }, { flow_to: to });
    } else if (word === 'masquerade' || word === 'map-to') rule.action = word;
    else if (!['[detached]', '[unresolved]'].includes(word))
      throw words.fault(`unknown word of a rule: ${quote(word)}`, 1);
  }
  if (rule.table === '[l3mdev-table]' || (rule.table === BUSYBOX_NO_TABLE && !hasAction(rule))) rule.l3mdev = null;
  if (rule.l3mdev === null || rule.table === BUSYBOX_NO_TABLE) delete rule.table;
  return rule;
}

function markWord(words: Words, rule: Entry): void {
  const [mark, mask] = words.take().split('/');
  rule.fwmark = mark;
  if (mask !== undefined) rule.fwmask = mask;
}

function hasAction(rule: Entry): boolean {
  return rule.action !== undefined || rule.goto !== undefined || rule.nop !== undefined;
}

function prefixWords(words: Words, rule: Entry, name: 'src' | 'dst'): void {
  const [address, length] = words.take().split('/');
  rule[name] = address;
  if (length !== undefined) rule[`${name}len`] = Number(length);
}

function rangeWords(words: Words, rule: Entry, name: string): void {
  const [start, end] = words.take().split('-').map(Number);
  if (end === undefined) rule[name] = start;
  else Object.assign(rule, { [`${name}_start`]: start, [`${name}_end`]: end });
}

const HEAD = /^(\d+): ([^\s@]+)(?:@(\S+))?: <([^>]*)> (.*)$/;

/** The line that begins an interface; its other lines are indented. */
function linkHead(words: Words, line: string): Entry {
  const [, index, name, lower, flags, rest] = HEAD.exec(line) ?? [];
  if (index === undefined) throw words.fault(`expected NUMBER: INTERFACE: <FLAGS>, found ${quote(line.trim())}`);
  const values = pairsIn(rest);
  return {
    ifindex: Number(index),
    ifname: name,
    ...(lower === undefined ? {} : { link: lower }),
    flags: flags.split(',').filter((flag) => flag !== ''),
    ...(values.mtu === undefined ? {} : { mtu: values.mtu }),
    ...(values.master === undefined ? {} : { master: String(values.master) }),
    ...(values.state === undefined ? {} : { operstate: values.state }),
  };
}

/** TEXT as names and values, which are numbers where they look like it. */
function pairsIn(text: string): Entry {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const pairs: Entry = {};
  for (let i = 0; i + 1 < words.length; i += 2) {
    pairs[words[i]] = /^\d+$/.test(words[i + 1]) ? Number(words[i + 1]) : words[i + 1];
  }
  return pairs;
}

/** `link/ether 02:… brd ff:…`, or with `promiscuity 0 …`. */
function linkAddress(words: Words, link: Entry): void {
  link.link_type = words.take().slice('link/'.length);
  if (/^[\da-f.:]+$/i.test(words.peek())) link.address = words.take();
}

function addrLine(words: Words, line: string, last: Entry | undefined): Entry | undefined {
  if (!/^\s/.test(line)) return { ...linkHead(words, line), addr_info: [] };
  if (last === undefined) throw words.fault('expected the line of an interface before this');
  const first = words.peek();
  if (first.startsWith('link/')) linkAddress(words, last);
  else if (first === 'inet' || first === 'inet6') (last.addr_info as Entry[]).push(addressWords(words));
  return undefined;
}

/** Words of an address with a value, and what JSON calls them. */
const ADDRESS_WORDS: Readonly<Record<string, string>> = {
  brd: 'broadcast',
  any: 'anycast',
  scope: 'scope',
  proto: 'protocol',
};

function addressWords(words: Words): Entry {
  const info: Entry = { family: words.take() };
  const [local, length] = words.take().split('/');
  info.local = local;
  if (words.takes('peer')) {
    const [peer, peerLength] = words.take().split('/');
    info.address = peer;
    info.prefixlen = lengthOf(peerLength, peer);
  } else info.prefixlen = lengthOf(length, local);
  while (words.hasMore) {
    const word = words.take();
    if (Object.hasOwn(ADDRESS_WORDS, word)) info[ADDRESS_WORDS[word]] = words.take();
    else if (word === 'metric') info.metric = words.number();
    else if (words.hasMore || info.family === 'inet6') info[word] = true;
    else info.label = word;
  }
  return info;
}

function lengthOf(text: string | undefined, address: string): number {
  return text === undefined ? (address.includes(':') ? 128 : 32) : Number(text);
}

function linkLine(words: Words, line: string, last: Entry | undefined): Entry | undefined {
  if (!/^\s/.test(line)) return linkHead(words, line);
  if (last === undefined) throw words.fault('expected the line of an interface before this');
  const first = words.peek();
  if (first.startsWith('link/')) linkAddress(words, last);
  else if (
    !['alias', 'altname', 'inet', 'inet6'].includes(first) &&
    !first.endsWith('_slave') &&
    !('linkinfo' in last)
  ) {
    words.take();
    last.linkinfo = { info_kind: first, info_data: pairsIn(line.slice(line.indexOf(first) + first.length)) };
  }
  return undefined;
}

function neighLine(words: Words): Entry {
  const neighbour: Entry = { dst: words.take() };
  while (words.hasMore) {
    const word = words.take();
    if (word === 'dev' || word === 'lladdr') neighbour[word] = words.take();
    else if (/^[A-Z]+$/.test(word)) neighbour.state = [word];
  }
  return neighbour;
}

function nexthopLine(words: Words): Entry {
  const nexthop: Entry = {};
  while (words.hasMore) {
    const word = words.peek();
    if (word === 'group') {
      words.take();
      nexthop.group = words
        .take()
        .split('/')
        .map((member) => member.split(',').map(Number))
        .map(([id, weight]) => (weight === undefined ? { id } : { id, weight }));
    } else if (word === 'id') {
      words.take();
      nexthop.id = words.number();
    } else if (word === 'blackhole' || word === 'fdb') nexthop[words.take()] = null;
    else if (word === 'type') {
      words.take();
      nexthop.type = words.take();
    } else {
      routeWords(words, nexthop);
    }
  }
  return { flags: [], ...nexthop };
}

const ENTRIES: Readonly<Record<string, ParseLine>> = {
  addr: addrLine,
  link: linkLine,
  route: routeLine,
  rule: ruleLine,
  neigh: neighLine,
  nexthop: nexthopLine,
};
