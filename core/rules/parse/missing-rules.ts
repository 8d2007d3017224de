/** What iptables writes into its output where it does not show all rules that the host has. */

/**
 * nft-shared.c and xtables-save.c in iptables 1.8: a table of nft that iptables cannot show, one with base chains
 * that it cannot show, and rules of the other kind of iptables.
 */
const NOTE =
  /[Tt]able `(.*)' (is|contains) incompatible|^# Warning: ip6?tables-legacy tables present, use (ip6?tables-legacy)/;

/** Says which rules are missing, if LINE is such a note; else undefined. */
export function missingRules(line: string): string | undefined {
  const found = NOTE.exec(line);
  if (found === null) return undefined;
  const [, table, verb, legacy] = found;
  if (legacy !== undefined) {
    return `${MISSING}: the host also has rules of ${legacy}, which the kernel follows too (see ${legacy}-save)`;
  }
  const what = verb === 'is' ? `the table ${table}` : `some chains of the table ${table}`;
  return `${MISSING}: iptables cannot show ${what} of the host (see nft list table ip ${table})`;
}

const MISSING = 'not all rules are here';
