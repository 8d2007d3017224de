/** Parses iptables-save text into a `Ruleset` (like iptables-restore, including the kernel's checks). */
import type { Ruleset } from '../model.js';
import { RuleFault, RulesetError } from './error.js';
import { type ParseOptions, RulesetReader } from './ruleset-reader.js';

/**
 * Parses TEXT, the content of FILE_NAME. Throws a RulesetError at the first error, or with all that is not supported if
 * there is no other.
 */
export function parseRuleset(text: string, fileName: string, options: ParseOptions = {}): Ruleset {
  const reader = new RulesetReader(text, fileName, options);
  try {
    reader.readAll();
    return reader.finish();
  } catch (error) {
    throw error instanceof RuleFault ? new RulesetError(fileName, error) : error;
  }
}
