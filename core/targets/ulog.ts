/** `-j ULOG`: the predecessor of NFLOG, which kernels have had until 3.16 (ipt_ULOG). */
import { quoteWord } from '../../codecs/iptables-save.js';
import { Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseLongNumber, parseNumber } from '../rules/parse/values.js';
import { parseLogPrefix, WHOLE } from './nflog.js';

/** The kernel stores 32 bytes including the terminating zero. */
const MAX_PREFIX_BYTES = 31;
const MAX_GROUP = 32;
const MAX_THRESHOLD = 50;

interface UlogParams {
  readonly prefix: string;
  readonly group: number;
  /** How many bytes of the packet are passed on at most; 0: all of them. */
  readonly rangeBytes: bigint;
  readonly threshold: number;
}

export const ulog: TargetExtension<UlogParams> = {
  name: 'ULOG',
  families: ['ipv4'],
  terminates: false,
  options: [
    { name: '--ulog-nlgroup', words: 1, expected: `a netlink group, 1–${MAX_GROUP}` },
    { name: '--ulog-prefix', words: 1, expected: `a text of at most ${MAX_PREFIX_BYTES} bytes` },
    { name: '--ulog-cprange', words: 1, expected: 'a number of bytes' },
    { name: '--ulog-qthreshold', words: 1, expected: `a number of packets, 1–${MAX_THRESHOLD}` },
  ],

  listed: listed(
    /ULOG/,
    [/copy_range (\d+)/, '--ulog-cprange $1'],
    [/nlgroup (\d+)/, '--ulog-nlgroup $1'],
    [/prefix "(.*)"(?= queue_threshold \d+$)/, ([, prefix = '']) => ['--ulog-prefix', prefix]],
    [/queue_threshold (\d+)/, '--ulog-qthreshold $1'],
  ),

  parse(options) {
    const within = (name: string, max: number): number => {
      const word = options.get(name)?.values[0];
      if (word === undefined) return 1;
      const number = parseNumber(word.text, max);
      if (number === undefined || number < 1) {
        throw new RuleFault(word, `bad value "${word.text}" of ${name}`, `1–${max}`);
      }
      return number;
    };
    const prefix = options.get('--ulog-prefix')?.values[0];
    const range = options.get('--ulog-cprange')?.values[0];
    const rangeBytes = range === undefined ? 0n : parseLongNumber(range.text);
    if (range !== undefined && rangeBytes === undefined) {
      throw new RuleFault(range, `bad value "${range.text}" of --ulog-cprange`, 'a number of 64 bits');
    }
    return {
      prefix: prefix === undefined ? '' : parseLogPrefix(prefix, MAX_PREFIX_BYTES),
      group: within('--ulog-nlgroup', MAX_GROUP),
      rangeBytes: rangeBytes ?? 0n,
      threshold: within('--ulog-qthreshold', MAX_THRESHOLD),
    };
  },

  save({ prefix, group, rangeBytes, threshold }) {
    let text = prefix === '' ? '' : ` --ulog-prefix ${quoteWord(prefix)}`;
    if (group !== 1) text += ` --ulog-nlgroup ${group}`;
    // iptables prints the lower 32 bits of a number that it stores with 64.
    if (rangeBytes !== 0n) text += ` --ulog-cprange ${BigInt.asUintN(32, rangeBytes)}`;
    if (threshold !== 1) text += ` --ulog-qthreshold ${threshold}`;
    return text;
  },

  apply({ group, prefix, rangeBytes }, packet, context) {
    const size = rangeBytes === 0n || rangeBytes > WHOLE ? WHOLE : Number(rangeBytes);
    context.nflog(packet, group, prefix, size);
    return Verdict.CONTINUE;
  },

  effect: () => 'outside',
};
