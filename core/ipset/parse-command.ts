/** What the arguments of each command say, once ipset has found the command. */
import { isLongerThan } from '../../codecs/text.js';
import type { IpSet } from '../sets/ip-set.js';
import type { SetType } from '../sets/set-type.js';
import type { SetStore } from '../sets/store.js';
import { setTypeOf } from '../sets/types.js';
import type { CommandData } from './command-data.js';
import type { CommandWords } from './command-line.js';
import { parseElement } from './element-words.js';
import { kernelMessage } from './kernel-messages.js';
import { checkSetName } from './keywords.js';
import { ExitCode, IpsetStop } from './report.js';
import { typeWords } from './type-words.js';
import { checkAllowed, checkMandatory, parseOptions } from './typed-options.js';

/** In bytes. */
const MAX_TYPE_NAME = 31;

type ElementCommand = 'add' | 'del' | 'test';

/** `[SET]`, or `FROM TO`. */
export function parseNames(data: CommandData, words: CommandWords): void {
  const { first, second } = words;
  if (first !== undefined) {
    words.at = words.firstAt;
    data.setName = checkSetName(data, first);
    data.hasSetName = true;
  }
  if (second !== undefined) {
    words.at = words.secondAt;
    data.setName2 = checkSetName(data, second);
  }
  words.at = words.firstAt;
}

/** `create SET TYPE OPTIONS`. */
export function parseCreate(data: CommandData, words: CommandWords): void {
  data.resetOptions();
  words.at = words.firstAt;
  data.setName = checkSetName(data, words.first!);
  words.at = words.secondAt;
  const type = parseType(data, words.second!);
  parseOptions(data, type, words, 'create', 'family');
  parseOptions(data, type, words, 'create', 'all');
  words.at = words.secondAt;
  checkMandatory(data, type);
}

function parseType(data: CommandData, name: string): SetType {
  if (isLongerThan(name, MAX_TYPE_NAME)) {
    throw data.syntaxError(`typename '${name}' is longer than ${MAX_TYPE_NAME} characters`);
  }
  const type = setTypeOf(name);
  if (type === undefined) throw data.syntaxError(`typename '${name}' is unknown`, 'a type such as hash:ip');
  data.type = type;
  const { families } = type;
  if (families.length > 0) {
    [data.family] = families;
    data.noteFamily(families.length > 1);
  }
  return type;
}

/** `add SET ELEMENT OPTIONS`, and the like. */
export function parseElementCommand(
  data: CommandData,
  words: CommandWords,
  command: ElementCommand,
  store: SetStore,
): void {
  words.at = words.firstAt;
  data.setName = checkSetName(data, words.first!);
  const set = store.get(data.setName);
  if (set === undefined) throw data.error(kernelMessage('no-such-set', command), 'the name of a set');
  parseElementOf(data, words, command, set);
}

/** `ELEMENT OPTIONS`, of SET. */
export function parseElementOf(
  data: CommandData,
  words: CommandWords,
  command: ElementCommand,
  { type, options }: IpSet,
): void {
  data.type = type;
  data.family = type.families.length === 0 ? undefined : options.family;
  words.at = words.secondAt;
  parseElement(data, words.second!);
  if (words.rest.length > 0) parseOptions(data, type, words, command, 'all');
  words.at = words.secondAt;
  checkAllowed(data, type, command);
  if (!data.isForgotten) return;
  // Only where there are options does ipset notice so late what it has forgotten.
  if (typeWords(type)[command].length > 0) throw data.error(`Invalid ${command} command: missing setname`);
  throw new IpsetStop(
    "There are missing mandatory flags but can't check them. It's a bug, please report the problem.",
    ExitCode.OTHER_PROBLEM,
    `an element for a set of the family ${options.family}`,
  );
}
