/** What `ipset help` prints. The real text is longer. */
import { setTypeOf } from '../sets/types.js';
import { KEYWORDS, type KeywordName } from './keywords.js';
import { usageStop } from './report.js';
import { TYPE_NAMES, type TypedCommand, typeWords } from './type-words.js';

const COMMANDS = [
  'create SETNAME TYPENAME [OPTIONS]',
  'add SETNAME ENTRY [OPTIONS]',
  'del SETNAME ENTRY [OPTIONS]',
  'test SETNAME ENTRY [OPTIONS]',
  'destroy [SETNAME]',
  'list [SETNAME]',
  'save [SETNAME]',
  'restore',
  'flush [SETNAME]',
  'rename FROM-SETNAME TO-SETNAME',
  'swap FROM-SETNAME TO-SETNAME',
  'help [TYPENAME]',
  'version',
];
const TYPED: readonly TypedCommand[] = ['create', 'add', 'del', 'test'];

/** The commands, and the types; or the options of the type NAME. */
export function helpText(version: string, name: string | undefined): string {
  if (name === undefined) {
    return `${[version, ...COMMANDS, `Types: ${TYPE_NAMES.join(' ')}`].join('\n')}\n`;
  }
  const type = setTypeOf(name);
  if (type === undefined) throw usageStop(`Unknown settype: \`${name}'`, 'a type such as hash:ip');
  const words = typeWords(type);
  const lines = TYPED.map((command) => `${command} SETNAME ${type.name}${words[command].map(optionHelp).join('')}`);
  return `${[version, ...lines].join('\n')}\n`;
}

function optionHelp(name: KeywordName): string {
  const { name: option, hasWord } = KEYWORDS[name];
  return hasWord ? ` [${option} VALUE]` : ` [${option}]`;
}
