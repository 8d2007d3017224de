/** README's table of matches and targets is true: it has each of them once, where its descriptor says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MATCHES } from '../../core/matches/index.js';
import type { Extension } from '../../core/rules/extension.js';
import { TARGETS } from '../../core/targets/index.js';

const Coverage = suite('README: matches and targets');

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(PROJECT, path), 'utf8');
const section = read('README.md').split('### Matches and targets')[1].split('\n## ')[0];
/** The cells of the rows of all tables in TEXT. */
const rowsOf = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );

const rows = rowsOf(section);
const KINDS = ['followed', 'by facts', 'in part', 'parsed only', 'ip6tables only, parsed only'] as const;
const placed = KINDS.map((kind) => {
  const row = rows.find(([head]) => head === kind);
  if (row === undefined) throw new Error(`README has no row "${kind}"`);
  return { kind, names: [row[1].split(' '), row[2].split(' ')] };
});

/** The kinds that an extension may have, by what its descriptor says. */
function kindsOf({ unsupported, families }: Extension<unknown>): readonly string[] {
  if (unsupported === undefined) return ['followed', 'by facts'];
  // Without a look at the parameters, it is unsupported whatever they are.
  if (unsupported.length > 0) return ['in part'];
  return families?.includes('ipv4') === false ? ['ip6tables only, parsed only'] : ['parsed only'];
}

for (const [side, what, extensions] of [
  [0, 'match', MATCHES],
  [1, 'target', TARGETS],
] as const) {
  Coverage(`each ${what} stands where its descriptor says`, () => {
    for (const [name, extension] of extensions) {
      const kinds = placed.filter(({ names }) => names[side].includes(name)).map(({ kind }) => kind);
      assert.is(kinds.length, 1, `${name} stands in ${kinds.length} rows`);
      assert.ok(kindsOf(extension).includes(kinds[0]), `${name} belongs to: ${kindsOf(extension).join(' or ')}`);
    }
    const listed = placed.flatMap(({ names }) => names[side]).filter((name) => name !== '');
    for (const name of listed) assert.ok(extensions.has(name), `there is no ${what} ${name}`);
  });
}

Coverage('what the parsed ones need is what an error says', () => {
  for (const [name, { unsupported, families }] of [...MATCHES, ...TARGETS]) {
    if (unsupported === undefined || unsupported.length > 0 || families?.includes('ipv4') === false) continue;
    const needs = unsupported(undefined);
    const row = rows.find(([, text]) => text === needs);
    assert.ok(row?.[0].split(' ').includes(name), `no row: ${name} needs ${needs}`);
  }
});

Coverage('what asks for facts of host.json stands with them', () => {
  const facts = read('docs/host.md').split('\n## Facts')[1]?.split('\n## ')[0] ?? '';
  const byFacts = placed.find(({ kind }) => kind === 'by facts')!.names.flat();
  const parsed = placed.find(({ kind }) => kind === 'parsed only')!.names.flat();
  const asked = new Set([...facts.matchAll(/`-[mj] (\w+)/g)].map(([, name]) => name));
  assert.ok(asked.size > 3, 'docs/host.md has no section Facts');
  for (const name of asked) assert.ok([...byFacts, ...parsed].includes(name), `${name} asks for facts`);
});

Coverage.run();
