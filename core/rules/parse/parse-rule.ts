/** Parses one line of a table: the command and its rule (do_command4 in iptables). */
import type { Family } from '../../../codecs/address.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { Verdict } from '../../hooks.js';
import { MATCHES, NFT_MATCHES } from '../../matches/index.js';
import { TARGETS } from '../../targets/index.js';
import { ANY_PACKET, type BaseMatch, type DeviceMatch } from '../base-match.js';
import type { Extension, MatchExtension, TargetExtension } from '../extension.js';
import type { Target } from '../model.js';
import { partsUnsupported } from '../unsupported.js';
import { matchOfProtocol, parseCounters, parseDevice, parseProtocolMatch, tested } from './base-values.js';
import {
  COMMANDS,
  type Command,
  checkDevices,
  NEGATABLE,
  notInverted,
  ONLY_USAGE,
  RULE_COMMANDS,
  type RuleDraft,
  type RuleScope,
  SINGLE,
} from './command.js';
import { CommandLineOptions } from './command-line-options.js';
import { CommandWords } from './command-words.js';
import { RuleFault } from './error.js';
import { GivenAddresses } from './given-addresses.js';
import { checkGoto, checkJump } from './jumps.js';
import { KNOWN_MATCHES, KNOWN_TARGETS, matchName } from './known-extensions.js';
import { checkNameLength, checkTargetName, unknownMatch, unknownTarget } from './names.js';
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
const NAT_DROP = '\nThe "nat" table is not intended for filtering, the use of DROP is therefore inhibited.\n\n';

/**
 * Parses the WORDS of a line of a table, which START counts; undefined if it has no effect. Throws a RuleFault.
 */
export function parseCommand(words: readonly Word[], start: Word, scope: RuleScope): Command | undefined {
  return new RuleParser(words, start, scope).parse();
}

class RuleParser implements OptionOwners {
  readonly #start: Word;
  readonly #reader: OptionReader;
  readonly #scope: RuleScope;
  readonly #command = new CommandWords();
  readonly #lineOptions = new CommandLineOptions();

  /**
   * `-6` in a file for iptables, or `-4` in one for ip6tables. iptables reads no further, and carries out the command
   * without a rule.
   */
  #isOtherFamily = false;
  #counters: readonly [bigint, bigint] | undefined;
  #verbosity = 0;

  #base: { -readonly [Part in keyof BaseMatch]: BaseMatch[Part] } = { ...ANY_PACKET };
  /** The name of the match that `-p` loads for its options. */
  #protocolMatch = '';
  readonly #addresses = new GivenAddresses();
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
          const tool = `Bad argument \`${word.text}'`;
          throw new RuleFault(word, `bad argument "${word.text}"`, 'an option', 'invalid', tool);
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
      if (this.#lineOptions.ends !== '') return ending(this.#lineOptions.ends, item.word);
      not = undefined;
    }
    if (!this.#isOtherFamily) this.#check(not);
    if (!this.#hasRule()) this.#checkExtensions();
    if (this.#command.word === undefined) return undefined;
    return {
      letter: this.#command.letter,
      word: this.#command.word,
      chain: this.#command.chain,
      position: this.#command.position,
      argument: this.#command.argument,
      rules: this.#hasRule() ? this.#drafts(this.#command.word.line) : [],
      matchWords: this.#matches.map(({ word }) => word),
      targetWord: this.#targetWord ?? this.#command.word,
      counters: this.#counters,
      zeroes: this.#command.zeroes,
      verbosity: this.#verbosity,
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
    if (!RULE_COMMANDS.includes(this.#command.letter) || this.#isOtherFamily) return false;
    return this.#command.letter !== 'D' || this.#command.position === undefined;
  }

  /** The checks once all options are read. NOT: a ! that nothing follows. */
  #check(not: Word | undefined): void {
    const command = this.#command.word;
    this.#refuseNatDrop();
    this.#lineOptions.check();
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
    if (this.#scope.commandLine !== undefined) this.#parseAddresses();
    this.#checkCombination(command);
    if (this.#command.chain !== undefined) checkNameLength(this.#command.chain, 'chain');
    if (this.#hasRule()) checkDevices(this.#command.chain!, this.#inWord, this.#outWord);
    else this.#addresses.parse(this.#scope.family);
  }

  #parseAddresses(): ReturnType<GivenAddresses['parse']> {
    const parsed = this.#addresses.parse(this.#scope.family);
    const isOne = parsed.sources.length * parsed.destinations.length === 1;
    if (this.#command.letter !== 'R' || isOne) return parsed;
    const tool = 'Replacement rule does not specify a unique address';
    throw new RuleFault(this.#command.word!, 'a rule is replaced by one rule', 'one address', 'invalid', tool);
  }

  #checkCombination(command: Word): void {
    const isByNumber = this.#command.letter === 'D' && this.#command.position !== undefined;
    const allowed = isByNumber
      ? 'v'
      : COMMANDS[this.#command.letter] + (this.#command.zeroes === undefined ? '' : COMMANDS.Z);
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
      this.#command.take(letter, word, item.value, () => this.#reader.further(), this.#scope);
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
        this.#addresses.source = { word, given, negated };
        break;
      case 'd':
        this.#addresses.destination = { word, given, negated };
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
        this.#lineOptions.take(item, () => this.#reader.further(), this.#scope.commandLine);
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

  /** iptables does not allow DROP in the nat table, except in a `:chain` line. */
  #refuseNatDrop(): void {
    if (this.#scope.table !== 'nat') return;
    const word = [this.#command.argument, this.#targetWord].find((one) => one?.text === 'DROP');
    if (word === undefined || (word === this.#command.argument && this.#command.letter !== 'P')) return;
    const what = 'the nat table is not for filtering: iptables does not allow DROP there';
    throw new RuleFault(word, what, 'ACCEPT, RETURN, …', 'invalid', NAT_DROP);
  }

  #goto(word: Word): void {
    this.#targetWord = word;
    checkTargetName(word);
    this.#target = { kind: 'goto', chain: word.text };
  }

  #drafts(line: number): RuleDraft[] {
    const { sources, destinations } = this.#parseAddresses();
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
      if (kind === 'jump') checkJump(this.#targetWord!, this.#scope);
      else if (kind === 'goto') checkGoto(this.#targetWord!, this.#scope);
      return this.#target;
    }
    const { extension, word } = this.#target;
    const params = this.#target.parse();
    if (this.#scope.commandLine !== undefined || this.#scope.chainKind(word.text) !== 'user')
      return { kind: 'extension', extension, params };
    this.#scope.warn(word, `iptables takes the chain ${word.text} here, not the target, and ignores its options`);
    return { kind: 'jump', chain: word.text };
  }
}

/** EXTENSION, if iptables of FAMILY has it. */
function ofFamily<E extends Extension<unknown>>(extension: E | undefined, family: Family): E | undefined {
  return extension?.families?.includes(family) === false ? undefined : extension;
}

/** The command LETTER, -V or -h, which stands at WORD. */
function ending(letter: string, word: Word): Command {
  const none = { chain: undefined, position: undefined, argument: undefined, counters: undefined, zeroes: undefined };
  return { letter, word, rules: [], matchWords: [], targetWord: word, verbosity: 0, ...none };
}
