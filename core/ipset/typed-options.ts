/** The options behind `create SET TYPE` and `add SET ELEMENT`, and what ipset checks when it has read them. */
import type { SetType } from '../sets/set-type.js';
import type { CommandData } from './command-data.js';
import type { CommandWords } from './command-line.js';
import { KEYWORDS, type Keyword, type KeywordName } from './keywords.js';
import { Opt } from './options.js';
import { ExitCode, IpsetStop, usageStop } from './report.js';
import { allowsRange, TYPE_NAMES, type TypedCommand, typeWords } from './type-words.js';

/** Which of the options to read: the family comes first, since the others depend on it. */
export type OptionPass = 'family' | 'all';

/** Reads the options in WORDS (call_parser). */
export function parseOptions(
  data: CommandData,
  type: SetType,
  words: CommandWords,
  command: TypedCommand,
  pass: OptionPass,
): void {
  const { rest, restAt } = words;
  const keywords = KEYWORDS_OF.get(type.name)![command];
  for (let i = 0; i < rest.length; ) {
    words.at = restAt[i];
    const option = rest[i];
    const keyword = keywords.get(option.startsWith('--') ? option.slice(2) : option);
    if (keyword === undefined) {
      throw usageStop(`Unknown argument: \`${option}'`, [...keywords.keys()].join(', '));
    }
    let value = option;
    i++;
    if (keyword.hasWord) {
      if (i >= rest.length) throw usageStop(`Missing mandatory argument of option \`${keyword.name}'`);
      words.at = restAt[i];
      value = rest[i++];
    }
    const isRead = (keyword.opt === Opt.FAMILY) === (pass === 'family');
    if (isRead) parseOption(data, keyword, value);
  }
}

type KeywordsByName = ReadonlyMap<string, Keyword>;

/** The options of each command, by name, for each type. */
const KEYWORDS_OF: ReadonlyMap<string, Readonly<Record<TypedCommand, KeywordsByName>>> = new Map(
  TYPE_NAMES.map((name) => {
    const words = typeWords({ name });
    const [create, add, del, test] = [words.create, words.add, words.del, words.test].map(byName);
    return [name, { create, add, del, test }];
  }),
);

function byName(names: readonly KeywordName[]): KeywordsByName {
  return new Map(names.map((name) => [KEYWORDS[name].name, KEYWORDS[name]]));
}

function parseOption(data: CommandData, keyword: Keyword, value: string): void {
  const isAssumed = keyword.opt === Opt.FAMILY && data.isFamilyAssumed;
  if (data.has(keyword.opt) && !isAssumed) throw data.syntaxError(`${keyword.name} already specified`);
  keyword.parse(data, value);
}

/** What `create` needs and has not got (check_mandatory). */
export function checkMandatory(data: CommandData, type: SetType): void {
  if (!type.options.includes('range')) return;
  const isPort = type.dimensions[0] === 'port';
  const hasFirst = data.has(isPort ? Opt.PORT : Opt.IP);
  const hasLast = data.has(Opt.CIDR) || data.has(isPort ? Opt.PORT_TO : Opt.IP_TO);
  if (hasFirst && hasLast) return;
  const missing = hasFirst ? 'to' : 'range';
  throw usageStop(`Mandatory option \`${missing}' is missing`, isPort ? 'range FIRST-LAST' : 'range FIRST-LAST or NET');
}

/** What COMMAND does not take of an element (check_allowed). */
export function checkAllowed(data: CommandData, type: SetType, command: TypedCommand): void {
  const { ranges, portRanges, prefixes } = typeWords(type);
  const mayRange = allowsRange(ranges, command);
  const refuse = (what: string): IpsetStop => {
    const family = data.family === undefined ? 'unspec' : data.family === 'ipv4' ? 'inet' : 'inet6';
    const message = `${what} is not allowed in command ${command} with set type ${type.name} and family ${family}`;
    return new IpsetStop(message, ExitCode.OTHER_PROBLEM, 'a single address or port');
  };
  if (data.has(Opt.IP_TO) && !mayRange) throw refuse('FROM-TO IP range');
  if (data.has(Opt.CIDR) && !mayRange && !prefixes[0]) throw refuse('IP/CIDR range');
  if (data.has(Opt.PORT_TO) && !allowsRange(portRanges, command)) throw refuse('FROM-TO port range');
  if (data.has(Opt.CIDR2) && !prefixes[1]) {
    throw new IpsetStop(
      `There are not allowed options (${Opt.CIDR2}) but can't resolve them. It's a bug, please report the problem.`,
      ExitCode.OTHER_PROBLEM,
      'an address without a prefix length',
    );
  }
}
