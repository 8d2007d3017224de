/**
 * `npm run test:language -- --seed S --count N`: random files of rules, loaded by the iptables-legacy of this machine
 * in a network namespace of its own, and read here. What one takes the other must take, and save in the same words.
 * Needs root.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Family } from '../../../codecs/address.js';
import { loadLibc } from '../libc.js';
import { compareFiles, formatTally } from './compare.js';
import { randomFile } from './generator.js';

const USAGE = `usage: npm run test:language -- [options]
  --seed S    seed for the seeds of the files (default: random)
  --count N   how many files (default: 5000)
  --family F  only ipv4 (iptables) or ipv6 (ip6tables), instead of both in turn
  --most N    stop after N differences (default: 20)
  --show SEED only show the file of this seed`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(randomInt(2 ** 32)) },
    count: { type: 'string', default: '5000' },
    family: { type: 'string' },
    most: { type: 'string', default: '20' },
    show: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const families: Family[] = values.family === undefined ? ['ipv4', 'ipv6'] : [values.family as Family];
if (values.help) console.log(USAGE);
else if (values.show !== undefined) console.log(JSON.stringify(randomFile(Number(values.show), families[0])));
else {
  const options = { seed: Number(values.seed), count: Number(values.count), most: Number(values.most), families };
  console.log(`seed ${options.seed}, ${options.count} files`);
  const tally = compareFiles(loadLibc(), options, (fileSeed, family, text, difference) => {
    console.log(`--show ${fileSeed} --family ${family}: ${JSON.stringify(text).slice(0, 1000)}\n  ${difference}`);
  });
  console.log(formatTally(tally));
  process.exitCode = tally.different > 0 ? 1 : 0;
}
