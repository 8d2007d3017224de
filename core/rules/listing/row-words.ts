/** A row of a listing as the words of a rule, which then is parsed like any other. */
import type { ListedRule } from '../../../codecs/iptables-listing.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { TARGETS } from '../../targets/index.js';
import type { TargetExtension } from '../extension.js';
import { RuleFault } from '../parse/error.js';
import type { ListedAddresses } from './listed-addresses.js';
import type { ListedContext } from './listed-form.js';
import { type ListedExtension, readExtensions } from './read-extensions.js';

/** What a row does not show of its rule. */
export interface HiddenPart {
  /** `the interfaces`. */
  readonly what: string;
  /** In words, with what to do. */
  readonly message: string;
  readonly word: Word;
}

export interface RowWords {
  readonly words: readonly Word[];
  readonly hidden: readonly HiddenPart[];
}

/** What a row is read with. */
export interface RowContext {
  readonly chain: Word;
  readonly addresses: ListedAddresses;
  /** Whether the table has a chain of this name: a target of that name is a jump. */
  isChain(name: string): boolean;
}

const GOTO = '[goto]';
/** -m bpf prints no blank before its text. */
const GLUED = /(\S)(?=match bpf (?:\d|pinned ))/;
const ANY_PROTOCOL: readonly string[] = ['0', 'all'];
const ANY_DEVICE: readonly string[] = ['*', 'any'];

/** The words of ROW, as iptables -A takes them, each with its place in the listing. Throws a RuleFault. */
export function rowWords(row: ListedRule, context: RowContext): RowWords {
  const { line, text, extensionsAt } = row;
  const start = text.search(/\S/);
  const wordAt = (word: string, at: number): Word => ({ text: word, line, column: at + 1 });
  const words: Word[] = [
    wordAt('-A', start),
    { ...context.chain, line, column: start + 1 },
    ...baseWords(row, context),
  ];
  const name = row.target?.text;
  const target = name === undefined || context.isChain(name) ? undefined : TARGETS.get(name);
  const gotoAt = text.indexOf(GOTO, extensionsAt);
  const isGoto = gotoAt >= 0 && text.slice(extensionsAt, gotoAt).trim() === '';
  const from = isGoto ? gotoAt + GOTO.length : extensionsAt;
  const alias = target && aliasIn(text, from, target, context.addresses.on(line));
  const found = extensionsOf(row, from, alias ?? target, context);
  for (const match of found.matches) words.push(wordAt('-m', match.at), ...extensionWords(match, line));
  if (row.target !== undefined)
    words.push(
      { ...row.target, text: isGoto ? '-g' : '-j' },
      alias === undefined ? row.target : { ...row.target, text: alias.name },
    );
  for (const word of found.target?.words ?? []) words.push(wordAt(word.text, word.at));
  const all = found.target === undefined ? found.matches : [...found.matches, found.target];
  const hidden = all.flatMap((one): HiddenPart[] =>
    one.hidden.map((what) => ({
      what,
      message: `a listing does not show ${what} of ${one === found.target ? '-j' : '-m'} ${one.extension.name}`,
      word: wordAt(one.extension.name, one.at),
    })),
  );
  return { words, hidden };
}

/** The alias of TARGET that prints what LINE has from index AT on. */
function aliasIn(
  line: string,
  at: number,
  { name }: TargetExtension<unknown>,
  context: ListedContext,
): TargetExtension<unknown> | undefined {
  const aliases = [...TARGETS.values()].filter(({ listedName }) => listedName === name);
  return aliases.find((alias) => 'matches' in readExtensions(line, at, alias, context));
}

function extensionsOf(
  { line, text, target }: ListedRule,
  from: number,
  extension: TargetExtension<unknown> | undefined,
  { addresses }: RowContext,
): ReturnType<typeof readExtensions> & { matches: readonly ListedExtension[]; target: ListedExtension | undefined } {
  const context = addresses.on(line);
  let found = readExtensions(text, from, extension, context);
  if ('kind' in found && GLUED.test(text)) found = readExtensions(text.replace(GLUED, '$1 '), from, extension, context);
  if ('matches' in found) return found;
  const word: Word = { text: text.slice(found.at), line, column: found.at + 1 };
  if (found.kind === 'ambiguous') {
    throw new RuleFault(word, `"${word.text}" may stand for different rules`, 'iptables-save', 'unsupported');
  }
  const printers = extension === undefined ? 'a known match' : `a known match or ${extension.name}`;
  const what =
    word.text === ''
      ? `the listing does not show the options of ${target?.text}`
      : `"${word.text}" is nothing that ${printers} prints in a listing`;
  throw new RuleFault(word.text === '' && target !== undefined ? target : word, what, 'iptables-save', 'unsupported');
}

function extensionWords({ extension, at, words }: ListedExtension, line: number): Word[] {
  return [{ text: extension.name, at }, ...words].map((word) => ({ text: word.text, line, column: word.at + 1 }));
}

/** The words of -s, -d, -i, -o, -p and -f. */
function baseWords(row: ListedRule, { addresses }: RowContext): Word[] {
  const { protocol, fragment, inDev, outDev, source, destination } = row;
  const words: Word[] = [];
  const add = (option: string, shown: Word | undefined, read: (value: Word) => string | undefined): void => {
    if (shown === undefined) return;
    const isNegated = shown.text.startsWith('!') && shown.text.length > 1;
    const bare = isNegated ? { ...shown, text: shown.text.slice(1), column: shown.column + 1 } : shown;
    const value = read(bare);
    if (value === undefined) return;
    if (isNegated) words.push({ ...shown, text: '!' });
    words.push({ ...bare, text: option }, ...(value === '' ? [] : [{ ...bare, text: value }]));
  };
  const device = ({ text }: Word): string | undefined => (ANY_DEVICE.includes(text) ? undefined : text);
  const addressOf = (word: Word): string => addresses.numberOf(word);
  add('-s', source, addressOf);
  add('-d', destination, addressOf);
  add('-i', inDev, device);
  add('-o', outDev, device);
  add('-p', protocol, ({ text }) => (ANY_PROTOCOL.includes(text) ? undefined : text));
  add('-f', fragment, ({ text }) => (text.endsWith('f') ? '' : undefined));
  return words;
}
