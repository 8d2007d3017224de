/** Which rules an engine writes, by its release. */
import { UnsupportedError } from '../error.js';
import { formatRelease, isSince, type Release } from '../releases.js';
import { pairedIsolation } from './before-28/paired-isolation.js';
import { twoStageIsolation } from './before-28/two-stage-isolation.js';
import type { MakeFirewall } from './firewall.js';
import { firewallSince28 } from './since-28/index.js';

interface Generation {
  /** The first release. */
  readonly since: readonly number[];
  readonly make: MakeFirewall;
}

/** In ascending order. */
const GENERATIONS: readonly Generation[] = [
  { since: [1, 12, 0], make: pairedIsolation },
  { since: [18, 3, 1], make: twoStageIsolation },
  // This monthly release does not have what 18.03 got after its first one.
  { since: [18, 4, 0], make: pairedIsolation },
  { since: [18, 5, 0], make: twoStageIsolation },
  { since: [28, 0, 0], make: firewallSince28 },
];

/**
 * The firewall of an engine with SETTINGS on HOST. Nothing is run for networks that are PRESENT.
 * @throws {UnsupportedError} if the release, or an option, is not followed
 */
export const firewallFor: MakeFirewall = (settings, host, present) => {
  const make = makerOf(settings.release);
  if (make !== undefined) return make(settings, host, present);
  throw new UnsupportedError(`the rules of Docker ${formatRelease(settings.release)} are not followed`);
};

/** What makes the firewall of an engine of RELEASE; undefined if it is not followed. */
export function makerOf(release: Release): MakeFirewall | undefined {
  return GENERATIONS.findLast(({ since }) => isSince(release, ...since))?.make;
}
