/** Replaces what the commands of ipset, and what `ipset save` prints, say about whose it is. */
import { replaceAllAddressesIn } from './addresses-in-text.js';
import type { Replacer } from './replacer.js';

/** Commands with the names of one or two sets, and those with an element. */
const WITH_ELEMENT: readonly string[] = ['add', 'del', 'test', '-A', '-D', '-T', '--add', '--del', '--test'];
const CREATE: readonly string[] = ['create', '-N', '--create', 'n', 'new'];
const WITH_NAMES: readonly string[] = [
  ...['destroy', 'flush', 'list', 'save', 'rename', 'swap', '-X', '-F', '-L', '-S', '-E', '-W', 'x', 'e', 'w', 'f'],
  ...['--destroy', '--flush', '--list', '--save', '--rename', '--swap'],
];
/** Options behind which a mask stands, which is no address. */
const MASKS: readonly string[] = ['netmask', 'bitmask', '--netmask', '--bitmask'];
const SETS_TYPE = /^(?:list:set|setlist)$/;

/** The types of sets by their names, as far as they were made so far. */
export type SetTypes = Map<string, string>;

/** The replacement of TEXT, lines for `ipset restore`. */
export function replaceSetLines(text: string, replacer: Replacer, types: SetTypes): string {
  return text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .map((line) => replaceSetWords(line.match(/(?:"[^"]*"|[^\s"])+/g) ?? [], replacer, types).join(' '))
    .join('\n');
}

/** The replacement of WORDS, a command of ipset without its name. Comments are in double quotes, or one word. */
export function replaceSetWords(words: readonly string[], replacer: Replacer, types: SetTypes): string[] {
  const at = words.findIndex((word) => [...WITH_ELEMENT, ...CREATE, ...WITH_NAMES].includes(word));
  if (at < 0) return words.map((word) => replaceAllAddressesIn(word, replacer));
  const command = words[at];
  const [name, second, ...options] = words.slice(at + 1);
  const before = words.slice(0, at + 1);
  if (name === undefined) return [...before];
  const replacedName = replacer.named('set', name);
  if (second === undefined) return [...before, replacedName];
  if (CREATE.includes(command)) {
    types.set(name, second);
    return [...before, replacedName, second, ...replaceOptions(options, replacer)];
  }
  if (WITH_ELEMENT.includes(command)) {
    const element = replaceElement(second, types.get(name) ?? '', replacer);
    return [...before, replacedName, element, ...replaceOptions(options, replacer, types.get(name))];
  }
  if (command === 'swap' || command === 'rename' || ['-E', '-W', 'e', 'w', '--rename', '--swap'].includes(command))
    return [...before, replacedName, replacer.named('set', second), ...options];
  return [...before, replacedName, second, ...options];
}

function replaceElement(element: string, type: string, replacer: Replacer): string {
  if (SETS_TYPE.test(type)) return replacer.named('set', element);
  return element
    .split(',')
    .map((part, i, parts) => {
      const isInterface = type.includes('iface') && i === parts.length - 1 && i > 0;
      return isInterface ? replaceInterface(part, replacer) : replaceAllAddressesIn(part, replacer);
    })
    .join(',');
}

function replaceInterface(text: string, replacer: Replacer): string {
  const [, port = '', name] = /^(physdev:)?(.*)$/.exec(text)!;
  return port + replacer.iface(name);
}

function replaceOptions(options: readonly string[], replacer: Replacer, type = ''): string[] {
  return options.map((word, i) => {
    const before = options[i - 1];
    if (before === 'comment' && type !== '') return replaceComment(word, replacer);
    if (MASKS.includes(before)) return word;
    if (SETS_TYPE.test(type) && ['before', 'after'].includes(before)) return replacer.named('set', word);
    return replaceAllAddressesIn(word, replacer);
  });
}

function replaceComment(word: string, replacer: Replacer): string {
  const quoted = /^"(.*)"$/s.exec(word)?.[1];
  return quoted === undefined ? replacer.named('comment', word) : `"${replacer.named('comment', quoted)}"`;
}
