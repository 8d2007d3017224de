/** `-j NFLOG`: passes a copy of the packet to the programs that listen to a netlink group (xt_NFLOG). */
import { quoteWord, type Word, withoutEscapes } from '../../codecs/iptables-save.js';
import { cutToBytes } from '../../codecs/text.js';
import { Verdict } from '../hooks.js';
import type { ParsedOptions, TargetExtension } from '../rules/extension.js';
import { listedParts } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';

/** The kernel stores 64 bytes including the terminating zero. */
const MAX_PREFIX_BYTES = 63;

/** No packet is longer. */
export const WHOLE = 0xffff;

interface NflogParams {
  readonly prefix: string;
  readonly group: number;
  /** How many bytes of the packet are passed on at most; undefined: all of them. */
  readonly sizeBytes: number | undefined;
  /** The value of `--nflog-range`, which has no effect. 0 if it is not given. */
  readonly range: number;
  readonly threshold: number;
}

export const nflog: TargetExtension<NflogParams> = {
  name: 'NFLOG',
  terminates: false,
  options: [
    { name: '--nflog-group', words: 1, expected: 'a netlink group, 0–65535' },
    { name: '--nflog-prefix', words: 1, expected: `a text of at most ${MAX_PREFIX_BYTES} bytes` },
    { name: '--nflog-range', words: 1, expected: 'a number of bytes', excludes: ['--nflog-size'] },
    { name: '--nflog-size', words: 1, expected: 'a number of bytes', excludes: ['--nflog-range'] },
    { name: '--nflog-threshold', words: 1, expected: 'a number of packets, 0–65535' },
  ],

  listed: listedParts(
    [
      /nflog-prefix +(?:"((?:[^"\\]|\\.)*)"|(\S+))/,
      ([, quoted, plain]) => ['--nflog-prefix', plain ?? withoutEscapes(quoted!)],
    ],
    [/nflog-group (\d+)/, '--nflog-group $1'],
    [/nflog-range (\d+)/, '--nflog-range $1'],
    [/nflog-size (\d+)/, '--nflog-size $1'],
    [/nflog-threshold (\d+)/, '--nflog-threshold $1'],
  ),

  parse(options) {
    const prefix = options.get('--nflog-prefix')?.values[0];
    return {
      prefix: prefix === undefined ? '' : parseLogPrefix(prefix, MAX_PREFIX_BYTES),
      group: numberOf(options, '--nflog-group', 0xffff) ?? 0,
      sizeBytes: numberOf(options, '--nflog-size', 0xffffffff),
      range: numberOf(options, '--nflog-range', 0xffffffff) ?? 0,
      threshold: numberOf(options, '--nflog-threshold', 0xffff) ?? 0,
    };
  },

  save({ prefix, group, sizeBytes, range, threshold }) {
    let text = prefix === '' ? '' : ` --nflog-prefix ${quoteWord(prefix)}`;
    if (group !== 0) text += ` --nflog-group ${group}`;
    if (sizeBytes !== undefined) text += ` --nflog-size ${sizeBytes}`;
    else if (range !== 0) text += ` --nflog-range ${range}`;
    if (threshold !== 0) text += ` --nflog-threshold ${threshold}`;
    return text;
  },

  apply({ group, prefix, sizeBytes }, packet, context) {
    context.nflog(packet, group, prefix, sizeBytes ?? WHOLE);
    return Verdict.CONTINUE;
  },

  effect: () => 'outside',
};

/** The prefix of log messages in WORD, cut to MAX_BYTES. */
export function parseLogPrefix(word: Word, maxBytes: number): string {
  if (word.text.includes('\n')) {
    throw new RuleFault(word, 'the prefix contains a line feed', 'a quote that is closed on its line');
  }
  if (word.text === '') throw new RuleFault(word, 'the prefix is empty', 'at least one character');
  return cutToBytes(word.text, maxBytes);
}

function numberOf(options: ParsedOptions, name: string, max: number): number | undefined {
  const word = options.get(name)?.values[0];
  if (word === undefined) return undefined;
  const number = parseNumber(word.text, max);
  if (number === undefined) throw new RuleFault(word, `bad value "${word.text}" of ${name}`, `0–${max}`);
  return number;
}
