/** Replaces what the words of a rule, or of a command of iptables, say about whose it is. */
import { parseAddress } from '../../codecs/address.js';
import { decodeText, encodeText } from '../../codecs/text.js';
import { replaceAddressesIn, replaceAllAddressesIn } from './addresses-in-text.js';
import type { NameKind, Replacer } from './replacer.js';
import { replaceBytecode, replaceU32 } from './u32-words.js';

type Replace = (text: string, replacer: Replacer, context: RuleContext) => string;

/** What of the rest of a rule changes the meaning of a word. */
interface RuleContext {
  readonly target: string | undefined;
  readonly ignoresCase: boolean;
  /** Names that are chains. */
  readonly chains: ReadonlySet<string>;
}

const named =
  (kind: NameKind): Replace =>
  (text, replacer) =>
    replacer.named(kind, text);
const iface: Replace = (text, replacer) =>
  text.endsWith('+') ? `${replacer.iface(text.slice(0, -1))}+` : replacer.iface(text);
/** What the option of the target ECN, cgroup and the like say in parts: `/system.slice/web.service`. */
const path: Replace = (text, replacer) =>
  text
    .split('/')
    .map((part) => (part === '' ? '' : replacer.named('path', part)))
    .join('/');
const target: Replace = (text, replacer, { chains }) => (chains.has(text) ? replacer.named('chain', text) : text);
const asIs: Replace = (text) => text;
/** Where -m time begins and ends unless a rule says otherwise: the bounds of its seconds. */
const BOUNDS: readonly string[] = ['1970-01-01T00:00:00', '2038-01-19T03:14:07'];
const date: Replace = (text, replacer) => {
  const seconds = Date.parse(`${text}${text.includes('T') ? '' : 'T00:00:00'}Z`) / 1000;
  if (Number.isNaN(seconds) || BOUNDS.includes(text)) return text;
  return new Date(replacer.moment(seconds) * 1000).toISOString().slice(0, BOUNDS[0].length);
};

const CHAIN_OPTIONS = [
  ...['-A', '-I', '-D', '-R', '-C', '-N', '-F', '-X', '-Z', '-P', '-E', '-L', '-S'],
  ...['--append', '--insert', '--delete', '--replace', '--check', '--new-chain', '--flush', '--delete-chain', '--zero'],
  ...['--policy', '--rename-chain', '--list', '--list-rules', '--new', '--delete-chain'],
];
const OPTIONS: Readonly<Record<string, Replace>> = {
  ...Object.fromEntries(CHAIN_OPTIONS.map((option) => [option, named('chain')])),
  ...all(['-j', '--jump', '-g', '--goto'], target),
  ...all(['-i', '-o', '--in-interface', '--out-interface', '--physdev-in', '--physdev-out', '--oif'], iface),
  '--comment': named('comment'),
  ...all(['--log-prefix', '--nflog-prefix', '--ulog-prefix'], named('prefix')),
  '--string': (text, replacer, { ignoresCase }) =>
    decodeText(replacer.pattern({ bytes: encodeText(text), ignoresCase })),
  '--hex-string': replaceHexString,
  ...all(['--match-set', '--add-set', '--del-set', '--map-set'], named('set')),
  ...all(['--name', '--hashlimit-name', '--nfacct-name', '--rateest-name', '--rateest1', '--rateest2'], named('list')),
  ...all(['--label', '--led-trigger-id'], named('list')),
  '--uid-owner': named('user'),
  '--gid-owner': named('group'),
  '--realm': named('realm'),
  ...all(['--src-group', '--dst-group'], named('device group')),
  ...all(['--path', '--object-pinned'], path),
  '--selctx': named('path'),
  ...all(['--datestart', '--datestop'], date),
  '--u32': replaceU32,
  '--bytecode': replaceBytecode,
  '--to': replaceTo,
  ...all(['--mask', '--connlimit-mask', '--probability', '-t', '--table', '-m', '--match', '-p', '--protocol'], asIs),
};

function all(options: readonly string[], replace: Replace): Record<string, Replace> {
  return Object.fromEntries(options.map((option) => [option, replace]));
}

/** NETMAP maps to a network; `-m string --to` is a number. */
function replaceTo(text: string, replacer: Replacer, { target }: RuleContext): string {
  const [first, length = '32'] = text.split('/');
  const address = parseAddress(first);
  if (target !== 'NETMAP' || address === undefined || length.includes('.')) return replaceAddressesIn(text, replacer);
  return `${replacer.mappedTo(address, Number(length))}/${length}`;
}

/** `GET |0d0a|`, as iptables takes it. */
function replaceHexString(text: string, replacer: Replacer, { ignoresCase }: RuleContext): string {
  let isHex = false;
  const bytes = text.split('|').flatMap((part) => {
    const found = isHex
      ? (part.replaceAll(' ', '').match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))
      : [...encodeText(part.replace(/\\(.)/gs, '$1'))];
    isHex = !isHex;
    return found;
  });
  const replaced = replacer.pattern({ bytes: Uint8Array.from(bytes), ignoresCase });
  return `|${Buffer.from(replaced).toString('hex')}|`;
}

/**
 * The replacements of WORDS. CHAINS: the names of chains, which targets may be. `--match-set NAME src` and the like
 * have a second value, which stays.
 */
export function replaceRuleWords(words: readonly string[], replacer: Replacer, chains: ReadonlySet<string>): string[] {
  const jump = words.findIndex((word) => ['-j', '--jump'].includes(word));
  const context = { target: words[jump + 1], ignoresCase: words.includes('--icase'), chains };
  const replaced: string[] = [];
  let option: Replace | undefined;
  for (const [at, word] of words.entries()) {
    const [, long, attached] = /^(--[\w-]+)=(.*)$/s.exec(word) ?? [];
    if (long !== undefined && Object.hasOwn(OPTIONS, long)) {
      replaced.push(`${long}=${OPTIONS[long](attached, replacer, context)}`);
      option = undefined;
    } else if (word.startsWith('-') && Object.hasOwn(OPTIONS, word) && !isFlag(words, at)) {
      replaced.push(word);
      option = OPTIONS[word];
    } else if (word === '!') replaced.push(word);
    else {
      replaced.push(option === undefined ? replaceAllAddressesIn(word, replacer) : option(word, replacer, context));
      // The new name of a chain follows the old one.
      if (!['-E', '--rename-chain'].includes(words[at - 1])) option = undefined;
    }
  }
  return replaced;
}

/** Whether the option AT has no value here: `-L` of all chains, `-m recent --name` never. */
function isFlag(words: readonly string[], at: number): boolean {
  const next = words[at + 1];
  return next === undefined || (next.startsWith('-') && CHAIN_OPTIONS.includes(words[at]));
}
