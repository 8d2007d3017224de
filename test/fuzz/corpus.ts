/** What the fuzzer starts from: hosts, rulesets and captures of the golden and recorded cases, and those of others. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ARCHIVE_SUFFIX, unpackCases } from '../recorded/case-archive.js';

/** One host with its rules and what arrives on its interfaces. */
export interface Seed {
  host: string;
  rules: Uint8Array;
  /** Captures by interface. */
  inputs: readonly { iface: string; bytes: Uint8Array }[];
}

export interface Corpus {
  seeds: readonly Seed[];
  /** Captures by themselves, of which no host is known. */
  captures: readonly Uint8Array[];
  /** All words of all rulesets. */
  words: readonly string[];
}

/** Reads what is below TESTS, the folder `test` of the sources. */
export function readCorpus(tests: string): Corpus {
  const golden = ['golden/regressions', 'golden/protocols', '../pcaps'].flatMap((group) =>
    foldersIn(join(tests, group)).flatMap(goldenSeed),
  );
  const recorded = filesIn(join(tests, 'recorded'), ARCHIVE_SUFFIX).flatMap((path) =>
    unpackCases(readFileSync(path)).map(({ files }): Seed => {
      const inputs = [...files].filter(([name]) => name.startsWith('in/'));
      return {
        host: Buffer.from(files.get('host.json')!).toString(),
        rules: files.get('rules.v4')!,
        inputs: inputs.map(([name, bytes]) => ({ iface: basename(name, '.pcap'), bytes })),
      };
    }),
  );
  const seeds = [...golden, ...recorded];
  const others = filesIn(join(tests, 'rulesets'), '.save').map((path) => readFileSync(path));
  const texts = [...others, ...seeds.map(({ rules }) => rules)].map((bytes) => Buffer.from(bytes).toString('latin1'));
  const captures = [...filesIn(join(tests, 'captures'), '.pcap'), ...filesIn(join(tests, 'captures'), '.pcapng')];
  return {
    seeds: [...seeds, ...others.map((rules) => ({ ...seeds[0], rules }))],
    captures: captures.map((path) => readFileSync(path)),
    words: [...new Set(texts.flatMap((text) => text.split(/\s+/)))].filter((word) => word !== ''),
  };
}

function goldenSeed(dir: string): Seed[] {
  if (!existsSync(join(dir, 'host.json')) || !existsSync(join(dir, 'in'))) return [];
  return [
    {
      host: readFileSync(join(dir, 'host.json'), 'utf8'),
      rules: readFileSync(join(dir, 'rules.v4')),
      inputs: readdirSync(join(dir, 'in'))
        .sort()
        .map((name) => ({ iface: name.replace(/\.pcap(ng)?$/, ''), bytes: readFileSync(join(dir, 'in', name)) })),
    },
  ];
}

function foldersIn(dir: string): string[] {
  const entries = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return entries.map(({ name }) => join(dir, name)).sort();
}

function filesIn(dir: string, suffix: string): string[] {
  const names = readdirSync(dir).filter((name) => name.endsWith(suffix));
  return names.sort().map((name) => join(dir, name));
}
