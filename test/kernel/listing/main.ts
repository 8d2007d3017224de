/**
 * `npm run test:listings -- --seed S --count N`: rulesets listed by the iptables of this machine in both backends, read
 * here, and listed again. Needs root.
 */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Family } from '../../../codecs/address.js';
import { decodeText } from '../../../codecs/text.js';
import { loadLibc } from '../libc.js';
import { compareListings, formatListingTally } from './many.js';
import { randomRuleset } from './rulesets.js';

const USAGE = `usage: npm run test:listings -- [options] [FILE…]
  --seed S    seed for the seeds of the rulesets (default: random)
  --count N   how many rulesets (default: 1000)
  --most N    stop after N differences (default: 20)
  --show SEED only show the ruleset of this seed
  --family F  with --show: ipv4 (default) or ipv6
  FILE…       rulesets for iptables-restore, instead of random ones`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: String(randomInt(2 ** 32)) },
    count: { type: 'string', default: '1000' },
    most: { type: 'string', default: '20' },
    show: { type: 'string' },
    family: { type: 'string', default: 'ipv4' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(USAGE);
else if (values.show !== undefined) console.log(randomRuleset(Number(values.show), values.family as Family));
else {
  const files = positionals.map((path) => ({ name: path, text: decodeText(readFileSync(path)) }));
  const options = { seed: Number(values.seed), count: Number(values.count), most: Number(values.most), files };
  console.log(`seed ${options.seed}, ${files.length > 0 ? files.length : options.count} rulesets`);
  const tally = compareListings(loadLibc(), options, (how, flags, difference) => {
    console.log(`${how} (${flags})\n  ${difference}`);
  });
  console.log(formatListingTally(tally));
  process.exitCode = tally.different > 0 ? 1 : 0;
}
