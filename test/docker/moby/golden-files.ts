/** Golden files of moby, of its unit tests and its documentation: a digest of each, and the rules of some. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';

type Rules = readonly string[];
type ByName<T> = Readonly<Record<string, T>>;

/** What a table, or several, are. */
export interface Golden {
  readonly digest: string;
  /** Undefined: only their digest is known. */
  readonly rules: Rules | undefined;
}

interface Stored<D, R> {
  readonly digests: ByName<ByName<D>>;
  readonly rules: ByName<ByName<R> | undefined>;
}

function read<D, R>(file: string): Stored<D, R> {
  const url = new URL(`../../../../test/docker/moby/${file}`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as Stored<D, R>;
}

/** Fails unless RULES, line by line, are those of GOLDEN. */
export function assertGolden(rules: Rules, golden: Golden | undefined, name: string): void {
  if (golden?.rules !== undefined) assert.equal(rules, golden.rules, name);
  assert.is(digestOf(rules), golden?.digest, `${name}: other rules than in the golden file\n${rules.join('\n')}`);
}

function digestOf(rules: Rules): string {
  return createHash('sha256').update(rules.join('\n')).digest('hex').slice(0, 16);
}

/**
 * By the first release that has them and the options of the case, what the tables raw, filter and nat are, as
 * iptables-save prints them but for COMMIT and the policies, which are ACCEPT.
 */
export function iptablerGoldens(): [release: string, cases: [options: string, golden: Golden][]][] {
  const { digests, rules } = read<string, Rules>('iptabler.json');
  return Object.entries(digests).map(([release, cases]) => [
    release,
    Object.entries(cases).map(([options, digest]) => [options, { digest, rules: rules[release]?.[options] }]),
  ]);
}

/** By the first release and the scenario, the tables that the page prints, as `iptables -S` does but for policies. */
export function documentedRules(): [release: string, pages: [scenario: string, tables: [string, Golden][]][]][] {
  const { digests, rules } = read<ByName<string>, ByName<Rules>>('iptablesdoc.json');
  return Object.entries(digests).map(([release, pages]) => [
    release,
    Object.entries(pages).map(([scenario, tables]) => {
      const known = rules[release]?.[scenario];
      return [scenario, Object.entries(tables).map(([table, digest]) => [table, { digest, rules: known?.[table] }])];
    }),
  ]);
}
