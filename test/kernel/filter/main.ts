/**
 * `npm run test:filters -- --seed S --count N`: random filters in tcpdump's language on random captures of every link
 * type, compared with the libpcap and the tcpdump of this machine.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { FILTERED_LINKTYPES } from '../../filter/random-frames.js';
import { compareFilters, formatFilterTally } from './compare.js';
import { JUDGE, loadLibpcap } from './libpcap.js';

const USAGE = `usage: npm run test:filters -- [options]
  --seed S      seed of the first capture (default: random); a difference names that of its capture
  --count N     how many filters (default: 50000)
  --link TYPE   only one of ${Object.keys(FILTERED_LINKTYPES).join(', ')}`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    count: { type: 'string', default: '50000' },
    link: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const libpcap = loadLibpcap();
if (values.help) console.log(USAGE);
else if (libpcap === undefined) {
  console.error('there is no libpcap.so.0.8; install tcpdump');
  process.exitCode = 2;
} else {
  const options = { seed: Number(values.seed), count: Number(values.count), linktypeName: values.link };
  if (libpcap.version !== JUDGE) console.log(`this is libpcap ${libpcap.version}; nfreplay does as ${JUDGE} does`);
  console.log(`seed ${options.seed}, ${options.count} filters`);
  const tally = compareFilters(libpcap, options, (seed, linktypeName, filter, difference) => {
    console.log(`--seed ${seed} --link ${linktypeName} --count 1: ${JSON.stringify(filter)}\n  ${difference}`);
  });
  console.log(formatFilterTally(tally));
  console.log(`${tally.same + tally.refused} passed, ${tally.different} failed`);
  process.exitCode = tally.different > 0 ? 1 : 0;
}
