/** All of a host that follows from its description. It is made as a whole, so that a host can become another one. */
import { addressFromHostOrder, prefixMask } from '../../codecs/address.js';
import type { HostDescription, LinkDescription } from '../../codecs/host/description.js';
import { HostError } from '../../codecs/host/error.js';
import { ETHERNET_LENGTH } from '../../codecs/layouts.js';
import { HostFacts } from './facts.js';
import { areComplete, routingTables } from './host-tables.js';
import { type Interface, type InterfaceAddress, insertAddress, LOOPBACK_IFINDEX, noInterface } from './interfaces.js';
import { MultipathHash } from './multipath.js';
import { Neighbours } from './neighbours.js';
import { Scope } from './route.js';
import { Routing } from './routing.js';
import type { RoutingTables } from './routing-tables.js';
import { Sysctls } from './sysctls.js';

const LOOPBACK_ADDRESS = addressFromHostOrder(0x7f000001);
const LOOPBACK_MTU = 65_536;
const ETHERNET_MTU = 1500;
/** Index of lo. */
const LOOPBACK = 0;

export interface HostState {
  readonly description: HostDescription;
  /** In the order of their indexes, with those that are gone. */
  readonly interfaces: readonly Interface[];
  readonly sysctls: Sysctls;
  readonly facts: HostFacts;
  readonly warnings: readonly string[];
  readonly neighbours: Neighbours;
  readonly tables: RoutingTables;
  readonly routing: Routing;
}

/** What was noticed about a host and its copies, besides what `facts` and `neighbours` know. */
export class HostNotes {
  /** A packet of the host's own was routed by more than its destination. */
  hasRoutedOwn = false;
  /** Interfaces by which packets left that had come from there. */
  readonly redirecting = new Set<number>();
}

/**
 * The state of the host in DESCRIPTION. KNOWN: the interfaces that it had before, which keep their indexes.
 * @throws {HostError} without a file position. LOCATE adds it to those that packets cause later
 */
export function buildState(
  description: HostDescription,
  locate: (error: HostError) => HostError,
  known: readonly Interface[] = [],
): HostState {
  const links = withLoopback(description.links);
  const interfaces = interfacesOf(links, known);
  const names = interfaces.map(({ name }) => name);
  const indexes = new Map(interfaces.filter(({ isPresent }) => isPresent).map(({ name, index }) => [name, index]));
  const interfaceIndex = (name: string): number => indexes.get(name) ?? -1;
  const sysctls = new Sysctls(names, description.sysctls);
  const byName = new Map(links.map((link) => [link.name, link]));
  const facts = new HostFacts(
    description.facts,
    interfaces.map(({ name, group }) => ({ name, group, master: byName.get(name)?.master })),
    description.sysctls,
  );
  // The type of a neighbour's address is asked when there are packets for it.
  const neighbours: Neighbours = new Neighbours(interfaces, (address, dev) => routing.addressType(address, dev));
  for (const { path, dev, address, mac } of description.neighbours) {
    const index = interfaceIndex(dev);
    if (address.family !== 'ipv4') neighbours.addIpv6(index, address, mac);
    else if (index < 0) throw new HostError(`${path}.dev`, noInterface(dev, [...indexes.keys()]));
    else neighbours.add(index, address.loaded, mac);
  }
  const tableWarnings: string[] = [];
  const tables = routingTables(
    {
      ...{ interfaces, sysctls, interfaceIndex },
      macOf: (dev, address) => neighbours.macOfIpv6(dev, address),
      realmsOf: (realms) => facts.realmsOf(realms),
    },
    description,
    tableWarnings,
  );
  const routing = new Routing(interfaces, tables, sysctls, LOOPBACK, new MultipathHash(sysctls, locate));
  const warnings = [
    ...description.warnings,
    ...tableWarnings,
    ...downWarnings(description, links),
    ...sysctls.warnings,
  ];
  return { description, interfaces, sysctls, facts, warnings, neighbours, tables, routing };
}

/** A complete list of routes has none for an interface that is down. */
function downWarnings({ routes }: HostDescription, links: readonly LinkDescription[]): string[] {
  if (areComplete(routes)) return [];
  return links
    .filter(({ isUp, addresses }) => !isUp && addresses.some(({ local }) => local.family === 'ipv4'))
    .map(({ name }) => `interface ${name} is down; treating it as up`);
}

/** The interfaces of LINKS, with their indexes in KNOWN; new ones follow, and those without a link are gone. */
function interfacesOf(links: readonly LinkDescription[], known: readonly Interface[]): Interface[] {
  const byName = new Map(links.map((link) => [link.name, link]));
  const names = new Set(known.map(({ name }) => name));
  const before = known.map((one): Interface => {
    const link = byName.get(one.name);
    if (link === undefined) return { ...one, isPresent: false, isDown: false, isLinkDown: false, addresses: [] };
    // One that was down from the beginning, or had no carrier, is treated as up.
    const isDown = !link.isUp && (one.isDown || !one.isPresent || one.isUp);
    const isLinkDown = lacksCarrier(link) && (one.isLinkDown || !one.isPresent || one.hasCarrier);
    return { ...interfaceOf(link, one.index), isDown, isLinkDown };
  });
  const added = links.filter(({ name }) => !names.has(name));
  const isFirst = known.length === 0;
  return [
    ...before,
    ...added.map((link, i) => {
      const state = { isDown: !isFirst && !link.isUp, isLinkDown: !isFirst && lacksCarrier(link) };
      return { ...interfaceOf(link, before.length + i), ...state };
    }),
  ];
}

function lacksCarrier({ isUp, hasCarrier }: LinkDescription): boolean {
  return isUp && !hasCarrier;
}

/** LINKS with lo first. Adds lo and 127.0.0.1/8 if they are missing. */
function withLoopback(links: readonly LinkDescription[]): LinkDescription[] {
  const lo = links.find(({ isLoopback }) => isLoopback);
  const own = {
    path: lo?.path ?? '',
    local: LOOPBACK_ADDRESS,
    peer: LOOPBACK_ADDRESS,
    prefixLength: 8,
    broadcast: undefined,
    scope: Scope.HOST,
    metric: 0,
    isWithoutRoute: false,
  };
  const bare = {
    path: '',
    name: 'lo',
    ifindex: LOOPBACK_IFINDEX,
    master: undefined,
    kind: undefined,
    slaveKind: undefined,
    lower: undefined,
    vlanId: 0,
    mac: new Uint8Array(6),
    mtu: LOOPBACK_MTU,
    isLoopback: true,
    isUp: true,
    hasCarrier: true,
    isEthernet: true,
    isArpless: false,
    group: 'default',
  };
  const addresses = (lo?.addresses ?? []).filter(({ local }) => !local.equals(LOOPBACK_ADDRESS));
  return [{ ...bare, ...lo, addresses: [own, ...addresses] }, ...links.filter((link) => link !== lo)];
}

function interfaceOf(link: LinkDescription, index: number): Interface {
  const { name, ifindex, mac, mtu, isLoopback, isUp, hasCarrier, isArpless, group } = link;
  const linkLength = link.isEthernet ? ETHERNET_LENGTH : 0;
  const addresses: InterfaceAddress[] = [];
  // Duplicates, which the kernel refuses, are ignored.
  for (const { path: _, ...address } of link.addresses) {
    const mask = prefixMask(address.local.family, address.prefixLength);
    if (address.local.family === 'ipv4') insertAddress(addresses, { ...address, mask });
  }
  const state = { isPresent: true, isDown: false, isLinkDown: false, isUp, hasCarrier };
  return { index, name, ifindex, ...state, linkLength, mac, isArpless, mtu, isLoopback, group, addresses };
}

/** One that the host does not have yet. */
export function absentInterface(name: string, index: number): Interface {
  const state = { ifindex: 0, isPresent: false, isDown: false, isLinkDown: false, isUp: false, hasCarrier: false };
  const ether = { linkLength: ETHERNET_LENGTH, mac: new Uint8Array(6), isArpless: false, mtu: ETHERNET_MTU };
  // With the members in the order of other interfaces, which makes reading them fast.
  return { index, name, ...state, ...ether, isLoopback: false, group: 'default', addresses: [] };
}
