/** hot: all routing tables of a host, and how one is chosen for a packet (fib_lookup). Nothing here allocates. */
import type { LoadedAddress } from '../../codecs/byte-order.js';
import { toHostOrder } from '../../codecs/byte-order.js';
import { type AddressSpan, type Fib, intervalOf } from './fib.js';
import { lookupByRules, type PolicyReads, type PolicyRule, readsOf } from './policy-rules.js';
import { type Route, RouteType } from './route.js';
import type { RouteKey } from './route-key.js';

/** Without rules: `local` and `main` are one table, as long as the host never had rules of its own (fib_unmerge). */
export interface TablesByName {
  readonly local: Fib;
  readonly main: Fib;
  /** Undefined if it has no routes. */
  readonly fallback: Fib | undefined;
  readonly all: readonly Fib[];
}

export interface RoutingTraits {
  /** Some routes have several next hops. */
  readonly hasMultipath: boolean;
  /** Some routes or rules have realms. */
  readonly hasRealms: boolean;
  /** The sources of arriving packets are looked up even without reverse-path filter. */
  readonly checksSources: boolean;
  /** The addresses of the host. */
  readonly own: readonly LoadedAddress[];
}

/** What routing looks at besides addresses and interfaces. */
export interface RoutingReads extends PolicyReads {
  /** Some routes have several next hops. */
  readonly hash: boolean;
}

export class RoutingTables {
  /** The destination alone determines the route. */
  readonly isPlain: boolean;
  /** The one table, if it has the route to each destination; undefined if the lookup is not that simple. */
  readonly only: Fib | undefined;
  /** The host has rules that a new host has not. */
  readonly hasRules: boolean;
  /** Rules compare the protocol or the ports of packets that arrive (fib_rules_require_fldissect). */
  readonly dissects: boolean;
  readonly reads: RoutingReads;
  readonly checksSources: boolean;
  readonly hasRealms: boolean;
  readonly #local: Fib;
  readonly #main: Fib;
  readonly #fallback: Fib | undefined;
  readonly #rules: readonly PolicyRule[];
  /** Addresses between two of these are in the same prefixes of all tables and rules. */
  readonly #starts: Uint32Array;

  /** RULES: those of the host in their order; undefined: those of a new host. */
  constructor(
    tables: TablesByName,
    rules: readonly PolicyRule[] | undefined,
    { hasMultipath, hasRealms, checksSources, own }: RoutingTraits,
  ) {
    this.checksSources = checksSources;
    this.hasRealms = hasRealms;
    this.#local = tables.local;
    this.#main = tables.main;
    this.#fallback = tables.fallback;
    this.#rules = rules ?? [];
    this.hasRules = rules !== undefined;
    const reads = readsOf(this.#rules);
    this.reads = { ...reads, tos: reads.tos || tables.all.some(({ readsTos }) => readsTos), hash: hasMultipath };
    this.isPlain = !this.hasRules && !this.reads.tos && !hasMultipath;
    this.only = this.isPlain && tables.fallback === undefined && !tables.main.throws ? tables.main : undefined;
    this.dissects = this.#rules.some(
      ({ inDev, protocol, sport, dport }) =>
        inDev !== 0 && (protocol !== 0 || sport !== undefined || dport !== undefined),
    );
    this.#starts = startsOf(tables.all, this.#rules, own);
  }

  /**
   * The route for packets with KEY, including unreachable, prohibit and blackhole routes; null if there is none. One
   * with several next hops has the first one.
   */
  lookup(key: RouteKey): Route | null {
    if (this.hasRules) return lookupByRules(this.#rules, key);
    const { destination, tos, outDev } = key;
    const route = unlessThrown(this.#main.lookup(destination, tos, outDev));
    return route ?? unlessThrown(this.#fallback?.lookup(destination, tos, outDev));
  }

  /** The route to ADDRESS in the table local, which determines the type of an address. */
  lookupLocal(address: LoadedAddress): Route | null {
    return this.isPlain ? this.#local.first(address) : this.#local.lookup(address, 0, -1);
  }

  /** The range around ADDRESS, in host order, whose addresses are in the same prefixes of all tables and rules. */
  spanOf(address: LoadedAddress): AddressSpan {
    const interval = intervalOf(this.#starts, toHostOrder(address));
    const next = this.#starts[interval + 1];
    return { min: this.#starts[interval], max: next === undefined ? 0xffffffff : next - 1 };
  }

  /** The range around PORT of ports that no rule distinguishes. */
  portSpanOf(port: number): AddressSpan {
    let min = 0;
    let max = 0xffff;
    for (const { sport, dport } of this.#rules)
      for (const range of [sport, dport])
        for (const start of range === undefined ? [] : [range.min, range.max + 1])
          if (start <= port) min = Math.max(min, start);
          else max = Math.min(max, start - 1);
    return { min, max };
  }
}

function unlessThrown(route: Route | null | undefined): Route | null {
  return route === undefined || route?.type === RouteType.THROW ? null : route;
}

function startsOf(tables: readonly Fib[], rules: readonly PolicyRule[], own: readonly LoadedAddress[]): Uint32Array {
  const starts = new Set<number>();
  for (const table of tables) for (const start of table.starts) starts.add(start);
  for (const { source, sourceMask, destination, destinationMask } of rules) {
    addPrefix(starts, source, sourceMask);
    addPrefix(starts, destination, destinationMask);
  }
  for (const address of own) addPrefix(starts, address, -1);
  return Uint32Array.from(starts).sort();
}

function addPrefix(starts: Set<number>, address: LoadedAddress, mask: LoadedAddress): void {
  const start = toHostOrder(address);
  const behind = start + 2 ** 32 - toHostOrder(mask);
  starts.add(start);
  if (behind < 2 ** 32) starts.add(behind);
}
