/**
 * hot: the forwarding table (FIB).
 *
 * The prefixes cut the address space into intervals, each of which has one most specific prefix. These are kept sorted,
 * and a lookup is a binary search in one typed array.
 * As in the kernel (fib_trie.c), where no `ip rule` was added, the tables local and main are one: of all their prefixes
 * the longest wins, and within one prefix the local table comes first, then the smaller metric, then the older route.
 */
import { type Address, prefixMask } from '../../codecs/address.js';
import { type HostOrderAddress, type LoadedAddress, toHostOrder } from '../../codecs/byte-order.js';
import { type Route, RouteType } from './route.js';

/** Collects routes, and is then sealed into a table that can be looked up. */
export class FibBuilder {
  /** By prefix length, by destination. */
  private readonly prefixes = new Map<number, Map<HostOrderAddress, Route[]>>();

  private routesOf({ destination, prefixLength }: Route): Route[] {
    const byAddress = this.prefixes.get(prefixLength) ?? new Map<HostOrderAddress, Route[]>();
    this.prefixes.set(prefixLength, byAddress);
    const key = destination.hostOrder;
    const routes = byAddress.get(key) ?? [];
    byAddress.set(key, routes);
    return routes;
  }

  /** Adds ROUTE behind those of its table and metric (as routes of addresses are added); one that is there already is left out. */
  append(route: Route): void {
    const routes = this.routesOf(route);
    if (routes.some((other) => isSame(other, route))) return;
    const behind = routes.findIndex(
      (other) => other.table < route.table || (other.table === route.table && other.metric > route.metric),
    );
    routes.splice(behind < 0 ? routes.length : behind, 0, route);
  }

  /** Adds ROUTE in place of the first of its table and metric (`ip route replace`). */
  replace(route: Route): void {
    const routes = this.routesOf(route);
    const at = routes.findIndex((other) => other.table === route.table && other.metric === route.metric);
    if (at < 0) this.append(route);
    else routes[at] = route;
  }

  /** The first route to ADDRESS that ACCEPTS takes, most specific first, while the table is still growing. */
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

  /** The type of ADDRESS by the routes so far (inet_addr_type). */
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
  /** First address of each interval, host order, ascending; the first is 0. */
  private readonly starts: Uint32Array;
  /** The route of each interval. */
  private readonly routes: (Route | null)[] = [];

  constructor(byLength: ReadonlyMap<number, ReadonlyMap<HostOrderAddress, Route[]>>) {
    const starts: number[] = [];
    const mark = (start: number, route: Route | null) => {
      // The narrower prefix that starts where a wider one starts takes its place.
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

  /** The route to ADDRESS, refusals included; null: none. */
  lookup(address: LoadedAddress): Route | null {
    return this.routes[intervalOf(this.starts, toHostOrder(address))];
  }

  /** The addresses around ADDRESS that have its route, in host order. */
  spanOf(address: LoadedAddress): AddressSpan {
    const interval = intervalOf(this.starts, toHostOrder(address));
    const next = this.starts[interval + 1];
    return { min: this.starts[interval], max: next === undefined ? 0xffffffff : next - 1 };
  }
}

/** Addresses from `min` to `max`, in host order. */
export interface AddressSpan {
  readonly min: HostOrderAddress;
  readonly max: HostOrderAddress;
}

/** The last of STARTS, which are ascending, that is not above VALUE. */
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

/** A prefix as an interval in host order, and its route: of those with one prefix, the first wins. */
interface Span {
  readonly start: HostOrderAddress;
  readonly end: HostOrderAddress;
  readonly route: Route;
}

/** Every prefix as an interval, by start, the wider first. */
function spansOf(byLength: ReadonlyMap<number, ReadonlyMap<HostOrderAddress, Route[]>>): Span[] {
  const spans: Span[] = [];
  for (const [length, byAddress] of byLength)
    for (const [start, routes] of byAddress)
      if (routes.length > 0) spans.push({ start, end: start + 2 ** (32 - length) - 1, route: routes[0] });
  return spans.sort((a, b) => a.start - b.start || b.end - a.end);
}

/** The tables in the order in which they are asked: local with main, then default. */
export class RoutingTables {
  constructor(
    private readonly main: Fib,
    private readonly fallback: Fib,
  ) {}

  /** The route to ADDRESS in local and main alone: what the type of an address is taken from. */
  lookupMain(address: LoadedAddress): Route | null {
    return this.main.lookup(address);
  }

  /** The addresses around ADDRESS that have the same routes in both, in host order. */
  spanOf(address: LoadedAddress): AddressSpan {
    const main = this.main.spanOf(address);
    const fallback = this.fallback.spanOf(address);
    return { min: Math.max(main.min, fallback.min), max: Math.min(main.max, fallback.max) };
  }

  /** The route to ADDRESS, refusals included; null: none (`throw` makes it so). */
  lookup(address: LoadedAddress): Route | null {
    return unlessThrown(this.main.lookup(address)) ?? unlessThrown(this.fallback.lookup(address));
  }
}

function unlessThrown(route: Route | null): Route | null {
  return route !== null && route.type === RouteType.THROW ? null : route;
}
