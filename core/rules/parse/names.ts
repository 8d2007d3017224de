/** The names of chains, targets and matches: which ones iptables takes, and the errors for the others. */
import type { Family } from '../../../codecs/address.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { isLongerThan } from '../../../codecs/text.js';
import { RuleFault, unknownName } from './error.js';
import { KNOWN_MATCHES, KNOWN_TARGETS, matchName } from './known-extensions.js';

const MAX_NAME_BYTES = 28;
/** What libiptc takes, and what the kernel keeps of it. */
const MAX_LABEL_BYTES = 31;
const MAX_KEPT_BYTES = 29;
const SPACE = /[ \t\n\v\f\r]/;
const VERDICTS: readonly string[] = ['ACCEPT', 'DROP', 'RETURN'];
/** What the other family has instead of an extension. */
const COUNTERPARTS: Readonly<Record<string, string>> = {
  icmp: 'icmp6',
  icmp6: 'icmp',
  ttl: 'hl',
  hl: 'ttl',
  TTL: 'HL',
  HL: 'TTL',
};
/** iptables' own target of verdicts and jumps. */
const STANDARD = 'standard';

/** Chain and target names have at most 28 bytes. */
export function checkNameLength(word: Word, what: string): void {
  if (isLongerThan(word.text, MAX_NAME_BYTES)) {
    throw new RuleFault(word, `the ${what} name "${word.text}" is too long`, 'at most 28 bytes');
  }
}

/** Throws if `-E` does not take NAME. It takes longer names than other commands, of which the kernel keeps 29 bytes. */
export function checkRenamed(name: Word): void {
  if (!isLongerThan(name.text, MAX_KEPT_BYTES)) return;
  const code = isLongerThan(name.text, MAX_LABEL_BYTES) ? 'invalid' : 'unsupported';
  throw new RuleFault(name, `the chain name "${name.text}" is too long`, 'at most 29 bytes', code);
}

/** Throws if the value of `-j` or `-g` can be no name (xt_parse_target). */
export function checkTargetName(word: Word): void {
  checkNameLength(word, 'target');
  if (word.text === '' || SPACE.test(word.text)) {
    throw new RuleFault(word, `"${word.text}" is not the name of a target`, 'a target or a chain');
  }
}

/**
 * Throws if `-N` does not take NAME. With IS_DECLARED, the file has a `:NAME` line, after which iptables loads no
 * target of this name.
 */
export function checkNewName(name: Word, family: Family, isDeclared: boolean): void {
  const { text } = name;
  if (/^[-!]/.test(text)) throw new RuleFault(name, `a chain's name cannot start with ${text[0]}`);
  if (SPACE.test(text)) throw new RuleFault(name, 'blanks in the name of a chain', 'a name without blanks');
  const isTarget = text === STANDARD || VERDICTS.includes(text) || KNOWN_TARGETS[family].has(text);
  if (text === '' || (isTarget && !isDeclared)) {
    throw new RuleFault(name, `"${text}" cannot be the name of a chain`, 'a name that no target has');
  }
}

/** The error for `-m WORD`, which is not supported or unknown. */
export function unknownMatch(word: Word, family: Family): RuleFault {
  return unknownExtension(word, 'match', family, KNOWN_MATCHES, []);
}

/** The error for `-j WORD`, which is neither one of CHAINS nor a supported target. */
export function unknownTarget(word: Word, family: Family, chains: Iterable<string>): RuleFault {
  if (word.text === STANDARD) {
    return new RuleFault(word, `${STANDARD} is iptables' own target, not for rules`, '', 'unsupported');
  }
  return unknownExtension(word, 'target or chain', family, KNOWN_TARGETS, [...chains, ...VERDICTS]);
}

function unknownExtension(
  word: Word,
  what: string,
  family: Family,
  extensions: Readonly<Record<Family, ReadonlySet<string>>>,
  others: readonly string[],
): RuleFault {
  const { text } = word;
  if (extensions[family].has(matchName(text))) {
    return new RuleFault(word, `the ${what} ${text} is not supported yet`, '', 'unsupported');
  }
  const isOfOther = extensions[family === 'ipv4' ? 'ipv6' : 'ipv4'].has(matchName(text));
  if (isOfOther && !others.includes(text)) {
    const tool = family === 'ipv4' ? 'ip6tables' : 'iptables';
    const expected = COUNTERPARTS[matchName(text)] ?? `the name of a ${what}`;
    return new RuleFault(word, `only ${tool} has the ${what} ${text}`, expected);
  }
  return unknownName(word, what, text, [...others, ...extensions[family]], `the name of a ${what}`);
}
