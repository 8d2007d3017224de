/**
 * Records how the real iptables -L lists the rules in test/rules/canonical, one of each form: `unshare -n node
 * dist/test/kernel/listing/record.js matches/ttl` (as root, in its own network namespace). Without a part of their
 * names, all files are recorded.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type CanonicalCase, canonicalFile, canonicalFiles, parseCanonical } from '../../rules/canonical.js';
import { formatRecorded, RECORDED, type RecordedListing } from '../../rules/listing/recorded.js';
import { RealTool } from './real-tool.js';

const BACKENDS = ['legacy', 'nft'] as const;
const FLAGS = ['-v -n', '-v'];
const NO_RULE = /^(?:Chain |num| *pkts|target|$)/;

const patterns = process.argv.slice(2);
for (const { name, text } of canonicalFiles()) {
  if (patterns.length > 0 && !patterns.some((pattern) => name.includes(pattern))) continue;
  const forms = new Map<string, RecordedListing>();
  for (const one of parseCanonical(text)) {
    if (!Array.isArray(one.answer) || one.answer.length === 0) continue;
    for (const listing of listingsOf(one)) {
      const form = formOf(listing);
      if (!forms.has(form)) forms.set(form, listing);
    }
  }
  if (forms.size === 0) continue;
  mkdirSync(dirname(RECORDED + name), { recursive: true });
  writeFileSync(RECORDED + name, `${[...forms.values()].map(formatRecorded).join('\n')}\n`);
  console.log(`${name}: ${forms.size} forms`);
}

/** How both backends list a case; two records if they save it differently. */
function listingsOf(one: CanonicalCase): RecordedListing[] {
  const listings: { rules: readonly string[]; rows: Map<string, readonly string[]> }[] = [];
  for (const backend of BACKENDS) {
    const tool = new RealTool(one.family, backend);
    if (tool.load(canonicalFile(one)) !== undefined) continue;
    const rules = tool
      .save()
      .split('\n')
      .filter((line) => line.startsWith('-A'));
    const found = listings.find((listing) => listing.rules.join('\n') === rules.join('\n'));
    const listing = found ?? { rules, rows: new Map() };
    if (found === undefined) listings.push(listing);
    for (const flags of FLAGS) {
      const lines = tool.list(one.table, flags.split(' ')).split('\n');
      // -m bpf prints a NUL behind its instructions.
      const rows = lines.filter((line) => !NO_RULE.test(line)).map((line) => line.replace(/[ \0]+$/, ''));
      if (rows.length !== rules.length) continue;
      if (listing.rows.get(flags)?.join('\n') === rows.join('\n')) continue;
      listing.rows.set(backend === 'legacy' ? flags : `nft ${flags}`, rows);
    }
    tool.load('');
  }
  return listings
    .filter(({ rows }) => rows.size > 0)
    .map((listing) => ({ ...listing, family: one.family, table: one.table as RecordedListing['table'] }));
}

/** Equal for listings that differ in numbers, addresses and chains only. */
function formOf({ rules, rows }: RecordedListing): string {
  const [row] = [...rows.values()].map((texts) => texts.join('\n'));
  const text = row.replace(/[0-9a-f]*:[0-9a-f:]+|0x[0-9a-f]+|\d+/gi, '9').replace(/9([-.:/,]9)+/g, '9');
  return `${rules.map((rule) => rule.split(' ', 2)[0]).join()} ${text}`;
}
