/** Options that a command of iptables has, and lines of a file do not: the table, -w, -W, and what ends it at once. */
import type { Word } from '../../../codecs/iptables-save.js';
import { type CommandLine, refusedOption } from './command.js';
import { RuleFault } from './error.js';

export class CommandLineOptions {
  /** -V or -h, which end iptables; else empty. */
  ends = '';
  #waits = false;
  #waitInterval: Word | undefined;

  /** Takes the option LETTER, which stands at WORD, with its value. FURTHER returns the next word, if it can be one. */
  take(
    { letter, word, value }: { letter: string; word: Word; value: Word | undefined },
    further: () => Word | undefined,
    line: CommandLine | undefined,
  ): void {
    if (line === undefined) throw refusedOption(letter, word);
    if (letter === 't') line.setTable(value!);
    else if (letter === 'w') {
      const seconds = value ?? further();
      if (seconds !== undefined) checkWait(seconds);
      this.#waits = seconds === undefined || !/^[ \t]*[-+]?0+(?:\D|$)/.test(seconds.text);
    } else if (letter === 'W') {
      checkWaitInterval(word, value ?? further());
      this.#waitInterval = word;
    } else this.ends = letter;
  }

  /** Checks them once all options are read. */
  check(): void {
    if (this.#waitInterval === undefined || this.#waits) return;
    const tool = '--wait-interval only makes sense with --wait\n';
    throw new RuleFault(this.#waitInterval, `${this.#waitInterval.text} without -w`, '-w', 'invalid', tool);
  }
}

const MAX_WAIT_USEC = 999999;

/** Checks the value of `-w`, which nothing else depends on. */
function checkWait(seconds: Word): void {
  if (/^[ \t\n\v\f\r]*[-+]?[0-9]/.test(seconds.text)) return;
  throw new RuleFault(seconds, `"${seconds.text}" is no time`, 'seconds', 'invalid', 'wait seconds not numeric');
}

/** Checks the VALUE of `-W`, the option WORD, which iptables ignores. */
function checkWaitInterval(word: Word, value: Word | undefined): void {
  if (value === undefined) {
    const tool = 'wait interval value required';
    throw new RuleFault(word, `${word.text} without a value`, 'microseconds', 'invalid', tool);
  }
  const digits = /^[ \t\n\v\f\r]*\+?([0-9]+)/.exec(value.text)?.[1];
  if (digits === undefined) {
    throw new RuleFault(value, `"${value.text}" is no time`, 'microseconds', 'invalid', 'wait interval not numeric');
  }
  if (Number(digits) > MAX_WAIT_USEC) {
    const tool = `too long usec wait ${digits} > ${MAX_WAIT_USEC} usec`;
    throw new RuleFault(value, `"${value.text}" is too long`, `at most ${MAX_WAIT_USEC}`, 'invalid', tool);
  }
}
