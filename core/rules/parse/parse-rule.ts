/** One line of a table: what it commands, and the rule that it describes (do_command4 of iptables). */
import { prefixMask } from '../../../codecs/address.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { HOOK_NAMES, Hook, type TableName, Verdict } from '../../hooks.js';
import { MATCHES } from '../../matches/index.js';
import { TARGETS } from '../../targets/index.js';
import { type AddressMatch, ANY_PACKET, type BaseMatch, type DeviceMatch } from '../base-match.js';
import type { Extension, MatchExtension, TargetExtension } from '../extension.js';
import type { Match, Target } from '../model.js';
import { nearest, RuleFault } from './error.js';
import { KNOWN_MATCHES, KNOWN_TARGETS } from './known-extensions.js';
import { findOption, LoadedExtension, unknownOption, WordReader } from './options.js';
import { protocolName } from './protocols.js';
import { parseIpv4, parseMask, parseNumber, parseProtocol } from './values.js';

const COMMANDS = 'ACDEFILNPRSXZ';
const SUPPORTED_COMMANDS = 'AFINPX';
/** Letters that iptables takes together with their value: `-AINPUT`. */
const JOINABLE = 'AINPFXgm';
/** Of an address without a mask. */
const HOST_MASK = prefixMask('ipv4', 32);
const MAX_DEVICE_BYTES = 15;
const MAX_NAME_BYTES = 28;
const ASCII = /^[ -~]*$/;
const VERDICTS: ReadonlyMap<string, Verdict> = new Map([
  ['ACCEPT', Verdict.ACCEPT],
  ['DROP', Verdict.DROP],
  ['RETURN', Verdict.RETURN],
]);

/** What a rule says, before it has a place. */
export interface RuleDraft {
  readonly base: BaseMatch;
  readonly matches: readonly Match[];
  readonly target: Target;
  /** For faults found when the table is whole: the words of the matches in their order, and of the target. */
  readonly matchWords: readonly Word[];
  readonly targetWord: Word;
  /** Where it stands in the file, from 1. */
  readonly line: number;
  /** As in `Rule`. */
  readonly verbatim: string | undefined;
}

export interface Command {
  readonly letter: string;
  readonly word: Word;
  readonly chain: Word | undefined;
  /** -I: from 1. */
  readonly position: number;
  /** -P. */
  readonly policy: Word | undefined;
  /** A draft for each pair of source and destination. */
  readonly rules: readonly RuleDraft[];
}

/** What a rule may refer to. */
export interface RuleScope {
  readonly table: TableName;
  /** Whether the table has a chain of this name now: built-in, user's, or none. */
  chainKind(name: string): 'built-in' | 'user' | undefined;
  chainNames(): Iterable<string>;
}

/** Read the WORDS of a line. Throws a RuleFault. */
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
  /** `-6`: a rule for ip6tables, which iptables passes over. */
  #otherFamily = false;
  #position = 1;
  #policy: Word | undefined;

  #base: { -readonly [Part in keyof BaseMatch]: BaseMatch[Part] } = { ...ANY_PACKET };
  #sources: AddressMatch[] | undefined;
  #destinations: AddressMatch[] | undefined;
  /** The option of each letter that can be given once. */
  readonly #given: Record<string, Word | undefined> = {};
  readonly #matches: LoadedExtension<MatchExtension<unknown>>[] = [];
  #target: Target | LoadedExtension<TargetExtension<unknown>> = { kind: 'none' };
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
        if (not !== undefined) throw new RuleFault(word, 'two ! in a row');
        not = word;
      } else if (!word.text.startsWith('-')) {
        throw new RuleFault(word, `bad argument "${word.text}"`, 'an option');
      } else {
        this.#option(this.#withoutValue(word), not !== undefined);
        not = undefined;
      }
    }
    if (not !== undefined) throw new RuleFault(not, 'nothing behind !', 'an option');
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

  /** `-AINPUT` as `-A` with INPUT to follow. */
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
    const values = this.#reader.values(word, spec.words, spec.wanted ?? 'a value');
    owner.give({ name: spec.name, word, negated, values, protocol: this.#base.protocol }, spec);
  }

  #loaded(): LoadedExtension<Extension<unknown>>[] {
    return this.#target instanceof LoadedExtension ? [...this.#matches, this.#target] : this.#matches;
  }

  /** `-p tcp` brings `-m tcp` with it where an option is not known otherwise. */
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
    if (negated && !'sdiopf'.includes(letter)) throw new RuleFault(word, `there cannot be a ! before ${word.text}`);
    if (COMMANDS.includes(letter)) {
      this.#commandOption(letter, word);
      return;
    }
    if ('sdiopfjg'.includes(letter)) {
      const key = letter === 'g' ? 'j' : letter;
      if (this.#given[key] !== undefined) throw new RuleFault(word, `multiple -${key} options are not allowed`);
      this.#given[key] = word;
    }
    switch (letter) {
      case 's':
        this.#sources = parseAddresses(this.#value(word, 'addresses'), negated);
        break;
      case 'd':
        this.#destinations = parseAddresses(this.#value(word, 'addresses'), negated);
        break;
      case 'i':
        this.#base.inDev = parseDevice(this.#value(word, 'an interface'), negated);
        break;
      case 'o':
        this.#base.outDev = parseDevice(this.#value(word, 'an interface'), negated);
        break;
      case 'p': {
        const name = this.#value(word, 'a protocol');
        const number = parseProtocol(name);
        if (number === 0 && negated) throw new RuleFault(name, 'a rule for no protocol at all would never match');
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

  #value(option: Word, wanted: string): Word {
    return this.#reader.value(option, wanted);
  }

  #commandOption(letter: string, word: Word): void {
    if (this.#command !== undefined)
      throw new RuleFault(word, `${word.text} beside ${this.#command.text}`, 'one command');
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

  /** `-c packets bytes`, or `-c packets,bytes`: read and left, counters start at zero. */
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
    const extension = TARGETS.get(text);
    if (verdict === Verdict.DROP && this.#scope.table === 'nat') {
      throw new RuleFault(
        word,
        'the nat table is not for filtering: iptables takes no DROP there',
        'ACCEPT, RETURN, …',
      );
    }
    if (verdict !== undefined) this.#target = { kind: 'verdict', verdict };
    else if (this.#scope.chainKind(text) === 'user') this.#target = { kind: 'jump', chain: text };
    else if (extension !== undefined) this.#target = new LoadedExtension(extension, word);
    else if (this.#scope.chainKind(text) === 'built-in') {
      throw new RuleFault(word, `${text} is a built-in chain: only hooks lead there`, 'a target or a user chain');
    } else throw unknownExtension(word, 'target or chain', KNOWN_TARGETS, this.#scope.chainNames());
  }

  /** iptables takes no DROP into the nat table, but where a `:chain` line says so. */
  #refuseNatDrop(word: Word): void {
    if (word.text !== 'DROP' || this.#scope.table !== 'nat') return;
    throw new RuleFault(word, 'the nat table is not for filtering: no DROP there', 'ACCEPT');
  }

  #goto(word: Word): void {
    this.#targetWord = word;
    const kind = this.#scope.chainKind(word.text);
    if (kind !== 'user') {
      const why = kind === 'built-in' ? 'a built-in chain: only hooks lead there' : 'no chain of this table';
      throw new RuleFault(
        word,
        `${word.text} is ${why}`,
        `a user chain. ${nearest(word.text, this.#scope.chainNames())}`.trim(),
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

  /** Several addresses become several rules: with a ! they would not mean what they seem to. */
  #checkAddresses(): void {
    const both = [this.#sources ?? [], this.#destinations ?? []];
    if (both.every((addresses) => addresses.length < 2)) return;
    if (both.flat().some(({ negated }) => negated)) {
      throw new RuleFault(this.#given.s ?? this.#command!, '! is not allowed with several addresses');
    }
  }

  /** A built-in chain whose packets have no such interface takes no rule about it. */
  #checkDevices(chain: Word): void {
    const hook = HOOK_NAMES.indexOf(chain.text as (typeof HOOK_NAMES)[number]);
    const { i: inWord, o: outWord } = this.#given;
    if (inWord !== undefined && (hook === Hook.OUTPUT || hook === Hook.POSTROUTING)) {
      throw new RuleFault(inWord, `-i cannot be used in ${chain.text}: packets there came in by no interface`);
    }
    if (outWord !== undefined && (hook === Hook.INPUT || hook === Hook.PREROUTING)) {
      throw new RuleFault(outWord, `-o cannot be used in ${chain.text}: packets there leave by no interface`);
    }
  }
}

/** Names of chains and targets have at most 28 bytes. */
export function checkNameLength(word: Word, what: string): void {
  if (bytesOf(word.text) > MAX_NAME_BYTES) {
    throw new RuleFault(word, `the ${what} name "${word.text}" is too long`, 'at most 28 bytes');
  }
}

/** How many bytes TEXT is in UTF-8. */
function bytesOf(text: string): number {
  return ASCII.test(text) ? text.length : new TextEncoder().encode(text).length;
}

function unknownExtension(word: Word, what: string, known: ReadonlySet<string>, chains: Iterable<string>): RuleFault {
  if (known.has(word.text))
    return new RuleFault(word, `the ${what} ${word.text} is not supported yet`, '', 'unsupported');
  const hint = nearest(word.text, [...chains, ...known, ...(what === 'match' ? [] : VERDICTS.keys())]);
  return new RuleFault(word, `no ${what} "${word.text}"`, `the name of a ${what}. ${hint}`.trim());
}

/** An address that lets all pass is no test. */
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
    const what = isName ? `"${text}" is a host name: names are not looked up` : `no address "${text}"`;
    throw new RuleFault(word, what, 'address[/mask] in numbers');
  }
  const mask = slash < 0 ? HOST_MASK : parseMask(part.slice(slash + 1));
  if (mask === undefined) throw new RuleFault(word, `invalid mask "${part.slice(slash + 1)}"`, '0–32 or 255.255.255.0');
  return { address: mask === HOST_MASK ? address : address.masked(mask), mask, negated };
}

function parseDevice(word: Word, negated: boolean): DeviceMatch {
  const name = word.text;
  if (name === '') throw new RuleFault(word, 'an empty interface name', 'the name of an interface');
  if (bytesOf(name) > MAX_DEVICE_BYTES) {
    throw new RuleFault(word, `the interface name "${name}" is too long`, 'at most 15 bytes');
  }
  return { name, negated };
}
