/** The host as it is now: it may change between two packets, and all that depends on it follows. */
import type { HostDescription } from '../codecs/host/description.js';
import type { Answers } from './answers/answers.js';
import type { Clock } from './clock.js';
import type { Conntrack } from './conntrack/conntrack.js';
import { deleteMasqueraded, moveMasqueraded } from './conntrack/delete.js';
import type { EmulatorOutput } from './emulator.js';
import type { FragmentQueues } from './fragments/reassemble.js';
import { Host } from './host/host.js';
import type { HostChange } from './host/host-change.js';
import type { Sysctls } from './host/sysctls.js';
import type { Coalescing } from './offload/segments.js';
import { setUpTracker } from './protocols/tracker.js';
import type { RulesInForce } from './rules-in-force.js';
import type { SetStore } from './sets/store.js';

export interface HostInForceParts {
  readonly host: Host;
  readonly rules: RulesInForce;
  readonly conntrack: Conntrack;
  readonly answers: Answers;
  readonly fragments: FragmentQueues;
  readonly coalescing: Coalescing;
  readonly sets: SetStore;
  readonly clock: Clock;
  readonly output: EmulatorOutput;
}

export class HostInForce {
  readonly #parts: HostInForceParts;

  constructor(parts: HostInForceParts) {
    this.#parts = parts;
  }

  /**
   * The host becomes NEXT. Connections stay, but for those that the kernel deletes with an interface or an address.
   * @throws {HostError} as `Host.change`; nothing has changed then
   */
  change(next: Host | HostDescription): void {
    const { host } = this.#parts;
    const change = next instanceof Host ? host.change(next.description, next.locate) : host.change(next);
    if (change.hasOtherSettings) this.#useSettings(host.sysctls);
    this.#deleteLost(change);
    this.#follow(change.hasOtherNames);
  }

  /** Gives indexes to interfaces that may come later (`Host.expect`). */
  expect(names: readonly string[]): void {
    const { host } = this.#parts;
    const known = host.interfaces.length;
    host.expect(names);
    if (host.interfaces.length > known) this.#follow(true);
  }

  #follow(hasOtherNames: boolean): void {
    const { host, rules, coalescing, sets, output } = this.#parts;
    coalescing.useInterfaces(host.interfaces);
    sets.useInterfaces(host.interfaceNames);
    rules.followHost(hasOtherNames);
    output.hostChanged?.(host);
  }

  #useSettings(sysctls: Sysctls): void {
    const { conntrack, answers, fragments } = this.#parts;
    const { table } = conntrack;
    answers.useSettings(sysctls);
    fragments.limits = fragmentLimits(sysctls);
    for (const tracker of new Set(conntrack.trackers)) setUpTracker(tracker, (name) => sysctls.conntrack(name));
    if (sysctls.conntrack('acct') !== 0) table.turnOnAccounting();
    table.memory.settings.maxConnections = sysctls.conntrack('max');
  }

  /** masq_device_event, masq_inet_event */
  #deleteLost({ downed, renamed, removed }: HostChange): void {
    const { conntrack, clock } = this.#parts;
    const { table } = conntrack;
    for (const dev of downed) deleteMasqueraded(table, dev, clock.nowMs);
    for (const { dev, address } of removed) deleteMasqueraded(table, dev, clock.nowMs, address);
    for (const { from, to } of renamed) moveMasqueraded(table, from, to);
  }
}

export function fragmentLimits(sysctls: Sysctls): FragmentQueues['limits'] {
  return {
    timeoutMs: sysctls.global('net.ipv4.ipfrag_time') * 1000,
    highThreshBytes: sysctls.global('net.ipv4.ipfrag_high_thresh'),
    maxDist: sysctls.global('net.ipv4.ipfrag_max_dist'),
  };
}
