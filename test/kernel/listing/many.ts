/** Many rulesets through iptables -L and back, in both backends. */
import type { Family } from '../../../codecs/address.js';
import type { Backend } from '../../../core/rules/model.js';
import type { Libc } from '../libc.js';
import { Namespace } from '../namespace.js';
import { Prng } from '../prng.js';
import { compareListing } from './compare.js';
import { RealTool } from './real-tool.js';
import { randomRuleset } from './rulesets.js';

export interface ListingTally {
  same: number;
  said: number;
  refused: number;
  different: number;
  rules: number;
}

export interface ListingsOptions {
  readonly seed: number;
  readonly count: number;
  /** How many may differ before the rest is left out. */
  readonly most: number;
  /** Instead of COUNT random rulesets, these, each in both backends. */
  readonly files?: readonly { readonly name: string; readonly text: string }[];
}

const BACKENDS: readonly Backend[] = ['legacy', 'nft'];
/** Of so many rulesets, one is for ip6tables. */
const IPV6_EVERY = 5;

/** Compares rulesets, and calls REPORT for each that is read wrongly or not at all. */
export function compareListings(
  libc: Libc,
  { seed, count, most, files = [] }: ListingsOptions,
  report: (how: string, flags: string, difference: string) => void,
): ListingTally {
  const tally: ListingTally = { same: 0, said: 0, refused: 0, different: 0, rules: 0 };
  const namespace = Namespace.create(libc);
  namespace.run(() => {
    const seeds = new Prng(seed);
    const tools = new Map<string, RealTool>();
    const compare = (text: string, name: string, family: Family, backend: Backend): void => {
      const key = `${family} ${backend}`;
      const tool = tools.get(key) ?? new RealTool(family, backend);
      tools.set(key, tool);
      const outcome = compareListing(tool, text, seeds.word());
      tally[outcome.kind]++;
      if ('rules' in outcome) tally.rules += outcome.rules;
      if (outcome.kind === 'different') report(`${name}, ${family}, ${backend}`, outcome.flags, outcome.difference);
    };
    for (const { name, text } of files) for (const backend of BACKENDS) compare(text, name, 'ipv4', backend);
    for (let n = 0; files.length === 0 && tally.same + tally.said < count && tally.different < most; n++) {
      const rulesetSeed = seeds.word();
      const family = n % IPV6_EVERY === IPV6_EVERY - 1 ? 'ipv6' : 'ipv4';
      compare(randomRuleset(rulesetSeed, family), `--show ${rulesetSeed}`, family, BACKENDS[(n >> 1) % 2]);
    }
  });
  namespace.close();
  return tally;
}

/** TALLY as a line of text. */
export function formatListingTally({ same, said, refused, different, rules }: ListingTally): string {
  const read = `${same} listings read whole, ${said} read with what they hide, ${rules} rules`;
  return `${read}; ${different} different; ${refused} rulesets that iptables refuses, or does not save whole, left out`;
}
