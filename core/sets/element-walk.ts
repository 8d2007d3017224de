/** The keys that an element with ranges stands for, in the kernel's order (the uadt functions). */
import { prefixMask } from '../../codecs/address.js';
import { toHostOrder, toLoaded } from '../../codecs/byte-order.js';
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from '../../codecs/layouts.js';
import { type Element, NONE } from './element.js';
import type { IfaceNames } from './iface-names.js';
import type { KeyLayout } from './key-layout.js';
import { SetFault } from './set-fault.js';
import type { SetType } from './set-type.js';

/** What the keys of a set depend on. */
export interface KeyRules {
  readonly type: SetType;
  readonly layout: KeyLayout;
  readonly isIpv6: boolean;
  readonly hostBits: number;
  /** netmask and bitmask, as loaded. */
  readonly mask: Int32Array;
  readonly markMask: number;
  /** The length of the netmask. */
  readonly netmask: number;
  readonly names: IfaceNames;
}

const ALL = 0xffffffff;
/** More keys than a host can have been told in one command: the kernel would take minutes for them. */
const MOST_KEYS = 2 ** 24;

/** From FIRST to LAST, addresses or networks that together cover exactly these. */
interface Range {
  first: number;
  last: number;
}

/** One element, as it is walked. */
interface Walk {
  readonly rules: KeyRules;
  readonly element: Element;
  readonly key: Int32Array;
  /** Only the first key is wanted. */
  readonly isTest: boolean;
  /** Prefix lengths; NONE for single addresses. */
  readonly cidr: number;
  readonly cidr2: number;
  /** A part of it is a range, which is why networks are put together from what a range covers. */
  readonly hasRanges: boolean;
}

/** Calls EACH with KEY filled in for each element that ELEMENT stands for; with IS_TEST, for its first only. */
export function walkElement(
  rules: KeyRules,
  element: Element,
  key: Int32Array,
  isTest: boolean,
  use: () => void,
): void {
  let count = 0;
  const each = (): void => {
    if (++count > MOST_KEYS) throw new SetFault('out-of-range');
    use();
  };
  const { layout } = rules;
  layout.reset(key);
  checkFirstAddress(rules, element);
  const cidr = checkedCidr(rules, element.cidr, layout.cidr !== undefined);
  const cidr2 = checkedCidr(rules, element.cidr2, layout.cidr2 !== undefined);
  const walk = { rules, element, key, isTest, cidr, cidr2, hasRanges: hasRanges(rules, element) };
  fillFixed(rules, element, key);
  if (rules.isIpv6) {
    fillIpv6(walk);
    walkPorts(walk, each);
  } else if (layout.ip < 0) each();
  else {
    walkAddresses(walk, 0, () => {
      walkPorts(walk, () => {
        if (layout.ip2 < 0) each();
        else walkAddresses(walk, 1, each);
      });
    });
  }
}

function hasRanges({ layout }: KeyRules, element: Element): boolean {
  const isRange = element.ipTo !== NONE || element.ip2To !== NONE;
  const isPortRange = element.portTo !== NONE && hasPortNumbers(element.proto);
  return isRange || isPortRange || (layout.cidr === undefined && element.cidr !== NONE);
}

/** Where a mask may be applied to the first address, nothing may be left of it; that is seen before its prefix. */
function checkFirstAddress({ type, layout, isIpv6, mask }: KeyRules, { ip }: Element): void {
  if (isIpv6 || layout.cidr !== undefined || !type.options.includes('bitmask')) return;
  if ((toLoaded(ip) & mask[0]) === 0) throw new SetFault(layout.words === 1 ? 'hash-element' : 'invalid-argument');
}

function checkedCidr({ type, hostBits }: KeyRules, cidr: number, isNet: boolean): number {
  if (cidr === NONE) return isNet ? hostBits : NONE;
  if (cidr > hostBits || (cidr === 0 && !(isNet && type.storesAnyNet))) throw new SetFault('invalid-cidr');
  return cidr;
}

function fillFixed({ type, layout, markMask, names }: KeyRules, element: Element, key: Int32Array): void {
  if (layout.mac >= 0) {
    if (element.mac === 0) throw new SetFault('hash-element');
    layout.setMac(key, Math.floor(element.mac / 2 ** 32), element.mac | 0);
  }
  if (layout.mark >= 0) key[layout.mark] = element.mark & markMask;
  if (layout.iface >= 0) {
    key[layout.iface] = names.number(element.iface);
    layout.setPhysdev(key, element.isPhysdev);
  }
  if (!type.dimensions.includes('port')) return;
  if (element.proto === NONE) throw new SetFault('missing-proto');
  if (element.proto === 0) throw new SetFault('invalid-proto');
}

function hasPortNumbers(proto: number): boolean {
  return proto === IPPROTO_TCP || proto === IPPROTO_SCTP || proto === IPPROTO_UDP || proto === IPPROTO_UDPLITE;
}

function walkPorts({ rules, element, key, isTest }: Walk, each: () => void): void {
  const { type, layout, isIpv6 } = rules;
  if (!type.dimensions.includes('port')) {
    each();
    return;
  }
  const { proto } = element;
  const isPorts = hasPortNumbers(proto);
  const isIcmp = proto === (isIpv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
  let first = isPorts || isIcmp ? element.port : 0;
  let last = isPorts && element.portTo !== NONE && !isTest ? element.portTo : first;
  if (last < first) [first, last] = [last, first];
  for (let port = first; port <= last; port++) {
    layout.setPort(key, port, proto);
    each();
  }
}

/** IP alone, or all up to TO, or all of its prefix. */
function rangeOf(ip: number, to: number, cidr: number, isTest: boolean): Range {
  if (isTest) return { first: ip, last: ip };
  if (to !== NONE) return to < ip ? { first: to, last: ip } : { first: ip, last: to };
  if (cidr === NONE) return { first: ip, last: ip };
  const mask = prefixMask('ipv4', cidr).tail >>> 0;
  return { first: (ip & mask) >>> 0, last: (ip | ~mask) >>> 0 };
}

/** Puts each address, or each network, of the address number SECOND (0 or 1) of ELEMENT into KEY and calls EACH. */
function walkAddresses(walk: Walk, second: 0 | 1, each: () => void): void {
  const { rules, element } = walk;
  const { layout } = rules;
  const prefix = second === 0 ? layout.cidr : layout.cidr2;
  const cidr = second === 0 ? walk.cidr : walk.cidr2;
  const [ip, to] = second === 0 ? [element.ip, element.ipTo] : [element.ip2, element.ip2To];
  if (prefix === undefined) walkHosts(walk, second, ip, to, cidr, each);
  else walkNets(walk, second, rangeOf(ip, to, cidr, walk.isTest), cidr, to !== NONE, each);
}

/** The netmask or bitmask of a set is applied to the first address of a range, but not to those after it. */
function walkHosts(walk: Walk, second: 0 | 1, ip: number, to: number, cidr: number, each: () => void): void {
  const { rules, key, isTest } = walk;
  const { layout, mask, netmask, type } = rules;
  const at = second === 0 ? layout.ip : layout.ip2;
  const isMasked = second === 0 && type.options.includes('bitmask');
  const start = isMasked ? toHostOrder(toLoaded(ip) & mask[0]) : ip;
  const { first, last } = rangeOf(start, to, cidr, isTest);
  if (layout.words === 1 && first === 0) throw new SetFault('hash-element');
  const step = layout.words === 1 ? 2 ** (32 - netmask) : 1;
  for (let host = first; host <= last; host += step) {
    key[at] = toLoaded(host);
    each();
  }
}

function walkNets(walk: Walk, second: 0 | 1, range: Range, cidr: number, isRange: boolean, each: () => void): void {
  const { rules, key, isTest } = walk;
  const { layout, mask } = rules;
  const at = second === 0 ? layout.ip : layout.ip2;
  const prefix = second === 0 ? layout.cidr : layout.cidr2;
  if (!walk.hasRanges || isTest) {
    const bitmask = rules.type.options.includes('bitmask') ? mask[0] : -1;
    key[at] = toLoaded(range.first) & bitmask & prefixMask('ipv4', cidr).loaded;
    prefix?.set(key, cidr);
    each();
    return;
  }
  const { first, last } = range;
  if (isRange && first === 0 && last === ALL) throw new SetFault('hash-range');
  for (let ip = first; ip <= last; ) {
    const bits = largestPrefix(ip, last);
    key[at] = toLoaded(ip);
    prefix?.set(key, bits);
    each();
    ip += 2 ** (32 - bits);
  }
}

/**
 * The length of the largest network that starts at FIRST and does not go beyond LAST (ip_set_range_to_cidr). The kernel
 * compares the difference as a signed number, so it finds only single addresses where LAST is far away.
 */
function largestPrefix(first: number, last: number): number {
  for (let bits = 1; bits < 32; bits++) {
    const size = 2 ** (32 - bits);
    if (first % size === 0 && ((first + size - 1 - last) | 0) <= 0) return bits;
  }
  return 32;
}

function fillIpv6({ rules, element, key, cidr, cidr2 }: Walk): void {
  const { layout, mask } = rules;
  const { ip6, ip6Second } = element;
  if (element.ipTo !== NONE || element.ip2To !== NONE) throw new SetFault('range-unsupported');
  if (layout.ip < 0) return;
  if (ip6 === undefined || (layout.ip2 >= 0 && ip6Second === undefined)) throw new SetFault('protocol');
  layout.setIpv6(key, layout.ip, layout.cidr === undefined ? ip6 : ip6.masked(prefixMask('ipv6', cidr)));
  for (let i = 0; i < 4; i++) key[layout.ip + i] &= mask[i];
  const isZero =
    key[layout.ip] === 0 && key[layout.ip + 1] === 0 && key[layout.ip + 2] === 0 && key[layout.ip + 3] === 0;
  if (isZero && layout.words === 4) throw new SetFault('hash-element');
  if (isZero && layout.cidr === undefined && rules.type.options.includes('bitmask'))
    throw new SetFault('invalid-argument');
  layout.cidr?.set(key, cidr);
  if (layout.ip2 < 0 || ip6Second === undefined) return;
  layout.setIpv6(key, layout.ip2, layout.cidr2 === undefined ? ip6Second : ip6Second.masked(prefixMask('ipv6', cidr2)));
  layout.cidr2?.set(key, cidr2);
}
