/** The chunks that `-m sctp --chunk-types` lists, with their flags: parsed, printed, and found in packets. */
import type { Word } from '../../codecs/iptables-save.js';
import { SCTP_CHUNK_FLAGS_AT, SCTP_CHUNK_LENGTH, SCTP_CHUNK_LENGTH_AT, SCTP_LENGTH } from '../../codecs/layouts.js';
import type { Packet } from '../packet.js';
import { RuleFault, unknownName } from '../rules/parse/error.js';

const NO_FLAGS = '--------';
const DATA_FLAGS = '----IUBE';
const ABORT_FLAGS = '-------T';

/** The types in the order of iptables, with the letters of their flags from bit 7 to bit 0. */
const TYPES: readonly (readonly [name: string, type: number, flags: string])[] = [
  ['DATA', 0, DATA_FLAGS],
  ['INIT', 1, NO_FLAGS],
  ['INIT_ACK', 2, NO_FLAGS],
  ['SACK', 3, NO_FLAGS],
  ['HEARTBEAT', 4, NO_FLAGS],
  ['HEARTBEAT_ACK', 5, NO_FLAGS],
  ['ABORT', 6, ABORT_FLAGS],
  ['SHUTDOWN', 7, NO_FLAGS],
  ['SHUTDOWN_ACK', 8, NO_FLAGS],
  ['ERROR', 9, NO_FLAGS],
  ['COOKIE_ECHO', 10, NO_FLAGS],
  ['COOKIE_ACK', 11, NO_FLAGS],
  ['ECN_ECNE', 12, NO_FLAGS],
  ['ECN_CWR', 13, NO_FLAGS],
  ['SHUTDOWN_COMPLETE', 14, ABORT_FLAGS],
  ['I_DATA', 64, DATA_FLAGS],
  ['RE_CONFIG', 130, NO_FLAGS],
  ['PAD', 132, NO_FLAGS],
  ['ASCONF', 193, NO_FLAGS],
  ['ASCONF_ACK', 128, NO_FLAGS],
  ['FORWARD_TSN', 192, NO_FLAGS],
  ['I_FORWARD_TSN', 194, NO_FLAGS],
];
const NAMES = TYPES.map(([name]) => name);
const MODES = ['any', 'all', 'only'] as const;
/** How many types can have flags (XT_NUM_SCTP_FLAGS). */
const MAX_FLAGGED = 4;
const NO_TYPES: ReadonlySet<number> = new Set();
const ALL_TYPES: ReadonlySet<number> = new Set(Array.from({ length: 256 }, (_, type) => type));

interface ChunkFlags {
  readonly mask: number;
  readonly set: number;
}

export interface ChunkMatch {
  /** any: one of the chunks matches; all: each type has a chunk that matches; only: all chunks match. */
  readonly mode: (typeof MODES)[number];
  readonly types: ReadonlySet<number>;
  /**
   * The flags that a type's chunks must have. iptables stores them under the type's position in its list, so those of
   * I_DATA are without effect.
   */
  readonly flags: ReadonlyMap<number, ChunkFlags>;
  readonly negated: boolean;
}

/** The words of chunks as a listing prints them, with -n by their numbers: `any 0x0000:B,0x0006`. */
export function listedChunks([, not, mode, list]: readonly (string | undefined)[]): string[] {
  const named = list!.replace(/0x([0-9A-F]{4})/g, (number, digits: string) => {
    return TYPES.find(([, type]) => type === Number.parseInt(digits, 16))?.[0] ?? number;
  });
  return [...(not === undefined ? [] : [not]), '--chunk-types', mode!, named];
}

/** Parses the two values of --chunk-types. */
export function parseChunks([modeWord, list]: readonly Word[], negated: boolean): ChunkMatch {
  const mode = MODES.find((known) => known === modeWord.text.toLowerCase());
  if (mode === undefined) throw unknownName(modeWord, 'kind of match', modeWord.text, MODES);
  const whole = list.text.toUpperCase();
  const flags = new Map<number, ChunkFlags>();
  if (whole === 'ALL') return { mode, types: ALL_TYPES, flags, negated };
  if (whole === 'NONE') return { mode, types: NO_TYPES, flags, negated };
  const types = new Set<number>();
  for (const part of list.text.split(',')) {
    if (part === '') continue;
    const colon = part.indexOf(':');
    const name = colon < 0 ? part : part.slice(0, colon);
    const position = NAMES.indexOf(name.toUpperCase());
    if (position < 0) throw unknownName(list, 'chunk', name, [...NAMES, 'ALL', 'NONE']);
    types.add(TYPES[position][1]);
    if (colon >= 0) addFlags(list, position, part.slice(colon + 1), flags);
  }
  return { mode, types, flags, negated };
}

/** Adds the flags LETTERS of the type at POSITION: an upper-case letter is set, a lower-case one is not. */
function addFlags(word: Word, position: number, letters: string, flags: Map<number, ChunkFlags>): void {
  const [name, , known] = TYPES[position];
  for (const letter of letters) {
    const index = known.indexOf(letter.toUpperCase());
    if (index < 0) {
      const names = known.replaceAll('-', '').split('').join(', ');
      throw new RuleFault(word, `${name} has no flag "${letter}"`, names === '' ? 'no flags' : names);
    }
    const bit = 0x80 >> index;
    const before = flags.get(position);
    if (before === undefined && flags.size === MAX_FLAGGED) {
      throw new RuleFault(word, 'too many types with flags', `at most ${MAX_FLAGGED}`);
    }
    const isSet = letter !== letter.toLowerCase();
    flags.set(position, { mask: (before?.mask ?? 0) | bit, set: (before?.set ?? 0) | (isSet ? bit : 0) });
  }
}

export function saveChunks({ mode, types, flags, negated }: ChunkMatch): string {
  const prefix = `${negated ? ' !' : ''} --chunk-types ${mode}`;
  if (types === ALL_TYPES) return `${prefix} ALL`;
  if (types.size === 0) return `${prefix} NONE`;
  const listed = [...types].sort((a, b) => a - b).map((type) => nameOf(type) + formatFlags(type, flags.get(type)));
  return `${prefix} ${listed.join(',')}`;
}

function nameOf(type: number): string {
  return TYPES.find(([, known]) => known === type)?.[0] ?? '';
}

function formatFlags(type: number, flags: ChunkFlags | undefined): string {
  if (flags === undefined) return '';
  const letters = [...TYPES[type][2]].map((letter, index) => {
    const bit = 0x80 >> index;
    if ((flags.mask & bit) === 0) return '';
    return (flags.set & bit) === 0 ? letter.toLowerCase() : letter;
  });
  return `:${letters.join('')}`;
}

/**
 * Whether the chunks of PACKET match, before negation; undefined if that depends on chunks that were not captured. A
 * chunk that is beyond the packet or has no length drops it (match_packet in xt_sctp).
 */
export function matchChunks({ mode, types, flags }: ChunkMatch, packet: Packet): boolean | undefined {
  const { bytes, view, l4 } = packet;
  const end = packet.at + packet.length;
  const available = packet.at + packet.available;
  const missing = mode === 'all' ? new Set(types) : undefined;
  let at = l4 + SCTP_LENGTH;
  do {
    const isThere = at + SCTP_CHUNK_LENGTH <= available;
    if (!isThere && at + SCTP_CHUNK_LENGTH <= end) return missing?.size === 0 ? true : undefined;
    const length = isThere ? view.getUint16(at + SCTP_CHUNK_LENGTH_AT) : 0;
    if (length === 0) {
      packet.hotdrop = true;
      return false;
    }
    const type = bytes[at];
    const isMatching = types.has(type) && haveFlags(flags.get(type), bytes[at + SCTP_CHUNK_FLAGS_AT]);
    if (mode === 'any' && isMatching) return true;
    if (mode === 'only' && !isMatching) return false;
    if (isMatching) missing?.delete(type);
    at += (length + 3) & ~3;
  } while (at < end);
  return missing === undefined ? mode === 'only' : missing.size === 0;
}

function haveFlags(wanted: ChunkFlags | undefined, flags: number): boolean {
  return wanted === undefined || (flags & wanted.mask) === wanted.set;
}
