/** Random steps through the real ipset and through this project. */

import { TYPE_NAMES } from '../../../core/ipset/type-words.js';
import { OurIpset } from '../../ipset/our-ipset.js';
import { type Answer, differenceOf, formatStep, type Step } from '../../ipset/steps.js';
import type { Libc } from '../libc.js';
import { Namespace } from '../namespace.js';
import { Prng } from '../prng.js';
import { randomSteps } from './generator.js';
import { RealIpset } from './real-ipset.js';

export interface IpsetTally {
  commands: number;
  failing: number;
  /** Steps at which the real one crashed. */
  crashes: number;
  different: number;
  /** Types that this kernel does not have. */
  missingTypes: readonly string[];
}

export interface CompareOptions {
  readonly seed: number;
  /** How many commands at least. */
  readonly count: number;
  readonly most: number;
}

/** Compares cases whose seeds come from SEED, up to MOST differences, and calls REPORT for each of these. */
export function compareIpset(
  libc: Libc,
  { seed, count, most }: CompareOptions,
  report: (caseSeed: number, text: string) => void,
): IpsetTally {
  const tally: IpsetTally = { commands: 0, failing: 0, crashes: 0, different: 0, missingTypes: [] };
  const namespace = Namespace.create(libc);
  namespace.run(() => {
    const seeds = new Prng(seed);
    const real = new RealIpset();
    const types = typesOf(real);
    tally.missingTypes = TYPE_NAMES.filter((type) => !types.includes(type));
    while (tally.commands < count && tally.different < most) {
      const caseSeed = seeds.word();
      const difference = compareCase(real, randomSteps(caseSeed, types), tally);
      if (difference === undefined) continue;
      tally.different++;
      report(caseSeed, difference);
    }
  });
  namespace.close();
  return tally;
}

/** The types of sets that the kernel has. */
export function typesOf(real: RealIpset): string[] {
  return TYPE_NAMES.filter((type) => real.hasType(type));
}

/** The steps of the case of SEED, with the types of sets that the kernel has. */
export function stepsOf(libc: Libc, seed: number): Step[] {
  const namespace = Namespace.create(libc);
  const steps = namespace.run(() => randomSteps(seed, typesOf(new RealIpset())));
  namespace.close();
  return steps;
}

/** Compares STEPS up to the first difference; says what was done until then. */
function compareCase(
  real: { answer(step: Step): Answer; clear(): void },
  steps: readonly Step[],
  tally: IpsetTally,
): string | undefined {
  real.clear();
  const ours = new OurIpset();
  for (const [i, step] of steps.entries()) {
    const theirs = real.answer(step);
    if (theirs.exitCode > 2) {
      tally.crashes++;
      return undefined;
    }
    if (isUnfollowed(theirs)) return undefined;
    tally.commands++;
    if (theirs.exitCode !== 0) tally.failing++;
    const difference = differenceOf(ours.answer(step), theirs);
    if (difference !== undefined)
      return `${steps
        .slice(0, i + 1)
        .map(formatStep)
        .join('\n  ')}\n  => ${difference}`;
  }
  return undefined;
}

/** What is not followed here: the interactive mode, files, help. */
export function isUnfollowed({ stdout, stderr }: Answer): boolean {
  return stdout.startsWith('ipset> ') || /^ipset v[\d.]+\n\nUsage/.test(stdout) || stderr.includes('Cannot open ');
}

/** TALLY as lines of text. */
export function formatIpsetTally({ commands, failing, crashes, missingTypes, different }: IpsetTally): string {
  const counts = `${commands} commands of ipset (${failing} fail), ${crashes} crash it, ${different} different`;
  const missing = missingTypes.join(' ');
  return missing === '' ? counts : `${counts}; left out, as this kernel has no such sets: ${missing}`;
}
