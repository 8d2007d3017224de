/**
 * `npm run test:sets -- --seed S --count N`: random sets of every type with random elements, compared with the ipset
 * and the kernel of this machine. Root only.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { compareCase } from './compare.js';
import { randomSetCase } from './random-set.js';

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
  const first = Number(values.seed);
  const count = Number(values.count);
  const only = values.type === undefined ? '' : ` --type ${values.type}`;
  console.log(`seed ${first}, ${count} sets`);
  const tally = { same: 0, different: 0, operations: 0, unknown: new Set<string>() };
  for (let seed = first; seed < first + count; seed++) {
    const set = randomSetCase(seed, values.type);
    const difference = compareCase(set);
    if (difference === 'unknown type') tally.unknown.add(set.type);
    else if (difference === undefined) {
      tally.same++;
      tally.operations += set.operations.length;
    } else {
      tally.different++;
      console.log(`--seed ${seed} --count 1${only}: ${set.type} ${difference}`);
    }
  }
  if (tally.unknown.size > 0) console.log(`this kernel lacks ${[...tally.unknown].join(' ')}`);
  console.log(`${tally.operations} operations agree`);
  console.log(`${tally.same} passed, ${tally.different} failed`);
  process.exitCode = tally.different > 0 ? 1 : 0;
}
