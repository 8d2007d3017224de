/** The options of `ipset create`, add, del and test, and how each is read. */
import { ADDRESS_BITS } from '../../codecs/address.js';
import { isLongerThan } from '../../codecs/text.js';
import { assumedFamily, parseBitmask, parseLastIp, parseNet, parseNetRange, parseSingleIp } from './addresses.js';
import type { CommandData } from './command-data.js';
import { parseCidr, parseNumber, parseSkbMark, parseSkbPrio, parseUint64 } from './numbers.js';
import { Opt } from './options.js';
import { parseFromPort, parseTcpUdpPort, parseToPort } from './ports.js';
import { Severity } from './report.js';

export interface Keyword {
  readonly name: string;
  /** Whether a word follows. */
  readonly hasWord: boolean;
  readonly opt: Opt;
  /** Reads the word that follows; of an option without one, its name. */
  readonly parse: (data: CommandData, text: string) => void;
}

/** The longest time-out in seconds: the kernel counts in jiffies. */
const MAX_TIMEOUT = 2_147_483;
/** In bytes. */
const MAX_COMMENT = 255;
const MAX_SET_NAME = 31;
const MAX_UINT32 = 0xffff_ffff;

function keyword(name: string, opt: Opt, parse: Keyword['parse'], hasWord = true): Keyword {
  return { name, hasWord, opt, parse };
}

/** An option of `create` with a number up to MAX. */
function createNumber(
  name: 'hashsize' | 'maxelem' | 'bucketsize' | 'initval' | 'markmask' | 'size',
  opt: Opt,
  max = MAX_UINT32,
): Keyword {
  return keyword(name, opt, (data, text) => {
    data.options[name] = parseNumber(data, text, max);
    data.note(opt);
  });
}

/** A flag; ipset does not notice if it is given twice. */
function flag(name: string, opt: Opt, set: (data: CommandData) => void): Keyword {
  const parse = (data: CommandData): void => {
    set(data);
    data.note(Opt.CADT_FLAGS);
  };
  return keyword(name, opt, parse, false);
}

/** An option of an element with a number up to MAX. */
function elementNumber(name: 'skbqueue', opt: Opt, max: number): Keyword {
  return keyword(name, opt, (data, text) => {
    data.element.skbQueue = parseNumber(data, text, max);
    data.note(opt);
  });
}

/** An option that older versions had. Of those that say the same, ipset names the first one. */
function ignored(name: string, opt: Opt, shown = name): Keyword {
  return keyword(name, opt, (data, text) => {
    if (data.ignores(opt)) return;
    data.report.add(Severity.WARNING, `Option '--${shown} ${text}' is ignored. Please upgrade your syntax.`);
  });
}

function parseFamily(data: CommandData, text: string): void {
  if (['inet', 'ipv4', '-4'].includes(text)) data.family = 'ipv4';
  else if (['inet6', 'ipv6', '-6'].includes(text)) data.family = 'ipv6';
  else if (['any', 'unspec'].includes(text)) data.family = undefined;
  else throw data.syntaxError(`unknown inet family ${text}`, 'inet or inet6');
  data.isFamilyAssumed = false;
  data.note(Opt.FAMILY);
}

function parseNetmask(data: CommandData, text: string): void {
  if (data.has(Opt.BITMASK)) throw exclusiveMasks(data);
  const bits = ADDRESS_BITS[assumedFamily(data)];
  try {
    data.options.netmask = parseCidr(data, text, 1, bits);
  } catch {
    throw data.syntaxError(`netmask is out of the inclusive range of 1-${bits}`, `a length from 1 to ${bits}`);
  }
  data.note(Opt.NETMASK);
}

function parseMask(data: CommandData, text: string): void {
  if (data.has(Opt.NETMASK)) throw exclusiveMasks(data);
  parseBitmask(data, text);
}

function exclusiveMasks(data: CommandData): Error {
  return data.syntaxError('bitmask and netmask are mutually exclusive, provide only one');
}

function parseTimeout(data: CommandData, text: string): void {
  const timeout = parseNumber(data, text, MAX_TIMEOUT);
  data.options.timeout = timeout;
  data.element.timeout = timeout;
  data.note(Opt.TIMEOUT);
}

function parseComment(data: CommandData, text: string): void {
  if (text.includes('"')) throw data.syntaxError('" character is not permitted in comments');
  if (isLongerThan(text, MAX_COMMENT)) {
    throw data.syntaxError(`Comment is longer than the maximum allowed ${MAX_COMMENT} characters`);
  }
  data.element.comment = text;
  data.noteText(Opt.ADT_COMMENT, text);
}

/** The name of a set; a longer one is an error. */
export function checkSetName(data: CommandData, text: string): string {
  if (!isLongerThan(text, MAX_SET_NAME)) return text;
  throw data.syntaxError(`setname '${text}' is longer than ${MAX_SET_NAME} characters`, 'a shorter name');
}

function neighbour(name: 'before' | 'after'): Keyword {
  return keyword(name, Opt.NAMEREF, (data, text) => {
    data.element.neighbour = checkSetName(data, text);
    data.element.isBefore = name === 'before';
    if (data.element.isBefore) data.note(Opt.CADT_FLAGS);
    data.noteText(Opt.NAMEREF, text);
  });
}

/** All options, by the names that the tables of types use. */
export const KEYWORDS = {
  family: keyword('family', Opt.FAMILY, parseFamily),
  inet: keyword('-4', Opt.FAMILY, parseFamily, false),
  inet6: keyword('-6', Opt.FAMILY, parseFamily, false),
  hashsize: createNumber('hashsize', Opt.HASHSIZE),
  maxelem: createNumber('maxelem', Opt.MAXELEM),
  bucketsize: createNumber('bucketsize', Opt.BUCKETSIZE, 255),
  initval: createNumber('initval', Opt.INITVAL),
  markmask: createNumber('markmask', Opt.MARKMASK),
  size: createNumber('size', Opt.SIZE),
  probes: ignored('probes', Opt.PROBES),
  resize: ignored('resize', Opt.RESIZE),
  gc: ignored('gc', Opt.GC),
  ignoredFrom: ignored('from', Opt.IP),
  ignoredTo: ignored('to', Opt.IP_TO),
  ignoredNetwork: ignored('network', Opt.IP, 'from'),
  ipRange: keyword('range', Opt.IP, parseNetRange),
  fromIp: keyword('from', Opt.IP, (data, text) => parseSingleIp(data, 'ip', text)),
  toIp: keyword('to', Opt.IP_TO, parseLastIp),
  network: keyword('network', Opt.IP, parseNet),
  portRange: keyword('range', Opt.PORT, parseTcpUdpPort),
  fromPort: keyword('from', Opt.PORT, parseFromPort),
  toPort: keyword('to', Opt.PORT_TO, parseToPort),
  netmask: keyword('netmask', Opt.NETMASK, parseNetmask),
  bitmask: keyword('bitmask', Opt.BITMASK, parseMask),
  timeout: keyword('timeout', Opt.TIMEOUT, parseTimeout),
  forceadd: flag('forceadd', Opt.FORCEADD, (data) => {
    data.options.forceadd = true;
  }),
  counters: flag('counters', Opt.COUNTERS, (data) => {
    data.options.counters = true;
  }),
  createComment: flag('comment', Opt.CREATE_COMMENT, (data) => {
    data.options.comment = true;
  }),
  skbinfo: flag('skbinfo', Opt.SKBINFO, (data) => {
    data.options.skbinfo = true;
  }),
  nomatch: flag('nomatch', Opt.NOMATCH, (data) => {
    data.element.isNomatch = true;
  }),
  wildcard: flag('wildcard', Opt.IFACE_WILDCARD, (data) => {
    data.element.isWildcard = true;
  }),
  before: neighbour('before'),
  after: neighbour('after'),
  packets: keyword('packets', Opt.PACKETS, (data, text) => {
    data.element.packets = parseUint64(data, text);
    data.note(Opt.PACKETS);
  }),
  bytes: keyword('bytes', Opt.BYTES, (data, text) => {
    data.element.bytes = parseUint64(data, text);
    data.note(Opt.BYTES);
  }),
  comment: keyword('comment', Opt.ADT_COMMENT, parseComment),
  skbmark: keyword('skbmark', Opt.SKBMARK, (data, text) => {
    const { mark, mask } = parseSkbMark(data, text);
    data.element.skbMark = mark;
    data.element.skbMarkMask = mask;
    data.note(Opt.SKBMARK);
  }),
  skbprio: keyword('skbprio', Opt.SKBPRIO, (data, text) => {
    data.element.skbPrio = parseSkbPrio(data, text);
    data.note(Opt.SKBPRIO);
  }),
  skbqueue: elementNumber('skbqueue', Opt.SKBQUEUE, 65_535),
} as const satisfies Readonly<Record<string, Keyword>>;

export type KeywordName = keyof typeof KEYWORDS;
