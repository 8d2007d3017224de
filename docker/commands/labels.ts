/** `NAME=VALUE` words, as --label and --opt take them. */
import type { Word } from '../../codecs/iptables-save.js';

/** What WORDS say; one without `=` has an empty value. */
export function labelsOf(words: readonly Word[]): Record<string, string> {
  return Object.fromEntries(
    words.map(({ text }): [string, string] => {
      const at = text.indexOf('=');
      return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
