/**
 * `recorded/`: rules of each extension, and how the real iptables -L lists them.
 *
 *     filter -A u -m ttl --ttl-eq 64
 *       -v -n |    0     0            0    --  *      *       0.0.0.0/0            0.0.0.0/0       TTL match TTL == 64
 *
 * First the table and the rules as iptables-save prints them, a line each; then their rows, as listed with these flags.
 * `nft -v -n`: by iptables-nft, where that prints something else. `ip6 ` before the table: by ip6tables. What the
 * kernels at hand cannot load (ipvs, nfacct) is written by hand.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Family } from '../../../codecs/address.js';
import { HOOK_NAMES, TABLE_HOOKS, type TableName } from '../../../core/hooks.js';

export interface RecordedListing {
  readonly family: Family;
  readonly table: TableName;
  /** `-A …` as iptables-save prints them. */
  readonly rules: readonly string[];
  /** The rows, by what iptables -L was called with. */
  readonly rows: ReadonlyMap<string, readonly string[]>;
}

/** Compiled tests run from dist/, where there are no text files. */
export const RECORDED = fileURLToPath(new URL('recorded/', import.meta.url.replace('/dist/test/', '/test/')));

/** The files of `recorded/`, relative to it. */
export function recordedFiles(): string[] {
  return readdirSync(RECORDED, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.txt'))
    .sort();
}

export function readRecorded(file: string): RecordedListing[] {
  const blocks = readFileSync(RECORDED + file, 'utf8').split(/\n(?=\S)/);
  const listings: { family: Family; table: TableName; rules: string[]; rows: Map<string, string[]> }[] = [];
  for (const block of blocks) {
    const [head, ...lines] = block.trimEnd().split('\n');
    const [, ip6, table, first] = /^(ip6 )?(\S+) (.*)$/s.exec(head)!;
    const rules = [first];
    const rows = new Map<string, string[]>();
    for (const line of lines) {
      const [, flags, row] = /^ {2}([^|]*?) \|(.*)$/s.exec(line) ?? [];
      if (flags === undefined) rules.push(line.trim());
      else rows.set(flags, [...(rows.get(flags) ?? []), row]);
    }
    listings.push({ family: ip6 === undefined ? 'ipv4' : 'ipv6', table: table as TableName, rules, rows });
  }
  return listings;
}

export function formatRecorded({ family, table, rules, rows }: RecordedListing): string {
  const lines = [
    `${family === 'ipv6' ? 'ip6 ' : ''}${table} ${rules[0]}`,
    ...rules.slice(1).map((rule) => `  ${rule}`),
  ];
  for (const [flags, texts] of rows) for (const text of texts) lines.push(`  ${flags} |${text}`);
  return lines.join('\n');
}

/** A listing with -v of TABLE with ROWS, of which each belongs to a rule of RULES. */
export function listingOf({ table, rules }: RecordedListing, rows: readonly string[]): string {
  const chains = [...TABLE_HOOKS[table].map((hook): string => HOOK_NAMES[hook]), 'u', 'w'];
  return chains
    .map((chain) => {
      const kind = chain.length === 1 ? '0 references' : 'policy ACCEPT 0 packets, 0 bytes';
      const own = rows.filter((_, i) => rules[i].startsWith(`-A ${chain} `) || rules[i] === `-A ${chain}`);
      return [`Chain ${chain} (${kind})`, COLUMNS, ...own, '\n'].join('\n');
    })
    .join('');
}

const COLUMNS = ' pkts bytes target     prot opt in     out     source               destination         ';
