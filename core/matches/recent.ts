/** `-m recent`: lists of addresses and when they were seen (xt_recent). */
import { ADDRESS_BITS, type Address, type Family, prefixMask } from '../../codecs/address.js';
import type { Word } from '../../codecs/iptables-save.js';
import { cutToBytes } from '../../codecs/text.js';
import { TICK_MS } from '../clock.js';
import type { MatchExtension, ParsedOptions } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseLibcAddress } from '../rules/parse/host-values.js';
import { parseNumber } from '../rules/parse/values.js';
import { FlatState, RECENT_STATE, StateKind } from '../rules/run/flat-state.js';
import { refuseProcName } from './proc-name.js';
import { RecentAction, recentList } from './recent-list.js';

/** XT_RECENT_NAME_LEN without the terminating zero. */
const MAX_NAME_BYTES = 199;
const DEFAULT_NAME = 'DEFAULT';
/** Stamps of one address: the kernel's limit since Linux 6.12 (XT_RECENT_MAX_NSTAMPS); it was 256 before. */
const MAX_HITCOUNT = 65_535;

const ACTIONS = ['--set', '--rcheck', '--update', '--remove'] as const;
type Action = (typeof ACTIONS)[number];

interface RecentParams {
  readonly action: Action;
  readonly negated: boolean;
  /** 0: any time. */
  readonly seconds: number;
  readonly isReaping: boolean;
  /** 0: once is enough. */
  readonly hitcount: number;
  readonly checksTtl: boolean;
  readonly name: string;
  readonly mask: Address;
  /** Whether it is given. For -C and -D, iptables takes rules for different ones where that differs. */
  readonly isMaskGiven: boolean;
  readonly side: 'source' | 'destination';
}

const excludes = [...ACTIONS];

const LISTED_ACTIONS: Readonly<Record<string, Action>> = {
  SET: '--set',
  CHECK: '--rcheck',
  UPDATE: '--update',
  REMOVE: '--remove',
};

function listedAction([, not, action]: readonly (string | undefined)[]): string[] {
  return [...(not === undefined ? [] : [not]), LISTED_ACTIONS[action!]];
}

/** A number of 32 bits that iptables prints with a sign. */
function unsigned(number: string | undefined): string {
  return String(Number(number) >>> 0);
}

export const recent: MatchExtension<RecentParams> = {
  name: 'recent',
  options: [
    ...ACTIONS.map((name) => ({ name, words: 0, invertible: true, excludes }) as const),
    { name: '--seconds', words: 1, expected: 'a number of seconds' },
    { name: '--reap', words: 0 },
    { name: '--hitcount', words: 1, expected: 'a number of packets' },
    { name: '--rttl', words: 0, excludes: ['--set', '--remove'] },
    { name: '--name', words: 1, expected: 'the name of a list' },
    { name: '--rsource', words: 0 },
    { name: '--rdest', words: 0 },
    { name: '--mask', words: 1, expected: 'a network mask, 255.255.255.0' },
  ],

  listed: listed(
    [/(!)? ?recent: (SET|CHECK|UPDATE|REMOVE)/, listedAction],
    [/seconds: (-?\d+)/, ([, seconds]) => ['--seconds', unsigned(seconds)]],
    [/reap/, '--reap'],
    [/hit_count: (-?\d+)/, ([, count]) => ['--hitcount', unsigned(count)]],
    [/TTL-Match/, '--rttl'],
    [/name: (.+?)(?= side: )/, '--name $1'],
    [/side: source/, '--rsource'],
    [/side: dest/, '--rdest'],
    [/mask: (\S+)/, '--mask $1'],
  ),

  parse(options) {
    const action = options.all.find(({ name }) => ACTIONS.includes(name as Action));
    if (action === undefined) throw new RuleFault(options.word, 'recent without an action', ACTIONS.join(', '));
    const seconds = numberOf(options, '--seconds', 1);
    const reap = options.get('--reap');
    if (reap !== undefined && seconds === 0) throw new RuleFault(reap.word, '--reap also requires --seconds');
    const name = options.get('--name')?.values[0].text ?? DEFAULT_NAME;
    const mask = options.get('--mask')?.values[0];
    return {
      action: action.name as Action,
      negated: options.all.some((option) => option.negated),
      seconds,
      isReaping: reap !== undefined,
      hitcount: numberOf(options, '--hitcount', 0),
      checksTtl: options.get('--rttl') !== undefined,
      name: cutToBytes(name, MAX_NAME_BYTES),
      mask: mask === undefined ? wholeMask(options.family) : parseMask(mask, options.family),
      isMaskGiven: mask !== undefined,
      side: sideOf(options),
    };
  },

  refuse({ action, seconds, hitcount, isReaping, name }) {
    const isPlain = seconds === 0 && hitcount === 0 && !isReaping;
    if ((action === '--set' || action === '--remove') && !isPlain) {
      return `${action} takes none of --seconds, --hitcount, --reap`;
    }
    if (hitcount > MAX_HITCOUNT) return `a hitcount of ${hitcount} is too large: at most ${MAX_HITCOUNT}`;
    return refuseProcName(name);
  },

  save({ action, negated, seconds, isReaping, hitcount, checksTtl, name, mask, side }) {
    return [
      `${negated ? ' !' : ''} ${action}`,
      seconds === 0 ? '' : ` --seconds ${seconds | 0}`,
      isReaping ? ' --reap' : '',
      hitcount === 0 ? '' : ` --hitcount ${hitcount | 0}`,
      checksTtl ? ' --rttl' : '',
      ` --name ${name} --mask ${mask} ${side === 'source' ? '--rsource' : '--rdest'}`,
    ].join('');
  },

  share({ name, mask, hitcount }, context) {
    recentList(context, name, mask, hitcount);
  },

  createState({ action, negated, seconds, isReaping, hitcount, checksTtl, name, mask, side }, context) {
    const { table } = recentList(context, name, mask, hitcount);
    return FlatState.create(context, { kind: StateKind.RECENT, negated, table }, RECENT_STATE, {
      list: table.at,
      action: ACTION_CODES[action],
      isDestination: side === 'destination' ? 1 : 0,
      checksTtl: checksTtl ? 1 : 0,
      isReaping: isReaping ? 1 : 0,
      seconds,
      // The product has 32 bits, too.
      ticks: Math.imul(seconds, 1000 / TICK_MS),
      hitcount,
    });
  },

  lower(params) {
    return { native: { reads: ['history'], explanation: explain(params) } };
  },
};

const ACTION_CODES: Readonly<Record<Action, number>> = {
  '--set': RecentAction.SET,
  '--rcheck': RecentAction.RCHECK,
  '--update': RecentAction.UPDATE,
  '--remove': RecentAction.REMOVE,
};

function explain({ negated, side, name, seconds, hitcount }: RecentParams): string {
  const often = hitcount > 1 ? ` ${hitcount} times` : '';
  const lately = seconds === 0 ? '' : ` in the last ${seconds} s`;
  return `the list ${name} has ${negated ? 'seen' : 'not seen'} its ${side}${often}${lately}`;
}

/** The value of OPTION: a number from MIN, or 0 if it is not given. */
function numberOf(options: ParsedOptions, option: string, min: number): number {
  const word = options.get(option)?.values[0];
  if (word === undefined) return 0;
  const number = parseNumber(word.text, 0xffffffff);
  if (number !== undefined && number >= min) return number;
  throw new RuleFault(word, `${option} is not a number: "${word.text}"`, `${min}–4294967295`);
}

/** The last one counts. */
function sideOf({ all }: ParsedOptions): RecentParams['side'] {
  return all.findLast(({ name }) => name === '--rsource' || name === '--rdest')?.name === '--rdest'
    ? 'destination'
    : 'source';
}

function wholeMask(family: Family): Address {
  return prefixMask(family, ADDRESS_BITS[family]);
}

/** A mask is given as an address of any form of the C library. */
function parseMask(word: Word, family: Family): Address {
  const address = parseLibcAddress(word.text, family);
  if (address !== undefined) return address;
  throw new RuleFault(word, `bad mask "${word.text}"`, family === 'ipv4' ? '255.255.255.0' : 'ffff:ffff::');
}
