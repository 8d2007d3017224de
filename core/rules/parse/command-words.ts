/** The command among the words of a line: its letter, the chain, the number of a rule, and what else stands with it. */
import type { Word } from '../../../codecs/iptables-save.js';
import { parsePosition } from './base-values.js';
import type { Command, RuleScope } from './command.js';
import { RuleFault } from './error.js';
import { checkNewName } from './names.js';

const LISTED_AND_ZEROED = ['LZ', 'ZL', 'SZ', 'ZS'];

/** Returns the next word, if it can be a further value of the last option. */
type Further = () => Word | undefined;

export class CommandWords {
  /** The option; undefined: there was none yet. */
  word: Word | undefined;
  letter = '';
  chain: Word | undefined;
  /** As in `Command`. */
  position: number | undefined;
  argument: Word | undefined;
  zeroes: Command['zeroes'];

  /** Takes the option WORD, which is the command LETTER, with the value ATTACHED to it, if any. */
  take(letter: string, word: Word, attached: Word | undefined, further: Further, scope: RuleScope): void {
    if (letter === 'S' && scope.commandLine === undefined) {
      // It ends iptables-restore at the first jump that it lists.
      throw new RuleFault(word, `${word.text} lists rules, which has no place in a file`, 'no listing', 'unsupported');
    }
    if (letter === 'N') checkNewName(attached!, scope.family, scope.isDeclared(attached!.text));
    const before = this.word;
    if (before !== undefined) this.#combine(letter, word, before);
    this.word = word;
    if (before === undefined || letter !== 'Z') this.letter = letter;
    const chain = attached ?? further();
    if (chain !== undefined) this.chain = chain;
    if (letter === 'E' || letter === 'P') this.#takeArgument(letter, word, further);
    else if ('DILRSZ'.includes(letter)) this.#takePosition(letter, word, further, before !== undefined);
  }

  /** Only listing and zeroing go together. */
  #combine(letter: string, word: Word, before: Word): void {
    if (!LISTED_AND_ZEROED.includes(this.letter + letter)) {
      // Of a listing with -Z, iptables names what has the higher number.
      const isZero = this.zeroes === 'rule' || (this.zeroes === 'chain' && this.letter === 'L');
      const tool = `Cannot use -${letter} with -${isZero ? 'Z' : this.letter}`;
      throw new RuleFault(word, `${word.text} cannot be combined with ${before.text}`, 'one command', 'invalid', tool);
    }
    this.zeroes = letter === 'Z' || this.position === undefined ? 'chain' : 'rule';
  }

  #takeArgument(letter: string, word: Word, further: Further): void {
    this.argument = further();
    if (this.argument !== undefined) return;
    if (letter === 'E') {
      const tool = '-E requires old-chain-name and new-chain-name';
      throw new RuleFault(word, '-E requires two names', 'old and new chain', 'invalid', tool);
    }
    const what = '-P requires a chain and a policy';
    throw new RuleFault(word, what, 'ACCEPT or DROP', 'invalid', what);
  }

  #takePosition(letter: string, word: Word, further: Further, isSecond: boolean): void {
    const position = further();
    if (position !== undefined) this.position = parsePosition(position);
    else if (letter === 'R') {
      const what = '-R requires a rule number';
      throw new RuleFault(word, what, 'a number from 1', 'invalid', what);
    }
    // With a number, -Z replaces the listing before it.
    if (letter === 'Z' && position !== undefined && isSecond) {
      this.letter = 'Z';
      this.zeroes = undefined;
    }
  }
}
