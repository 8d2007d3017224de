/** Sets of a random host that change while it runs, and rules that ask and fill them. */
import { formatIpv4 } from './address.js';
import type { Prng } from './prng.js';
import type { Ruleset } from './random-rules.js';
import type { World } from './world.js';

const SETS = ['banned', 'next'];
/** Probability that a table has such a rule. */
const SHARE = 0.6;

/** Adds the sets to the host of WORLD, with some of its parties. */
export function describeSets(prng: Prng, { host, parties }: World): void {
  const lines = SETS.flatMap((name) => [
    `create ${name} hash:ip family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x1`,
    ...new Set(prng.some(parties, prng.below(4)).map(({ address }) => `add ${name} ${formatIpv4(address)}`)),
  ]);
  host.ipset = `${host.ipset ?? ''}${lines.join('\n')}\n`;
}

/** Puts rules about the sets into the base chains of RULESET. */
export function addSetRules(prng: Prng, ruleset: Ruleset): void {
  for (const [table, chains] of ruleset) {
    if (!prng.chance(SHARE)) continue;
    const chain = prng.pick(chains.filter(({ isBase }) => isBase));
    const match = `-m set ${prng.chance(0.2) ? '! ' : ''}--match-set ${prng.pick(SETS)} ${prng.pick(['src', 'dst'])}`;
    const target = prng.weighted([
      [table === 'nat' ? 0 : 3, '-j DROP'],
      [2, '-j RETURN'],
      [1, '-j ACCEPT'],
      [2, ''],
      [1, `-j SET --${prng.pick(['add-set', 'del-set'])} ${prng.pick(SETS)} ${prng.pick(['src', 'dst'])}`],
    ]);
    const protocol = prng.pick(['', '-p tcp ', '-p udp ']);
    chain.rules.splice(prng.below(chain.rules.length + 1), 0, `-A ${chain.name} ${protocol}${match} ${target}`.trim());
  }
}
