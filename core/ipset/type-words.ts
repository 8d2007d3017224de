/**
 * How ipset writes about each type of set: the revision of its own description, the options of each command in the
 * order in which they are looked for and printed, and which ranges an element may be.
 */
import type { SetType } from '../sets/set-type.js';
import type { KeywordName } from './keywords.js';

/** The commands that take options of a type. */
export type TypedCommand = 'create' | 'add' | 'del' | 'test';

/** The commands in which a part of an element may be a range: none of them, those that change the set, or all. */
type Ranges = 'never' | 'changes' | 'always';

export interface TypeWords {
  readonly revision: number;
  readonly create: readonly KeywordName[];
  readonly add: readonly KeywordName[];
  /** Also those of `test`. */
  readonly del: readonly KeywordName[];
  readonly test: readonly KeywordName[];
  /** Addresses from one to another; with them, prefixes are allowed too. */
  readonly ranges: Ranges;
  readonly portRanges: Ranges;
  /** Whether the first and the second address may have a prefix even so. */
  readonly prefixes: readonly [first: boolean, second: boolean];
}

const FAMILY: readonly KeywordName[] = ['family', 'inet', 'inet6'];
const SIZES: readonly KeywordName[] = ['hashsize', 'maxelem'];
const EXTENSIONS: readonly KeywordName[] = ['timeout', 'counters', 'createComment'];
const HASH_EXTENSIONS: readonly KeywordName[] = [...EXTENSIONS, 'forceadd', 'skbinfo', 'bucketsize'];
const HASH: readonly KeywordName[] = [...FAMILY, ...SIZES, ...HASH_EXTENSIONS, 'initval'];
/** Options of old versions. */
const OLD: readonly KeywordName[] = ['probes', 'resize'];
const OLD_RANGE: readonly KeywordName[] = [...OLD, 'ignoredFrom', 'ignoredTo', 'ignoredNetwork'];
const BITMAP_EXTENSIONS: readonly KeywordName[] = [...EXTENSIONS, 'skbinfo'];
const BITMAP_RANGE: readonly KeywordName[] = ['fromIp', 'toIp', 'network'];

const COUNTERS: readonly KeywordName[] = ['packets', 'bytes', 'comment', 'skbmark', 'skbprio', 'skbqueue'];
const ADD: readonly KeywordName[] = ['timeout', ...COUNTERS];
const ADD_NET: readonly KeywordName[] = ['timeout', 'nomatch', ...COUNTERS];
const NEIGHBOURS: readonly KeywordName[] = ['before', 'after'];

const PLAIN = {
  add: ADD,
  del: [],
  test: [],
  ranges: 'changes',
  portRanges: 'changes',
  prefixes: [false, false],
} as const;
const NET = { ...PLAIN, add: ADD_NET, test: ['nomatch'], prefixes: [true, true] } as const;

const WORDS: Readonly<Record<string, TypeWords>> = {
  'bitmap:ip': {
    ...PLAIN,
    revision: 3,
    create: ['ipRange', 'netmask', ...BITMAP_EXTENSIONS, ...BITMAP_RANGE],
  },
  'bitmap:ip,mac': {
    ...PLAIN,
    revision: 3,
    create: ['ipRange', ...BITMAP_EXTENSIONS, ...BITMAP_RANGE],
    ranges: 'never',
  },
  'bitmap:port': {
    ...PLAIN,
    revision: 3,
    create: ['portRange', ...BITMAP_EXTENSIONS, 'fromPort', 'toPort'],
  },
  'hash:ip': {
    ...PLAIN,
    revision: 6,
    create: [...FAMILY, ...SIZES, 'netmask', 'bitmask', ...HASH_EXTENSIONS, 'initval', ...OLD, 'gc'],
    ranges: 'always',
  },
  'hash:mac': { ...PLAIN, revision: 1, create: [...SIZES, ...HASH_EXTENSIONS, 'initval'] },
  'hash:ip,mac': { ...PLAIN, revision: 1, create: [...FAMILY, ...SIZES, ...HASH_EXTENSIONS], ranges: 'never' },
  'hash:ip,mark': {
    ...PLAIN,
    revision: 3,
    create: [...FAMILY, 'markmask', ...SIZES, ...HASH_EXTENSIONS, 'initval', ...OLD_RANGE],
    ranges: 'always',
  },
  'hash:ip,port': { ...PLAIN, revision: 7, create: [...HASH, 'netmask', 'bitmask', ...OLD_RANGE] },
  'hash:ip,port,ip': { ...PLAIN, revision: 6, create: [...HASH, ...OLD_RANGE] },
  'hash:ip,port,net': { ...NET, revision: 8, create: [...HASH, ...OLD_RANGE], prefixes: [false, true] },
  'hash:net': { ...NET, revision: 7, create: [...HASH, ...OLD] },
  'hash:net,net': { ...NET, revision: 4, create: [...HASH, 'bitmask', 'netmask'] },
  'hash:net,port': { ...NET, revision: 8, create: HASH },
  'hash:net,port,net': { ...NET, revision: 3, create: HASH },
  'hash:net,iface': { ...NET, revision: 8, create: HASH, add: ['timeout', 'nomatch', 'wildcard', ...COUNTERS] },
  'list:set': {
    ...PLAIN,
    revision: 3,
    create: ['size', ...BITMAP_EXTENSIONS],
    add: ['timeout', ...NEIGHBOURS, ...COUNTERS],
    del: NEIGHBOURS,
    test: NEIGHBOURS,
  },
};

/** The names of all types. */
export const TYPE_NAMES: readonly string[] = Object.keys(WORDS);

export function typeWords({ name }: Pick<SetType, 'name'>): TypeWords {
  return WORDS[name];
}

/** Whether RANGES lets an element of COMMAND be a range. */
export function allowsRange(ranges: Ranges, command: TypedCommand): boolean {
  return ranges === 'always' || (ranges === 'changes' && command !== 'test');
}
