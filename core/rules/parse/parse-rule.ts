/** Parses one line of a table: the command and its rule (do_command4 in iptables). */
import type { Family } from '../../../codecs/address.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { withNearest } from '../../../codecs/nearest.js';
import { Verdict } from '../../hooks.js';
import { MATCHES, NFT_MATCHES } from '../../matches/index.js';
import { TARGETS } from '../../targets/index.js';
import { type AddressMatch, ANY_PACKET, type BaseMatch, type DeviceMatch } from '../base-match.js';
import type { Extension, MatchExtension, TargetExtension } from '../extension.js';
import type { Target } from '../model.js';
import { partsUnsupported } from '../unsupported.js';
import {
  checkCounters,
  matchOfProtocol,
  parseAddresses,
  parseDevice,
  parsePosition,
  parseProtocolMatch,
  tested,
} from './base-values.js';
import {
  COMMANDS,
  type Command,
  checkDevices,
  NEGATABLE,
  RULE_COMMANDS,
  type RuleDraft,
  type RuleScope,
  refusedOption,
  SINGLE,
} from './command.js';
import { RuleFault } from './error.js';
import { KNOWN_MATCHES, KNOWN_TARGETS, matchName } from './known-extensions.js';
import { checkNameLength, checkNewName, checkTargetName, unknownMatch, unknownTarget } from './names.js';
import { type Item, LoadedExtension, type OptionOwners, OptionReader } from './options.js';

/** Shared by all rules, as a large ruleset has many. */
const VERDICTS: ReadonlyMap<string, Target> = new Map([
  ['ACCEPT', { kind: 'verdict', verdict: Verdict.ACCEPT }],
  ['DROP', { kind: 'verdict', verdict: Verdict.DROP }],
  ['RETURN', { kind: 'verdict', verdict: Verdict.RETURN }],
]);
const NO_TARGET: Target = { kind: 'none' };

/**
 * Parses the WORDS of a line of a table, which START counts; undefined if it has no effect. Throws a RuleFault.
 */
export function parseCommand(words: readonly Word[], start: Word, scope: RuleScope): Command | undefined {
  return new RuleParser(words, start, scope).parse();
}

/** The value of `-s` or `-d`. */
interface GivenAddress {
  readonly word: Word;
  readonly given: Word;
  readonly negated: boolean;
}

class RuleParser implements OptionOwners {
  readonly #start: Word;
  readonly #reader: OptionReader;
  readonly #scope: RuleScope;

  #command: Word | undefined;
  #letter = '';
  #chain: Word | undefined;
  /**
   * `-6` in a file for iptables, or `-4` in one for ip6tables. iptables reads no further, and carries out the command
   * without a rule.
   */
  #isOtherFamily = false;
  #position: number | undefined;
  #argument: Word | undefined;

  #base: { -readonly [Part in keyof BaseMatch]: BaseMatch[Part] } = { ...ANY_PACKET };
  /** The name of the match that `-p` loads for its options. */
  #protocolMatch = '';
  /** Parsed when all options are read: iptables does not look at them in a line of the other family. */
  #source: GivenAddress | undefined;
  #destination: GivenAddress | undefined;
  /** The letters of the options so far that may be given only once, and that the command has to allow. */
  #given = '';
  #inWord: Word | undefined;
  #outWord: Word | undefined;
  readonly #matches: LoadedExtension<MatchExtension<unknown>>[] = [];
  #target: Target | LoadedExtension<TargetExtension<unknown>> = NO_TARGET;
  #targetWord: Word | undefined;

  constructor(words: readonly Word[], start: Word, scope: RuleScope) {
    this.#start = words[0] ?? start;
    this.#reader = new OptionReader(words, this);
    this.#scope = scope;
  }

  parse(): Command | undefined {
    let not: Word | undefined;
    for (let item = this.#reader.next(); item !== undefined; item = this.#reader.next()) {
      if (item.kind === 'word') {
        const { word } = item;
        if (word.text !== '!') throw new RuleFault(word, `bad argument "${word.text}"`, 'an option');
        if (not !== undefined) throw new RuleFault(word, 'repeated !');
        not = word;
        continue;
      }
      if (item.kind === 'base') this.#baseOption(item, not !== undefined);
      else {
        const { owner, spec, word, values } = item;
        owner.give({ name: spec.name, word, negated: not !== undefined, values, protocol: this.#base.protocol }, spec);
      }
      if (this.#isOtherFamily) break;
      not = undefined;
    }
    if (!this.#isOtherFamily) this.#check(not);
    if (!this.#hasRule()) this.#checkExtensions();
    if (this.#command === undefined) return undefined;
    return {
      letter: this.#letter,
      word: this.#command,
      chain: this.#chain,
      position: this.#position,
      argument: this.#argument,
      rules: this.#hasRule() ? this.#drafts(this.#command.line) : [],
      matchWords: this.#matches.map(({ word }) => word),
      targetWord: this.#targetWord ?? this.#command,
    };
  }

  /**
   * iptables checks what is given with a command that takes no rule too. Of a line for the other family it has checked
   * the values that it has read, but not what is missing.
   */
  #checkExtensions(): void {
    for (const extension of this.loaded) {
      if (this.#isOtherFamily) extension.checkValues();
      else extension.parse();
    }
  }

  #hasRule(): boolean {
    if (!RULE_COMMANDS.includes(this.#letter) || this.#isOtherFamily) return false;
    return this.#letter !== 'D' || this.#position === undefined;
  }

  /** The checks once all options are read. NOT: a ! that nothing follows. */
  #check(not: Word | undefined): void {
    const command = this.#command;
    if (command === undefined) throw new RuleFault(this.#start, 'no command', '-A chain …');
    if (not !== undefined) throw new RuleFault(not, 'nothing after !', 'an option');
    const isByNumber = this.#letter === 'D' && this.#position !== undefined;
    const allowed = isByNumber ? 'v' : COMMANDS[this.#letter];
    for (const letter of this.#given) {
      if (!allowed.includes(letter)) throw new RuleFault(command, `-${letter} cannot be used with ${command.text}`);
    }
    if (this.#chain !== undefined) checkNameLength(this.#chain, 'chain');
    if (this.#hasRule()) checkDevices(this.#chain!, this.#inWord, this.#outWord);
    else this.#addresses();
  }

  get family(): Family {
    return this.#scope.family;
  }

  get #knownMatches(): typeof MATCHES {
    return this.#scope.backend === 'nft' ? NFT_MATCHES : MATCHES;
  }

  get loaded(): LoadedExtension<Extension<unknown>>[] {
    return this.#target instanceof LoadedExtension ? [...this.#matches, this.#target] : this.#matches;
  }

  /** `-p tcp` implicitly loads `-m tcp` for an option that is otherwise unknown. */
  loadFor(word: Word): boolean {
    const { protocol } = this.#base;
    if (protocol === undefined) return false;
    const { family } = this.#scope;
    const name = this.#protocolMatch;
    const extension = ofFamily(this.#knownMatches.get(name), family);
    if (extension === undefined) {
      if (!KNOWN_MATCHES[family].has(name)) return false;
      throw new RuleFault(word, `options of -m ${name} are not supported yet`, '', 'unsupported');
    }
    if (this.#matches.some((match) => match.extension === extension)) return false;
    this.#matches.push(new LoadedExtension(extension, word, this.#scope));
    return true;
  }

  #baseOption(item: Item & { kind: 'base' }, negated: boolean): void {
    const { letter, word } = item;
    if (negated && !NEGATABLE.includes(letter)) throw new RuleFault(word, `${word.text} cannot be inverted`);
    if (COMMANDS[letter] !== undefined) {
      this.#commandOption(letter, word, item.value);
      return;
    }
    // -j and -g are one option.
    const key = letter === 'g' ? 'j' : letter;
    if (SINGLE.includes(key)) {
      if (this.#given.includes(key)) throw new RuleFault(word, `multiple -${key} options are not allowed`);
      this.#given += key;
    }
    // iptables takes the value of these from the whole word.
    const given = item.given ?? word;
    switch (letter) {
      case 's':
        this.#source = { word, given, negated };
        break;
      case 'd':
        this.#destination = { word, given, negated };
        break;
      case 'i':
      case 'o':
        if (given === word) this.#warnAttached(word);
        this.#setDevice(letter, word, parseDevice(given, negated));
        break;
      case 'p':
        this.#base.protocol = parseProtocolMatch(given, negated);
        this.#protocolMatch = matchOfProtocol(given);
        break;
      case 'f':
        if (this.#scope.family === 'ipv6') {
          throw new RuleFault(word, `ip6tables has no ${word.text}`, '-m frag, for the header of a fragment');
        }
        this.#base.fragment = { negated };
        break;
      case 'm':
        this.#loadMatch(item.value!);
        break;
      case 'j':
        this.#jump(given);
        break;
      case 'g':
        this.#goto(item.value!);
        break;
      case 'c':
        checkCounters(word, item.value!, () => this.#reader.further());
        break;
      case '4':
      case '6':
        this.#isOtherFamily = (letter === '4') !== (this.#scope.family === 'ipv4');
        break;
      case 'M':
      case 'n':
      case 'v':
      case 'x':
      case '0':
        break;
      default:
        throw refusedOption(letter, word);
    }
  }

  #setDevice(letter: 'i' | 'o', word: Word, device: DeviceMatch): void {
    if (letter === 'i') {
      this.#inWord = word;
      this.#base.inDev = device;
    } else {
      this.#outWord = word;
      this.#base.outDev = device;
    }
  }

  #warnAttached(word: Word): void {
    const what = `iptables takes "${word.text}" for the name of the interface`;
    this.#scope.warn(word, `${what}; put a blank between the option and the name`);
  }

  #commandOption(letter: string, word: Word, attached: Word | undefined): void {
    const command = this.#command;
    if (letter === 'S') {
      // It ends iptables-restore at the first jump that it lists.
      throw new RuleFault(word, `${word.text} lists rules, which has no place in a file`, 'no listing', 'unsupported');
    }
    // Only listing and zeroing go together.
    if (command !== undefined && !['LZ', 'ZL'].includes(this.#letter + letter)) {
      throw new RuleFault(word, `${word.text} cannot be combined with ${command.text}`, 'one command');
    }
    this.#command = word;
    if (command === undefined || letter !== 'Z') this.#letter = letter;
    const further = (): Word | undefined => this.#reader.further();
    const chain = attached ?? further();
    if (chain !== undefined) this.#chain = chain;
    switch (letter) {
      case 'N':
        checkNewName(chain!, this.#scope.family, this.#scope.isDeclared(chain!.text));
        break;
      case 'E':
        this.#argument = further();
        if (this.#argument === undefined) throw new RuleFault(word, '-E requires two names', 'old and new chain');
        break;
      case 'P':
        this.#argument = further();
        if (this.#argument === undefined)
          throw new RuleFault(word, '-P requires a chain and a policy', 'ACCEPT or DROP');
        this.#refuseNatDrop(this.#argument);
        break;
      case 'D':
      case 'I':
      case 'L':
      case 'R':
      case 'Z': {
        const position = further();
        if (position !== undefined) this.#position = parsePosition(position);
        else if (letter === 'R') throw new RuleFault(word, '-R requires a rule number', 'a number from 1');
      }
    }
  }

  #loadMatch(word: Word): void {
    const { family } = this.#scope;
    const extension = ofFamily(this.#knownMatches.get(matchName(word.text)), family);
    if (extension === undefined) throw unknownMatch(word, family);
    this.#matches.push(new LoadedExtension(extension, word, this.#scope));
  }

  #jump(word: Word): void {
    const { text } = word;
    this.#targetWord = word;
    const verdict = VERDICTS.get(text);
    if (verdict === undefined) checkTargetName(word);
    if (text === 'DROP' && this.#scope.table === 'nat') {
      throw new RuleFault(
        word,
        'the nat table is not for filtering: iptables does not allow DROP there',
        'ACCEPT, RETURN, …',
      );
    }
    const extension = verdict === undefined ? ofFamily(TARGETS.get(text), this.#scope.family) : undefined;
    if (verdict !== undefined) this.#target = verdict;
    else if (this.#scope.isDeclared(text) || !KNOWN_TARGETS[this.#scope.family].has(text)) this.#jumpToChain(word);
    else if (extension !== undefined) this.#target = new LoadedExtension(extension, word, this.#scope);
    else throw unknownTarget(word, this.#scope.family, this.#scope.chainNames());
  }

  #jumpToChain(word: Word): void {
    const { text } = word;
    if (this.#scope.chainKind(text) === 'user') this.#target = { kind: 'jump', chain: text };
    else if (this.#scope.chainKind(text) === 'built-in') {
      throw new RuleFault(word, `${text} is a built-in chain: rules cannot jump there`, 'a target or a user chain');
    } else if (KNOWN_TARGETS[this.#scope.family].has(text)) {
      const what = `${text} is not a target here, as the file declares a chain of this name`;
      throw new RuleFault(word, what, 'another name for the chain');
    } else throw unknownTarget(word, this.#scope.family, this.#scope.chainNames());
  }

  /** iptables does not allow DROP in the nat table, except in a `:chain` line. */
  #refuseNatDrop(word: Word): void {
    if (word.text !== 'DROP' || this.#scope.table !== 'nat') return;
    throw new RuleFault(word, 'the nat table is not for filtering: DROP is not allowed', 'ACCEPT');
  }

  #goto(word: Word): void {
    this.#targetWord = word;
    checkTargetName(word);
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

  #drafts(line: number): RuleDraft[] {
    const { sources, destinations } = this.#addresses();
    const matches = this.#matches.map((match) => ({ extension: match.extension, params: match.parse() }));
    const target = this.#finishedTarget();
    const unsupported = partsUnsupported(matches, target, this.#matches, this.#targetWord ?? this.#start);
    const drafts: RuleDraft[] = [];
    for (const source of sources) {
      for (const destination of destinations) {
        const base: BaseMatch = { ...this.#base, source: tested(source), destination: tested(destination) };
        drafts.push({ base, matches, target, line, unsupported, verbatim: undefined });
      }
    }
    return drafts;
  }

  #finishedTarget(): Target {
    if (!(this.#target instanceof LoadedExtension)) return this.#target;
    const { extension, word } = this.#target;
    const params = this.#target.parse();
    if (this.#scope.chainKind(word.text) !== 'user') return { kind: 'extension', extension, params };
    this.#scope.warn(word, `iptables takes the chain ${word.text} here, not the target, and ignores its options`);
    return { kind: 'jump', chain: word.text };
  }

  /** Several addresses expand into several rules, where ! would not mean what it seems to. */
  #addresses(): { sources: (AddressMatch | undefined)[]; destinations: (AddressMatch | undefined)[] } {
    const sources = this.#parsed(this.#source);
    const destinations = this.#parsed(this.#destination);
    const isOne = sources.length < 2 && destinations.length < 2;
    if (!isOne && [...sources, ...destinations].some((match) => match?.negated)) {
      throw new RuleFault((this.#source ?? this.#destination)!.word, '! is not allowed with several addresses');
    }
    return { sources, destinations };
  }

  #parsed(address: GivenAddress | undefined): (AddressMatch | undefined)[] {
    return address === undefined ? [undefined] : parseAddresses(address.given, address.negated, this.#scope.family);
  }
}

/** EXTENSION, if iptables of FAMILY has it. */
function ofFamily<E extends Extension<unknown>>(extension: E | undefined, family: Family): E | undefined {
  return extension?.families?.includes(family) === false ? undefined : extension;
}
