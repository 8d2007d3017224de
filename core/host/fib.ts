/**
 * hot: a forwarding table (FIB).
 *
 * The prefixes divide the address space into intervals, each with one most specific prefix. The intervals are sorted,
 * so a lookup is a binary search in a typed array. Within one prefix, the table local comes first where it is merged
 * with main, then routes for a TOS, then lower metrics, then older routes (fib_trie.c).
 */
import { type Address, prefixMask } from '../../codecs/address.js';
import { type HostOrderAddress, type LoadedAddress, toHostOrder } from '../../codecs/byte-order.js';
import { ROUTED_TOS, type Route, RouteTable, RouteType } from './route.js';

/** Collects routes and seals them into a table for lookups. */
export class FibBuilder {
  /** Keyed by prefix length, then by destination. */
  private readonly prefixes = new Map<number, Map<HostOrderAddress, Route[]>>();

  get isEmpty(): boolean {
    return this.prefixes.size === 0;
  }

  private routesOf({ destination, prefixLength }: Route): Route[] {
    const byAddress = this.prefixes.get(prefixLength) ?? new Map<HostOrderAddress, Route[]>();
    this.prefixes.set(prefixLength, byAddress);
    const key = destination.hostOrder;
    const routes = byAddress.get(key) ?? [];
    byAddress.set(key, routes);
    return routes;
  }

  /** Adds ROUTE after those with the same table, TOS and metric (as for routes of addresses). Ignores duplicates. */
  append(route: Route): void {
    const routes = this.routesOf(route);
    if (routes.some((other) => isSame(other, route))) return;
    const behind = routes.findIndex((other) => comesBehind(other, route));
    routes.splice(behind < 0 ? routes.length : behind, 0, route);
  }

  /** Replaces the first route with the same table, TOS and metric, or adds ROUTE (`ip route replace`). */
  replace(route: Route): void {
    const routes = this.routesOf(route);
    const at = routes.findIndex(
      (other) => other.table === route.table && other.tos === route.tos && other.metric === route.metric,
    );
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

/** Whether OTHER, of the same prefix, comes behind ROUTE. */
function comesBehind(other: Route, { table, tos, metric }: Route): boolean {
  if (other.table !== table) return table === RouteTable.LOCAL;
  return other.tos < tos || (other.tos === tos && other.metric > metric);
}

function isSame(a: Route, b: Route): boolean {
  return (
    a.table === b.table &&
    a.metric === b.metric &&
    a.tos === b.tos &&
    a.type === b.type &&
    a.scope === b.scope &&
    a.dev === b.dev &&
    a.multipath === b.multipath &&
    isSameAddress(a.gateway, b.gateway) &&
    isSameAddress(a.preferredSource, b.preferredSource)
  );
}

function isSameAddress(a: Address | undefined, b: Address | undefined): boolean {
  return a === b || (a !== undefined && b?.equals(a) === true);
}

/** A prefix as an interval in host order, with its routes. */
interface Span {
  readonly start: HostOrderAddress;
  readonly end: HostOrderAddress;
  /** At least one, in order. */
  readonly routes: readonly Route[];
  /** The next wider prefix around it. */
  parent: Span | null;
}

export class Fib {
  /** The first address of each interval in host order, ascending. The first is 0. */
  readonly starts: Uint32Array;
  /** Some of its routes are for a TOS only. */
  readonly readsTos: boolean;
  /** Some of its routes are of type throw. */
  readonly throws: boolean;
  /** The first route of each interval. */
  private readonly routes: (Route | null)[] = [];
  private readonly spans: (Span | null)[] = [];

  constructor(byLength: ReadonlyMap<number, ReadonlyMap<HostOrderAddress, Route[]>>) {
    const starts: number[] = [];
    const mark = (start: number, span: Span | null) => {
      // A narrower prefix with the same start replaces the wider one.
      const at = starts.length > 0 && starts[starts.length - 1] === start ? starts.length - 1 : starts.length;
      starts[at] = start;
      this.routes[at] = span === null ? null : span.routes[0];
      this.spans[at] = span;
    };
    const open: Span[] = [];
    const closeUntil = (start: number) => {
      while (open.length > 0 && open[open.length - 1].end < start) {
        const { end, parent } = open.pop()!;
        mark(end + 1, parent);
      }
    };
    mark(0, null);
    const spans = spansOf(byLength);
    for (const span of spans) {
      closeUntil(span.start);
      span.parent = open.at(-1) ?? null;
      open.push(span);
      mark(span.start, span);
    }
    closeUntil(2 ** 32 - 1);
    this.starts = Uint32Array.from(starts);
    this.throws = spans.some(({ routes }) => routes.some(({ type }) => type === RouteType.THROW));
    this.readsTos = spans.some(({ routes }) => routes.some(({ tos }) => tos !== 0));
  }

  /** The most specific route to ADDRESS, of any TOS and including unreachable, prohibit and blackhole routes. */
  first(address: LoadedAddress): Route | null {
    return this.routes[intervalOf(this.starts, toHostOrder(address))];
  }

  /**
   * The route to ADDRESS for packets with TOS, including unreachable, prohibit and blackhole routes; null if there is
   * none. OUT_DEV: only routes by this interface count; -1: any do (fib_table_lookup).
   */
  lookup(address: LoadedAddress, tos: number, outDev: number): Route | null {
    let span = this.spans[intervalOf(this.starts, toHostOrder(address))];
    for (; span !== null; span = span.parent) {
      const { routes } = span;
      for (let i = 0; i < routes.length; i++) {
        const route = routes[i];
        if (route.tos !== 0 && route.tos !== (tos & ROUTED_TOS)) continue;
        if (outDev < 0 || route.type >= RouteType.BLACKHOLE) return route;
        const byDev = route.multipath === undefined ? route : route.multipath.by(outDev);
        if (byDev?.dev === outDev) return byDev;
      }
    }
    return null;
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

/** All prefixes as intervals, sorted by start, wider ones first. */
function spansOf(byLength: ReadonlyMap<number, ReadonlyMap<HostOrderAddress, Route[]>>): Span[] {
  const spans: Span[] = [];
  for (const [length, byAddress] of byLength)
    for (const [start, routes] of byAddress)
      if (routes.length > 0) spans.push({ start, end: start + 2 ** (32 - length) - 1, routes, parent: null });
  return spans.sort((a, b) => a.start - b.start || b.end - a.end);
}
