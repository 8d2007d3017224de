/** Flags of TCP as sentences write them: `SA` as tcpdump does, or `SYN/ACK`. */
import { TCP_ACK, TCP_CWR, TCP_ECE, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG } from '../assigned-numbers.js';

interface Flag {
  readonly bit: number;
  readonly name: string;
  /** The first is what is written; the others are taken, too. */
  readonly letters: string;
}

/** In the order in which they are written. */
const FLAGS: readonly Flag[] = [
  { bit: TCP_FIN, name: 'FIN', letters: 'F' },
  { bit: TCP_SYN, name: 'SYN', letters: 'S' },
  { bit: TCP_RST, name: 'RST', letters: 'R' },
  { bit: TCP_PSH, name: 'PSH', letters: 'P' },
  { bit: TCP_ACK, name: 'ACK', letters: 'A.' },
  { bit: TCP_URG, name: 'URG', letters: 'U' },
  { bit: TCP_ECE, name: 'ECE', letters: 'E' },
  { bit: TCP_CWR, name: 'CWR', letters: 'CW' },
];

const NO_FLAGS = 'NONE';

/** The names of flags, for messages. */
export const FLAG_NAMES: readonly string[] = [...FLAGS.map(({ name }) => name), NO_FLAGS];

/** The bits that WORD names (`S`, `SA`, `[S.]`, `SYN`, `syn/ack`, `none`); undefined if it is not about flags. */
export function parseFlags(word: string): number | undefined {
  const text = /^\[(.*)\]$/.exec(word)?.[1] ?? word;
  if (text.toUpperCase() === NO_FLAGS) return 0;
  // Names first: ECE and CWR consist of letters that stand for flags.
  const named = bitsOf(text.toUpperCase().split(/[/|+-]/), (name) => (flag) => flag.name === name);
  return (
    named ??
    bitsOf(
      [...text],
      (letter) =>
        ({ letters }) =>
          letters.includes(letter),
    )
  );
}

function bitsOf(parts: readonly string[], isPart: (part: string) => (flag: Flag) => boolean): number | undefined {
  let bits = 0;
  for (const part of parts) {
    const flag = FLAGS.find(isPart(part));
    if (flag === undefined) return undefined;
    bits |= flag.bit;
  }
  return bits;
}

/** `SA`. */
export function flagLetters(bits: number): string {
  return (
    namedIn(bits)
      .map(({ letters }) => letters[0])
      .join('') || NO_FLAGS
  );
}

/** `SYN/ACK`. */
export function flagNames(bits: number): string {
  return (
    namedIn(bits)
      .map(({ name }) => name)
      .join('/') || NO_FLAGS
  );
}

const namedIn = (bits: number): readonly Flag[] => FLAGS.filter(({ bit }) => (bits & bit) !== 0);

const OPENING_AND_ENDING = TCP_SYN | TCP_FIN | TCP_RST;

/** Whether FLAGS, undefined where they are not known, are of the kind that ASKED stands for (see `fits`). */
export function fitsFlags(asked: number, flags: number | undefined): boolean {
  if (flags === undefined) return false;
  if (asked === 0) return flags === 0;
  if ((asked & flags) !== asked) return false;
  const isAckFree = (asked & OPENING_AND_ENDING) === TCP_SYN ? TCP_ACK : 0;
  return (flags & (OPENING_AND_ENDING | isAckFree) & ~asked) === 0;
}
