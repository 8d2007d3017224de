/** The types of values that options of docker take, as its help calls them; a value of another type is refused. */
import type { Word } from '../../codecs/iptables-save.js';
import { CommandFault } from './fault.js';

/** `list`, `map`: may be given more than once, like all others, but counts each time. */
export type FlagType =
  | 'bool'
  | 'string'
  | 'list'
  | 'map'
  | 'int'
  | 'uint'
  | 'uint16'
  | 'decimal'
  | 'bytes'
  | 'duration'
  | 'ip'
  | 'ulimit';

const TRUE: readonly string[] = ['1', 't', 'T', 'true', 'TRUE', 'True'];
const FALSE: readonly string[] = ['0', 'f', 'F', 'false', 'FALSE', 'False'];

/** Whether TEXT means yes (Go's strconv.ParseBool). */
export function isTrue(text: string): boolean {
  return TRUE.includes(text);
}

/** What values of a type look like, and what to call that; of others any text is a value. */
const SHAPES: Readonly<Partial<Record<FlagType, readonly [shape: RegExp, wanted: string]>>> = {
  bool: [new RegExp(`^(?:${[...TRUE, ...FALSE].join('|')})$`), 'true or false'],
  int: [/^[-+]?(?:0|[1-9]\d*|0x[\da-f]+|0o?[0-7]+|0b[01]+)$/i, 'a whole number'],
  uint: [/^(?:0|[1-9]\d*|0x[\da-f]+|0o?[0-7]+|0b[01]+)$/i, 'a whole number that is not negative'],
  uint16: [/^(?:\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$/, 'a whole number of at most 65535'],
  decimal: [/^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?(?:\/\d+)?$/i, 'a number'],
  bytes: [/^(?:-1|\d+(?:\.\d+)* ?(?:[kmgtpe]i?)?b?)$/i, 'a size, such as 512m'],
  duration: [/^[-+]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+)$/, 'a duration, such as 30s'],
  ulimit: [/^[a-z]+=-?\d+(?::-?\d+)?$/, 'NAME=SOFT[:HARD]'],
};

/** Throws a CommandFault if WORD, the value of the option NAME, is not of TYPE. */
export function checkFlagValue(type: FlagType, word: Word, name: string): void {
  const shape = SHAPES[type];
  if (shape === undefined || shape[0].test(word.text)) return;
  throw new CommandFault(word, `${name} takes no "${word.text}"`, shape[1]);
}
