/** `-j LOG`: logs a line about the packet (xt_LOG). */
import { quoteWord } from '../../codecs/iptables-save.js';
import { LogFlag } from '../../codecs/kernel-log.js';
import { Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { unknownName } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';
import { parseLogPrefix } from './nflog.js';

const LEVELS: ReadonlyMap<string, number> = new Map([
  ['alert', 1],
  ['crit', 2],
  ['debug', 7],
  ['emerg', 0],
  ['error', 3],
  ['info', 6],
  ['notice', 5],
  ['panic', 0],
  ['warning', 4],
]);
/** What listings call some of them. */
const LISTED_LEVELS: ReadonlyMap<string, string> = new Map([
  ['err', 'error'],
  ['warn', 'warning'],
]);
const DEFAULT_LEVEL = 4;
/** The kernel stores 30 bytes including the terminating zero. */
const MAX_PREFIX_BYTES = 29;
/** The flags for additional output, in iptables-save order. */
const FLAGS = [
  ['--log-tcp-sequence', LogFlag.TCP_SEQUENCE],
  ['--log-tcp-options', LogFlag.TCP_OPTIONS],
  ['--log-ip-options', LogFlag.IP_OPTIONS],
  ['--log-uid', LogFlag.UID],
  ['--log-macdecode', LogFlag.MAC_DECODE],
] as const;

interface LogParams {
  readonly prefix: string;
  readonly level: number;
  /** `LogFlag`s. */
  readonly flags: number;
}

export const log: TargetExtension<LogParams> = {
  name: 'LOG',
  terminates: false,
  options: [
    { name: '--log-level', words: 1, expected: 'a level, 0–7 or its name' },
    { name: '--log-prefix', words: 1, expected: 'a text of at most 29 bytes' },
    ...FLAGS.map(([name]) => ({ name, words: 0 }) as const),
  ],

  listed: listed(
    /LOG/,
    [/flags (\d+)/, ([, flags]) => FLAGS.flatMap(([option, bit]) => ((Number(flags) & bit) === 0 ? [] : [option]))],
    [/level (\S+)/, ([, level = '']) => ['--log-level', LISTED_LEVELS.get(level) ?? level]],
    [/tcp-sequence/, '--log-tcp-sequence'],
    [/tcp-options/, '--log-tcp-options'],
    [/ip-options/, '--log-ip-options'],
    [/uid/, '--log-uid'],
    [/macdecode/, '--log-macdecode'],
    [/prefix "(.*)"$/, ([, prefix = '']) => ['--log-prefix', prefix]],
  ),

  parse(options) {
    const levelWord = options.get('--log-level')?.values[0];
    const prefixWord = options.get('--log-prefix')?.values[0];
    let level: number | undefined = DEFAULT_LEVEL;
    if (levelWord !== undefined) {
      level = parseNumber(levelWord.text, 7) ?? LEVELS.get(levelWord.text);
      if (level === undefined) {
        const names = [...LEVELS.keys()];
        throw unknownName(levelWord, 'log level', levelWord.text, names, `0–7, ${names.join(', ')}`);
      }
    }
    return {
      prefix: prefixWord === undefined ? '' : parseLogPrefix(prefixWord, MAX_PREFIX_BYTES),
      level,
      flags: FLAGS.reduce((flags, [name, flag]) => (options.get(name) === undefined ? flags : flags | flag), 0),
    };
  },

  save({ prefix, level, flags }) {
    let text = prefix === '' ? '' : ` --log-prefix ${quoteWord(prefix)}`;
    if (level !== DEFAULT_LEVEL) text += ` --log-level ${level}`;
    for (const [name, flag] of FLAGS) if ((flags & flag) !== 0) text += ` ${name}`;
    return text;
  },

  apply({ level, prefix, flags }, packet, context) {
    context.log(packet, level, prefix, flags);
    return Verdict.CONTINUE;
  },

  effect: () => 'outside',
};
