/** hot: the rules of the routing policy database (ip-rule(8)), which choose a table for each packet. */

import { prefixMask } from '../../codecs/address.js';
import type { PortRange, Prefix, RealmsDescription, RuleDescription } from '../../codecs/host/description.js';
import { HostError } from '../../codecs/host/error.js';
import { PROTOCOL_NAMES } from '../../codecs/protocol-names.js';
import type { Fib } from './fib.js';
import type { Interface } from './interfaces.js';
import { ROUTED_TOS, type Route, RouteTable, RouteType } from './route.js';
import type { RouteKey } from './route-key.js';

/** `ANY` also stands for an interface that a rule does not name; `GONE` for one that does not exist. */
const ANY = -1;
const GONE = -2;

/** A rule as it is compared with packets. Numbers are as in a `RouteKey`. */
export interface PolicyRule {
  readonly isInverted: boolean;
  readonly source: number;
  readonly sourceMask: number;
  readonly destination: number;
  readonly destinationMask: number;
  readonly inDev: number;
  readonly outDev: number;
  readonly mark: number;
  readonly markMask: number;
  /** 0: any. */
  readonly tos: number;
  readonly protocol: number;
  readonly sport: PortRange | undefined;
  readonly dport: PortRange | undefined;
  /** The table that it leads to; undefined if that is empty, or if it has a `verdict`. */
  readonly table: Fib | undefined;
  /** What stands for a route where the action is unreachable, prohibit or blackhole. */
  readonly verdict: Route | undefined;
  readonly suppressedLength: number;
  /** By the index of an interface: its routes do not count. */
  readonly suppressedDevs: readonly boolean[] | undefined;
  /** See `Route.realms`. */
  readonly realms: number;
}

/** What rules look at, besides addresses and interfaces. */
export interface PolicyReads {
  readonly mark: boolean;
  readonly tos: boolean;
  readonly protocol: boolean;
  readonly ports: boolean;
}

/** A new host has these rules, with these priorities. */
const DEFAULT_RULES: readonly (readonly [priority: number, table: number])[] = [
  [0, RouteTable.LOCAL],
  [32_766, RouteTable.MAIN],
  [32_767, RouteTable.DEFAULT],
];

/** Whether RULES are those of a new host: the tables are then looked up without them. */
export function areDefaultRules(rules: readonly RuleDescription[]): boolean {
  return (
    rules.length === DEFAULT_RULES.length &&
    DEFAULT_RULES.every(([priority, table]) =>
      rules.some((rule) => rule.priority === priority && rule.table === table && isPlain(rule)),
    )
  );
}

function isPlain(rule: RuleDescription): boolean {
  const { isInverted, source, destination, inDev, outDev, tos, mask, protocol, sport, dport, action } = rule;
  const selectors = [source, destination, inDev, outDev, protocol, sport, dport, rule.suppressedGroup];
  const selectsAny = !isInverted && tos === 0 && mask === 0 && selectors.every((selector) => selector === undefined);
  return selectsAny && action === 'lookup' && rule.suppressedLength < 0;
}

/** DESCRIPTIONS in the order in which they are tried: by priority, those of the same priority as in the file. */
export function policyRules(
  descriptions: readonly RuleDescription[],
  tables: ReadonlyMap<number | string, Fib>,
  interfaces: readonly Interface[],
  realmsOf: (realms: RealmsDescription | undefined) => number,
): PolicyRule[] {
  return [...descriptions]
    .sort((a, b) => a.priority - b.priority)
    .map((description) => ({
      ...policyRule(description, tables, interfaces),
      realms: realmsOf(description.realms),
    }));
}

function policyRule(
  description: RuleDescription,
  tables: ReadonlyMap<number | string, Fib>,
  interfaces: readonly Interface[],
): Omit<PolicyRule, 'realms'> {
  const { isInverted, tos, mark, mask, sport, dport, suppressedLength, suppressedGroup, action } = description;
  const devOf = (name: string | undefined): number => {
    if (name === undefined) return ANY;
    const index = interfaces.findIndex((dev) => dev.name === name);
    return index < 0 ? GONE : index;
  };
  return {
    isInverted,
    ...maskedOf('source', description.source),
    ...maskedOf('destination', description.destination),
    inDev: devOf(description.inDev),
    outDev: devOf(description.outDev),
    mark,
    markMask: mask,
    tos,
    protocol: protocolOf(description),
    sport: isAnyPort(sport) ? undefined : sport,
    dport: isAnyPort(dport) ? undefined : dport,
    table: action === 'lookup' ? tables.get(description.table) : undefined,
    verdict: action === 'lookup' ? undefined : VERDICTS[action],
    suppressedLength,
    suppressedDevs:
      suppressedGroup === undefined ? undefined : interfaces.map(({ group }) => isSameGroup(group, suppressedGroup)),
  };
}

type Masked<End extends 'source' | 'destination'> = Pick<PolicyRule, End | `${End}Mask`>;

function maskedOf<End extends 'source' | 'destination'>(end: End, prefix: Prefix | undefined): Masked<End> {
  const mask = prefix === undefined ? 0 : prefixMask('ipv4', prefix.prefixLength).loaded;
  return { [end]: prefix === undefined ? 0 : prefix.address.loaded & mask, [`${end}Mask`]: mask } as Masked<End>;
}

function isAnyPort(range: PortRange | undefined): boolean {
  return range === undefined || (range.min === 0 && range.max === 0);
}

/** The numbers of the groups with names (/etc/iproute2/group). */
const isSameGroup = (a: string, b: string): boolean => groupNumber(a) === groupNumber(b);
const groupNumber = (text: string): string => (text === 'default' ? '0' : text);

function protocolOf({ protocol, path }: RuleDescription): number {
  if (protocol === undefined) return 0;
  if (/^\d{1,3}$/.test(protocol) && Number(protocol) < 256) return Number(protocol);
  for (const [number, name] of PROTOCOL_NAMES) if (name === protocol) return number;
  throw new HostError(`${path}.ipproto`, `unknown protocol ${JSON.stringify(protocol)}; expected a name or a number`);
}

const NO_ROUTE_PARTS = {
  destination: prefixMask('ipv4', 0),
  prefixLength: 0,
  table: 0,
  metric: 0,
  tos: 0,
  scope: 0,
  dev: -1,
  gateway: undefined,
  gatewayMac: undefined,
  preferredSource: undefined,
  mtu: 0,
  realms: 0,
  multipath: undefined,
} as const;

/** They are not routes, so no prefix length suppresses them. */
const VERDICTS: Readonly<Record<'unreachable' | 'prohibit' | 'blackhole', Route>> = {
  unreachable: { ...NO_ROUTE_PARTS, type: RouteType.UNREACHABLE },
  prohibit: { ...NO_ROUTE_PARTS, type: RouteType.PROHIBIT },
  blackhole: { ...NO_ROUTE_PARTS, type: RouteType.BLACKHOLE },
};

/** Whether ROUTE is the action `unreachable` of a rule, of which senders are told differently than of such a route. */
export function isUnreachableByRule(route: Route): boolean {
  return route === VERDICTS.unreachable;
}

/** The route for KEY by the first of RULES that has one; null if there is none (fib_rules_lookup). Sets its realms. */
export function lookupByRules(rules: readonly PolicyRule[], key: RouteKey): Route | null {
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i];
    if (selects(rule, key) === rule.isInverted) continue;
    key.ruleRealms = rule.realms;
    if (rule.verdict !== undefined) return rule.verdict;
    const route = rule.table === undefined ? null : rule.table.lookup(key.destination, key.tos, key.outDev);
    if (route === null || route.type === RouteType.THROW || isSuppressed(rule, route)) continue;
    return route;
  }
  return null;
}

/** Whether RULE, but for a `not`, selects packets with KEY (fib_rule_match). */
function selects(rule: PolicyRule, key: RouteKey): boolean {
  const { inDev, outDev, sport, dport } = rule;
  if (((key.source ^ rule.source) & rule.sourceMask) !== 0) return false;
  if (((key.destination ^ rule.destination) & rule.destinationMask) !== 0) return false;
  if (((key.mark ^ rule.mark) & rule.markMask) !== 0) return false;
  // The host's own packets come from lo, which is interface 0.
  if (inDev !== ANY && inDev !== Math.max(key.inDev, 0)) return false;
  if (outDev !== ANY && outDev !== key.outDev) return false;
  if (rule.tos !== 0 && rule.tos !== (key.tos & ROUTED_TOS)) return false;
  if (rule.protocol !== 0 && rule.protocol !== key.protocol) return false;
  if (sport !== undefined && !isIn(sport, key.sport)) return false;
  return dport === undefined || isIn(dport, key.dport);
}

/** A packet without ports has port 0. */
function isIn({ min, max }: PortRange, port: number): boolean {
  const value = port < 0 ? 0 : port;
  return value >= min && value <= max;
}

/** fib4_rule_suppress */
function isSuppressed({ suppressedLength, suppressedDevs }: PolicyRule, route: Route): boolean {
  if (route.type >= RouteType.BLACKHOLE) return false;
  return route.prefixLength <= suppressedLength || suppressedDevs?.[route.dev] === true;
}

/** What RULES look at. */
export function readsOf(rules: readonly PolicyRule[]): PolicyReads {
  return {
    mark: rules.some(({ markMask }) => markMask !== 0),
    tos: rules.some(({ tos }) => tos !== 0),
    protocol: rules.some(({ protocol }) => protocol !== 0),
    ports: rules.some(({ sport, dport }) => sport !== undefined || dport !== undefined),
  };
}
