/**
 * `npm run test:kernel -- --seed S --count N [--profile P]`: runs random cases through the kernel of this machine and
 * through the emulator, which must agree in every byte, counter and connection. Needs root.
 */
import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import type { Backend } from '../../core/rules/model.js';
import { compareCommands, formatCommandsTally } from './commands/compare.js';
import { ExtensionCoverage } from './extensions/coverage.js';
import { compareFilters, formatFilterTally } from './filter/compare.js';
import { JUDGE, loadLibpcap } from './filter/libpcap.js';
import { compareIpset, formatIpsetTally } from './ipset/compare.js';
import { type Disagreement, judge } from './judge.js';
import { compareFiles, formatTally } from './language/compare.js';
import { type Libc, loadLibc } from './libc.js';
import { compareListings, formatListingTally } from './listing/many.js';
import { agreesWithItself, type LiveCase, type PlayOptions, playCase } from './live-case.js';
import { Prng } from './prng.js';
import { PROFILES } from './profiles.js';
import { RefusedHost } from './router-setup.js';
import { runSamples } from './samples.js';
import { compareSets, formatSetTally } from './sets/compare.js';
import { shrink } from './shrink.js';

const USAGE = `usage: npm run test:kernel -- [options]
  --seed S      seed for the seeds of the cases (default: random)
  --count N     how many cases to run (default: 300)
  --profile P   one of ${Object.keys(PROFILES).join(', ')} (default: all in turn)
  --only NAMES  of the extensions in test/kernel/extensions, only these: recent,TCPMSS (with --profile extensions)
  --backend B   legacy or nft, for cases with changes (default: either, by the seed)
  --case SEED   run only this case (with --profile)
  --packets N   maximum number of packets in a case (default: 120)
  --keep DIR    where to keep failing cases, reduced
  --no-shrink   do not reduce failing cases
  --no-samples  leave out the captures of test/captures`;

interface Tally {
  passed: number;
  failed: number;
  /** The kernel did not agree with itself. */
  leftOut: number;
  /** Cases in which no packet could be injected, or whose host the kernel refuses. */
  empty: number;
  packets: number;
}

const BACKENDS: readonly Backend[] = ['legacy', 'nft'];

/** Files of rules for each case, and how many of them may differ before the rest is left out. */
const FILES_PER_CASE = 2;
const MOST_FILES = 5;
/** Commands of iptables for each case, with each backend. */
const COMMANDS_PER_CASE = 1;
/** Filters in tcpdump's language for each case. */
const FILTERS_PER_CASE = 10;
/** How many cases there are for each random set of ipset. */
const CASES_PER_SET = 5;
/** Commands of ipset for each case. */
const IPSET_COMMANDS_PER_CASE = 5;
/** The profiles with real time run less often. */
const SLOW_PROFILES = ['time', 'ticks'];
const SLOW_EVERY = 50;
/** The maximum number of packets in its cases. */
const SLOW_PACKETS = 60;
/** Cases for each ruleset that is listed. */
const CASES_PER_LISTING = 5;
/** How often the kernel must agree with itself before a disagreement of the emulator counts. */
const DOUBTFUL_RUNS = 8;
/** From so many cases on, each extension must have had packets that matched and packets that missed. */
const FULL_COUNT = 1000;
const SHRINK_MS = 25_000;
/** Failures beyond this many are counted but not shrunk. */
const SHRINK_FAILURES = 5;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      count: { type: 'string', default: '300' },
      profile: { type: 'string' },
      only: { type: 'string' },
      backend: { type: 'string' },
      case: { type: 'string' },
      packets: { type: 'string', default: '120' },
      keep: { type: 'string', default: join(tmpdir(), 'nfreplay-kernel') },
      'no-shrink': { type: 'boolean', default: false },
      'no-samples': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const isKnown = values.profile === undefined || PROFILES[values.profile] !== undefined;
  const backend = BACKENDS.find((name) => name === values.backend);
  if (values.help || !isKnown || (values.backend !== undefined && backend === undefined)) {
    console.error(USAGE);
    return values.help ? 0 : 2;
  }
  const seed = values.seed === undefined ? randomInt(2 ** 32) : Number(values.seed);
  const names =
    values.profile === undefined
      ? Object.keys(PROFILES).filter((name) => !SLOW_PROFILES.includes(name))
      : [values.profile];
  const seeds = new Prng(seed);
  const count = values.case === undefined ? Number(values.count) : 1;
  console.log(`seed ${seed}, ${count} cases, profiles ${names.join(' ')}`);

  const only = values.only === undefined ? undefined : new Set(values.only.split(','));
  const coverage = new ExtensionCoverage();
  const tally: Tally = { passed: 0, failed: 0, leftOut: 0, empty: 0, packets: 0 };
  const packets = Number(values.packets);
  const libc = loadLibc();
  const startedMs = performance.now();
  if (values.case === undefined && !values['no-samples']) await samples(libc, values.keep, tally);
  if (values.case === undefined && values.profile === undefined) {
    listings(libc, seed, Math.ceil(count / CASES_PER_LISTING), tally);
    files(libc, seed, count * FILES_PER_CASE, tally);
    for (const backend of ['legacy', 'nft'] as const) commands(libc, backend, seed, count * COMMANDS_PER_CASE, tally);
    filters(seed, count * FILTERS_PER_CASE, tally);
    sets(seed, Math.ceil(count / CASES_PER_SET), tally);
    setCommands(libc, seed, count * IPSET_COMMANDS_PER_CASE, tally);
  }
  for (let n = 0; n < count; n++) {
    const caseSeed = values.case === undefined ? seeds.word() : Number(values.case);
    const isSlow = values.profile === undefined && n % SLOW_EVERY === SLOW_EVERY - 1;
    const profile = isSlow ? SLOW_PROFILES[Math.floor(n / SLOW_EVERY) % SLOW_PROFILES.length] : names[n % names.length];
    const dir = join(values.keep, `${profile}-${caseSeed}`);
    const how = `--profile ${profile} --case ${caseSeed}`;
    const played = playNamed(libc, how, tally, {
      seed: caseSeed,
      profile: PROFILES[profile],
      packets: SLOW_PROFILES.includes(profile) ? Math.min(SLOW_PACKETS, packets) : packets,
      ...(only === undefined ? {} : { only }),
      ...(backend === undefined ? {} : { backend }),
      dir,
    });
    if (played === undefined) continue;
    const disagreement = await settle(libc, played, tally, coverage);
    if (disagreement === null) {
      if (values.case === undefined) rmSync(dir, { recursive: true, force: true });
    } else {
      const isShrunk = !values['no-shrink'] && tally.failed <= SHRINK_FAILURES;
      await report(libc, played, disagreement, how, isShrunk);
    }
    progress(n + 1, count, tally);
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const { lines, unreached } = coverage.report(only);
  for (const line of lines) console.log(line);
  // A few cases cannot reach everything.
  if (count >= FULL_COUNT && names.includes('extensions')) {
    for (const name of unreached) console.log(`FAILED: no packet matched and missed ${name}`);
    tally.failed += unreached.length;
  }
  console.log(`${tally.packets} packets in ${seconds} s; left out: ${tally.leftOut} random, ${tally.empty} empty`);
  console.log(`${tally.passed} passed, ${tally.failed} failed`);
  return tally.failed > 0 ? 1 : 0;
}

/** Compares what COUNT filters choose with the libpcap of this machine (`npm run test:filters` does it for longer). */
function filters(seed: number, count: number, tally: Tally): void {
  const libpcap = loadLibpcap();
  if (libpcap?.version !== JUDGE) {
    console.log(`filters: left out, this needs libpcap ${JUDGE}; here is ${libpcap?.version ?? 'none'}`);
    return;
  }
  const compared = compareFilters(libpcap, { seed, count }, (batchSeed, linktypeName, filter, difference) => {
    console.log(
      `npm run test:filters -- --seed ${batchSeed} --link ${linktypeName} --count 1\n  ${filter}\n  ${difference}`,
    );
  });
  console.log(formatFilterTally(compared));
  tally.passed += compared.same + compared.refused;
  tally.failed += compared.different;
}

/** Compares COUNT random sets with the ipset of this machine (`npm run test:sets` does it for longer). */
function sets(seed: number, count: number, tally: Tally): void {
  const compared = compareSets({ seed, count }, (setSeed, type, difference) => {
    console.log(`npm run test:sets -- --seed ${setSeed} --count 1\n  ${type} ${difference}`);
  });
  console.log(formatSetTally(compared));
  tally.passed += compared.same;
  tally.failed += compared.different;
}

/** Compares COUNT commands with the ipset of this machine (`npm run test:ipset` does it for longer). */
function setCommands(libc: Libc, seed: number, count: number, tally: Tally): void {
  const compared = compareIpset(libc, { seed, count, most: MOST_FILES }, (caseSeed, text) => {
    console.log(`npm run test:ipset -- --show ${caseSeed}\n  ${text}`);
  });
  console.log(formatIpsetTally(compared));
  tally.passed += compared.commands - compared.different;
  tally.failed += compared.different;
}

/** Compares COUNT files of rules with the iptables of this machine (`npm run test:language` does it for longer). */
function files(libc: Libc, seed: number, count: number, tally: Tally): void {
  const compared = compareFiles(
    libc,
    { seed, count, most: MOST_FILES, families: ['ipv4', 'ipv6'] },
    (fileSeed, family, text, difference) => {
      console.log(
        `npm run test:language -- --show ${fileSeed} --family ${family}\n  ${JSON.stringify(text)}\n  ${difference}`,
      );
    },
  );
  console.log(formatTally(compared));
  tally.passed += compared.saved + compared.refused;
  tally.failed += compared.different;
}

/** Compares COUNT commands with those of the iptables of this machine (`npm run test:commands` does it for longer). */
function commands(libc: Libc, backend: Backend, seed: number, count: number, tally: Tally): void {
  const compared = compareCommands(
    libc,
    { seed, count, most: MOST_FILES, backend, family: 'ipv4' },
    (session, given, difference) => {
      const last = given.at(-1) ?? [];
      console.log(
        `npm run test:commands -- --session ${session} --backend ${backend}\n  iptables ${JSON.stringify(last)}`,
      );
      console.log(`  ${difference}`);
    },
  );
  console.log(`iptables-${backend}: ${formatCommandsTally(compared)}`);
  tally.passed += compared.done + compared.failed;
  tally.failed += compared.different;
}

/** Runs a case; an error names the case. Undefined: the kernel refuses its host. */
function playNamed(libc: Libc, how: string, tally: Tally, options: PlayOptions): LiveCase | undefined {
  try {
    return playCase(libc, options);
  } catch (error) {
    if (error instanceof RefusedHost) {
      tally.empty++;
      return undefined;
    }
    throw new Error(`${how}: ${(error as Error).message}`, { cause: error });
  }
}

/** Replays captures of other projects through a host with MASQUERADE. */
async function samples(libc: Libc, keep: string, tally: Tally): Promise<void> {
  for await (const { file, dir, outcomes, isRandom, disagreement } of runSamples(libc, join(keep, 'samples'))) {
    for (const packets of outcomes.values()) tally.packets += packets;
    if (isRandom) tally.leftOut++;
    else if (disagreement === null) tally.passed++;
    else {
      tally.failed++;
      console.log(`\nFAILED ${file} (${disagreement.engine}, ${disagreement.count} differences)`);
      console.log(`${disagreement.lines.join('\n')}\nkept in ${dir}`);
    }
  }
}

/** Judges a case and counts it; returns how it fails, or null. */
async function settle(
  libc: Libc,
  played: LiveCase,
  tally: Tally,
  coverage: ExtensionCoverage,
): Promise<Disagreement | null> {
  tally.packets += played.packets;
  if (played.inputs.length === 0) {
    tally.empty++;
    return null;
  }
  if (!agreesWithItself(libc, played)) {
    tally.leftOut++;
    return null;
  }
  const disagreement = await judge(played, EMULATOR_ENGINES, coverage.observe);
  if (disagreement === null) {
    tally.passed++;
    return null;
  }
  // If the kernel chooses from few values (a short port range), two runs may be the same by chance.
  for (let run = 0; run < DOUBTFUL_RUNS; run++) {
    if (agreesWithItself(libc, played)) continue;
    tally.leftOut++;
    return null;
  }
  tally.failed++;
  return disagreement;
}

async function report(
  libc: Libc,
  played: LiveCase,
  found: Disagreement,
  how: string,
  isShrunk: boolean,
): Promise<void> {
  console.log(`\nFAILED ${how} (${found.engine}, ${found.count} differences)`);
  if (!isShrunk) {
    console.log(`${found.lines.join('\n')}\nkept in ${played.dir}`);
    return;
  }
  const { folder, disagreement, packets, rules, changes } = await shrink(
    libc,
    played,
    found,
    `${played.dir}-shrunk`,
    SHRINK_MS,
  );
  console.log(disagreement.lines.join('\n'));
  console.log(`kept in ${folder.dir}: ${packets} packets, ${rules} rules, ${changes} changes`);
}

/** Lists COUNT rulesets with the iptables of this machine (`npm run test:listings` does it for longer). */
function listings(libc: Libc, seed: number, count: number, tally: Tally): void {
  const compared = compareListings(libc, { seed, count, most: MOST_FILES }, (how, flags, difference) => {
    console.log(`npm run test:listings -- ${how} (${flags})\n  ${difference}`);
  });
  console.log(formatListingTally(compared));
  tally.passed += compared.same + compared.said;
  tally.failed += compared.different;
}

/** Prints a line occasionally, so that a log shows progress. */
function progress(done: number, count: number, { failed }: Tally): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${done}/${count} ${failed} failed `);
  else if (done % 50 === 0) console.log(`${done}/${count}, ${failed} failed`);
}

process.exitCode = await main();
