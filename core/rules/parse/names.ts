/** The names of chains, targets and matches: which ones iptables takes, and the errors for the others. */
import type { Family } from '../../../codecs/address.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { isLongerThan } from '../../../codecs/text.js';
import { RuleFault, unknownName } from './error.js';
import { KNOWN_MATCHES, KNOWN_TARGETS, matchName } from './known-extensions.js';

/** Of chains and targets. */
export const MAX_NAME_BYTES = 28;
/** What libiptc takes, and what the kernel keeps of it. */
export const MAX_LABEL_BYTES = 31;
const MAX_KEPT_BYTES = 29;
const SPACE = /[ \t\n\v\f\r]/;
const VERDICTS: readonly string[] = ['ACCEPT', 'DROP', 'RETURN'];
/** Names of targets that libiptc itself knows, so no chain can have them. */
export const RESERVED: readonly string[] = [...VERDICTS, 'QUEUE'];
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
export const STANDARD = 'standard';

/** Chain and target names have at most 28 bytes. */
export function checkNameLength(word: Word, what: string): void {
  if (isLongerThan(word.text, MAX_NAME_BYTES)) {
    const tool =
      what === 'chain'
        ? `chain name \`${word.text}' too long (must be under 29 chars)`
        : `Invalid target name \`${word.text}' (28 chars max)`;
    throw new RuleFault(word, `the ${what} name "${word.text}" is too long`, 'at most 28 bytes', 'invalid', tool);
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
    const tool = word.text === '' ? 'Invalid target name (too short)' : `Invalid target name \`${word.text}'`;
    throw new RuleFault(word, `"${word.text}" is not the name of a target`, 'a target or a chain', 'invalid', tool);
  }
}

/**
 * Throws if `-N` does not take NAME. With IS_DECLARED, the file has a `:NAME` line, after which iptables loads no
 * target of this name.
 */
export function checkNewName(name: Word, family: Family, isDeclared: boolean): void {
  const { text } = name;
  if (/^[-!]/.test(text)) {
    const tool = `chain name not allowed to start with \`${text[0]}'`;
    throw new RuleFault(name, `a chain's name cannot start with ${text[0]}`, '', 'invalid', tool);
  }
  if (SPACE.test(text)) {
    const tool = `Invalid chain name \`${text}'`;
    throw new RuleFault(name, 'blanks in the name of a chain', 'a name without blanks', 'invalid', tool);
  }
  const isTarget = text === STANDARD || VERDICTS.includes(text) || KNOWN_TARGETS[family].has(text);
  if (text === '' || (isTarget && !isDeclared)) {
    const what = `"${text}" cannot be the name of a chain`;
    const tool = isTarget ? 'chain name may not clash with target name' : '';
    throw new RuleFault(name, what, 'a name that no target has', 'invalid', tool);
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
  const kind = what === 'match' ? what : 'target';
  const tool = `Couldn't load ${kind} \`${text}':No such file or directory\n`;
  const isOfOther = extensions[family === 'ipv4' ? 'ipv6' : 'ipv4'].has(matchName(text));
  if (isOfOther && !others.includes(text)) {
    const other = family === 'ipv4' ? 'ip6tables' : 'iptables';
    const expected = COUNTERPARTS[matchName(text)] ?? `the name of a ${what}`;
    return new RuleFault(word, `only ${other} has the ${what} ${text}`, expected, 'invalid', tool);
  }
  return unknownName(word, what, text, [...others, ...extensions[family]], `the name of a ${what}`, tool);
}
