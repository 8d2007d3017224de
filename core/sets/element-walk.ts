/** The keys that an element with ranges stands for, in the kernel's order (the uadt functions). */
import { prefixMask } from '../../codecs/address.js';
import { toLoaded } from '../../codecs/byte-order.js';
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

/** From FIRST to LAST, addresses or networks that together cover exactly these. */
interface Range {
  first: number;
  last: number;
}

/** Calls EACH with KEY filled in for each element that ELEMENT stands for; with IS_TEST, for its first only. */
export function walkElement(
  rules: KeyRules,
  element: Element,
  key: Int32Array,
  isTest: boolean,
  each: () => void,
): void {
  const { layout } = rules;
  layout.reset(key);
  fillFixed(rules, element, key);
  const cidr = checkedCidr(rules, element.cidr, layout.cidr !== undefined);
  const cidr2 = checkedCidr(rules, element.cidr2, layout.cidr2 !== undefined);
  if (rules.isIpv6) {
    if (element.ipTo !== NONE || element.ip2To !== NONE) throw new SetFault('range-unsupported');
    if (layout.ip >= 0) fillIpv6(rules, element, key, cidr, cidr2);
    walkPorts(rules, element, key, isTest, each);
    return;
  }
  if (layout.ip < 0) {
    each();
    return;
  }
  const ips = rangeOf(element.ip, element.ipTo, cidr, isTest);
  const walkRest = (): void =>
    walkPorts(rules, element, key, isTest, () => {
      if (layout.ip2 < 0) each();
      else walkAddresses(rules, rangeOf(element.ip2, element.ip2To, cidr2, isTest), key, 1, isTest, cidr2, each);
    });
  walkAddresses(rules, ips, key, 0, isTest, cidr, walkRest);
}

function checkedCidr({ type, hostBits }: KeyRules, cidr: number, isNet: boolean): number {
  if (cidr === NONE) return isNet ? hostBits : NONE;
  if (cidr > hostBits || (cidr === 0 && !(isNet && type.storesAnyNet))) throw new SetFault('invalid-cidr');
  return cidr;
}

function fillFixed({ type, layout, markMask, names }: KeyRules, element: Element, key: Int32Array): void {
  if (layout.mac >= 0) {
    if (element.mac === 0) throw new SetFault('hash-element');
    layout.setMac(key, element.mac);
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

function walkPorts(rules: KeyRules, element: Element, key: Int32Array, isTest: boolean, each: () => void): void {
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
  if (to !== NONE && !isTest) return to < ip ? { first: to, last: ip } : { first: ip, last: to };
  if (cidr === NONE || isTest) return { first: ip, last: ip };
  const mask = prefixMask('ipv4', cidr).tail >>> 0;
  return { first: (ip & mask) >>> 0, last: (ip | ~mask) >>> 0 };
}

function walkAddresses(
  rules: KeyRules,
  { first, last }: Range,
  key: Int32Array,
  second: 0 | 1,
  isTest: boolean,
  cidr: number,
  each: () => void,
): void {
  const { layout, mask, netmask } = rules;
  const at = second === 0 ? layout.ip : layout.ip2;
  const length = second === 0 ? layout.cidr : layout.cidr2;
  if (length === undefined) {
    const isMasked = second === 0;
    const step = isMasked && netmask < 32 ? 2 ** (32 - netmask) : 1;
    const start = isMasked && netmask < 32 ? first - (first % step) : first;
    for (let ip = start; ip <= last; ip += step) {
      key[at] = isMasked ? toLoaded(ip) & mask[0] : toLoaded(ip);
      if (layout.words === 1 && key[at] === 0) throw new SetFault('hash-element');
      each();
    }
    return;
  }
  if (isTest) {
    key[at] = toLoaded(first) & mask[0] & prefixMask('ipv4', cidr).loaded;
    length.set(key, cidr);
    each();
    return;
  }
  if (first === 0 && last === ALL && !rules.type.storesAnyNet) throw new SetFault('hash-range');
  for (let ip = first; ip <= last; ) {
    const bits = largestPrefix(ip, last);
    key[at] = toLoaded(ip) & mask[0];
    length.set(key, bits);
    each();
    ip += 2 ** (32 - bits);
  }
}

/** The length of the largest network that starts at FIRST and does not go beyond LAST (ip_set_range_to_cidr). */
function largestPrefix(first: number, last: number): number {
  for (let bits = 0; bits < 32; bits++) {
    const size = 2 ** (32 - bits);
    if (first % size === 0 && first + size - 1 <= last) return bits;
  }
  return 32;
}

function fillIpv6(rules: KeyRules, element: Element, key: Int32Array, cidr: number, cidr2: number): void {
  const { layout, mask } = rules;
  const { ip6, ip6Second } = element;
  if (ip6 === undefined || (layout.ip2 >= 0 && ip6Second === undefined)) throw new SetFault('protocol');
  layout.setIpv6(key, layout.ip, layout.cidr === undefined ? ip6 : ip6.masked(prefixMask('ipv6', cidr)));
  for (let i = 0; i < 4; i++) key[layout.ip + i] &= mask[i];
  if (layout.words === 4 && ip6.isUnspecified) throw new SetFault('hash-element');
  layout.cidr?.set(key, cidr);
  if (layout.ip2 < 0 || ip6Second === undefined) return;
  layout.setIpv6(key, layout.ip2, layout.cidr2 === undefined ? ip6Second : ip6Second.masked(prefixMask('ipv6', cidr2)));
  layout.cidr2?.set(key, cidr2);
}
