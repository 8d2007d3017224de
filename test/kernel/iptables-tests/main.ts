/**
 * `npm run test:extensions -- [PART OF A FILE'S NAME…]`: the tests of iptables' own extensions, through the
 * iptables-legacy and ip6tables-legacy of this machine and through us: what they refuse we refuse, what they save we
 * save in the same words. What iptables' authors expected does not matter. Needs root and, without --source, Debian.
 */
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { differenceOf, ourAnswer } from '../../rules/our-answer.js';
import { run } from '../command.js';
import { RealIptables } from '../language/real-iptables.js';
import { loadLibc } from '../libc.js';
import { Namespace } from '../namespace.js';
import { type ExtensionCase, extensionFile, readExtensionCases } from './cases.js';
import { fetchIptablesSource } from './source.js';

const USAGE = `usage: npm run test:extensions -- [options] [PART OF A FILE'S NAME…]
  --source DIR  the folder "extensions" of iptables' source; left out, it is downloaded, and removed at the end
  --all         also list the rules that are unsupported here`;

/** What many kernels lack: of rules with them, the real tool only says whether it can parse them. */
const OFTEN_MISSING = /-[jm] (?:CLUSTERIP|LED|ULOG|ipvs)\b/;
/** Of rules that name what does not exist here, the real tool's refusal says nothing. */
const MUST_EXIST = /--(?:add-set|match-set|nfacct-name|selctx)\b/;

interface Tally {
  alike: number;
  /** They name what does not exist here. */
  unknown: number;
  unsupported: number;
  different: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    source: { type: 'string' },
    all: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(USAGE);
else if (values.source !== undefined) compareAll(values.source);
else {
  const { folder, extensions } = fetchIptablesSource();
  try {
    compareAll(extensions);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function compareAll(folder: string): void {
  const cases = readExtensionCases(folder, positionals);
  const tallies = new Map<string, Tally>();
  const namespace = Namespace.create(loadLibc());
  namespace.run(() => {
    const real = { ipv4: new RealIptables('ipv4'), ipv6: new RealIptables('ipv6') };
    for (const one of cases) {
      for (const command of one.commands) run('sh', ['-c', command], '', true);
      const tally = tallies.get(one.file) ?? { alike: 0, unknown: 0, unsupported: 0, different: 0 };
      tallies.set(one.file, tally);
      tally[compare(one, real[one.family])]++;
    }
  });
  namespace.close();
  report(tallies);
}

/** Compares the answers, for each chain on its own if they differ for all together, and prints differences. */
function compare(one: ExtensionCase, real: RealIptables): keyof Tally {
  let outcome = compareIn(one, one.chains, real);
  if (outcome !== 'different' || one.chains.length === 1) {
    print(one, one.chains, outcome, real);
    return outcome;
  }
  for (const chain of one.chains) {
    outcome = compareIn(one, [chain], real);
    if (outcome !== 'different') continue;
    print(one, [chain], outcome, real);
    break;
  }
  return 'different';
}

function compareIn(one: ExtensionCase, chains: readonly string[], real: RealIptables): keyof Tally {
  const text = extensionFile(one, chains);
  const ours = ourAnswer(text, one.family);
  if (ours.kind === 'unsupported') return 'unsupported';
  if (ours.kind === 'saved' && OFTEN_MISSING.test(one.rule) && real.accepts(text)) return 'alike';
  const answer = real.answer(text);
  if (ours.kind === 'saved' && answer === undefined && MUST_EXIST.test(one.rule)) return 'unknown';
  return differenceOf(ours, answer) === undefined ? 'alike' : 'different';
}

function print(one: ExtensionCase, chains: readonly string[], outcome: keyof Tally, real: RealIptables): void {
  if (outcome === 'alike' || outcome === 'unknown' || (outcome === 'unsupported' && !values.all)) return;
  const text = extensionFile(one, chains);
  const ours = ourAnswer(text, one.family);
  const what = outcome === 'different' ? differenceOf(ours, real.answer(text)) : 'message' in ours && ours.message;
  console.log(`${one.file}.t:${one.line} ${one.family} ${one.table} -A ${chains.join(',')} ${one.rule}\n  ${what}`);
}

function report(tallies: ReadonlyMap<string, Tally>): void {
  const total: Tally = { alike: 0, unknown: 0, unsupported: 0, different: 0 };
  for (const [file, tally] of tallies) {
    for (const kind of ['alike', 'unknown', 'unsupported', 'different'] as const) total[kind] += tally[kind];
    if (tally.unknown + tally.unsupported + tally.different > 0) console.log(`${file}: ${formatTally(tally)}`);
  }
  console.log(`all: ${formatTally(total)}`);
  process.exitCode = total.different > 0 ? 1 : 0;
}

function formatTally({ alike, unknown, unsupported, different }: Tally): string {
  const unasked = `${unknown} about what does not exist, ${unsupported} unsupported here`;
  return `${alike} rules alike, ${unasked}, ${different} different`;
}
