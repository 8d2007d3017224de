/**
 * hot: the forwarding table (FIB).
 *
 * The prefixes divide the address space into intervals, each with one most specific prefix. The intervals are sorted,
 * so a lookup is a binary search in a typed array.
 *
 * Without custom `ip rule`s the local and main tables are merged, as in the kernel (fib_trie.c): the longest prefix of
 * both wins. Within one prefix, the local table comes first, then lower metrics, then older routes.
 */
import { type Address, prefixMask } from '../../codecs/address.js';
import { type HostOrderAddress, type LoadedAddress, toHostOrder } from '../../codecs/byte-order.js';
import { type Route, RouteType } from './route.js';

/** Collects routes and seals them into a table for lookups. */
export class FibBuilder {
  /** Keyed by prefix length, then by destination. */
  private readonly prefixes = new Map<number, Map<HostOrderAddress, Route[]>>();

  private routesOf({ destination, prefixLength }: Route): Route[] {
    const byAddress = this.prefixes.get(prefixLength) ?? new Map<HostOrderAddress, Route[]>();
    this.prefixes.set(prefixLength, byAddress);
    const key = destination.hostOrder;
    const routes = byAddress.get(key) ?? [];
    byAddress.set(key, routes);
    return routes;
  }

  /** Adds ROUTE after those with the same table and metric (as for routes of addresses). Ignores duplicates. */
  append(route: Route): void {
    const routes = this.routesOf(route);
    if (routes.some((other) => isSame(other, route))) return;
    const behind = routes.findIndex(
      (other) => other.table < route.table || (other.table === route.table && other.metric > route.metric),
    );
    routes.splice(behind < 0 ? routes.length : behind, 0, route);
  }

  /** Replaces the first route with the same table and metric, or adds ROUTE (`ip route replace`). */
  replace(route: Route): void {
    const routes = this.routesOf(route);
    const at = routes.findIndex((other) => other.table === route.table && other.metric === route.metric);
    if (at < 0) this.append(route);
    else routes[at] = route;
  }

  /** The most specific route to ADDRESS for which ACCEPTS returns true, while the table is being built. */
  find(address: Address, accepts: (route: Route) => boolean): Route | null {
    for (let length = 32; length >= 0; length--) {
      const found = this.prefixes
        .get(length)
        ?.get(address.masked(prefixMask('ipv4', length)).hostOrder)
        ?.find(accepts);
      if (found) return found;
    }
    return null;
  }

  /** The type of ADDRESS according to the routes so far (inet_addr_type). */
  typeOf(address: Address): RouteType {
    const { hostOrder } = address;
    if (hostOrder === 0 || hostOrder === 0xffffffff) return RouteType.BROADCAST;
    if (hostOrder >>> 28 === 0xe) return RouteType.MULTICAST;
    const route = this.find(address, () => true);
    return route === null || route.type >= RouteType.BLACKHOLE ? RouteType.UNICAST : route.type;
  }

  seal(): Fib {
    return new Fib(this.prefixes);
  }
}

function isSame(a: Route, b: Route): boolean {
  return (
    a.table === b.table &&
    a.metric === b.metric &&
    a.type === b.type &&
    a.scope === b.scope &&
    a.dev === b.dev &&
    isSameAddress(a.gateway, b.gateway) &&
    isSameAddress(a.preferredSource, b.preferredSource)
  );
}

function isSameAddress(a: Address | undefined, b: Address | undefined): boolean {
  return a === b || (a !== undefined && b?.equals(a) === true);
}

export class Fib {
  /** The first address of each interval in host order, ascending. The first is 0. */
  private readonly starts: Uint32Array;
  /** The route of each interval. */
  private readonly routes: (Route | null)[] = [];

  constructor(byLength: ReadonlyMap<number, ReadonlyMap<HostOrderAddress, Route[]>>) {
    const starts: number[] = [];
    const mark = (start: number, route: Route | null) => {
      // A narrower prefix with the same start replaces the wider one.
      const at = starts.length > 0 && starts[starts.length - 1] === start ? starts.length - 1 : starts.length;
      starts[at] = start;
      this.routes[at] = route;
    };
    const open: Span[] = [];
    const closeUntil = (start: number) => {
      while (open.length > 0 && open[open.length - 1].end < start) {
        const { end } = open.pop()!;
        mark(end + 1, open.length > 0 ? open[open.length - 1].route : null);
      }
    };
    mark(0, null);
    for (const span of spansOf(byLength)) {
      closeUntil(span.start);
      open.push(span);
      mark(span.start, span.route);
    }
    closeUntil(2 ** 32 - 1);
    this.starts = Uint32Array.from(starts);
  }

  /** The route to ADDRESS, including unreachable, prohibit and blackhole routes; null if there is none. */
  lookup(address: LoadedAddress): Route | null {
    return this.routes[intervalOf(this.starts, toHostOrder(address))];
  }

  /** The range around ADDRESS that has the same route, in host order. */
  spanOf(address: LoadedAddress): AddressSpan {
    const interval = intervalOf(this.starts, toHostOrder(address));
    const next = this.starts[interval + 1];
    return { min: this.starts[interval], max: next === undefined ? 0xffffffff : next - 1 };
  }
}

/** The addresses from `min` to `max`, in host order. */
export interface AddressSpan {
  readonly min: HostOrderAddress;
  readonly max: HostOrderAddress;
}

/** The index of the last element of STARTS (ascending) that is not greater than VALUE. */
export function intervalOf(starts: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (starts[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** A prefix as an interval in host order, with its route: the first one for that prefix. */
interface Span {
  readonly start: HostOrderAddress;
  readonly end: HostOrderAddress;
  readonly route: Route;
}

/** All prefixes as intervals, sorted by start, wider ones first. */
function spansOf(byLength: ReadonlyMap<number, ReadonlyMap<HostOrderAddress, Route[]>>): Span[] {
  const spans: Span[] = [];
  for (const [length, byAddress] of byLength)
    for (const [start, routes] of byAddress)
      if (routes.length > 0) spans.push({ start, end: start + 2 ** (32 - length) - 1, route: routes[0] });
  return spans.sort((a, b) => a.start - b.start || b.end - a.end);
}

/** The tables in lookup order: local merged with main, then default. */
export class RoutingTables {
  constructor(
    private readonly main: Fib,
    private readonly fallback: Fib,
  ) {}

  /** The route to ADDRESS in local and main only, which determine the type of an address. */
  lookupMain(address: LoadedAddress): Route | null {
    return this.main.lookup(address);
  }

  /** The range around ADDRESS that has the same routes in both, in host order. */
  spanOf(address: LoadedAddress): AddressSpan {
    const main = this.main.spanOf(address);
    const fallback = this.fallback.spanOf(address);
    return { min: Math.max(main.min, fallback.min), max: Math.min(main.max, fallback.max) };
  }

  /**
   * The route to ADDRESS, including unreachable, prohibit and blackhole routes; null if there is none or it is `throw`.
   */
  lookup(address: LoadedAddress): Route | null {
    return unlessThrown(this.main.lookup(address)) ?? unlessThrown(this.fallback.lookup(address));
  }
}

function unlessThrown(route: Route | null): Route | null {
  return route !== null && route.type === RouteType.THROW ? null : route;
}
