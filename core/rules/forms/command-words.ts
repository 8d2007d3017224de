/** How a command of iptables is called in a shell: behind sudo, with a path, under the name of its backend. */
import type { Family } from '../../../codecs/address.js';
import type { Backend } from '../model.js';

export interface IptablesName {
  readonly family: Family;
  /** Undefined for a name that is that of either. */
  readonly backend: Backend | undefined;
  /** It is iptables-save. */
  readonly isSave: boolean;
}

const IPTABLES = /^(ip6?)tables(?:-(legacy|nft))?(-save)?$/;

/** What TEXT, the first word of a command, calls; undefined if that is not iptables. */
export function iptablesName(text: string): IptablesName | undefined {
  const found = text.includes('=') ? null : IPTABLES.exec(baseName(text));
  if (found === null) return undefined;
  const [, family, backend, save] = found;
  return { family: family === 'ip6' ? 'ipv6' : 'ipv4', backend: backend as Backend, isSave: save !== undefined };
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Options of sudo that run the command as it is. */
const SUDO_OPTION = /^(?:-[AEHknPS]+|--(?:askpass|non-interactive|preserve-env(?:=.*)?|set-home|stdin)?)$/;

/** WORDS without the sudo before them and those of its options that change nothing about the command. */
export function withoutSudo<Part>(words: readonly Part[], textOf: (word: Part) => string): readonly Part[] {
  if (words.length === 0 || textOf(words[0]) !== 'sudo') return words;
  const at = words.findIndex((word, i) => i > 0 && !SUDO_OPTION.test(textOf(word)));
  return at < 0 ? [] : words.slice(at);
}

/** The words of LINE, as typed, without sudo. Only blanks separate them. */
export function typedWords(line: string): readonly string[] {
  return withoutSudo(line.match(/\S+/g) ?? [], (word) => word);
}
