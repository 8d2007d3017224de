/** Which rules an engine writes, by its release. */
import type { EngineHost } from '../engine-host.js';
import { UnsupportedError } from '../error.js';
import { formatRelease, isSince } from '../releases.js';
import type { BridgeNetwork, Firewall, FirewallSettings } from './firewall.js';
import { firewallSince28 } from './since-28/index.js';

/** PRESENT: the networks of which the rules stand already, in the order in which they were added. */
export type MakeFirewall = (
  settings: FirewallSettings,
  host: EngineHost,
  present: readonly BridgeNetwork[],
) => Firewall;

interface Generation {
  /** The first release. */
  readonly since: readonly number[];
  /** Undefined: not followed yet. */
  readonly make: MakeFirewall | undefined;
}

/** In ascending order. */
const GENERATIONS: readonly Generation[] = [
  { since: [1, 12, 0], make: undefined },
  { since: [17, 6, 0], make: undefined },
  { since: [18, 3, 1], make: undefined },
  { since: [28, 0, 0], make: firewallSince28 },
];

/**
 * The firewall of an engine with SETTINGS on HOST. Nothing is run for networks that are PRESENT.
 * @throws {UnsupportedError} if the release is not followed
 */
export const firewallFor: MakeFirewall = (settings, host, present) => {
  const generation = GENERATIONS.findLast(({ since }) => isSince(settings.release, ...since));
  if (generation?.make !== undefined) return generation.make(settings, host, present);
  throw new UnsupportedError(`the rules of Docker ${formatRelease(settings.release)} are not followed`);
};
