/** What Windows puts around text: a byte order mark, and CR LF at the ends of lines. */
import type { RulesetWarning } from '../model.js';

const BYTE_ORDER_MARK = '\ufeff';

/**
 * TEXT without a byte order mark and, if all its lines end in CR LF, without the CRs; and a warning about each, as
 * iptables-restore accepts neither. Lines and columns stay the same but for the first column.
 */
export function unwrapped(text: string): { text: string; warnings: RulesetWarning[] } {
  const warnings: RulesetWarning[] = [];
  const hasMark = text.startsWith(BYTE_ORDER_MARK);
  let plain = hasMark ? text.slice(1) : text;
  if (hasMark) warnings.push(warning('starts with a byte order mark', "sed -i '1s/^\\xef\\xbb\\xbf//'"));
  if (plain.includes('\r\n') && !/(?:^|[^\r])\n/.test(plain)) {
    plain = plain.replaceAll('\r\n', '\n');
    warnings.push(warning('has lines that end in CR LF', "sed -i 's/\\r$//'"));
  }
  return { text: plain, warnings };
}

function warning(what: string, remedy: string): RulesetWarning {
  return { line: 1, column: 1, message: `the file ${what}, which iptables-restore does not accept: ${remedy}` };
}
