/**
 * `npm run test:commands -- --seed S --count N`: random commands, carried out by the iptables of this machine in
 * network namespaces of their own, and here. Exit codes, messages and the rules that are left must be the same. Needs
 * root.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Family } from '../../../codecs/address.js';
import type { Backend } from '../../../core/rules/model.js';
import { loadLibc } from '../libc.js';
import { compareCommands, formatCommandsTally } from './compare.js';

const USAGE = `usage: npm run test:commands -- [options]
  --seed S     seed for the seeds of the sessions of 30 commands (default: random)
  --count N    how many commands with each backend (default: 3000)
  --family F   ipv4 (default), or ipv6 for ip6tables
  --backend B  only legacy or nft
  --session S  play the session of this seed only
  --most N     stop after N differences (default: 20)`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(randomInt(2 ** 32)) },
    count: { type: 'string', default: '3000' },
    family: { type: 'string', default: 'ipv4' },
    backend: { type: 'string' },
    session: { type: 'string' },
    most: { type: 'string', default: '20' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(USAGE);
else {
  const backends: Backend[] = values.backend === undefined ? ['legacy', 'nft'] : [values.backend as Backend];
  const session = values.session === undefined ? undefined : Number(values.session);
  const family = values.family as Family;
  for (const backend of backends) {
    const options = {
      seed: Number(values.seed),
      count: Number(values.count),
      most: Number(values.most),
      backend,
      family,
      session,
    };
    console.log(`seed ${options.seed}, ${options.count} commands of iptables-${backend} (${family})`);
    const tally = compareCommands(loadLibc(), options, (sessionSeed, commands, difference) => {
      console.log(`--session ${sessionSeed} --backend ${backend}`);
      for (const words of commands.slice(-12))
        console.log(`  iptables-${backend} ${words.map((w) => JSON.stringify(w)).join(' ')}`);
      console.log(`    ${difference}`);
    });
    console.log(formatCommandsTally(tally));
    if (tally.different > 0) process.exitCode = 1;
  }
}
