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
  matchOfProtocol,
  parseAddresses,
  parseCounters,
  parseDevice,
  parsePosition,
  parseProtocolMatch,
  tested,
} from './base-values.js';
import {
  COMMANDS,
  type Command,
  checkDevices,
  checkWait,
  checkWaitInterval,
  NEGATABLE,
  notInverted,
  ONLY_USAGE,
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
/** In which order iptables looks for options that a command does not allow. */
const OPTION_ORDER = 'nsdpjvxio0cf';
const LISTED_AND_ZEROED = ['LZ', 'ZL', 'SZ', 'ZS'];
const NAT_DROP = '\nThe "nat" table is not intended for filtering, the use of DROP is therefore inhibited.\n\n';

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
  #counters: readonly [bigint, bigint] | undefined;
  #zeroes: Command['zeroes'];
  #verbosity = 0;
  /** -V or -h, which end iptables. */
  #ends = '';
  #waits = false;
  #waitInterval: Word | undefined;

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
  /** Matches and target, in the order in which they are given. */
  readonly #loaded: LoadedExtension<Extension<unknown>>[] = [];
  #targetWord: Word | undefined;

  constructor(words: readonly Word[], start: Word, scope: RuleScope) {
    this.#start = words[0] ?? start;
    this.#reader = new OptionReader(words, this);
    this.#scope = scope;
  }

  parse(): Command | undefined {
    try {
      return this.#parse();
    } catch (fault) {
      if (this.#scope.commandLine === undefined || !(fault instanceof RuleFault)) throw fault;
      // What is wrong with the values so far, iptables has found before it.
      const isFirst = this.loaded.map((extension) => extension.checkValues()).every(Boolean);
      throw isFirst ? fault : fault.withoutTool();
    }
  }

  #parse(): Command | undefined {
    let not: Word | undefined;
    for (let item = this.#reader.next(); item !== undefined; item = this.#reader.next()) {
      if (item.kind === 'word') {
        const { word } = item;
        if (word.text !== '!') {
          throw new RuleFault(
            word,
            `bad argument "${word.text}"`,
            'an option',
            'invalid',
            `Bad argument \`${word.text}'`,
          );
        }
        if (not !== undefined) {
          throw new RuleFault(word, 'repeated !', '', 'invalid', 'multiple consecutive ! not allowed');
        }
        not = word;
        continue;
      }
      if (item.kind === 'base') this.#baseOption(item, not !== undefined);
      else {
        const { owner, spec, word, values } = item;
        owner.give({ name: spec.name, word, negated: not !== undefined, values, protocol: this.#base.protocol }, spec);
      }
      if (this.#isOtherFamily) break;
      if (this.#ends !== '') return this.#ending(item.word);
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
      counters: this.#counters,
      zeroes: this.#zeroes,
      verbosity: this.#verbosity,
    };
  }

  /** The command of WORD, -V or -h. */
  #ending(word: Word): Command {
    return {
      letter: this.#ends,
      word,
      chain: undefined,
      position: undefined,
      argument: undefined,
      rules: [],
      matchWords: [],
      targetWord: word,
      counters: undefined,
      zeroes: undefined,
      verbosity: 0,
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
    this.#refuseNatDrop();
    if (this.#waitInterval !== undefined && !this.#waits) {
      const tool = '--wait-interval only makes sense with --wait\n';
      throw new RuleFault(this.#waitInterval, `${this.#waitInterval.text} without -w`, '-w', 'invalid', tool);
    }
    const { excess } = this.#reader;
    if (this.#scope.commandLine !== undefined) for (const extension of this.loaded) extension.parse();
    if (excess !== undefined) {
      const tool = 'unknown arguments found on commandline';
      throw new RuleFault(excess, `bad argument "${excess.text}" behind --`, 'nothing', 'invalid', tool);
    }
    if (command === undefined) {
      throw new RuleFault(this.#start, 'no command', '-A chain …', 'invalid', 'no command specified');
    }
    if (not !== undefined) {
      throw new RuleFault(not, 'nothing after !', 'an option', 'invalid', 'nothing appropriate following !');
    }
    if (this.#scope.commandLine !== undefined) this.#addresses();
    this.#checkCombination(command);
    if (this.#chain !== undefined) checkNameLength(this.#chain, 'chain');
    if (this.#hasRule()) checkDevices(this.#chain!, this.#inWord, this.#outWord);
    else this.#addresses();
  }

  #checkCombination(command: Word): void {
    const isByNumber = this.#letter === 'D' && this.#position !== undefined;
    const allowed = isByNumber ? 'v' : COMMANDS[this.#letter] + (this.#zeroes === undefined ? '' : COMMANDS.Z);
    for (const letter of OPTION_ORDER) {
      if (!this.#given.includes(letter) || allowed.includes(letter)) continue;
      const tool = `Illegal option \`-${letter}' with this command`;
      throw new RuleFault(command, `-${letter} cannot be used with ${command.text}`, '', 'invalid', tool);
    }
  }

  get family(): Family {
    return this.#scope.family;
  }

  get #knownMatches(): typeof MATCHES {
    return this.#scope.backend === 'nft' ? NFT_MATCHES : MATCHES;
  }

  get loaded(): LoadedExtension<Extension<unknown>>[] {
    return this.#loaded;
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
    this.#load(new LoadedExtension(extension, word, this.#scope));
    return true;
  }

  #baseOption(item: Item & { kind: 'base' }, negated: boolean): void {
    const { letter, word } = item;
    if (negated && !NEGATABLE.includes(letter)) {
      throw new RuleFault(word, `${word.text} cannot be inverted`, '', 'invalid', notInverted(letter));
    }
    if (COMMANDS[letter] !== undefined) {
      this.#commandOption(letter, word, item.value);
      return;
    }
    // -j and -g are one option.
    const key = letter === 'g' ? 'j' : letter;
    if (SINGLE.includes(key)) {
      if (this.#given.includes(key)) {
        const what = `multiple -${key} options are not allowed`;
        throw new RuleFault(word, what, '', 'invalid', `multiple -${key} flags not allowed`);
      }
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
          const tool = "`-f' is not supported in IPv6, use -m frag instead";
          const expected = '-m frag, for the header of a fragment';
          throw new RuleFault(word, `ip6tables has no ${word.text}`, expected, 'invalid', tool);
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
        this.#counters = parseCounters(word, item.value!, () => this.#reader.further());
        break;
      case '4':
      case '6':
        this.#isOtherFamily = (letter === '4') !== (this.#scope.family === 'ipv4');
        if (this.#isOtherFamily && this.#scope.commandLine !== undefined) {
          const [tool, other] = letter === '4' ? ['ip6tables', 'iptables'] : ['iptables', 'ip6tables'];
          throw new RuleFault(word, `${tool} ends at ${word.text}`, other, 'invalid', ONLY_USAGE);
        }
        break;
      case 'v':
        this.#verbosity++;
        break;
      case 'M':
      case 'n':
      case 'x':
      case '0':
        break;
      default:
        this.#commandLineOption(item);
    }
  }

  /** The options that only a command has. */
  #commandLineOption({ letter, word, value }: Item & { kind: 'base' }): void {
    const line = this.#scope.commandLine;
    if (line === undefined) throw refusedOption(letter, word);
    if (letter === 't') line.setTable(value!);
    else if (letter === 'w') {
      const seconds = value ?? this.#reader.further();
      if (seconds !== undefined) checkWait(seconds);
      this.#waits = seconds === undefined || !/^[ \t]*[-+]?0+(?:\D|$)/.test(seconds.text);
    } else if (letter === 'W') {
      checkWaitInterval(word, value ?? this.#reader.further());
      this.#waitInterval = word;
    } else this.#ends = letter;
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
    if (letter === 'S' && this.#scope.commandLine === undefined) {
      // It ends iptables-restore at the first jump that it lists.
      throw new RuleFault(word, `${word.text} lists rules, which has no place in a file`, 'no listing', 'unsupported');
    }
    // Only listing and zeroing go together.
    if (command !== undefined && !LISTED_AND_ZEROED.includes(this.#letter + letter)) {
      // Of a listing with -Z, iptables names what has the higher number.
      const isZero = this.#zeroes === 'rule' || (this.#zeroes === 'chain' && this.#letter === 'L');
      const tool = `Cannot use -${letter} with -${isZero ? 'Z' : this.#letter}`;
      throw new RuleFault(word, `${word.text} cannot be combined with ${command.text}`, 'one command', 'invalid', tool);
    }
    this.#command = word;
    if (command !== undefined) this.#zeroes = letter === 'Z' || this.#position === undefined ? 'chain' : 'rule';
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
        if (this.#argument === undefined) {
          const tool = '-E requires old-chain-name and new-chain-name';
          throw new RuleFault(word, '-E requires two names', 'old and new chain', 'invalid', tool);
        }
        break;
      case 'P':
        this.#argument = further();
        if (this.#argument === undefined) {
          const what = '-P requires a chain and a policy';
          throw new RuleFault(word, what, 'ACCEPT or DROP', 'invalid', what);
        }
        break;
      case 'D':
      case 'I':
      case 'L':
      case 'R':
      case 'S':
      case 'Z': {
        const position = further();
        if (position !== undefined) this.#position = parsePosition(position);
        else if (letter === 'R') {
          const what = '-R requires a rule number';
          throw new RuleFault(word, what, 'a number from 1', 'invalid', what);
        }
        // With a number, -Z replaces the listing before it.
        if (letter === 'Z' && position !== undefined && command !== undefined) {
          this.#letter = 'Z';
          this.#zeroes = undefined;
        }
      }
    }
  }

  #loadMatch(word: Word): void {
    const { family } = this.#scope;
    const extension = ofFamily(this.#knownMatches.get(matchName(word.text)), family);
    if (extension === undefined) throw unknownMatch(word, family);
    this.#load(new LoadedExtension(extension, word, this.#scope));
  }

  #load(match: LoadedExtension<MatchExtension<unknown>>): void {
    this.#matches.push(match);
    this.#loaded.push(match);
  }

  #jump(word: Word): void {
    const { text } = word;
    this.#targetWord = word;
    const verdict = VERDICTS.get(text);
    if (verdict === undefined) checkTargetName(word);
    const extension = verdict === undefined ? ofFamily(TARGETS.get(text), this.#scope.family) : undefined;
    if (verdict !== undefined) this.#target = verdict;
    else if (this.#scope.isDeclared(text) || !KNOWN_TARGETS[this.#scope.family].has(text)) {
      this.#target = { kind: 'jump', chain: text };
    } else if (extension !== undefined) {
      this.#target = new LoadedExtension(extension, word, this.#scope);
      this.#loaded.push(this.#target);
    } else throw unknownTarget(word, this.#scope.family, this.#scope.chainNames());
  }

  /** Throws if the rule cannot jump to the chain that WORD names. */
  #checkJump(word: Word): void {
    const { text } = word;
    const kind = this.#scope.chainKind(text);
    if (kind === 'user') return;
    if (kind === 'built-in') {
      throw new RuleFault(word, `${text} is a built-in chain: rules cannot jump there`, 'a target or a user chain');
    }
    if (KNOWN_TARGETS[this.#scope.family].has(text)) {
      const what = `${text} is not a target here, as the file declares a chain of this name`;
      throw new RuleFault(word, what, 'another name for the chain');
    }
    throw unknownTarget(word, this.#scope.family, this.#scope.chainNames());
  }

  /** iptables does not allow DROP in the nat table, except in a `:chain` line. */
  #refuseNatDrop(): void {
    if (this.#scope.table !== 'nat') return;
    const word = [this.#argument, this.#targetWord].find((one) => one?.text === 'DROP');
    if (word === undefined || (word === this.#argument && this.#letter !== 'P')) return;
    const what = 'the nat table is not for filtering: iptables does not allow DROP there';
    throw new RuleFault(word, what, 'ACCEPT, RETURN, …', 'invalid', NAT_DROP);
  }

  #goto(word: Word): void {
    this.#targetWord = word;
    checkTargetName(word);
    this.#target = { kind: 'goto', chain: word.text };
  }

  #checkGoto(word: Word): void {
    const kind = this.#scope.chainKind(word.text);
    if (kind !== 'user') {
      const why = kind === 'built-in' ? 'a built-in chain: rules cannot jump there' : 'not a chain of this table';
      throw new RuleFault(
        word,
        `${word.text} is ${why}`,
        withNearest('a user chain', word.text, this.#scope.chainNames()),
      );
    }
  }

  #drafts(line: number): RuleDraft[] {
    const { sources, destinations } = this.#addresses();
    if (this.#letter === 'R' && sources.length * destinations.length !== 1) {
      const tool = 'Replacement rule does not specify a unique address';
      throw new RuleFault(this.#command!, 'a rule is replaced by one rule', 'one address', 'invalid', tool);
    }
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
    if (!(this.#target instanceof LoadedExtension)) {
      const { kind } = this.#target;
      if (this.#scope.commandLine !== undefined) return this.#target;
      if (kind === 'jump') this.#checkJump(this.#targetWord!);
      else if (kind === 'goto') this.#checkGoto(this.#targetWord!);
      return this.#target;
    }
    const { extension, word } = this.#target;
    const params = this.#target.parse();
    if (this.#scope.commandLine !== undefined || this.#scope.chainKind(word.text) !== 'user')
      return { kind: 'extension', extension, params };
    this.#scope.warn(word, `iptables takes the chain ${word.text} here, not the target, and ignores its options`);
    return { kind: 'jump', chain: word.text };
  }

  /** Several addresses expand into several rules, where ! would not mean what it seems to. */
  #addresses(): { sources: (AddressMatch | undefined)[]; destinations: (AddressMatch | undefined)[] } {
    const sources = this.#parsed(this.#source);
    const destinations = this.#parsed(this.#destination);
    const isOne = sources.length < 2 && destinations.length < 2;
    if (!isOne && [...sources, ...destinations].some((match) => match?.negated)) {
      const tool = '! not allowed with multiple source or destination IP addresses';
      const { word } = (this.#source ?? this.#destination)!;
      throw new RuleFault(word, '! is not allowed with several addresses', '', 'invalid', tool);
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
