/**
 * `npm run test:trace -- --seed S --count N`: random hosts, rules and packets. What is told of each packet (its
 * verdict, the rules that it met, its translation, what would change it) is compared with the kernel of this machine:
 * by the counters of its rules before and after each packet, and by what comes out. Root only.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { loadLibc } from '../libc.js';
import { Prng } from '../prng.js';
import { PROFILES } from '../profiles.js';
import { compareTraced, type TraceTally } from './compare.js';

const USAGE = `usage: npm run test:trace -- [options]
  --seed S      seed of the seeds of the cases (default: random); a difference names that of its case
  --count N     how many packets at least (default: 500)
  --case SEED   only this case (with --profile)
  --profile P   only cases of this profile`;

/** Those without real time, and without what changes meanwhile. */
const NAMES = ['docker', 'rules', 'nat', 'mixed', 'icmp', 'policy', 'wild', 'protocols'];
const PACKETS_PER_CASE = 60;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    count: { type: 'string', default: '500' },
    case: { type: 'string' },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

function run(): number {
  const libc = loadLibc();
  const seeds = new Prng(Number(values.seed));
  const names = values.profile === undefined ? NAMES : [values.profile];
  const tally: TraceTally = {
    ...{ packets: 0, translated: 0, changes: 0, same: 0, different: 0, leftOut: 0 },
    verdicts: new Map(),
  };
  console.log(`seed ${values.seed}, ${values.count} packets`);
  for (let n = 0; tally.packets < Number(values.count) && (values.case === undefined || n === 0); n++) {
    const seed = values.case === undefined ? seeds.word() : Number(values.case);
    const profile = names[n % names.length];
    compareTraced(libc, seed, PROFILES[profile], PACKETS_PER_CASE, tally, (difference) => {
      console.log(`npm run test:trace -- --profile ${profile} --case ${seed}\n  ${difference}`);
    });
  }
  const verdicts = [...tally.verdicts].sort(([, a], [, b]) => b - a).map(([verdict, count]) => `${count} ${verdict}`);
  console.log(`${tally.packets} packets: ${verdicts.join(', ')}; ${tally.translated} translated`);
  console.log(`${tally.changes} changes of verdicts tried; ${tally.leftOut} cases left out`);
  console.log(`${tally.same} passed, ${tally.different} failed`);
  return tally.different > 0 ? 1 : 0;
}

if (values.help) console.log(USAGE);
else process.exitCode = run();
