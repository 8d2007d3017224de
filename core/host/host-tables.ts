/** Builds the routing tables of a host from its description. */
import type { Address } from '../../codecs/address.js';
import type { HostDescription, RealmsDescription, RouteDescription } from '../../codecs/host/description.js';
import { withNearest } from '../../codecs/nearest.js';
import { addConnectedRoutes } from './connected.js';
import { type Fib, FibBuilder } from './fib.js';
import type { Interface } from './interfaces.js';
import { areDefaultRules, policyRules } from './policy-rules.js';
import { type Route, RouteTable } from './route.js';
import { RoutingTables } from './routing-tables.js';
import { type RouteContext, routeFrom } from './static-routes.js';
import type { Sysctls } from './sysctls.js';

const TABLE_NAMES: readonly string[] = ['local', 'main', 'default'];
/** Tables whose numbers are not known are numbered from here. */
const FIRST_UNKNOWN = 2 ** 32;

/** The parts of a host on which its routes depend. */
export interface TablesHost {
  readonly interfaces: readonly Interface[];
  readonly sysctls: Sysctls;
  interfaceIndex(name: string): number;
  /** The MAC of the neighbour with an IPv6 ADDRESS on DEV. */
  macOf(dev: number, address: Address): Uint8Array;
  /** See `Route.realms`. */
  realmsOf(realms: RealmsDescription | undefined): number;
}

/** Throws a HostError without a file position. */
export function routingTables(host: TablesHost, description: HostDescription, warnings: string[]): RoutingTables {
  const { interfaces } = host;
  const routes = description.routes.filter(({ destination }) => destination.family === 'ipv4');
  const rules = description.rules === undefined || areDefaultRules(description.rules) ? undefined : description.rules;
  const builders = new Builders(rules === undefined);
  const isComplete = areComplete(routes);
  const context: RouteContext = {
    interfaces,
    sysctls: host.sysctls,
    interfaceIndex: (name) => host.interfaceIndex(name),
    builderOf: (table) => builders.of(table),
    numberOf: (table) => builders.numberOf(table),
    macOf: (dev, address) => host.macOf(dev, address),
    realmsOf: (realms) => host.realmsOf(realms),
    isComplete,
  };
  if (!isComplete) addImplied(context, routes);
  for (const route of isComplete ? localFirst(routes) : routes.filter(({ isKernel }) => !isKernel)) {
    const known = routeFrom(context, route);
    if (known === undefined) continue;
    if (isComplete) builders.of(route.table).append(known);
    else builders.of(route.table).replace(known);
  }
  warnings.push(...unusedTables(routes, rules === undefined));
  const own = interfaces.flatMap(({ addresses }) => addresses.map(({ local }) => local.loaded));
  const tables = builders.seal();
  const named = {
    local: tables.get(RouteTable.LOCAL)!,
    main: tables.get(RouteTable.MAIN)!,
    fallback: tables.get(RouteTable.DEFAULT),
    all: [...tables.values()],
  };
  const ordered = rules === undefined ? undefined : policyRules(rules, tables, interfaces, context.realmsOf);
  const hasRealms = [...routes, ...(rules ?? [])].some(({ realms }) => realms !== undefined);
  return new RoutingTables(named, ordered, {
    hasMultipath: routes.some(({ nextHops }) => nextHops.length > 1),
    hasRealms,
    checksSources: ordered !== undefined || hasRealms || routes.some(isCustomLocal),
    own,
  });
}

/** Whether ROUTES are all of a host's, with those that the kernel adds for addresses. */
export function areComplete(routes: readonly RouteDescription[]): boolean {
  return routes.some(isLoopbackRoute);
}

/** The kernel has this route as long as lo is up, so a list with it has all of the kernel's routes. */
function isLoopbackRoute({ isKernel, type, destination, prefixLength }: RouteDescription): boolean {
  return isKernel && type === 'local' && prefixLength === 8 && destination.hostOrder >>> 24 === 127;
}

function isCustomLocal({ isKernel, type }: RouteDescription): boolean {
  return type === 'local' && !isKernel;
}

/** Whether a gateway is an address of the host must be known when its routes are added. */
function localFirst(routes: readonly RouteDescription[]): RouteDescription[] {
  const isLocal = ({ table }: RouteDescription): boolean => table === RouteTable.LOCAL;
  return [...routes.filter(isLocal), ...routes.filter((route) => !isLocal(route))];
}

/** Adds the routes of addresses. Those that are listed are taken as they are. */
function addImplied(context: RouteContext, routes: readonly RouteDescription[]): void {
  const tables = { local: context.builderOf(RouteTable.LOCAL), main: context.builderOf(RouteTable.MAIN) };
  const listed = routes.filter(
    ({ isKernel, type, table }) => isKernel && type === 'unicast' && table === RouteTable.MAIN,
  );
  const known: Route[] = [];
  // Their preferred sources are addresses of the host, which have no routes yet.
  for (const route of listed) {
    const { preferredSource } = route;
    const bare = routeFrom({ ...context, isComplete: true }, route);
    if (bare !== undefined) known.push({ ...bare, preferredSource: preferredSource ?? bare.preferredSource });
  }
  for (const dev of context.interfaces) addConnectedRoutes(tables, dev, known);
  for (const route of known) tables.main.append(route);
}

function unusedTables(routes: readonly RouteDescription[], areDefault: boolean): string[] {
  if (!areDefault) return [];
  const known: readonly (number | string)[] = [RouteTable.LOCAL, RouteTable.MAIN, RouteTable.DEFAULT];
  return routes
    .filter(({ table }) => !known.includes(table))
    .map(({ path, table }) =>
      withNearest(`${path}: no rule leads to table ${table}; its routes are ignored`, String(table), TABLE_NAMES),
    );
}

class Builders {
  readonly #byName = new Map<number | string, FibBuilder>();
  readonly #numbers = new Map<string, number>();

  /** ARE_MERGED: the tables local and main are one. */
  constructor(areMerged: boolean) {
    const main = this.of(RouteTable.MAIN);
    this.#byName.set(RouteTable.LOCAL, areMerged ? main : new FibBuilder());
  }

  of(table: number | string): FibBuilder {
    const builder = this.#byName.get(table) ?? new FibBuilder();
    this.#byName.set(table, builder);
    return builder;
  }

  numberOf(table: number | string): number {
    if (typeof table === 'number') return table;
    const number = this.#numbers.get(table) ?? FIRST_UNKNOWN + this.#numbers.size;
    this.#numbers.set(table, number);
    return number;
  }

  seal(): Map<number | string, Fib> {
    const sealed = new Map<FibBuilder, Fib>();
    const tables = new Map<number | string, Fib>();
    for (const [name, builder] of this.#byName) {
      const isFixed = name === RouteTable.MAIN || name === RouteTable.LOCAL;
      if (builder.isEmpty && !isFixed) continue;
      const table = sealed.get(builder) ?? builder.seal();
      sealed.set(builder, table);
      tables.set(name, table);
    }
    return tables;
  }
}
