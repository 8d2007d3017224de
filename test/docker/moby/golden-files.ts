/** Golden files of moby, of its unit tests and its documentation, in which each line is stored once. */
import { readFileSync } from 'node:fs';

export type Rules = readonly string[];

interface Stored<T> {
  readonly lines: readonly string[];
  readonly files: Readonly<Record<string, Readonly<Record<string, T>>>>;
}

function read<T>(file: string): Stored<T> {
  return JSON.parse(
    readFileSync(new URL(`../../../../test/docker/moby/${file}`, import.meta.url), 'utf8'),
  ) as Stored<T>;
}

/**
 * By the first release that has them and the options of the case, what the tables raw, filter and nat are, as
 * iptables-save prints them but for COMMIT and the policies, which are ACCEPT.
 */
export function iptablerGoldens(): [release: string, cases: [options: string, rules: Rules][]][] {
  const { lines, files } = read<readonly number[]>('iptabler.json');
  const rulesOf = (indexes: readonly number[]): Rules => indexes.map((i) => lines[i]);
  return Object.entries(files).map(([release, cases]) => [
    release,
    Object.entries(cases).map(([options, indexes]) => [options, rulesOf(indexes)]),
  ]);
}

/** By the first release and the scenario, the tables that the page prints, as `iptables -S` does but for policies. */
export function documentedRules(): [release: string, pages: [scenario: string, tables: Record<string, Rules>][]][] {
  const { lines, files } = read<Readonly<Record<string, readonly number[]>>>('iptablesdoc.json');
  const tablesOf = (tables: Readonly<Record<string, readonly number[]>>): Record<string, Rules> =>
    Object.fromEntries(Object.entries(tables).map(([name, indexes]) => [name, indexes.map((i) => lines[i])]));
  return Object.entries(files).map(([release, pages]) => [
    release,
    Object.entries(pages).map(([scenario, tables]) => [scenario, tablesOf(tables)]),
  ]);
}
