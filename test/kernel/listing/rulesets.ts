/** The rulesets that are listed: random ones of all kinds, each for a family. */
import type { Family } from '../../../codecs/address.js';
import { allCanonicalCases, canonicalFile } from '../../rules/canonical.js';
import { randomFile } from '../language/generator.js';
import { Prng } from '../prng.js';
import { PROFILES } from '../profiles.js';
import { randomCase } from '../random-case.js';

const CASES = allCanonicalCases().filter(({ answer, refusedHere }) => Array.isArray(answer) && !refusedHere);

/** A ruleset for iptables-restore, or ip6tables-restore, that depends only on SEED and FAMILY. */
export function randomRuleset(seed: number, family: Family): string {
  const prng = new Prng(seed);
  const kind = prng.weighted([
    [3, 'hosts'],
    [2, 'files'],
    [2, 'cases'],
  ] as const);
  if (kind === 'cases') return canonicalFile(prng.pick(CASES.filter((one) => one.family === family)));
  if (kind === 'files' || family === 'ipv6') return randomFile(prng.word(), family);
  return randomCase(prng, prng.pick(Object.values(PROFILES))).rules;
}
