/** `-m u32`: numbers of 32 bits anywhere in the packet (xt_u32). */
import type { Word } from '../../codecs/iptables-save.js';
import type { Packet } from '../packet.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { scanNumber } from '../rules/parse/scan.js';
import { formatHex } from '../rules/parse/values.js';
import type { ValueRange } from '../rules/ranges.js';
import { unlessNegated } from './captured.js';
import { contentOf, contentTest } from './content.js';

/** The most tests, operations of a test (with its first number) and ranges of a test (XT_U32_MAXSIZE). */
const MAX = 10;

const OPERATORS = ['&', '<<', '>>', '@'] as const;
type Operator = (typeof OPERATORS)[number];

interface Operation {
  readonly operator: Operator;
  /** 32 bits, unsigned. */
  readonly number: number;
}

/** One of the tests, all of which must hold. */
interface Test {
  /** Where the number is read first. */
  readonly offset: number;
  readonly operations: readonly Operation[];
  /** Unsigned. A range whose minimum exceeds its maximum is empty. */
  readonly ranges: readonly ValueRange[];
}

interface U32Params {
  readonly tests: readonly Test[];
  readonly negated: boolean;
}

export const u32: MatchExtension<U32Params> = {
  name: 'u32',
  options: [{ name: '--u32', words: 1, invertible: true, required: true, expected: 'tests: 6&0xff=1 && 4=0:5' }],

  listed: listedAs([/u32 (!)? ?"([^"]+)"/, '$1 --u32 $2']),

  parse(options) {
    const option = options.get('--u32')!;
    return { tests: new TestReader(option.values[0]).tests(), negated: option.negated };
  },

  refuse({ tests }) {
    for (const { operations } of tests) {
      for (const { operator, number } of operations) {
        if (operator !== '@' && operator !== '&' && number > 31) return `the kernel does not shift by ${number} bits`;
      }
    }
    return undefined;
  },

  save({ tests, negated }) {
    const texts = tests.map(({ offset, operations, ranges }) => {
      const location = operations.map(({ operator, number }) => `${operator}${formatHex(number)}`).join('');
      return `${formatHex(offset)}${location}=${ranges.map(formatRange).join(',')}`;
    });
    return `${negated ? ' !' : ''} --u32 "${texts.join('&&')}"`;
  },

  lower({ tests, negated }) {
    const ask = (packet: Packet): boolean | undefined => unlessNegated(passesAll(tests, packet), negated);
    const explanation = `it ${negated ? 'passes' : 'fails'} the tests${u32.save({ tests, negated: false })}`;
    return { native: contentTest(ask, `-m u32${u32.save({ tests, negated })}`, explanation) };
  },
};

/** What was not captured, as numbers are unsigned. */
const CUT = -1;

/**
 * Whether PACKET passes TESTS (u32_match_it); undefined if that depends on bytes that were not captured. A number that
 * is not within the packet fails its test.
 */
function passesAll(tests: readonly Test[], packet: Packet): boolean | undefined {
  const bytes = contentOf(packet);
  let isCut = false;
  for (const test of tests) {
    const value = comparedValue(test, bytes, packet);
    if (value === undefined) return false;
    if (value === CUT) isCut = true;
    else if (!test.ranges.some(({ min, max }) => value >= min && value <= max)) return false;
  }
  return isCut ? undefined : true;
}

/** The number that TEST compares; CUT if it was not captured, undefined if it is beyond the packet. */
function comparedValue({ offset, operations }: Test, bytes: Uint8Array, packet: Packet): number | undefined {
  let base = 0;
  let value = readWord(bytes, packet, offset);
  for (const { operator, number } of operations) {
    if (value === undefined || value === CUT) return value;
    switch (operator) {
      case '&':
        value = (value & number) >>> 0;
        break;
      case '<<':
        value = (value << number) >>> 0;
        break;
      case '>>':
        value >>>= number;
        break;
      case '@':
        // Beyond 32 bits it is also beyond the packet.
        base += value;
        value = readWord(bytes, packet, base + number);
    }
  }
  return value;
}

/** The number OFFSET bytes from the IP header of PACKET, which has BYTES. */
function readWord(bytes: Uint8Array, { at, length, available }: Packet, offset: number): number | undefined {
  if (offset + 4 > length) return undefined;
  if (offset + 4 > available) return CUT;
  const first = at + offset;
  return ((bytes[first] << 24) | (bytes[first + 1] << 16) | (bytes[first + 2] << 8) | bytes[first + 3]) >>> 0;
}

function formatRange({ min, max }: ValueRange): string {
  return min === max ? formatHex(min) : `${formatHex(min)}:${formatHex(max)}`;
}

const BLANKS = /[ \t\n\v\f\r]*/y;

/** Reads the tests of an option: `location=range,range&&location=range`. */
class TestReader {
  readonly #word: Word;
  #at = 0;

  constructor(word: Word) {
    this.#word = word;
  }

  tests(): Test[] {
    const tests: Test[] = [];
    do {
      if (tests.length === MAX) throw this.#fault(`more than ${MAX} tests`, 'fewer tests');
      const offset = this.#number('an offset');
      tests.push({ offset, operations: this.#operations(), ranges: this.#ranges() });
    } while (this.#take('&&'));
    this.#blanks();
    if (this.#at < this.#word.text.length) throw this.#fault('something else follows a range', ', or &&');
    return tests;
  }

  /** What follows the first number of a location, up to the equals sign. */
  #operations(): Operation[] {
    const operations: Operation[] = [];
    while (!this.#take('=')) {
      const operator = OPERATORS.find((one) => this.#take(one));
      if (operator === undefined) throw this.#fault('bad operator', '&, <<, >>, @ or =');
      if (operations.length === MAX - 1) throw this.#fault(`more than ${MAX} numbers`, 'fewer numbers');
      operations.push({ operator, number: this.#number('a number') });
    }
    return operations;
  }

  #ranges(): ValueRange[] {
    const ranges: ValueRange[] = [];
    do {
      if (ranges.length === MAX) throw this.#fault(`more than ${MAX} ranges`, 'fewer ranges');
      const min = this.#number('a value');
      ranges.push({ min, max: this.#take(':') ? this.#number('a value') : min });
    } while (this.#take(','));
    return ranges;
  }

  #number(what: string): number {
    const number = scanNumber(this.#word.text, this.#at, 0);
    if (number === undefined || number.isNegative || number.isOverflow || number.value > 0xffffffffn) {
      this.#blanks();
      throw this.#fault('no number of 32 bits', `${what}, 0–0xffffffff`);
    }
    this.#at = number.end;
    return Number(number.value);
  }

  /** Skips blanks, and TEXT if it follows; returns whether it did. */
  #take(text: string): boolean {
    this.#blanks();
    if (!this.#word.text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #blanks(): void {
    BLANKS.lastIndex = this.#at;
    BLANKS.exec(this.#word.text);
    this.#at = BLANKS.lastIndex;
  }

  #fault(what: string, expected: string): RuleFault {
    const { text } = this.#word;
    const rest = this.#at < text.length ? `at "${text.slice(this.#at)}"` : 'at the end';
    return new RuleFault(this.#word, `u32: ${what} ${rest}`, expected);
  }
}
