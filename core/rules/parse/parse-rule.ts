/** Parses one line of a table: the command and its rule (do_command4 in iptables). */
import { prefixMask } from '../../../codecs/address.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { withNearest } from '../../../codecs/nearest.js';
import { byteLength } from '../../../codecs/text.js';
import { HOOK_NAMES, Hook, type TableName, Verdict } from '../../hooks.js';
import { MATCHES } from '../../matches/index.js';
import { TARGETS } from '../../targets/index.js';
import { type AddressMatch, ANY_PACKET, type BaseMatch, type DeviceMatch } from '../base-match.js';
import type { Extension, MatchExtension, TargetExtension } from '../extension.js';
import type { Match, Target } from '../model.js';
import { RuleFault, unknownName } from './error.js';
import { KNOWN_MATCHES, KNOWN_TARGETS } from './known-extensions.js';
import { findOption, LoadedExtension, unknownOption, WordReader } from './options.js';
import { protocolName } from './protocols.js';
import { parseIpv4, parseMask, parseNumber, parseProtocol } from './values.js';

const COMMANDS = 'ACDEFILNPRSXZ';
const SUPPORTED_COMMANDS = 'AFINPX';
/** Letters that may be followed directly by their value: `-AINPUT`. */
const JOINABLE = 'AINPFXgm';
/** The mask of an address without a mask. */
const HOST_MASK = prefixMask('ipv4', 32);
const MAX_DEVICE_BYTES = 15;
const MAX_NAME_BYTES = 28;
/** Shared by all rules, as a large ruleset has many. */
const VERDICTS: ReadonlyMap<string, Target> = new Map([
  ['ACCEPT', { kind: 'verdict', verdict: Verdict.ACCEPT }],
  ['DROP', { kind: 'verdict', verdict: Verdict.DROP }],
  ['RETURN', { kind: 'verdict', verdict: Verdict.RETURN }],
]);
const NO_TARGET: Target = { kind: 'none' };

/** A parsed rule, before it is placed in a chain. */
export interface RuleDraft {
  readonly base: BaseMatch;
  readonly matches: readonly Match[];
  readonly target: Target;
  /** The words of the matches, in order, and of the target, for errors that are found once the table is complete. */
  readonly matchWords: readonly Word[];
  readonly targetWord: Word;
  /** The line number in the file, from 1. */
  readonly line: number;
  /** As in `Rule`. */
  readonly verbatim: string | undefined;
}

export interface Command {
  readonly letter: string;
  readonly word: Word;
  readonly chain: Word | undefined;
  /** For -I: from 1. */
  readonly position: number;
  /** For -P. */
  readonly policy: Word | undefined;
  /** One draft for each pair of source and destination. */
  readonly rules: readonly RuleDraft[];
}

/** The names that a rule may refer to. */
export interface RuleScope {
  readonly table: TableName;
  /** Whether the table currently has a built-in or user chain of this name. */
  chainKind(name: string): 'built-in' | 'user' | undefined;
  chainNames(): Iterable<string>;
}

/** Parses the WORDS of a line. Throws a RuleFault. */
export function parseCommand(words: readonly Word[], scope: RuleScope): Command {
  return new RuleParser(words, scope).parse();
}

class RuleParser {
  readonly #words: readonly Word[];
  readonly #reader: WordReader;
  readonly #scope: RuleScope;

  #command: Word | undefined;
  #letter = '';
  #chain: Word | undefined;
  /** `-6`: a rule for ip6tables, which iptables ignores. */
  #otherFamily = false;
  #position = 1;
  #policy: Word | undefined;

  #base: { -readonly [Part in keyof BaseMatch]: BaseMatch[Part] } = { ...ANY_PACKET };
  #sources: AddressMatch[] | undefined;
  #destinations: AddressMatch[] | undefined;
  /** The letters of the options given so far that can be given only once. */
  #given = '';
  #sourceWord: Word | undefined;
  #inWord: Word | undefined;
  #outWord: Word | undefined;
  readonly #matches: LoadedExtension<MatchExtension<unknown>>[] = [];
  #target: Target | LoadedExtension<TargetExtension<unknown>> = NO_TARGET;
  #targetWord: Word | undefined;

  constructor(words: readonly Word[], scope: RuleScope) {
    this.#words = words;
    this.#reader = new WordReader(words);
    this.#scope = scope;
  }

  parse(): Command {
    let not: Word | undefined;
    for (let word = this.#reader.next(); word !== undefined; word = this.#reader.next()) {
      if (word.text === '!') {
        if (not !== undefined) throw new RuleFault(word, 'repeated !');
        not = word;
      } else if (!word.text.startsWith('-')) {
        throw new RuleFault(word, `bad argument "${word.text}"`, 'an option');
      } else {
        this.#option(this.#withoutValue(word), not !== undefined);
        not = undefined;
      }
    }
    if (not !== undefined) throw new RuleFault(not, 'nothing after !', 'an option');
    if (this.#command === undefined) throw new RuleFault(this.#words[0], 'no command', '-A chain …');
    return {
      letter: this.#letter,
      word: this.#command,
      chain: this.#chain,
      position: this.#position,
      policy: this.#policy,
      rules: 'AI'.includes(this.#letter) && !this.#otherFamily ? this.#drafts() : [],
    };
  }

  /** Splits `-AINPUT` into `-A` and INPUT. */
  #withoutValue(word: Word): Word {
    const { text, line, column } = word;
    if (text.length < 3 || text[1] === '-' || !JOINABLE.includes(text[1])) return word;
    this.#reader.insert({ text: text.slice(2), line, column: column + 2 });
    return { text: text.slice(0, 2), line, column };
  }

  #option(word: Word, negated: boolean): void {
    let found = findOption(word, this.#loaded());
    if (found === undefined && this.#loadByProtocol(word)) found = findOption(word, this.#loaded());
    if (found === undefined) throw unknownOption(word, this.#loaded());
    if ('letter' in found) {
      this.#baseOption(found.letter, word, negated);
      return;
    }
    const { owner, spec } = found;
    const values = this.#reader.values(word, spec.words, spec.expected ?? 'a value');
    owner.give({ name: spec.name, word, negated, values, protocol: this.#base.protocol }, spec);
  }

  #loaded(): LoadedExtension<Extension<unknown>>[] {
    return this.#target instanceof LoadedExtension ? [...this.#matches, this.#target] : this.#matches;
  }

  /** `-p tcp` implicitly loads `-m tcp` for an option that is otherwise unknown. */
  #loadByProtocol(word: Word): boolean {
    const { protocol } = this.#base;
    const extension = protocol && MATCHES.get(protocolName(protocol.number));
    if (protocol === undefined || !word.text.startsWith('--')) return false;
    if (extension === undefined) {
      const name = protocolName(protocol.number);
      if (!KNOWN_MATCHES.has(name)) return false;
      throw new RuleFault(word, `options of -m ${name} are not supported yet`, '', 'unsupported');
    }
    if (this.#matches.some((match) => match.extension === extension)) return false;
    this.#matches.push(new LoadedExtension(extension, word));
    return true;
  }

  #baseOption(letter: string, word: Word, negated: boolean): void {
    if (negated && !'sdiopf'.includes(letter)) throw new RuleFault(word, `${word.text} cannot be inverted`);
    if (COMMANDS.includes(letter)) {
      this.#commandOption(letter, word);
      return;
    }
    if ('sdiopfjg'.includes(letter)) {
      const key = letter === 'g' ? 'j' : letter;
      if (this.#given.includes(key)) throw new RuleFault(word, `multiple -${key} options are not allowed`);
      this.#given += key;
    }
    switch (letter) {
      case 's':
        this.#sourceWord = word;
        this.#sources = parseAddresses(this.#value(word, 'addresses'), negated);
        break;
      case 'd':
        this.#destinations = parseAddresses(this.#value(word, 'addresses'), negated);
        break;
      case 'i':
        this.#inWord = word;
        this.#base.inDev = parseDevice(this.#value(word, 'an interface'), negated);
        break;
      case 'o':
        this.#outWord = word;
        this.#base.outDev = parseDevice(this.#value(word, 'an interface'), negated);
        break;
      case 'p': {
        const name = this.#value(word, 'a protocol');
        const number = parseProtocol(name);
        if (number === 0 && negated) throw new RuleFault(name, 'a rule that excludes all protocols would never match');
        this.#base.protocol = number === 0 ? undefined : { number, negated };
        break;
      }
      case 'f':
        this.#base.fragment = { negated };
        break;
      case 'm':
        this.#loadMatch(this.#value(word, 'the name of a match'));
        break;
      case 'j':
        this.#jump(this.#value(word, 'a target or a chain'));
        break;
      case 'g':
        this.#goto(this.#value(word, 'a chain'));
        break;
      case 'c':
        this.#counters(word);
        break;
      case '6':
        this.#otherFamily = true;
        while (this.#reader.next() !== undefined);
        break;
      case '4':
      case 'v':
        break;
      default:
        throw unknownOption(word, this.#loaded());
    }
  }

  #value(option: Word, expected: string): Word {
    return this.#reader.value(option, expected);
  }

  #commandOption(letter: string, word: Word): void {
    if (this.#command !== undefined)
      throw new RuleFault(word, `${word.text} cannot be combined with ${this.#command.text}`, 'one command');
    if (!SUPPORTED_COMMANDS.includes(letter)) {
      throw new RuleFault(word, `the command ${word.text} is not supported`, '-A, -I, -N, -P, -F or -X', 'unsupported');
    }
    this.#command = word;
    this.#letter = letter;
    const next = this.#reader.peek();
    const optional = letter === 'F' || letter === 'X';
    if (optional && (next === undefined || next.text.startsWith('-') || next.text === '!')) return;
    this.#chain = this.#value(word, 'the name of a chain');
    if (letter === 'P') {
      this.#policy = this.#value(word, 'ACCEPT or DROP');
      this.#refuseNatDrop(this.#policy);
    }
    const position = this.#reader.peek();
    if (letter === 'I' && position !== undefined && !position.text.startsWith('-') && position.text !== '!') {
      this.#reader.next();
      const number = parseNumber(position.text, 0x7fffffff);
      if (number === undefined || number === 0) {
        throw new RuleFault(position, `invalid rule number "${position.text}"`, 'a number from 1');
      }
      this.#position = number;
    }
  }

  /** Reads `-c packets bytes` or `-c packets,bytes` and ignores the values, as counters start at zero. */
  #counters(word: Word): void {
    const first = this.#reader.values(word, 1, 'packets bytes')[0];
    const parts = first.text.includes(',')
      ? first.text.split(',')
      : [first.text, this.#reader.values(word, 1, 'packets bytes')[0].text];
    if (parts.some((part) => !/^[0-9]+$/.test(part))) throw new RuleFault(first, 'bad counters', 'packets bytes');
  }

  #loadMatch(word: Word): void {
    const extension = MATCHES.get(word.text);
    if (extension === undefined) throw unknownExtension(word, 'match', KNOWN_MATCHES, []);
    this.#matches.push(new LoadedExtension(extension, word));
  }

  #jump(word: Word): void {
    const { text } = word;
    this.#targetWord = word;
    checkNameLength(word, 'target');
    const verdict = VERDICTS.get(text);
    if (text === 'DROP' && this.#scope.table === 'nat') {
      throw new RuleFault(
        word,
        'the nat table is not for filtering: iptables does not allow DROP there',
        'ACCEPT, RETURN, …',
      );
    }
    const extension = verdict === undefined ? TARGETS.get(text) : undefined;
    if (verdict !== undefined) this.#target = verdict;
    else if (this.#scope.chainKind(text) === 'user') this.#target = { kind: 'jump', chain: text };
    else if (extension !== undefined) this.#target = new LoadedExtension(extension, word);
    else if (this.#scope.chainKind(text) === 'built-in') {
      throw new RuleFault(word, `${text} is a built-in chain: rules cannot jump there`, 'a target or a user chain');
    } else throw unknownExtension(word, 'target or chain', KNOWN_TARGETS, this.#scope.chainNames());
  }

  /** iptables does not allow DROP in the nat table, except in a `:chain` line. */
  #refuseNatDrop(word: Word): void {
    if (word.text !== 'DROP' || this.#scope.table !== 'nat') return;
    throw new RuleFault(word, 'the nat table is not for filtering: DROP is not allowed', 'ACCEPT');
  }

  #goto(word: Word): void {
    this.#targetWord = word;
    const kind = this.#scope.chainKind(word.text);
    if (kind !== 'user') {
      const why = kind === 'built-in' ? 'a built-in chain: rules cannot jump there' : 'not a chain of this table';
      throw new RuleFault(
        word,
        `${word.text} is ${why}`,
        withNearest('a user chain', word.text, this.#scope.chainNames()),
      );
    }
    this.#target = { kind: 'goto', chain: word.text };
  }

  #drafts(): RuleDraft[] {
    const chain = this.#chain!;
    this.#checkDevices(chain);
    this.#checkAddresses();
    const matches = this.#matches.map((match) => ({ extension: match.extension, params: match.parse() }));
    const target: Target =
      this.#target instanceof LoadedExtension
        ? { kind: 'extension', extension: this.#target.extension, params: this.#target.parse() }
        : this.#target;
    const matchWords = this.#matches.map(({ word }) => word);
    const targetWord = this.#targetWord ?? this.#command!;
    const { line } = targetWord;
    const drafts: RuleDraft[] = [];
    for (const source of this.#sources ?? [undefined]) {
      for (const destination of this.#destinations ?? [undefined]) {
        const base: BaseMatch = { ...this.#base, source: tested(source), destination: tested(destination) };
        drafts.push({ base, matches, target, matchWords, targetWord, line, verbatim: undefined });
      }
    }
    return drafts;
  }

  /** Multiple addresses expand into multiple rules, where ! would not mean what it seems to. */
  #checkAddresses(): void {
    const sources = this.#sources ?? [];
    const destinations = this.#destinations ?? [];
    if (sources.length < 2 && destinations.length < 2) return;
    if ([...sources, ...destinations].some(({ negated }) => negated)) {
      throw new RuleFault(this.#sourceWord ?? this.#command!, '! is not allowed with several addresses');
    }
  }

  /** Built-in chains refuse rules about an interface that their packets do not have. */
  #checkDevices(chain: Word): void {
    const inWord = this.#inWord;
    const outWord = this.#outWord;
    if (inWord === undefined && outWord === undefined) return;
    const hook = HOOK_NAMES.indexOf(chain.text as (typeof HOOK_NAMES)[number]);
    if (inWord !== undefined && (hook === Hook.OUTPUT || hook === Hook.POSTROUTING)) {
      throw new RuleFault(inWord, `-i cannot be used in ${chain.text}: its packets have no input interface`);
    }
    if (outWord !== undefined && (hook === Hook.INPUT || hook === Hook.PREROUTING)) {
      throw new RuleFault(outWord, `-o cannot be used in ${chain.text}: its packets have no output interface`);
    }
  }
}

/** Chain and target names have at most 28 bytes. */
export function checkNameLength(word: Word, what: string): void {
  if (byteLength(word.text) > MAX_NAME_BYTES) {
    throw new RuleFault(word, `the ${what} name "${word.text}" is too long`, 'at most 28 bytes');
  }
}

function unknownExtension(word: Word, what: string, known: ReadonlySet<string>, chains: Iterable<string>): RuleFault {
  if (known.has(word.text))
    return new RuleFault(word, `the ${what} ${word.text} is not supported yet`, '', 'unsupported');
  const names = [...chains, ...known, ...(what === 'match' ? [] : VERDICTS.keys())];
  return unknownName(word, what, word.text, names, `the name of a ${what}`);
}

/** Leaves out an address that matches everything. */
function tested(match: AddressMatch | undefined): AddressMatch | undefined {
  return match?.mask.isUnspecified && !match.negated ? undefined : match;
}

function parseAddresses(word: Word, negated: boolean): AddressMatch[] {
  if (!word.text.includes(',')) return [parseAddress(word, word.text, negated)];
  return word.text.split(',').map((part) => parseAddress(word, part, negated));
}

function parseAddress(word: Word, part: string, negated: boolean): AddressMatch {
  const slash = part.indexOf('/');
  const text = slash < 0 ? part : part.slice(0, slash);
  const address = parseIpv4(text);
  if (address === undefined) {
    const isName = /^[A-Za-z][-.\w]*$/.test(text);
    const what = isName ? `"${text}" is a host name: names are not looked up` : `invalid address "${text}"`;
    throw new RuleFault(word, what, 'address[/mask] in numbers');
  }
  const mask = slash < 0 ? HOST_MASK : parseMask(part.slice(slash + 1));
  if (mask === undefined) throw new RuleFault(word, `invalid mask "${part.slice(slash + 1)}"`, '0–32 or 255.255.255.0');
  return { address: mask === HOST_MASK ? address : address.masked(mask), mask, negated };
}

function parseDevice(word: Word, negated: boolean): DeviceMatch {
  const name = word.text;
  if (name === '') throw new RuleFault(word, 'an empty interface name', 'the name of an interface');
  if (byteLength(name) > MAX_DEVICE_BYTES) {
    throw new RuleFault(word, `the interface name "${name}" is too long`, 'at most 15 bytes');
  }
  return { name, negated };
}
