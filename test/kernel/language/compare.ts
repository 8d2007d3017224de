/** Random files of rules through the real iptables and through this project. */

import type { Family } from '../../../codecs/address.js';
import { differenceOf, ourAnswer } from '../../rules/our-answer.js';
import type { Libc } from '../libc.js';
import { Namespace } from '../namespace.js';
import { Prng } from '../prng.js';
import { randomFile } from './generator.js';
import { RealIptables } from './real-iptables.js';

export interface LanguageTally {
  saved: number;
  refused: number;
  unsupported: number;
  different: number;
}

/**
 * With -C and -D, ip6tables 1.8.9 compares rules by a mask that is too short (sizeof of a pointer in delete_entry), so
 * that it may take another rule for the same. What lies behind the mask decides.
 */
const COMPARES_RULES = /^[^#\n]*(?:-[CD]|--ch|--del)/m;

export interface CompareOptions {
  readonly seed: number;
  readonly count: number;
  readonly most: number;
  /** The files are for each of them in turn. */
  readonly families: readonly Family[];
}

/** Compares COUNT files whose seeds come from SEED, up to MOST differences, and calls REPORT for each of these. */
export function compareFiles(
  libc: Libc,
  { seed, count, most, families }: CompareOptions,
  report: (fileSeed: number, family: Family, text: string, difference: string) => void,
): LanguageTally {
  const tally: LanguageTally = { saved: 0, refused: 0, unsupported: 0, different: 0 };
  const namespace = Namespace.create(libc);
  namespace.run(() => {
    const seeds = new Prng(seed);
    const real = { ipv4: new RealIptables('ipv4'), ipv6: new RealIptables('ipv6') };
    for (let n = 0; n < count && tally.different < most; n++) {
      const fileSeed = seeds.word();
      const family = families[n % families.length];
      const text = randomFile(fileSeed, family);
      const ours = ourAnswer(text, family);
      const difference = differenceOf(ours, real[family].answer(text));
      if (difference === undefined) tally[ours.kind]++;
      else if (family === 'ipv6' && COMPARES_RULES.test(text)) tally.unsupported++;
      else {
        tally.different++;
        report(fileSeed, family, text, difference);
      }
    }
  });
  namespace.close();
  return tally;
}

/** TALLY as a line of text. */
export function formatTally({ saved, refused, unsupported, different }: LanguageTally): string {
  const alike = `${saved} files saved alike, ${refused} refused alike`;
  return `${alike}, ${unsupported} unsupported here, ${different} different`;
}
