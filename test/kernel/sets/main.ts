/**
 * `npm run test:sets -- --seed S --count N`: random sets of every type with random elements, compared with the ipset
 * and the kernel of this machine. Root only.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { compareSets, formatSetTally } from './compare.js';

const USAGE = `usage: npm run test:sets -- [options]
  --seed S      seed of the first set (default: random); a difference names that of its set
  --count N     how many sets (default: 100)
  --type TYPE   only of this type`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    count: { type: 'string', default: '100' },
    type: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(USAGE);
else {
  const options = { seed: Number(values.seed), count: Number(values.count), type: values.type };
  const only = values.type === undefined ? '' : ` --type ${values.type}`;
  console.log(`seed ${options.seed}, ${options.count} sets`);
  const tally = compareSets(options, (seed, type, difference) => {
    console.log(`--seed ${seed} --count 1${only}: ${type} ${difference}`);
  });
  console.log(formatSetTally(tally));
  console.log(`${tally.same} passed, ${tally.different} failed`);
  process.exitCode = tally.different > 0 ? 1 : 0;
}
