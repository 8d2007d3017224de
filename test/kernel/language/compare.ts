/** Random files of rules through the real iptables and through this project. */

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

/** Compares COUNT files whose seeds come from SEED, up to MOST differences, and calls REPORT for each of these. */
export function compareFiles(
  libc: Libc,
  { seed, count, most }: { readonly seed: number; readonly count: number; readonly most: number },
  report: (fileSeed: number, text: string, difference: string) => void,
): LanguageTally {
  const tally: LanguageTally = { saved: 0, refused: 0, unsupported: 0, different: 0 };
  const namespace = Namespace.create(libc);
  namespace.run(() => {
    const seeds = new Prng(seed);
    const real = new RealIptables('ipv4');
    for (let n = 0; n < count && tally.different < most; n++) {
      const fileSeed = seeds.word();
      const text = randomFile(fileSeed);
      const ours = ourAnswer(text);
      const difference = differenceOf(ours, real.answer(text));
      if (difference === undefined) tally[ours.kind]++;
      else {
        tally.different++;
        report(fileSeed, text, difference);
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
