/**
 * `npm run test:ipset -- --seed S --count N`: random commands and files, through the ipset of this machine in a network
 * namespace of its own, and here. Exit codes, messages, listings and the sets that result must be the same. Needs root.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { formatStep } from '../../ipset/steps.js';
import { loadLibc } from '../libc.js';
import { compareIpset, formatIpsetTally, stepsOf } from './compare.js';

const USAGE = `usage: npm run test:ipset -- [options]
  --seed S    seed for the seeds of the cases (default: random)
  --count N   how many commands (default: 3000)
  --most N    stop after N differences (default: 20)
  --show SEED only show the steps of the case with this seed`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(randomInt(2 ** 32)) },
    count: { type: 'string', default: '3000' },
    most: { type: 'string', default: '20' },
    show: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(USAGE);
else if (values.show !== undefined) {
  for (const step of stepsOf(loadLibc(), Number(values.show))) console.log(formatStep(step));
} else {
  const options = { seed: Number(values.seed), count: Number(values.count), most: Number(values.most) };
  console.log(`seed ${options.seed}, ${options.count} commands`);
  const tally = compareIpset(loadLibc(), options, (caseSeed, text) => console.log(`case ${caseSeed}:\n  ${text}`));
  console.log(formatIpsetTally(tally));
  process.exitCode = tally.different > 0 ? 1 : 0;
}
